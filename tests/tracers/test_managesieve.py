from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from mailsim.errors import ConnectionLost, LocalProtocolError, RemoteProtocolError, UsageError
from mailsim.protocol import sasl
from mailsim.protocol.managesieve import Answer, ManageSieveServer, State
from mailsim.tracers.managesieve import ManageSieveTracer
from mailsim.wire import managesieve as ms
from mailsim.wire.managesieve import Atom, Challenge, Command, Response, Script, Status

SCRIPT = 'require ["vacation"];\nvacation "Absent.";\n'
ON_THE_WIRE = SCRIPT.replace("\n", "\r\n").encode()


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


class ScriptStore:
    """Just enough policy over the server core to be talked to."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.core = ManageSieveServer()
        self.context = context
        self.tls = False
        self.scripts: dict[str, bytes] = {}
        self.active = ""
        self.said: list[bytes] = []

    def capabilities(self) -> Response:
        told: dict[str, str | None] = {"IMPLEMENTATION": "test", "SIEVE": "vacation"}
        told["SASL"] = "PLAIN LOGIN" if self.tls or not self.context else ""
        if self.context and not self.tls:
            told["STARTTLS"] = None
        return Response(Status.OK, data=ms.capability_data(told))

    def talk(self, connection: socket.socket) -> None:
        core = self.core
        core.send(self.capabilities())
        while True:
            connection.sendall(b"".join(core.outgoing()))
            if core.tls_pending and self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
                self.tls = True
                core.tls_started()
                core.send(self.capabilities())
                continue
            if core.closed:
                connection.close()
                return
            while (event := core.next_event()) is None:
                data = connection.recv(65_536)
                if not data:
                    return
                core.receive(data)
            core.send(self.answer(event.value))

    def answer(self, command: Command) -> Answer:
        if isinstance(command, (ms.Auth, ms.SaslAnswer)):
            return self.login(command)
        if command.verb not in self.core.legal():
            return Response(Status.NO, f"not now: {command.verb}")
        return self.carry_out(command)

    def login(self, command: Command) -> Answer:
        if isinstance(command, ms.Auth) and command.initial is not None:
            good = sasl.decode(command.initial.reveal()) == b"\0user\0minfo"
            return Response(Status.OK) if good else Response(Status.NO, "wrong")
        if isinstance(command, ms.SaslAnswer):
            self.said.append(sasl.decode(command.token.reveal()))
        if len(self.said) == 2:
            return Response(Status.OK if self.said == [b"user", b"minfo"] else Status.NO)
        return Challenge(sasl.encode((b"Username:", b"Password:")[len(self.said)]))

    def carry_out(self, command: Command) -> Response:  # noqa: C901 - one case a command
        match command:
            case ms.GetScript(name) | ms.DeleteScript(name) if name not in self.scripts:
                return Response(Status.NO, "There is no script by that name", "NONEXISTENT")
            case ms.HaveSpace(_, size) if size > 1000:
                return Response(Status.NO, "Quota exceeded", "QUOTA/MAXSIZE")
            case ms.PutScript(_, script) | ms.CheckScript(script) if b"vacation" not in script:
                return Response(Status.NO, "line 1: Syntax error\r\nline 2: another")
            case ms.PutScript(name, script):
                self.scripts[name] = script
            case ms.ListScripts():
                marks = [(Atom("ACTIVE"),) if n == self.active else () for n in self.scripts]
                lines = zip(self.scripts, marks, strict=True)
                return Response(Status.OK, data=tuple((n.encode(), *mark) for n, mark in lines))
            case ms.SetActive(name):
                self.active = name
            case ms.GetScript(name):
                return Response(Status.OK, data=((self.scripts[name],),))
            case ms.DeleteScript(name) if name == self.active:
                return Response(Status.NO, "You may not delete an active script", "ACTIVE")
            case ms.DeleteScript(name):
                del self.scripts[name]
            case ms.RenameScript(old, new):
                self.scripts[new] = self.scripts.pop(old)
            case ms.Noop(str(tag)):
                return Response(Status.OK, "Done", "TAG", (tag.encode(),))
            case ms.Capability():
                return self.capabilities()
        return Response(Status.OK)


def test_a_session_step_by_step() -> None:
    with listening(ScriptStore().talk) as port, ManageSieveTracer(f"127.0.0.1:{port}") as sieve:
        assert sieve.greeting.capabilities["SIEVE"] == "vacation"
        assert sieve.capabilities["SASL"] == "PLAIN LOGIN"
        assert not sieve.login("user", "wrong").ok
        assert sieve.login("user", "minfo").ok
        assert "PUTSCRIPT" in sieve.legal()
        full = sieve.havespace("vacances", 9999)
        assert (full.ok, full.code, full.text) == (False, "QUOTA/MAXSIZE", "Quota exceeded")
        assert sieve.havespace("vacances", 99).ok
        assert sieve.checkscript("rubbish\n").text == "line 1: Syntax error\r\nline 2: another"
        put = sieve.putscript("vacances", SCRIPT)
        assert [line.raw for line in put.exchange.sent] == [
            b'PUTSCRIPT "vacances" {%d+}\r\n' % len(ON_THE_WIRE),
            *(ON_THE_WIRE, b"\r\n"),
        ]
        assert sieve.setactive("vacances").ok
        assert sieve.listscripts().scripts == (Script("vacances", active=True),)
        assert sieve.getscript("vacances").script == ON_THE_WIRE
        assert sieve.deletescript("vacances").code == "ACTIVE"
        assert sieve.setactive("").ok
        assert sieve.renamescript("vacances", "été").ok
        assert sieve.deletescript("été").ok
        missing = sieve.getscript("été")
        assert missing.code == "NONEXISTENT"
        with pytest.raises(UsageError):
            _ = missing.script
        assert sieve.noop("x42").code == "TAG"
        assert sieve.noop().ok
        assert sieve.capability().capabilities == sieve.capabilities
        assert sieve.unauthenticate().ok
        assert sieve.state is State.NON_AUTHENTICATED
        assert sieve.logout().ok
        assert sieve.ended
    assert len(sieve.dialogue) == len(sieve.steps)


def test_challenges_are_part_of_the_step() -> None:
    with listening(ScriptStore().talk) as port, ManageSieveTracer(f"127.0.0.1:{port}") as sieve:
        step = sieve.authenticate("LOGIN", "user", "minfo")
        assert [type(value) for value in step.responses] == [Challenge, Challenge, Response]
        assert step.ok
        assert "bWluZm8" not in str(step)


def test_what_the_state_forbids_is_said_raw() -> None:
    with listening(ScriptStore().talk) as port, ManageSieveTracer(f"127.0.0.1:{port}") as sieve:
        with pytest.raises(LocalProtocolError):
            sieve.listscripts()
        assert "AUTHENTICATE" in sieve.legal()
        assert sieve.send_raw("listscripts\r\n").text == "not now: LISTSCRIPTS"


def test_pipelined_commands_are_one_step() -> None:
    with listening(ScriptStore().talk) as port, ManageSieveTracer(f"127.0.0.1:{port}") as sieve:
        sieve.login("user", "minfo")
        step = sieve.pipeline(ms.PutScript("a", ON_THE_WIRE), ms.GetScript("a"), ms.Noop())
        assert [value.ok for value in step.responses] == [True] * 3
        assert isinstance(step.responses[1], Response)
        assert ms.script(step.responses[1]) == ON_THE_WIRE


# TLS.


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return context, path


def test_starttls_is_answered_by_the_capabilities_again(
    authority: tuple[ssl.SSLContext, Path],
) -> None:
    context, ca = authority
    with (
        listening(ScriptStore(context).talk) as port,
        ManageSieveTracer(f"127.0.0.1:{port}", ca=ca) as sieve,
    ):
        assert sieve.capabilities["SASL"] == ""
        step = sieve.starttls()
        assert step.ok
        assert step.capabilities["SASL"] == "PLAIN LOGIN"
        assert "STARTTLS" not in sieve.capabilities
        assert [line.secure for line in step.exchange.lines] == [False, False, *[True] * 4]
        assert sieve.login("user", "minfo").ok
        assert sieve.logout().ok


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
        (b"{4294967295}\r\n", "managesieve.literal-too-long"),
        (b'"' + b"x" * 70_000, "wire.line-too-long"),
        (b'"x"\r\n' * 200_000, "protocol.exchange-too-long"),
        (b"* OK hello\r\n", "managesieve.bad-response"),
        (b'"half"\r\n', "managesieve.cut-short"),
    ],
)
def test_a_broken_answer_ends_with_the_dialogue_kept(answer: bytes, message_id: str) -> None:
    with listening(_hostile(b'"SASL" "PLAIN"\r\nOK\r\n', answer)) as port:
        sieve = ManageSieveTracer(f"127.0.0.1:{port}")
        with pytest.raises(RemoteProtocolError) as caught:
            sieve.capability()
        assert caught.value.message_id == message_id
        assert caught.value.dialogue == sieve.dialogue
        assert b"CAPABILITY\r\n" in [line.raw for line in sieve.dialogue.lines()]
        assert sieve.ended


def test_capabilities_injected_behind_starttls_are_not_believed() -> None:
    answers = (b'"STARTTLS"\r\nOK\r\n', b'OK\r\n"SASL" "INJECTED"\r\nOK\r\n')
    with listening(_hostile(*answers)) as port, ManageSieveTracer(f"127.0.0.1:{port}") as sieve:
        with pytest.raises(RemoteProtocolError) as caught:
            sieve.starttls()
        assert caught.value.message_id == "tracer.injected"
        assert sieve.capabilities.get("SASL") is None


def test_a_server_that_hangs_up_is_a_lost_connection() -> None:
    with listening(_hostile(b"OK\r\n")) as port:
        sieve = ManageSieveTracer(f"127.0.0.1:{port}")
        with pytest.raises(ConnectionLost):
            sieve.capability()
        assert sieve.ended


def test_bye_ends_the_dialogue() -> None:
    with listening(_hostile(b"OK\r\n", b'BYE "idle"\r\n')) as port:
        sieve = ManageSieveTracer(f"127.0.0.1:{port}")
        assert sieve.noop().text == "idle"
        assert sieve.ended
        with pytest.raises(LocalProtocolError):
            sieve.noop()
        sieve.close()
