from __future__ import annotations

import poplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from mailsim.errors import ConnectionLost, LocalProtocolError, RemoteProtocolError
from mailsim.protocol import sasl
from mailsim.protocol.pop3 import Pop3Server, State
from mailsim.secret import Secret
from mailsim.tracers.pop3 import Pop3Tracer
from mailsim.wire import pop3
from mailsim.wire.outcome import Outcome
from mailsim.wire.pop3 import Command, Reply, Status

TIMESTAMP = "<1.2@mail.minfo.sn>"
MESSAGES = [b"Subject: un\r\n\r\nbonjour\r\n", b"Subject: deux\r\n\r\n.\r\n..fin\r\n"]
CAPABILITIES = ("TOP", "UIDL", "STLS", "USER", "SASL PLAIN LOGIN", "RESP-CODES", "PIPELINING")


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on a loopback port that takes one connection and talks on it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    talk(connection)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(10)
        assert not thread.is_alive()


class Mailbox:
    """Just enough policy over the server core to be talked to."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.core = Pop3Server()
        self.context = context
        self.deleted: set[int] = set()
        self.said: list[bytes] = []

    def talk(self, connection: socket.socket) -> None:
        core = self.core
        core.send(Reply(Status.OK, f"ready {TIMESTAMP}"))
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
                    return
                core.receive(data)
            core.send(self.answer(event.value))

    def answer(self, command: Command) -> Reply:
        if isinstance(command, (pop3.Auth, pop3.SaslAnswer)):
            return self.login(command)
        if command.verb not in self.core.legal():
            return Reply(Status.ERR, f"not now: {command.verb}")
        return self.carry_out(command)

    def login(self, command: Command) -> Reply:
        if isinstance(command, pop3.Auth) and command.initial:
            good = sasl.decode_initial(command.initial.reveal()) == b"\0user\0minfo"
            return Reply(Status.OK) if good else Reply(Status.ERR, "no", "AUTH")
        if isinstance(command, pop3.SaslAnswer):
            self.said.append(sasl.decode(command.token.reveal()))
        if len(self.said) == 2:
            return Reply(Status.OK) if self.said == [b"user", b"minfo"] else Reply(Status.ERR)
        prompt = (b"Username:", b"Password:")[len(self.said)]
        return Reply(Status.CHALLENGE, sasl.encode(prompt).decode())

    def carry_out(self, command: Command) -> Reply:  # noqa: C901, PLR0912 - one case a command
        here = [n for n in (1, 2) if n not in self.deleted]
        match command:
            case pop3.User("nobody"):
                return Reply(Status.ERR, "never heard of it")
            case pop3.Pass(password):
                good = password == Secret("minfo")
                return Reply(Status.OK, "Logged in.") if good else Reply(Status.ERR, "no", "AUTH")
            case pop3.Apop(_, digest):
                good = digest == pop3.apop_digest(TIMESTAMP, Secret("minfo"))
                return Reply(Status.OK) if good else Reply(Status.ERR)
            case pop3.Stat():
                return Reply(Status.OK, f"{len(here)} {sum(len(MESSAGES[n - 1]) for n in here)}")
            case pop3.List(None):
                return Reply(Status.OK, lines=tuple(f"{n} {len(MESSAGES[n - 1])}" for n in here))
            case pop3.Uidl(None):
                return Reply(Status.OK, lines=tuple(f"{n} uid{n}" for n in here))
            case pop3.Retr(n) | pop3.List(int(n)) | pop3.Uidl(int(n)) if n not in here:
                return Reply(Status.ERR, "no such message")
            case pop3.List(n):
                return Reply(Status.OK, f"{n} {len(MESSAGES[(n or 0) - 1])}")
            case pop3.Uidl(n):
                return Reply(Status.OK, f"{n} uid{n}")
            case pop3.Retr(n):
                return Reply(Status.OK, content=MESSAGES[n - 1])
            case pop3.Top(n, lines):
                head, _, body = MESSAGES[n - 1].partition(b"\r\n\r\n")
                rows = body.splitlines(keepends=True)[:lines]
                return Reply(Status.OK, content=head + b"\r\n\r\n" + b"".join(rows))
            case pop3.Dele(n):
                self.deleted.add(n)
            case pop3.Rset():
                self.deleted.clear()
            case pop3.Capa():
                return Reply(Status.OK, lines=CAPABILITIES)
            case pop3.Lang(None):
                return Reply(Status.OK, lines=("fr Français", "en"))
        return Reply(Status.OK)


def test_a_session_step_by_step() -> None:
    with listening(Mailbox().talk) as port, Pop3Tracer(f"127.0.0.1:{port}") as box:
        assert box.greeting.text == f"ready {TIMESTAMP}"
        assert box.capa().ok
        assert box.capabilities["SASL"] == ("PLAIN", "LOGIN")
        assert box.lang().languages[0] == pop3.Language("fr", "Français")
        assert box.lang("fr").ok
        assert box.utf8().ok
        assert box.user("user").ok
        refused = box.pass_("wrong")
        assert (refused.ok, refused.code, refused.text) == (False, "AUTH", "no")
        assert box.login("user", "minfo").text == "Logged in."
        assert box.state is State.TRANSACTION
        assert box.stat().drop_listing == pop3.DropListing(2, sum(map(len, MESSAGES)))
        assert box.list().scan_listings[1] == pop3.ScanListing(2, len(MESSAGES[1]))
        assert box.list(1).scan_listings == (pop3.ScanListing(1, len(MESSAGES[0])),)
        assert box.uidl().unique_ids[0] == pop3.UniqueId(1, "uid1")
        assert box.uidl(2).text == "2 uid2"
        assert box.retr(2).message == MESSAGES[1]
        assert box.top(1).message == b"Subject: un\r\n\r\n"
        assert box.top(1, 5).message == MESSAGES[0]
        assert box.dele(1).ok
        assert box.retr(1).outcome is Outcome.PERMANENT
        assert box.list().lines == (f"2 {len(MESSAGES[1])}",)
        assert box.rset().ok
        assert box.noop().ok
        assert box.quit().ok
        assert box.ended
    assert len(box.dialogue) == len(box.steps)


def test_a_refused_user_ends_the_login() -> None:
    with listening(Mailbox().talk) as port, Pop3Tracer(f"127.0.0.1:{port}") as box:
        step = box.login("nobody", "minfo")
        assert [line.raw for line in step.exchange.sent] == [b"USER nobody\r\n"]
        assert not step.ok


def test_the_exchange_holds_each_unit() -> None:
    with listening(Mailbox().talk) as port, Pop3Tracer(f"127.0.0.1:{port}") as box:
        box.login("user", "minfo")
        step = box.retr(2)
        assert [line.raw for line in step.exchange.lines] == [
            *(b"RETR 2\r\n", b"+OK\r\n"),
            b"Subject: deux\r\n\r\n..\r\n...fin\r\n",
            b".\r\n",
        ]


@pytest.mark.parametrize("initial", [True, False])
def test_auth_runs_to_its_end(initial: bool) -> None:  # noqa: FBT001 - a parameter of the test
    name = "PLAIN" if initial else "LOGIN"
    with listening(Mailbox().talk) as port, Pop3Tracer(f"127.0.0.1:{port}") as box:
        step = box.auth(name, "user", "minfo", initial=initial)
        assert step.ok
        assert len(step.replies) == (1 if initial else 3)
        assert "bWluZm8" not in str(step)
        assert box.stat().ok


def test_auth_takes_what_capa_offers() -> None:
    with listening(Mailbox().talk) as port, Pop3Tracer(f"127.0.0.1:{port}") as box:
        box.capa()
        assert box.auth(None, "user", "minfo").ok
        assert box.state is State.TRANSACTION


def test_apop_uses_the_greeting_s_timestamp() -> None:
    with listening(Mailbox().talk) as port, Pop3Tracer(f"127.0.0.1:{port}") as box:
        assert not box.apop("user", "wrong").ok
        assert box.apop("user", "minfo").ok


def test_apop_needs_a_timestamp() -> None:
    with (
        listening(lambda connection: connection.sendall(b"+OK ready\r\n")) as port,
        Pop3Tracer(f"127.0.0.1:{port}") as box,
        pytest.raises(LocalProtocolError) as caught,
    ):
        box.apop("user", "minfo")
    assert caught.value.message_id == "pop3.no-timestamp"


def test_what_the_state_forbids_is_said_raw() -> None:
    with listening(Mailbox().talk) as port, Pop3Tracer(f"127.0.0.1:{port}") as box:
        with pytest.raises(LocalProtocolError):
            box.stat()
        assert "USER" in box.legal()
        assert box.send_raw("STAT\r\n").text == "not now: STAT"
        assert box.send_raw("capa\r\n").lines == CAPABILITIES


def test_pipelined_commands_are_one_step() -> None:
    with listening(Mailbox().talk) as port, Pop3Tracer(f"127.0.0.1:{port}") as box:
        box.login("user", "minfo")
        step = box.pipeline(pop3.Retr(1), pop3.Dele(1), pop3.Stat())
        assert [reply.ok for reply in step.replies] == [True] * 3
        assert step.replies[0].content == MESSAGES[0]
        assert step.drop_listing.count == 1


# TLS.


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return context, path


def test_stls_covers_what_follows(authority: tuple[ssl.SSLContext, Path]) -> None:
    context, ca = authority
    with listening(Mailbox(context).talk) as port, Pop3Tracer(f"127.0.0.1:{port}", ca=ca) as box:
        box.capa()
        step = box.stls()
        assert step.ok
        assert box.tls is not None
        assert box.capabilities == {}
        login = box.login("user", "minfo")
        assert login.ok
        assert {line.secure for line in login.exchange.lines} == {True}
        assert {line.secure for line in step.exchange.lines} == {False}
        assert box.quit().ok


def test_octets_injected_behind_stls_are_not_believed() -> None:
    def inject(connection: socket.socket) -> None:
        connection.sendall(b"+OK ready\r\n")
        connection.recv(100)
        connection.sendall(b"+OK Begin TLS\r\n+OK injected\r\n")

    with listening(inject) as port, Pop3Tracer(f"127.0.0.1:{port}") as box:
        with pytest.raises(RemoteProtocolError) as caught:
            box.stls()
        assert caught.value.message_id == "tracer.injected"
        assert b"+OK injected\r\n" in [line.raw for line in box.dialogue.lines()]


# Hostile servers.


def _hostile(*answers: bytes) -> Callable[[socket.socket], None]:
    """Say the greeting, then an answer to each command; then no more, and listen to the end."""

    def talk(connection: socket.socket) -> None:
        for index, answer in enumerate(answers):
            if index:
                connection.recv(1000)
            connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass

    return talk


@pytest.mark.parametrize(
    ("answer", "message_id"),
    [
        (b"+OK" + b"x" * 70_000, "wire.line-too-long"),
        (b"+OK\r\n" + b"x\r\n" * 200_000, "protocol.exchange-too-long"),
        (b"220 hello\r\n", "pop3.bad-status"),
        (b"+OK\r\nhalf", "pop3.cut-short"),
    ],
)
def test_a_broken_answer_ends_with_the_dialogue_kept(answer: bytes, message_id: str) -> None:
    with listening(_hostile(b"+OK ready\r\n", answer)) as port:
        box = Pop3Tracer(f"127.0.0.1:{port}")
        with pytest.raises(RemoteProtocolError) as caught:
            box.capa()
        assert caught.value.message_id == message_id
        assert caught.value.dialogue == box.dialogue
        assert b"CAPA\r\n" in [line.raw for line in box.dialogue.lines()]
        assert box.ended


def test_a_server_that_hangs_up_is_a_lost_connection() -> None:
    with listening(_hostile(b"+OK ready\r\n")) as port:
        box = Pop3Tracer(f"127.0.0.1:{port}")
        with pytest.raises(ConnectionLost):
            box.capa()
        assert box.ended


# poplib is the oracle of the server role.


def test_poplib_talks_to_the_server_core(authority: tuple[ssl.SSLContext, Path]) -> None:
    context, ca = authority
    with listening(Mailbox(context).talk) as port:
        client = poplib.POP3("127.0.0.1", port, timeout=10)
        assert client.getwelcome().decode().endswith(TIMESTAMP)
        assert client.capa()["SASL"] == ["PLAIN", "LOGIN"]
        client.stls(ssl.create_default_context(cafile=str(ca)))
        client.user("user")
        client.pass_("minfo")
        assert client.stat() == (2, sum(map(len, MESSAGES)))
        assert client.list()[1] == [f"{n} {len(MESSAGES[n - 1])}".encode() for n in (1, 2)]
        assert client.uidl(1) == b"+OK 1 uid1"
        assert b"\r\n".join(client.retr(2)[1]) + b"\r\n" == MESSAGES[1]
        assert client.top(1, 0)[1] == [b"Subject: un", b""]
        with pytest.raises(poplib.error_proto):
            client.retr(9)
        client.quit()


def test_poplib_s_apop_is_ours() -> None:
    with listening(Mailbox().talk) as port:
        client = poplib.POP3("127.0.0.1", port, timeout=10)
        assert client.apop("user", "minfo").startswith(b"+OK")
        client.quit()
