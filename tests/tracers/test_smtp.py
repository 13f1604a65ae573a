from __future__ import annotations

import base64
import hashlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from mailsim import LmtpTracer, SmtpTracer, sasl
from mailsim.dialogue import Dialogue
from mailsim.errors import (
    ConnectionLost,
    ConnectionRefused,
    ConnectionTimeout,
    LocalProtocolError,
    MailsimError,
    NameNotFound,
    NetworkError,
    RemoteProtocolError,
    TlsError,
    UsageError,
)
from mailsim.model import Endpoint, Protocol, Security
from mailsim.net import Timeouts
from mailsim.protocol.smtp import SmtpServer, State
from mailsim.secret import Secret
from mailsim.wire import smtp as wire
from mailsim.wire.outcome import Outcome
from mailsim.wire.smtp import Command, EnhancedCode, Path, Reply

if TYPE_CHECKING:
    from tests.tracers.conftest import Certificates, Serve, Talk

OFFERED = (
    "mail.minfo.sn",
    "PIPELINING",
    "SIZE 10240000",
    "8BITMIME",
    "SMTPUTF8",
    "CHUNKING",
    "STARTTLS",
    "AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256",
)
OK = Reply.of(250, "2.0.0", "Ok")
UNKNOWN = Reply.of(550, "5.1.1", "User unknown in local recipient table")
ACCOUNTS = sasl.Accounts(
    passwords={"user": Secret("minfo")}, tokens={"user": Secret("jeton")}, pepper=Secret("x")
)
PATIENT = Timeouts(connect=5.0, silence=20.0, exchange=60.0)
QUICK = Timeouts(connect=5.0, silence=0.1, exchange=0.5)


class MailServer:
    """Just enough policy over the server core to be talked to."""

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        implicit: bool = False,
        lmtp: bool = False,
        offered: tuple[str, ...] = OFFERED,
        greeting: Reply | None = None,
    ) -> None:
        self.core = SmtpServer(lmtp=lmtp)
        self.context = context
        self.implicit = implicit
        self.offered = offered
        self.greeting = greeting or Reply(220, ("mail.minfo.sn ESMTP",))
        self.commands: list[Command] = []
        self.raw: list[bytes] = []
        self.peer = ""
        self.bindings: tuple[sasl.ChannelBinding, ...] = ()
        self._login: sasl.ServerMechanism | None = None

    def talk(self, connection: socket.socket) -> None:
        self.peer = connection.getpeername()[0]
        if self.context and self.implicit:
            connection = self.context.wrap_socket(connection, server_side=True)
        with connection:
            self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        core = self.core
        core.send(self.greeting)
        while True:
            connection.sendall(b"".join(core.outgoing()))
            if core.tls_pending and self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                core.tls_started()
            if core.closed:
                connection.close()
                return
            while (event := core.next_event()) is None:
                data = connection.recv(65_536)
                if not data:
                    connection.close()
                    return
                core.receive(data)
            self.commands.append(event.value)
            self.raw += event.units
            replies = self.answer(event.value)
            for reply in replies if isinstance(replies, list) else [replies]:
                core.send(reply)

    def answer(self, command: Command) -> Reply | list[Reply]:  # noqa: C901 - a case a command
        if isinstance(command, (wire.Auth, wire.SaslAnswer)):
            return self.log_in(command)
        match command:
            case wire.Ehlo() | wire.Lhlo():
                return Reply(250, self.offered)
            case wire.Mail(Path("mailer@nowhere.sn")):
                return Reply.of(450, "4.1.8", "Domain not found")
            case wire.Rcpt(Path(address)) if address.startswith("x"):
                return UNKNOWN
            case wire.Data() if self.core.state is not State.RCPT:
                return Reply.of(554, "5.5.1", "no valid recipients")
            case wire.Data():
                return Reply(354, ("End data with <CR><LF>.<CR><LF>",))
            case wire.Content() if self.core._lmtp:
                return [OK, Reply.of(452, "4.2.2", "mailbox full")][: self.core._recipients]
            case wire.Vrfy("user"):
                return Reply(252, ("2.0.0 user",))
            case wire.Help():
                return Reply(214, ("2.0.0 one", "2.0.0 two"))
            case wire.StartTls():
                return Reply.of(220, "2.0.0", "Ready to start TLS")
            case wire.Quit():
                return Reply.of(221, "2.0.0", "Bye")
            case wire.Unknown() | wire.Malformed():
                return Reply.of(500, "5.5.2", "Error: command not recognized")
        return OK

    def log_in(self, command: wire.Auth | wire.SaslAnswer) -> Reply:
        if isinstance(command, wire.Auth):
            self._login = sasl.server(
                command.mechanism,
                credentials=ACCOUNTS,
                nonce="server-nonce",
                challenge=b"<1@mail.minfo.sn>",
                channel_bindings=self.bindings,
            )
        assert self._login
        token = command.initial if isinstance(command, wire.Auth) else command.token
        outcome = self._login.challenge(None if token is None else _octets(token))
        if isinstance(outcome, sasl.Challenge):
            return Reply(334, (base64.b64encode(outcome.data).decode(),))
        good = isinstance(outcome, sasl.Success)
        return Reply.of(235, "2.7.0", "Welcome") if good else Reply.of(535, "5.7.8", "Error")


