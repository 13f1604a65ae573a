"""TLS: where it is offered and demanded, what the certificates say, what is refused without it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mailsim import ImapTracer, Lab
from mailsim.errors import MailsimError
from mailsim.tracers.base import Tracer
from tests.contract.cells import Cell

pytestmark = pytest.mark.stages(since="tls")


def _certificate(lab: Lab, service: str) -> x509.Certificate:
    where = ("127.0.0.1", lab.endpoints[service].reached_port)
    return x509.load_pem_x509_certificate(
        ssl.get_server_certificate(where, ca_certs=str(lab.ca)).encode()
    )


@pytest.mark.inventory("TLS6")
def test_starttls_on_25_and_what_is_offered_behind_it(lab: Lab) -> None:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        step = smtp.starttls()
        assert (step.code, step.text) == (220, "Ready to start TLS")
        assert smtp.tls is not None
        assert smtp.tls.version in ("TLSv1.2", "TLSv1.3")
        smtp.ehlo("poste.minfo.sn")
        assert "STARTTLS" not in smtp.extensions
        assert "AUTH" not in smtp.extensions


@pytest.mark.inventory("TLS4", "TLS6", "TLS5")
@pytest.mark.parametrize("service", ["submissions", "imaps", "pop3s"])
def test_the_certificate_is_the_lab_s_for_that_name(lab: Lab, service: str) -> None:
    """The tracer verifies: chain, name and dates."""
    tracers: dict[str, Callable[[str], Tracer[Any, Any]]] = {
        "submissions": lab.smtp,
        "imaps": lab.imap,
        "pop3s": lab.pop3,
    }
    with tracers[service](service) as client:
        assert client.tls is not None
        assert "mail.minfo.sn" in client.tls.names
        assert "commonName=mail.minfo.sn" in client.tls.subject


@pytest.mark.inventory("TLS4")
def test_for_another_name_a_client_warns(lab: Lab) -> None:
    there = lab.endpoints["imaps"]
    with pytest.raises(MailsimError, match=r"autre\.minfo\.sn"):
        ImapTracer(
            f"127.0.0.1:{there.reached_port}", tls=True, ca=lab.ca, server_name="autre.minfo.sn"
        )


@pytest.mark.inventory("TLS1")
@pytest.mark.parametrize("service", ["submissions", "imaps"])
def test_what_the_certificate_says(lab: Lab, cell: Cell, service: str) -> None:
    found = _certificate(lab, service)
    key = found.public_key()
    # The simulator's is on a curve: it is made in no time, and as strong as RSA's 3072 bits.
    rsa_key = cell.backend != "embedded"
    assert isinstance(key, rsa.RSAPublicKey if rsa_key else ec.EllipticCurvePublicKey)
    assert key.key_size == (2048 if rsa_key else 256)
    subject = {one.oid: one.value for one in found.subject}
    assert subject[NameOID.COMMON_NAME] == "mail.minfo.sn"
    assert subject[NameOID.COUNTRY_NAME] == "SN"
    assert subject[NameOID.ORGANIZATION_NAME] == "MINFO"
    value = found.extensions.get_extension_for_class
    assert not value(x509.BasicConstraints).value.ca
    assert ExtendedKeyUsageOID.SERVER_AUTH in value(x509.ExtendedKeyUsage).value
    # At most 398 days: what clients take today; the thesis's had 730.
    assert (found.not_valid_after_utc - found.not_valid_before_utc).days <= 398


@pytest.mark.inventory("TLS3")
def test_the_mailbox_server_has_a_certificate_of_its_own(lab: Lab) -> None:
    mail, boxes = _certificate(lab, "submissions"), _certificate(lab, "imaps")
    assert mail.serial_number != boxes.serial_number
    assert mail.issuer == boxes.issuer


@pytest.mark.inventory("TLS6")
@pytest.mark.parametrize("service", ["submissions", "imaps"])
def test_nothing_older_than_tls_1_2(lab: Lab, service: str) -> None:
    import socket
    import warnings

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(lab.ca)
    context.check_hostname = False
    # This end would; SECLEVEL 0 lets it offer what has long been out of use.
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    where = ("127.0.0.1", lab.endpoints[service].reached_port)
    with (
        socket.create_connection(where, timeout=30) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain)


@pytest.mark.inventory("TLS5", "DEM3")
@pytest.mark.stages(until="tls")
def test_no_login_on_143_before_tls(lab: Lab) -> None:
    with lab.imap("imap") as imap:
        imap.capability()
        assert "LOGINDISABLED" in imap.capabilities
        refused = imap.send_raw("a1 LOGIN user minfo\r\n")
        assert refused.condition == "NO"
        assert refused.code is not None
        assert refused.code.name == "PRIVACYREQUIRED"
        assert imap.starttls().ok
        assert imap.login("user", "minfo").ok


@pytest.mark.inventory("TLS5", "DEM4")
@pytest.mark.stages(until="tls")
def test_no_login_on_110_before_tls(lab: Lab) -> None:
    with lab.pop3("pop3") as pop3:
        refused = pop3.user("user")
        assert not refused.ok
        assert pop3.stls().ok
        assert pop3.login("user", "minfo").ok
