from __future__ import annotations

import os
import shutil
import ssl
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from mailsim.errors import LabError, TlsError, UsageError
from mailsim.lab.network import network
from mailsim.model.network import Host, Network
from mailsim.net import ca as module
from mailsim.net.ca import KINDS, LabCa
from mailsim.net.tls import TlsInfo, TlsLayer, client_context

NETWORK = network()
NAMES = ("mail.minfo.sn", "minfo.sn", "www.minfo.sn", "localhost", "127.0.0.1", "::1")
OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(
    OPENSSL is None and not os.environ.get("MAILSIM_REQUIRE_ORACLES"), reason="no openssl here"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ca") / "new" / "ca"


@pytest.fixture(scope="module")
def lab(folder: Path) -> LabCa:
    return LabCa.load(folder, NETWORK)


def certificate(lab: LabCa, kind: str) -> x509.Certificate:
    lab.server_context(kind)
    file = lab.certificate.with_name(f"{kind}.pem")
    return x509.load_pem_x509_certificate(file.read_bytes())


def meet(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> TlsInfo:
    ends = TlsLayer(client, name), TlsLayer(server, "127.0.0.1", server_side=True)
    done = False
    while not done:
        done = ends[0].handshake()
        ends[1].received(ends[0].to_send() or b"")
        done = ends[1].handshake() and done
        ends[0].received(ends[1].to_send())
    return ends[0].info()


def refused(lab: LabCa, kind: str) -> TlsError:
    with pytest.raises(TlsError) as caught:
        meet(client_context(lab.certificate), lab.server_context(kind), "mail.minfo.sn")
    return caught.value


@pytest.mark.parametrize("name", NAMES)
def test_the_lab_s_certificate_is_good_for_each_of_its_names(lab: LabCa, name: str) -> None:
    info = meet(client_context(lab.certificate), lab.server_context("lab"), name)
    assert info.version == "TLSv1.3"
    assert info.bits >= 128
    assert "mailsim lab authority" in info.issuer


def test_each_unit_has_a_certificate_of_its_own_with_the_thesis_s_name(lab: LabCa) -> None:
    meet(client_context(lab.certificate), lab.server_context("lab", "IMAP Server"), "mail.minfo.sn")
    found = [
        x509.load_pem_x509_certificate(lab.certificate.with_name(name).read_bytes())
        for name in ("lab.pem", "imap-lab.pem")
    ]
    assert [one.subject.rfc4514_string() for one in found] == [
        f"CN=mail.minfo.sn,OU={unit},O=MINFO,ST=Senegal,C=SN"
        for unit in ("SMTP Server", "IMAP Server")
    ]
    assert found[0].public_key() != found[1].public_key()


def test_no_other_kind_is_good(lab: LabCa) -> None:
    expired = refused(lab, "expired")
    assert expired.message_id == "net.tls-out-of-time"
    assert "expired" in str(expired)
    own = refused(lab, "self-signed")
    assert own.message_id == "net.tls-unverified"
    assert "self" in str(own)
    wrong = refused(lab, "wrong-name")
    assert wrong.message_id == "net.tls-wrong-name"
    assert "mail.minfo.sn" in str(wrong)
    meet(client_context(lab.certificate), lab.server_context("wrong-name"), "mail2.minfo.sn")


def test_the_expired_one_names_the_right_server(lab: LabCa) -> None:
    names = certificate(lab, "expired").extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert "mail.minfo.sn" in names.value.get_values_for_type(x509.DNSName)


def test_what_another_authority_signed_is_refused(lab: LabCa, tmp_path: Path) -> None:
    other = LabCa.load(tmp_path, NETWORK)
    with pytest.raises(TlsError) as caught:
        meet(client_context(other.certificate), lab.server_context("lab"), "mail.minfo.sn")
    assert caught.value.message_id == "net.tls-unverified"
    ours, theirs = (
        x509.load_pem_x509_certificate(one.certificate.read_bytes()).subject for one in (lab, other)
    )
    assert ours != theirs


def test_the_authority_is_bound_to_the_lab(lab: LabCa) -> None:
    made = x509.load_pem_x509_certificate(lab.certificate.read_bytes())
    limits = made.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert limits.value.excluded_subtrees is None
    assert [str(one.value) for one in limits.value.permitted_subtrees or ()] == [
        *("minfo.sn", "ugb.sn", "miage.sn", "pub.sn", "localhost"),
        *("127.0.0.1/32", "::1/128"),
    ]
    basic = made.extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical
    assert basic.value == x509.BasicConstraints(ca=True, path_length=0)
    usage = made.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature
    purposes = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert isinstance(made.public_key(), ec.EllipticCurvePublicKey)
    years = (made.not_valid_after_utc - made.not_valid_before_utc) / timedelta(days=365.25)
    assert round(years, 2) == 10


def test_another_network_has_its_own_names(tmp_path: Path) -> None:
    hosts = (
        Host("mx.example.org", "192.168.40.1", "server"),
        Host("pc.home", "10.0.0.1", "client"),
    )
    lab = LabCa.load(tmp_path, replace(NETWORK, domain="example.org", hosts=hosts))
    made = x509.load_pem_x509_certificate(lab.certificate.read_bytes())
    limits = made.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = [str(one.value) for one in limits.permitted_subtrees or ()]
    assert permitted[:-2] == ["example.org", "home", "localhost"]
    meet(client_context(lab.certificate), lab.server_context("lab"), "mx.example.org")
    meet(client_context(lab.certificate), lab.server_context("wrong-name"), "mail2.example.org")
    subject = certificate(lab, "self-signed").subject.rfc4514_string()
    assert "root@example.org" in subject
    assert "CN=mx.example.org" in subject


def test_the_server_s_certificate(lab: LabCa) -> None:
    made = certificate(lab, "lab")
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(str(one.value) for one in names) == NAMES
    assert made.not_valid_after_utc - made.not_valid_before_utc <= timedelta(days=398)
    purposes = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    authority = x509.load_pem_x509_certificate(lab.certificate.read_bytes())
    mine = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    theirs = made.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert theirs.key_identifier == mine.digest
    own = made.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert own != mine
    assert lab.server_context("lab").minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_thesis_s_certificate(lab: LabCa) -> None:
    made = certificate(lab, "self-signed")
    key = made.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048
    assert made.not_valid_after_utc - made.not_valid_before_utc == timedelta(days=730)
    assert made.subject == made.issuer
    assert made.subject.rfc4514_string() == (
        "1.2.840.113549.1.9.1=root@minfo.sn,CN=mail.minfo.sn,OU=SMTP Server,O=MINFO,ST=Senegal,C=SN"
    )
    with pytest.raises(x509.ExtensionNotFound):
        made.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_it_is_made_once(folder: Path, lab: LabCa) -> None:
    shown = certificate(lab, "lab")
    again = LabCa.load(folder, NETWORK)
    assert again.certificate == lab.certificate
    assert certificate(again, "lab") == shown
    assert again.server_context("lab") is again.server_context("lab")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_keys_are_private(folder: Path, lab: LabCa) -> None:
    for kind in KINDS:
        lab.server_context(kind)
    lab.server_context("lab", "IMAP Server")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    kept = lab.certificate.parent
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    with_keys = {file.name for file in kept.iterdir() if b"PRIVATE" in file.read_bytes()}
    assert with_keys == {"ca.key", "imap-lab.pem", *(f"{kind}.pem" for kind in KINDS)}
    assert {stat.S_IMODE((kept / name).stat().st_mode) for name in with_keys} == {0o600}


def test_nothing_slow_is_imported_for_what_is_kept(folder: Path, lab: LabCa) -> None:
    for kind in KINDS:
        lab.server_context(kind)
    code = (
        "import sys; from pathlib import Path; from mailsim.net.ca import LabCa, KINDS\n"
        "from mailsim.lab.network import network\n"
        "lab = LabCa.load(Path(sys.argv[1]), network())\n"
        "assert all(map(lab.server_context, KINDS))\n"
        "sys.exit('cryptography' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


def test_several_at_once_get_the_same(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mailsim.net.ca import LabCa\n"
        "from mailsim.lab.network import network\n"
        "lab = LabCa.load(Path(sys.argv[1]), network()); lab.server_context('lab')\n"
        "print(lab.certificate.read_text())"
    )

    def run(_: int) -> str:
        command = [sys.executable, "-c", code, str(tmp_path)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(run, range(4)))) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["authority"]
    assert sorted(one.name for one in (tmp_path / "authority").iterdir()) == [
        *("ca.key", "ca.pem", "lab.pem")
    ]


def test_the_slower_one_takes_the_faster_one_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = LabCa.load(tmp_path / "other", NETWORK)

    def faster(now: datetime, _: Network) -> tuple[bytes, bytes]:
        shutil.copytree(other.certificate.parent, tmp_path / "ca" / "authority")
        return b"", str(now).encode()

    monkeypatch.setattr("mailsim.net.certificates.make_authority", faster)
    lab = LabCa.load(tmp_path / "ca", NETWORK)
    assert lab.certificate.read_bytes() == other.certificate.read_bytes()
    assert [one.name for one in (tmp_path / "ca").iterdir()] == ["authority"]


@pytest.mark.parametrize(("days", "same"), [(300, True), (380, False), (-1, False)])
def test_it_is_renewed_before_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, *, same: bool
) -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    monkeypatch.setattr(module, "_now", lambda: begin)
    first = certificate(LabCa.load(tmp_path, NETWORK), "lab")
    lab = LabCa.load(tmp_path, NETWORK)
    monkeypatch.setattr(module, "_now", lambda: begin + timedelta(days=days))
    assert (certificate(lab, "lab") == first) is same


def test_no_certificate_outlives_the_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    monkeypatch.setattr(module, "_now", lambda: begin)
    LabCa.load(tmp_path, NETWORK)
    monkeypatch.setattr(module, "_now", lambda: begin + timedelta(days=3600))
    lab = LabCa.load(tmp_path, NETWORK)
    authority = x509.load_pem_x509_certificate(lab.certificate.read_bytes())
    assert certificate(lab, "lab").not_valid_after_utc == authority.not_valid_after_utc


def test_an_authority_that_has_ended_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LabCa.load(tmp_path, NETWORK)
    monkeypatch.setattr(module, "_now", lambda: datetime.now(UTC) + timedelta(days=3660))
    with pytest.raises(LabError) as caught:
        LabCa.load(tmp_path, NETWORK)
    assert caught.value.message_id == "net.ca-date"
    assert str(tmp_path) in str(caught.value)


def test_a_broken_server_certificate_is_made_anew(tmp_path: Path) -> None:
    certificate(LabCa.load(tmp_path, NETWORK), "lab")
    for broken in (b"", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\nAAAA\n"):
        LabCa.load(tmp_path, NETWORK).certificate.with_name("lab.pem").write_bytes(broken)
        lab = LabCa.load(tmp_path, NETWORK)
        meet(client_context(lab.certificate), lab.server_context("lab"), "mail.minfo.sn")


@pytest.mark.parametrize("name", ["ca.pem", "ca.key"])
@pytest.mark.parametrize("broken", [None, b"", b"bonjour", b"\xff", "other"])
def test_a_broken_authority_says_what_to_do(
    tmp_path: Path, name: str, broken: bytes | str | None
) -> None:
    file = LabCa.load(tmp_path, NETWORK).certificate.with_name(name)
    if broken is None:
        file.unlink()
    elif isinstance(broken, str):
        other = LabCa.load(tmp_path / broken, NETWORK).certificate.with_name(name)
        file.write_bytes(other.read_bytes())
    else:
        file.write_bytes(broken)
    with pytest.raises(LabError) as caught:
        LabCa.load(tmp_path, NETWORK)
    assert caught.value.message_id == "net.ca-broken"
    assert str(file.parent) in str(caught.value)
    assert caught.value.params["reason"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError) as caught:
        LabCa.load(tmp_path / "file" / "ca", NETWORK)
    assert caught.value.message_id == "net.ca-folder"
    assert str(tmp_path) in str(caught.value)


def test_a_server_certificate_that_cannot_be_kept(tmp_path: Path) -> None:
    lab = LabCa.load(tmp_path, NETWORK)
    lab.certificate.with_name("lab.pem").mkdir()
    with pytest.raises(LabError) as caught:
        lab.server_context("lab")
    assert caught.value.message_id == "net.ca-folder"


def test_a_kind_that_is_none(lab: LabCa) -> None:
    with pytest.raises(UsageError, match="wrong-name"):
        lab.server_context("../ca")


@needs_openssl
def test_openssl_agrees(lab: LabCa, tmp_path: Path) -> None:
    good = verify(lab, lab.certificate.with_name("lab.pem"), "lab")
    assert good.returncode == 0
    for kind, why in (("expired", "expired"), ("self-signed", "self"), ("wrong-name", "mismatch")):
        said = verify(lab, lab.certificate.with_name(f"{kind}.pem"), kind)
        assert said.returncode != 0
        assert why in (said.stdout + said.stderr).lower()
    stranger = verify(lab, foreign(lab, tmp_path), "lab", "www.google.com")
    assert stranger.returncode != 0
    assert "permitted subtree violation" in stranger.stdout + stranger.stderr


def verify(
    lab: LabCa, file: Path, kind: str, name: str = "mail.minfo.sn"
) -> subprocess.CompletedProcess[str]:
    lab.server_context(kind)
    wanted = ["-x509_strict", "-purpose", "sslserver", "-verify_hostname", name]
    command = ["openssl", "verify", "-CAfile", str(lab.certificate), *wanted, str(file)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def foreign(lab: LabCa, folder: Path) -> Path:
    """What somebody who stole the key would make."""
    issuer = x509.load_pem_x509_certificate(lab.certificate.read_bytes())
    key = load_pem_private_key(lab.certificate.with_name("ca.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("www.google.com")]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "foreign.pem"
    file.write_bytes(built.public_bytes(Encoding.PEM))
    return file