def _octets(token: Secret) -> bytes:
    return b"" if token.reveal() == b"=" else base64.b64decode(token.reveal())


def saying(*answers: bytes) -> Talk:
    """Say the greeting, then an answer to each reading; then listen to the end."""

    def talk(connection: socket.socket) -> None:
        for index, answer in enumerate(answers):
            if index:
                connection.recv(65_536)
            connection.sendall(answer)
        while connection.recv(65_536):
            pass

    return talk


def lines(step: Any) -> list[bytes]:
    return [line.raw for line in step.exchange.lines]


# Command by command.


def test_a_session_step_by_step(serve: Serve) -> None:
    server = MailServer()
    with serve(server.talk) as where, SmtpTracer(where, timeouts=PATIENT) as smtp:
        assert (smtp.greeting.code, smtp.greeting.text) == (220, "mail.minfo.sn ESMTP")
        assert smtp.ehlo("poste.minfo.sn").replies == (Reply(250, OFFERED),)
        assert smtp.extensions["SIZE"] == "10240000"
        sender = smtp.mail("user@minfo.sn", size=200, body="8BITMIME", smtputf8=True)
        assert lines(sender) == [
            b"MAIL FROM:<user@minfo.sn> SIZE=200 BODY=8BITMIME SMTPUTF8\r\n",
            b"250 2.0.0 Ok\r\n",
        ]
        refused = smtp.rcpt("xavier@minfo.sn")
        assert (refused.code, refused.enhanced) == (550, EnhancedCode(5, 1, 1))
        assert refused.text == "User unknown in local recipient table"
        assert (refused.ok, refused.outcome) == (False, Outcome.PERMANENT)
        assert refused.reply == UNKNOWN
        assert smtp.rcpt(Path("secretaire@ugb.sn"), notify="SUCCESS,FAILURE").ok
        sent = smtp.data("Subject: bonjour\n\nCeci est un test.\n.\n..fin")
        assert lines(sent) == [
            b"DATA\r\n",
            b"354 End data with <CR><LF>.<CR><LF>\r\n",
            b"Subject: bonjour\r\n\r\nCeci est un test.\r\n..\r\n...fin\r\n",
            b".\r\n",
            b"250 2.0.0 Ok\r\n",
        ]
        assert [reply.code for reply in sent.replies] == [354, 250]
        bye = smtp.quit()
        assert (bye.code, smtp.ended, smtp.state) == (221, True, State.CLOSED)
    assert len(smtp.dialogue) == len(smtp.steps) == 7
    content = wire.Content(b"Subject: bonjour\r\n\r\nCeci est un test.\r\n.\r\n..fin\r\n")
    assert content in server.commands


