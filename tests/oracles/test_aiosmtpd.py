"""The SMTP tracer against aiosmtpd: neither ours nor Postfix, and no root is needed."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from mailsim.errors import LocalProtocolError
from mailsim.tracers.smtp import SmtpTracer

NAME = "mx.ugb.sn"


class _Mailbox:
    """Keeps the envelopes; refuses one recipient."""

    def __init__(self) -> None:
        self.envelopes: list[Any] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address == "nobody@ugb.sn":
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        self.envelopes.append(envelope)
        return "250 2.0.0 Accepted"


class _Controller(Controller):
    """aiosmtpd's, on the port that the system chose."""

    server: Any

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _authenticated(
    _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword
) -> Any:
    good = (data.login, data.password) == (b"user", b"minfo")
    return AuthResult(success=good, handled=good)


@pytest.fixture
def mailbox() -> _Mailbox:
    return _Mailbox()


@pytest.fixture
def ca(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


@pytest.fixture
def smtp(mailbox: _Mailbox, ca: trustme.CA, tmp_path: Path) -> Iterator[SmtpTracer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(NAME).configure_cert(context)
    controller = _Controller(
        mailbox,
        hostname="127.0.0.1",
        port=0,
        server_hostname=NAME,
        tls_context=context,
        enable_SMTPUTF8=True,
        authenticator=_authenticated,
    )
    controller.start()
    try:
        where = f"127.0.0.1:{controller.port}"
        with SmtpTracer(where, ca=tmp_path / "ca.pem", server_name=NAME) as tracer:
            yield tracer
    finally:
        controller.stop()


def test_a_message(smtp: SmtpTracer, mailbox: _Mailbox) -> None:
    assert smtp.greeting.code == 220
    assert smtp.ehlo("poste.minfo.sn").ok
    assert {"SIZE", "8BITMIME", "SMTPUTF8", "STARTTLS", "HELP"} <= set(smtp.extensions)
    assert smtp.mail("user@minfo.sn", size=30, body="8BITMIME").ok
    refused = smtp.rcpt("nobody@ugb.sn")
    assert (refused.code, str(refused.enhanced)) == (550, "5.1.1")
    assert smtp.rcpt("secretaire@ugb.sn").ok
    assert smtp.data("Subject: oracle\n\n.un\n..\n.\nfin é\n").ok
    [envelope] = mailbox.envelopes
    assert envelope.mail_from == "user@minfo.sn"
    assert envelope.mail_options == ["SIZE=30", "BODY=8BITMIME"]
    assert envelope.rcpt_tos == ["secretaire@ugb.sn"]
    assert envelope.content == "Subject: oracle\r\n\r\n.un\r\n..\r\n.\r\nfin é\r\n".encode()
    assert smtp.quit().code == 221


def test_smtputf8(smtp: SmtpTracer, mailbox: _Mailbox) -> None:
    smtp.ehlo("poste.minfo.sn")
    assert smtp.mail("aïssatou@minfo.sn", smtputf8=True).ok
    assert smtp.rcpt("étudiant@ugb.sn").ok
    assert smtp.data("Subject: é\n\nx\n").ok
    assert mailbox.envelopes[0].mail_from == "aïssatou@minfo.sn"
    assert mailbox.envelopes[0].rcpt_tos == ["étudiant@ugb.sn"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_starttls_and_auth(smtp: SmtpTracer, mechanism: str) -> None:
    smtp.ehlo("poste.minfo.sn")
    assert "AUTH" not in smtp.extensions
    assert smtp.starttls().code == 220
    assert smtp.tls is not None
    assert smtp.tls.names == (NAME,)
    smtp.ehlo("poste.minfo.sn")
    assert mechanism in smtp.extensions["AUTH"].split()
    assert smtp.auth(mechanism, "user", "faux").code == 535
    assert smtp.auth(mechanism, "user", "minfo").code == 235
    assert "minfo" not in str(smtp.steps[-1])


def test_the_order_of_commands(smtp: SmtpTracer) -> None:
    smtp.ehlo("poste.minfo.sn")
    with pytest.raises(LocalProtocolError):
        smtp.rcpt("secretaire@ugb.sn")
    assert smtp.send_raw("RCPT TO:<secretaire@ugb.sn>\r\n").code == 503
    assert smtp.send_raw("BONJOUR\r\n").code == 500
    assert smtp.vrfy("secretaire@ugb.sn").code == 252
    assert smtp.help().code == 250
    assert smtp.noop().ok
    assert smtp.mail("").ok
    assert smtp.rset().ok
    assert smtp.helo("poste.minfo.sn").ok
    assert smtp.extensions == {}