@pytest.mark.parametrize(
    ("act", "sent"),
    [
        (lambda smtp: smtp.ehlo(), b"EHLO [127.0.0.1]"),
        (lambda smtp: smtp.helo("poste.minfo.sn"), b"HELO poste.minfo.sn"),
        (lambda smtp: smtp.helo(), b"HELO [127.0.0.1]"),
        (lambda smtp: smtp.mail(""), b"MAIL FROM:<>"),
        (lambda smtp: smtp.mail("<user@minfo.sn>", mt_priority=3),
         b"MAIL FROM:<user@minfo.sn> MT-PRIORITY=3"),
        (lambda smtp: smtp.mail("élève@minfo.sn", smtputf8=True),
         "MAIL FROM:<élève@minfo.sn> SMTPUTF8".encode()),
        (lambda smtp: smtp.mail("user@minfo.sn", smtputf8=False), b"MAIL FROM:<user@minfo.sn>"),
        (lambda smtp: smtp.rset(), b"RSET"),
        (lambda smtp: smtp.noop(), b"NOOP"),
        (lambda smtp: smtp.noop("tout va bien"), b"NOOP tout va bien"),
        (lambda smtp: smtp.help(), b"HELP"),
        (lambda smtp: smtp.help("MAIL"), b"HELP MAIL"),
        (lambda smtp: smtp.vrfy("user"), b"VRFY user"),
        (lambda smtp: smtp.expn("etudiants"), b"EXPN etudiants"),
        (lambda smtp: smtp.etrn("ugb.sn"), b"ETRN ugb.sn"),
        (lambda smtp: smtp.xclient(addr="192.168.66.66", name="sp am"),
         b"XCLIENT ADDR=192.168.66.66 NAME=sp+20am"),
        (lambda smtp: smtp.xforward(helo="pub.sn"), b"XFORWARD HELO=pub.sn"),
    ],
)  # fmt: skip
def test_each_command_s_bytes(serve: Serve, act: Callable[[SmtpTracer], Any], sent: bytes) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where, timeouts=PATIENT) as smtp:
        smtp.ehlo()
        step = act(smtp)
        assert [line.raw for line in step.exchange.sent] == [sent + b"\r\n"]
        assert step.ok
        assert smtp.steps[-1] is step


def test_several_lines_are_one_reply(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        step = smtp.help()
        assert (step.text, step.enhanced) == ("one\ntwo", EnhancedCode(2, 0, 0))
        assert len(step.exchange.received) == 2


def test_a_temporary_refusal_is_a_result(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        assert smtp.mail("mailer@nowhere.sn").outcome is Outcome.TEMPORARY
        assert smtp.state is State.READY


def test_a_refused_data_sends_no_message(serve: Serve) -> None:
    server = MailServer()
    with serve(server.talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        smtp.mail("user@minfo.sn")
        smtp.rcpt("xavier@minfo.sn")
        step = smtp.data("Subject: x\n\nbonjour\n")
        assert lines(step) == [b"DATA\r\n", b"554 5.5.1 no valid recipients\r\n"]
        assert smtp.noop().ok
    assert not any(isinstance(one, wire.Content) for one in server.commands)


def test_data_and_content_in_two_steps(serve: Serve) -> None:
    server = MailServer()
    message = EmailMessage()
    message["Subject"] = "été"
    message.set_content("bonjour\n")
    with serve(server.talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        smtp.mail("user@minfo.sn")
        smtp.rcpt("cheikh@minfo.sn")
        with pytest.raises(LocalProtocolError):
            smtp.content("too early")
        assert smtp.data().outcome is Outcome.INTERMEDIATE
        assert smtp.state is State.DATA
        with pytest.raises(LocalProtocolError):
            smtp.noop()
        assert smtp.content(message).ok
    assert server.raw[-2].startswith(b"Subject: =?utf-8?")
    assert b"\r\n\r\nbonjour\r\n" in server.raw[-2]


def test_chunks(serve: Serve) -> None:
    server = MailServer()
    with serve(server.talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        smtp.mail("user@minfo.sn")
        smtp.rcpt("cheikh@minfo.sn")
        first = smtp.bdat(b"Subject: x\r\n\r\n.\n\0")
        assert lines(first)[:2] == [b"BDAT 17\r\n", b"Subject: x\r\n\r\n.\n\0"]
        assert smtp.bdat("été", last=True).ok
        assert smtp.state is State.READY
    assert server.raw[-2:] == [b"BDAT 5 LAST\r\n", "été".encode()]


def test_pipelined_commands_are_one_step(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        step = smtp.pipeline(
            wire.Mail(Path("user@minfo.sn")),
            wire.Rcpt(Path("xavier@minfo.sn")),
            wire.Rcpt(Path("cheikh@minfo.sn")),
            wire.Data(),
        )
        assert [reply.code for reply in step.replies] == [250, 550, 250, 354]
        assert [line.side.value for line in step.exchange.lines[:4]] == ["C"] * 4
        assert smtp.content("x").ok


def test_of_a_pipeline_all_is_sent_or_nothing(serve: Serve) -> None:
    server = MailServer()
    with serve(server.talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        with pytest.raises(LocalProtocolError):
            smtp.pipeline(wire.Mail(Path("user@minfo.sn")), wire.Mail(Path("user@minfo.sn")))
        assert lines(smtp.noop()) == [b"NOOP\r\n", b"250 2.0.0 Ok\r\n"]
        assert smtp.mail("user@minfo.sn").ok


def test_lmtp_answers_for_each_recipient(serve: Serve) -> None:
    server = MailServer(lmtp=True)
    with serve(server.talk) as where, LmtpTracer(where) as lmtp:
        assert lmtp.endpoint.protocol is Protocol.LMTP
        assert [line.raw for line in lmtp.lhlo().exchange.sent] == [b"LHLO [127.0.0.1]\r\n"]
        assert "EHLO" not in lmtp.legal()
        with pytest.raises(LocalProtocolError):
            lmtp.ehlo("poste.minfo.sn")
        lmtp.mail("user@minfo.sn")
        lmtp.rcpt("cheikh@minfo.sn")
        lmtp.rcpt("mactar@minfo.sn")
        step = lmtp.data("Subject: x\n")
        assert [reply.code for reply in step.replies] == [354, 250, 452]
        assert lmtp.quit().ok


# Logging in.


@pytest.mark.parametrize("password", ["minfo", "wrong"])
@pytest.mark.parametrize("name", ["plain", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_auth_by_mechanism(serve: Serve, name: str, password: str) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        step = smtp.auth(name, "user", password)
        good = password == "minfo"
        assert (step.ok, step.code) == (good, 235 if good else 535)
        assert lines(step)[0].startswith(f"AUTH {name.upper()}".encode())
        assert smtp.state is State.READY
        for line in step.exchange.sent[1:]:
            assert not line.text or line.text not in str(step)


@pytest.mark.parametrize("name", ["XOAUTH2", "OAUTHBEARER"])
def test_auth_by_token(serve: Serve, name: str) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        assert smtp.auth(name, "user", token="wrong").code == 535
        assert smtp.auth(name, "user", token=Secret("jeton")).code == 235


def test_auth_takes_the_strongest_that_is_offered(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        with pytest.raises(LocalProtocolError) as caught:
            smtp.auth(None, "user", "minfo")
        assert caught.value.message_id == "sasl.none-in-common"
        smtp.ehlo()
        assert lines(smtp.auth(None, "user", "minfo"))[0].startswith(b"AUTH SCRAM-SHA-256 ")
        with pytest.raises(LocalProtocolError):
            smtp.auth("PLAIN", "user", "minfo")


def test_a_challenge_that_is_no_text_is_given_up(serve: Serve) -> None:
    answers = (b"220 hi\r\n", b"250 x\r\n", b"334 \xff\xfe\r\n", b"501 given up\r\n")
    with serve(saying(*answers)) as where:
        smtp = SmtpTracer(where)
        smtp.ehlo()
        with pytest.raises(RemoteProtocolError) as caught:
            smtp.auth("CRAM-MD5", "user", "minfo")
        assert caught.value.message_id == "challenge.not-base64"
        assert [line.raw for line in smtp.dialogue.lines()][-2:] == [b"*\r\n", b"501 given up\r\n"]


def test_an_unknown_mechanism_is_said_so(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        with pytest.raises(UsageError, match="SCRAM-SHA-256"):
            smtp.auth("NTLMV9", "user", "minfo")
        assert smtp.noop().ok


# By hand.


def test_what_the_state_does_not_allow_names_what_is_legal(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        with pytest.raises(LocalProtocolError) as caught:
            smtp.rcpt("cheikh@minfo.sn")
        for word in ("RCPT", "EHLO", "HELO", "NOOP", "QUIT"):
            assert word in str(caught.value)
        assert caught.value.dialogue == smtp.dialogue
        assert "RCPT" not in smtp.legal()
        assert smtp.ehlo().ok


def test_raw_bytes_are_sent_as_they_are_and_noted(serve: Serve) -> None:
    server = MailServer()
    with serve(server.talk) as where, SmtpTracer(where) as smtp:
        step = smtp.send_raw("hElO  x\r\nKELKPART\r\n")
        assert [note.id for note in step.exchange.notes] == ["note.raw"]
        assert step.exchange.sent[0].raw == b"hElO  x\r\nKELKPART\r\n"
        assert len(step.replies) == 2
        assert step.code == 500
        assert smtp.send_raw(b"NOOP\r\n", note=False).exchange.notes == ()


def test_half_a_line_waits_for_its_other_half(serve: Serve) -> None:
    server = MailServer()
    with serve(server.talk) as where, SmtpTracer(where) as smtp:
        assert smtp.send_raw("EHLO pos").replies == ()
        assert smtp.send_raw("te.minfo.sn\r\n").replies == (Reply(250, OFFERED),)
        assert smtp.extensions
        smtp.send_raw("NO")
        assert smtp.noop().code == 500  # NONOOP
        assert smtp.send_raw("QUIT\r\n").code == 221
        assert smtp.ended
    assert [one.verb for one in server.commands] == ["EHLO", "UNKNOWN", "QUIT"]


def test_raw_bytes_without_waiting_are_heard_later(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        first = smtp.send_raw("NOOP\r\n", wait=False)
        assert (first.replies, first.outcome, first.ok, first.code) == ((), None, False, None)
        assert (first.enhanced, first.text) == (None, "")
        assert [reply.code for reply in smtp.help().replies] == [250, 214]


def test_raw_bytes_with_waiting_hear_one_answer_at_least(serve: Serve) -> None:
    with serve(saying(b"220 hi\r\n", b"500 what?\r\n")) as where, SmtpTracer(where) as smtp:
        assert smtp.send_raw("no line end", wait=True).code == 500


# Unasked, and the end.


def test_421_comes_unasked(serve: Serve) -> None:
    with serve(saying(b"220 hi\r\n421 4.4.2 timeout\r\n")) as where, SmtpTracer(where) as smtp:
        if not smtp.ended:
            assert smtp.listen(10).outcome is Outcome.CLOSING
        assert smtp.ended
        assert smtp.dialogue.exchanges[-1].received[-1].raw == b"421 4.4.2 timeout\r\n"


def test_silence_is_a_step_too(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        step = smtp.listen(0.01)
        assert step.replies == ()
        assert [note.id for note in step.exchange.notes] == ["note.silence"]
        assert smtp.noop().ok


EVERYTHING: list[Callable[[SmtpTracer], Any]] = [
    lambda smtp: smtp.ehlo(),
    lambda smtp: smtp.ehlo("poste.minfo.sn"),
    lambda smtp: smtp.helo(),
    lambda smtp: smtp.noop(),
    lambda smtp: smtp.starttls(),
    lambda smtp: smtp.auth("PLAIN", "user", "minfo"),
    lambda smtp: smtp.mail("user@minfo.sn"),
    lambda smtp: smtp.data("x"),
    lambda smtp: smtp.pipeline(wire.Noop()),
    lambda smtp: smtp.send_raw("NOOP\r\n"),
    lambda smtp: smtp.listen(0.01),
    lambda smtp: smtp.quit(),
]


@pytest.mark.parametrize("end", [lambda smtp: smtp.quit(), lambda smtp: smtp.close()])
def test_after_the_end_nothing_can_be_said(
    serve: Serve, end: Callable[[SmtpTracer], object]
) -> None:
    with serve(MailServer().talk) as where:
        smtp = SmtpTracer(where)
        end(smtp)
        for act in EVERYTHING:
            with pytest.raises(LocalProtocolError) as caught:
                act(smtp)
            assert caught.value.message_id == "net.ended"
        assert smtp._stream._socket.fileno() == -1
        smtp.close()
    assert str(smtp.greeting) == "S: 220 mail.minfo.sn ESMTP"


def test_the_context_manager_closes(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        assert smtp.noop().ok
    assert smtp.ended
    assert smtp._stream._socket.fileno() == -1


def test_a_quit_that_is_refused_closes_too(serve: Serve) -> None:
    with serve(saying(b"220 hi\r\n", b"500 no\r\n")) as where:
        smtp = SmtpTracer(where)
        assert smtp.quit().code == 500
        assert smtp.ended


def test_421_closes_the_connection(serve: Serve) -> None:
    with serve(saying(b"220 hi\r\n", b"421 4.3.2 shutting down\r\n")) as where:
        smtp = SmtpTracer(where)
        assert smtp.noop().outcome is Outcome.CLOSING
        assert smtp._stream._socket.fileno() == -1


def test_a_greeting_of_554_is_a_result(serve: Serve) -> None:
    server = MailServer(greeting=Reply(554, ("no service",)))
    with serve(server.talk) as where, SmtpTracer(where) as smtp:
        assert (smtp.greeting.ok, smtp.greeting.code) == (False, 554)
        assert smtp.quit().ok


# TLS.


def _secure(step: Any) -> set[bool]:
    return {line.secure for line in step.exchange.lines}


def test_starttls_covers_what_follows(serve: Serve, certificates: Certificates) -> None:
    server = MailServer(certificates.good)
    with serve(server.talk) as where, SmtpTracer(where, ca=certificates.ca) as smtp:
        assert _secure(smtp.ehlo()) == {False}
        step = smtp.starttls()
        assert (step.code, _secure(step)) == (220, {False})
        assert smtp.tls is not None
        note = step.exchange.notes[0]
        assert (note.id, note.params["version"]) == ("note.tls", smtp.tls.version)
        assert smtp.tls.version in ("TLSv1.2", "TLSv1.3")
        assert "mail.minfo.sn" in smtp.tls.names
        assert "trustme" in smtp.tls.issuer
        assert smtp.tls.cipher
        assert smtp.tls.not_after
        assert smtp.extensions == {}
        assert smtp.state is State.CONNECTED
        assert _secure(smtp.ehlo()) == {True}
        assert smtp.auth("PLAIN", "user", "minfo").ok
        assert _secure(smtp.quit()) == {True}


PLUS = ("mail.minfo.sn", "STARTTLS", "AUTH PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS")


@pytest.mark.parametrize(
    ("name", "offered", "bound", "said", "code"),
    [
        (None, PLUS, b"", b"SCRAM-SHA-256-PLUS cD10bHMtc2VydmVyLWVuZC1wb2ludCws", 235),
        ("scram-sha-256-plus", PLUS, b"other", b"SCRAM-SHA-256-PLUS ", 535),
        ("SCRAM-SHA-256", PLUS, b"", b"SCRAM-SHA-256 biws", 235),  # "n,,": left aside
        ("SCRAM-SHA-256", OFFERED, b"none", b"SCRAM-SHA-256 eSws", 235),  # "y,,": not offered
        ("SCRAM-SHA-256", OFFERED, b"", b"SCRAM-SHA-256 eSws", 535),  # but it could: a downgrade
    ],
)
def test_a_login_is_bound_to_its_tls_connection(
    serve: Serve,
    certificates: Certificates,
    name: str | None,
    offered: tuple[str, ...],
    bound: bytes,
    said: bytes,
    code: int,
) -> None:
    server = MailServer(certificates.good, offered=offered)
    digest = bound or hashlib.sha256(certificates.good_der).digest()
    if bound != b"none":
        server.bindings = (sasl.ChannelBinding("tls-server-end-point", digest),)
    with serve(server.talk) as where, SmtpTracer(where, ca=certificates.ca) as smtp:
        smtp.ehlo()
        smtp.starttls()
        smtp.ehlo()
        step = smtp.auth(name, "user", "minfo")
        assert lines(step)[0].startswith(b"AUTH " + said)
        assert step.code == code


def test_without_tls_nothing_is_bound(serve: Serve) -> None:
    with serve(MailServer(offered=PLUS).talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        with pytest.raises(UsageError, match="channel_binding"):
            smtp.auth("SCRAM-SHA-256-PLUS", "user", "minfo")
        assert lines(smtp.auth(None, "user", "minfo"))[0].startswith(b"AUTH SCRAM-SHA-256 biws")


def test_a_refused_starttls_leaves_the_connection_clear(serve: Serve) -> None:
    answers = (
        b"220 hi\r\n",
        b"250-x\r\n250 STARTTLS\r\n",
        b"454 4.7.0 no TLS now\r\n",
        b"250 ok\r\n",
    )
    with serve(saying(*answers)) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        assert smtp.starttls().outcome is Outcome.TEMPORARY
        assert smtp.tls is None
        assert _secure(smtp.noop()) == {False}


def test_tls_from_the_first_byte(serve: Serve, certificates: Certificates) -> None:
    server = MailServer(certificates.good, implicit=True)
    with serve(server.talk) as where, SmtpTracer(where, tls=True, ca=certificates.ca) as smtp:
        assert smtp.endpoint.security is Security.IMPLICIT
        assert _secure(smtp.greeting) == {True}
        assert [note.id for note in smtp.greeting.exchange.notes] == ["note.tls"]
        assert smtp.ehlo().ok
        assert smtp.quit().ok


def test_the_server_s_name_may_differ_from_where_it_is_reached(
    serve: Serve, certificates: Certificates
) -> None:
    with serve(MailServer(certificates.good).talk) as where:
        smtp = SmtpTracer(where, ca=certificates.ca, server_name="mail.minfo.sn")
        with smtp:
            smtp.ehlo()
            assert smtp.starttls().ok
            assert smtp.endpoint.server == "mail.minfo.sn"


def _refused_handshake(error: MailsimError, smtp: SmtpTracer, reason: str) -> None:
    assert reason in str(error)
    assert "\n" not in str(error)
    assert error.dialogue == smtp.dialogue
    assert [line.raw for line in smtp.dialogue.lines()][-2:] == [
        b"STARTTLS\r\n",
        b"220 2.0.0 Ready to start TLS\r\n",
    ]
    assert smtp.tls is None
    assert smtp.ended
    assert smtp._stream._socket.fileno() == -1


@pytest.mark.parametrize(
    ("context", "ca", "reason"),
    [
        ("good", "other_ca", "certificate"),
        ("other_name", "ca", "127.0.0.1"),
        ("expired", "ca", "expired"),
    ],
)
def test_a_certificate_that_does_not_verify(
    serve: Serve, certificates: Certificates, context: str, ca: str, reason: str
) -> None:
    server = MailServer(getattr(certificates, context))
    with serve(server.talk) as where:
        smtp = SmtpTracer(where, ca=getattr(certificates, ca))
        smtp.ehlo()
        with pytest.raises(TlsError) as caught:
            smtp.starttls()
        _refused_handshake(caught.value, smtp, reason)


def test_without_a_ca_file_the_system_s_authorities_count(
    serve: Serve, certificates: Certificates
) -> None:
    with serve(MailServer(certificates.good).talk) as where:
        smtp = SmtpTracer(where)
        smtp.ehlo()
        with pytest.raises(TlsError):
            smtp.starttls()
        assert smtp.ended


def test_a_ca_file_that_is_none_is_said_before_anything_is_done() -> None:
    with pytest.raises(UsageError) as caught:
        SmtpTracer("127.0.0.1:1", ca="/no/such/file")
    assert "/no/such/file" in str(caught.value)


def test_a_server_without_tls_behind_an_implicit_port(serve: Serve) -> None:
    with serve(MailServer().talk) as where, pytest.raises(TlsError) as caught:
        SmtpTracer(where, tls=True)
    assert isinstance(caught.value.dialogue, Dialogue)


def test_a_handshake_that_is_cut_off(serve: Serve) -> None:
    def talk(connection: socket.socket) -> None:
        saying_greeting = (b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n")
        for index, answer in enumerate(saying_greeting):
            if index:
                connection.recv(1000)
            connection.sendall(answer)
        connection.recv(1000)

    with serve(talk) as where:
        smtp = SmtpTracer(where)
        smtp.ehlo()
        with pytest.raises(NetworkError) as caught:
            smtp.starttls()
        assert smtp.ended
        assert caught.value.dialogue == smtp.dialogue


def test_a_handshake_that_is_not_answered(serve: Serve) -> None:
    answers = (b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n")
    with serve(saying(*answers)) as where:
        smtp = SmtpTracer(where)
        smtp.ehlo()
        smtp._stream.timeouts = QUICK
        with pytest.raises(ConnectionTimeout):
            smtp.starttls()
        assert smtp.ended


# Where to.


def test_the_local_address(serve: Serve) -> None:
    server = MailServer()
    with serve(server.talk) as where, SmtpTracer(where, local_address="127.0.0.2") as smtp:
        assert lines(smtp.ehlo())[0] == b"EHLO [127.0.0.2]\r\n"
    assert server.peer == "127.0.0.2"


def test_ipv6(serve: Serve, certificates: Certificates) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    server = MailServer(certificates.good)
    with serve(server.talk, "::1") as where, SmtpTracer(where, ca=certificates.ca) as smtp:
        assert lines(smtp.ehlo())[0] == b"EHLO [IPv6:::1]\r\n"
        assert smtp.starttls().ok


def test_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefused) as caught:
        SmtpTracer(f"127.0.0.1:{port}")
    assert str(port) in str(caught.value)
    assert caught.value.dialogue == Dialogue(caught.value.dialogue.endpoint)  # type: ignore[attr-defined]


def test_a_filtered_port() -> None:
    # A listener whose queue is full answers no more connections, as a firewall would not.
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        where = server.getsockname()
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)  # noqa: FBT003 - the socket's own way to say it
            one.connect_ex(where)
            waiting.append(one)
        with pytest.raises(ConnectionTimeout) as caught:
            SmtpTracer(f"127.0.0.1:{where[1]}", timeouts=Timeouts(connect=0.05))
        for one in waiting:
            one.close()
    assert caught.value.message_id == "net.connect-timeout"


@pytest.mark.parametrize("name", ["kelkpart.invalid", "a" * 70 + ".sn", "a..b"])
def test_a_name_that_is_not_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if name == "kelkpart.invalid":  # the others never leave this machine
        monkeypatch.setattr(socket, "getaddrinfo", none)
    with pytest.raises(NameNotFound) as caught:
        SmtpTracer(f"{name}:25")
    assert name in str(caught.value)


def test_an_endpoint_as_it_is(serve: Serve) -> None:
    with serve(MailServer().talk) as where:
        port = int(where.rpartition(":")[2])
        lab = Endpoint(
            "smtp", Protocol.SMTP, "mail.minfo.sn", 25, address="127.0.0.1", reached_port=port
        )
        with SmtpTracer(lab) as smtp:
            assert smtp.dialogue.endpoint is lab


# How it shows itself.


def test_secrets_show_when_asked_for(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        step = smtp.auth("PLAIN", "user", "minfo")
        assert "AHVzZXIAbWluZm8=" not in step.transcript()
        assert "AHVzZXIAbWluZm8=" not in str(step._repr_mimebundle_())
        assert "C: AUTH PLAIN AHVzZXIAbWluZm8=" in step.transcript(reveal=True)
        assert repr(step) == str(step) == step.transcript()


def test_what_a_server_says_is_escaped(serve: Serve) -> None:
    server = saying(b"220 <script>alert(1)</script> \x1b[2J\r\n")
    with serve(server) as where, SmtpTracer(where) as smtp:
        bundle = smtp.greeting._repr_mimebundle_()
        assert "<script>" not in bundle["text/html"]
        assert "&lt;script&gt;" in bundle["text/html"]
        assert "\x1b" not in bundle["text/plain"] + bundle["text/html"]


def test_a_step_s_dialogue_ends_with_it(serve: Serve) -> None:
    with serve(MailServer().talk) as where, SmtpTracer(where) as smtp:
        smtp.ehlo()
        first, second = smtp.noop(), smtp.noop()
        assert [len(first.dialogue), len(second.dialogue)] == [3, 4]
        assert smtp.noop().explain("en")


# Errors and their dialogue.


def test_a_late_answer_can_still_be_heard(serve: Serve) -> None:
    late = threading.Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 hi\r\n")
        connection.recv(100)
        late.wait(10)
        connection.sendall(b"250 at last\r\n")
        connection.recv(100)

    with serve(talk) as where, SmtpTracer(where) as smtp:
        smtp._stream.timeouts = QUICK
        with pytest.raises(ConnectionTimeout) as caught:
            smtp.noop()
        assert b"NOOP\r\n" in [line.raw for line in _dialogue(caught.value).lines()]
        assert not smtp.ended
        smtp._stream.timeouts = PATIENT
        late.set()
        step = smtp.listen(10)
        assert step.text == "at last"
        assert lines(step) == [b"NOOP\r\n", b"250 at last\r\n"]


def _dialogue(error: MailsimError) -> Dialogue:
    assert isinstance(error.dialogue, Dialogue)
    return error.dialogue


def test_half_an_answer_before_the_end_is_kept(serve: Serve) -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 hi\r\n")
        connection.recv(100)
        connection.sendall(b"250-one\r\n250 tw")

    with serve(talk) as where:
        smtp = SmtpTracer(where)
        with pytest.raises(ConnectionLost) as caught:
            smtp.noop()
        said = b"".join(line.raw for line in _dialogue(caught.value).lines())
        assert said == b"220 hi\r\nNOOP\r\n250-one\r\n250 tw"
        assert smtp.ended


def test_octets_injected_behind_starttls_are_not_believed(serve: Serve) -> None:
    answers = (b"220 hi\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n250 injected\r\n")
    with serve(saying(*answers)) as where:
        smtp = SmtpTracer(where)
        smtp.ehlo()
        with pytest.raises(RemoteProtocolError) as caught:
            smtp.starttls()
        assert caught.value.message_id == "tracer.injected"
        said = [line.raw for line in _dialogue(caught.value).lines()]
        assert said[-1] == b"250 injected\r\n"
        assert smtp.ended


# smtplib is the oracle of the server role.


def test_smtplib_talks_to_the_server_core(serve: Serve, certificates: Certificates) -> None:
    server = MailServer(certificates.good, offered=("mail.minfo.sn", "STARTTLS", "AUTH PLAIN"))
    with serve(server.talk) as where:
        port = int(where.rpartition(":")[2])
        with smtplib.SMTP("127.0.0.1", port, "poste.minfo.sn", timeout=20) as client:
            client.starttls(context=ssl.create_default_context(cafile=str(certificates.ca)))
            client.login("user", "minfo")
            refused = client.sendmail("user@minfo.sn", ["cheikh@minfo.sn", "x@minfo.sn"], ".\n..\n")
    assert refused == {"x@minfo.sn": (550, b"5.1.1 User unknown in local recipient table")}
    assert wire.Content(b".\r\n..\r\n") in server.commands
