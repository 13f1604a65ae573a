"""Servers that mean harm, or are broken: every tracer comes to an end and keeps what was said."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from mailsim import ImapTracer, ManageSieveTracer, Pop3Tracer, SmtpTracer
from mailsim.dialogue import Dialogue, Side
from mailsim.errors import (
    ConnectionLost,
    ConnectionTimeout,
    LocalProtocolError,
    MailsimError,
    RemoteProtocolError,
)
from mailsim.net import Timeouts

if TYPE_CHECKING:
    from tests.tracers.conftest import Serve, Talk

AnyTracer = SmtpTracer | Pop3Tracer | ImapTracer | ManageSieveTracer

PATIENT = Timeouts(connect=5.0, silence=20.0, exchange=60.0)
QUICK = Timeouts(connect=5.0, silence=0.2, exchange=0.4)
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Dialect:
    """What a protocol says, and how a server may break it.

    `whole`: what the server says in a whole session, piece by piece, and `script` the
    client's part of it.  `flood` may be repeated within the answer to `ask` for ever;
    `worst` are the beginnings and repetitions that cost a client most, by name.
    """

    tracer: type[AnyTracer]
    greeting: bytes
    ask: Callable[[Any], Any]
    answer: bytes
    flood: bytes
    unasked: bytes
    tls: Callable[[Any], Any]
    tls_answers: tuple[bytes, ...]
    script: tuple[Callable[[Any], Any], ...]
    whole: tuple[bytes, ...]
    worst: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)


LITERAL = 12 * MEGABYTE
DIALECTS = {
    "smtp": Dialect(
        SmtpTracer,
        b"220 mail.minfo.sn\r\n",
        lambda smtp: smtp.ehlo("x.sn"),
        b"250-mail.minfo.sn\r\n250 SIZE 10\r\n",
        b"250-\r\n",
        b"250 unasked\r\n",
        lambda smtp: (smtp.ehlo("x.sn"), smtp.starttls()),
        (b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n"),
        (
            lambda smtp: smtp.ehlo("x.sn"),
            lambda smtp: smtp.auth("LOGIN", "user", "minfo"),
            lambda smtp: smtp.mail("user@minfo.sn"),
            lambda smtp: smtp.rcpt("user@minfo.sn"),
            lambda smtp: smtp.data("x"),
            lambda smtp: smtp.quit(),
        ),
        (
            *(b"220 hi\r\n", b"250-x\r\n250 AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n"),
            *(b"334 UGFzc3dvcmQ6\r\n", b"235 2.7.0 in\r\n", b"250 ok\r\n", b"250 ok\r\n"),
            *(b"354 go\r\n", b"250-2.0.0 queued\r\n250 2.0.0 as 1\r\n", b"221 bye\r\n"),
        ),
        {
            "short lines": (b"", b"250-\r\n"),
            "long lines": (b"", b"250-" + b"x" * 60_000 + b"\r\n"),
            "odd lines": (b"", b"250-" + "😀".encode() + b"x" * 60_000 + b"\r\n"),
        },
    ),
    "pop3": Dialect(
        Pop3Tracer,
        b"+OK hi\r\n",
        lambda box: box.capa(),
        b"+OK\r\nTOP\r\nUIDL\r\n.\r\n",
        b"1 1\r\n",
        b"+OK unasked\r\n",
        lambda box: box.stls(),
        (b"+OK go\r\n",),
        (
            lambda box: box.login("user", "minfo"),
            lambda box: box.list(),
            lambda box: box.retr(1),
            lambda box: box.quit(),
        ),
        (
            *(b"+OK hi\r\n", b"+OK\r\n", b"+OK in\r\n", b"+OK 1\r\n1 9\r\n.\r\n"),
            *(b"+OK\r\nSubject: x\r\n\r\n..\r\n.\r\n", b"+OK bye\r\n"),
        ),
        {
            "short lines": (b"+OK\r\n", b"\r\n"),
            "long lines": (b"+OK\r\n", b"x" * 60_000 + b"\r\n"),
            "message": (b"+OK\r\n", b"." * 70 + b"\r\n"),
            "odd lines": (b"+OK\r\n", "😀".encode() + b"x" * 60_000 + b"\r\n"),
        },
    ),
    "imap": Dialect(
        ImapTracer,
        b"* OK hi\r\n",
        lambda imap: imap.noop(),
        b"* 1 EXISTS\r\na001 OK done\r\n",
        b"* 1 EXISTS\r\n",
        b"a099 OK unasked\r\n",
        lambda imap: imap.starttls(),
        (b"a001 OK go\r\n",),
        (
            lambda imap: imap.login("user", "minfo"),
            lambda imap: imap.select(),
            lambda imap: imap.fetch(1, "BODY[]"),
            lambda imap: imap.logout(),
        ),
        (
            *(b"* OK hi\r\n", b"a001 OK in\r\n"),
            b"* 1 EXISTS\r\na002 OK [READ-WRITE] in\r\n",
            b"* 1 FETCH (BODY[] {5}\r\nab\r\nc FLAGS ())\r\na003 OK done\r\n",
            b"* BYE bye\r\na004 OK out\r\n",
        ),
        {
            "short lines": (b"", b"* 1 RECENT\r\n"),
            "long lines": (b"", b"* OK " + b"x" * 60_000 + b"\r\n"),
            "atoms": (b"", b"* FLAGS (" + b"xy " * 20_000 + b"x)\r\n"),
            "numbers": (b"", b"* SEARCH" + b" 999" * 15_000 + b"\r\n"),
            "lists": (b"", b"* THREAD " + b"(1)" * 20_000 + b"\r\n"),
            "big literals": (
                b"",
                b"* 1 FETCH (BODY[] {%d}\r\n" % LITERAL + b"x" * LITERAL + b")\r\n",
            ),
            "empty literals": (b"* 1 FETCH (", b"BODY[] {0}\r\n "),
        },
    ),
    "managesieve": Dialect(
        ManageSieveTracer,
        b'"SASL" "PLAIN"\r\n"STARTTLS"\r\nOK\r\n',
        lambda sieve: sieve.capability(),
        b'"SASL" "PLAIN"\r\nOK\r\n',
        b'"x"\r\n',
        b'OK "unasked"\r\n',
        lambda sieve: sieve.starttls(),
        (b"OK\r\n",),
        (
            lambda sieve: sieve.login("user", "minfo"),
            lambda sieve: sieve.listscripts(),
            lambda sieve: sieve.getscript("x"),
            lambda sieve: sieve.logout(),
        ),
        (
            *(b'"SASL" "PLAIN"\r\nOK\r\n', b'OK "in"\r\n', b'"x" ACTIVE\r\nOK\r\n'),
            *(b"{6}\r\nkeep;\n\r\nOK\r\n", b'OK (TAG {1}\r\nx) "bye"\r\n'),
        ),
        {
            "short lines": (b"", b'""\r\n'),
            "long lines": (b"", b'"' + b"x" * 1000 + b'"\r\n'),
            "items": (b"", b'"ab" ' * 12_000 + b'"ab"\r\n'),
            "big literals": (b"", b"{%d}\r\n" % LITERAL + b"x" * LITERAL + b"\r\n"),
            "empty literals": (b"", b"{0}\r\n "),
        },
    ),
}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


def listen_to_the_end(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


def saying(*answers: bytes) -> Talk:
    """Say the greeting, then an answer to each reading; then listen to the end."""

    def talk(connection: socket.socket) -> None:
        for index, answer in enumerate(answers):
            if index and not connection.recv(65_536):
                return
            connection.sendall(answer)
        listen_to_the_end(connection)

    return talk


def saying_last(greeting: bytes, answer: bytes) -> Talk:
    """Say the greeting and an answer, and no more after that."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(greeting)
        connection.recv(65_536)
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        listen_to_the_end(connection)

    return talk


def in_a_hurry(tracer: AnyTracer, timeouts: Timeouts) -> None:
    """Shorten the patience of a tracer that has got as far as it should."""
    tracer._stream.timeouts = timeouts


def for_ever(greeting: bytes, first: bytes, again: bytes) -> Talk:
    """Begin an answer, and never end it."""
    many = again * (65_536 // len(again) + 1)

    def talk(connection: socket.socket) -> None:
        connection.sendall(greeting)
        connection.recv(65_536)
        connection.sendall(first)
        while True:
            connection.sendall(many)

    return talk


def kept(error: MailsimError) -> Dialogue:
    assert isinstance(error.dialogue, Dialogue)
    return error.dialogue


def checked(error: MailsimError, tracer: AnyTracer, *, asked: bool = True) -> None:
    """The dialogue is kept, the sentence is one, nothing stays open."""
    assert kept(error) == tracer.dialogue
    assert any(line.side is Side.CLIENT for line in tracer.dialogue.lines()) is asked
    assert "\n" not in str(error)
    if not isinstance(error, ConnectionTimeout):  # after silence one may listen again
        assert tracer.ended
    tracer.close()
    assert tracer._stream._socket.fileno() == -1
    with pytest.raises(LocalProtocolError):
        tracer.listen(0)


@pytest.mark.parametrize(
    "endless",
    [
        b"x" * 4096,
        b"\0" * 4096,
        b"\r" * 4096,
        b"250-" * 1024,
        b"(" * 4096,
        b'"' * 4096,
        b"{" * 4096,
    ],
)
def test_an_endless_line(serve: Serve, dialect: Dialect, endless: bytes) -> None:
    with serve(for_ever(dialect.greeting, b"", endless)) as where:
        tracer = dialect.tracer(where, timeouts=PATIENT)
        with pytest.raises(RemoteProtocolError) as caught:
            dialect.ask(tracer)
        checked(caught.value, tracer)


def test_an_endless_line_in_place_of_a_greeting(serve: Serve, dialect: Dialect) -> None:
    def talk(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"x" * 65_536)

    with serve(talk) as where, pytest.raises(RemoteProtocolError) as caught:
        dialect.tracer(where, timeouts=PATIENT)
    assert len(list(kept(caught.value).lines())) == 1


def test_an_answer_that_never_ends(serve: Serve, dialect: Dialect) -> None:
    first = dialect.answer.partition(b"\r\n")[0] + b"\r\n"
    with serve(for_ever(dialect.greeting, first, dialect.flood)) as where:
        tracer = dialect.tracer(where, timeouts=PATIENT)
        with pytest.raises(RemoteProtocolError) as caught:
            dialect.ask(tracer)
        assert "octets" in str(caught.value)
        checked(caught.value, tracer)


@pytest.mark.parametrize("again", [b"\r\n", b"\n", b"x\r\n", b"\0\r\n", b"\r\r\n"])
def test_a_flood_of_tiny_lines(serve: Serve, dialect: Dialect, again: bytes) -> None:
    with serve(for_ever(dialect.greeting, b"", again)) as where:
        tracer = dialect.tracer(where, timeouts=PATIENT)
        with pytest.raises(RemoteProtocolError) as caught:
            dialect.ask(tracer)
        checked(caught.value, tracer)


@pytest.mark.parametrize(
    ("name", "announced"),
    [
        ("imap", b"* 1 FETCH (BODY[] {4294967296}\r\n"),
        ("imap", b"* 1 FETCH (BODY[] {99999999999999999999999999}\r\n"),
        ("imap", b"* LIST () {4294967296}\r\n"),
        ("managesieve", b"{4294967296}\r\n"),
        ("managesieve", b"{4294967295}\r\n"),
        ("managesieve", b"OK (TAG {99999999999999999999999999}\r\n"),
    ],
)
def test_a_literal_of_4_gigabytes(serve: Serve, name: str, announced: bytes) -> None:
    dialect = DIALECTS[name]
    with serve(saying(dialect.greeting, announced)) as where:
        tracer = dialect.tracer(where, timeouts=PATIENT)
        with pytest.raises(RemoteProtocolError) as caught:
            dialect.ask(tracer)
        checked(caught.value, tracer)


@pytest.mark.parametrize("seed", range(12))
def test_garbage(serve: Serve, dialect: Dialect, seed: int) -> None:
    chance = random.Random(seed)
    garbage = chance.randbytes(chance.randrange(1, 3000))
    if seed % 2:
        garbage = dialect.answer[: seed // 2] + garbage + b"\r\n"
    with serve(saying_last(dialect.greeting, garbage)) as where:
        tracer = dialect.tracer(where, timeouts=PATIENT)
        with pytest.raises((RemoteProtocolError, ConnectionLost)) as caught:
            dialect.ask(tracer)
        checked(caught.value, tracer)


def test_every_octet_within_an_answer(serve: Serve, dialect: Dialect) -> None:
    for octet in range(256):
        answer = dialect.answer.replace(b" ", bytes([octet]), 1)
        with serve(saying_last(dialect.greeting, answer)) as where:
            tracer = dialect.tracer(where, timeouts=PATIENT)
            try:
                dialect.ask(tracer)
            except (RemoteProtocolError, ConnectionLost) as error:
                checked(error, tracer)
            tracer.close()


def test_octets_behind_the_answer_to_starttls(serve: Serve, dialect: Dialect) -> None:
    *before, go = dialect.tls_answers
    with serve(saying(dialect.greeting, *before, go + dialect.unasked)) as where:
        tracer = dialect.tracer(where, timeouts=PATIENT)
        with pytest.raises(RemoteProtocolError) as caught:
            dialect.tls(tracer)
        assert caught.value.message_id == "tracer.injected"
        assert list(tracer.dialogue.lines())[-1].raw == dialect.unasked
        assert tracer.tls is None
        checked(caught.value, tracer)


@pytest.mark.parametrize("half", [b"2", b"\x16\x03", b"* "])
def test_half_a_line_behind_the_answer_to_starttls(
    serve: Serve, dialect: Dialect, half: bytes
) -> None:
    *before, go = dialect.tls_answers
    with serve(saying(dialect.greeting, *before, go + half)) as where:
        tracer = dialect.tracer(where, timeouts=PATIENT)
        with pytest.raises(RemoteProtocolError) as caught:
            dialect.tls(tracer)
        assert caught.value.message_id == "tracer.injected"
        checked(caught.value, tracer)


def ask_and_listen(dialect: Dialect, tracer: AnyTracer) -> None:
    dialect.ask(tracer)
    tracer.listen(5)  # what was not asked for may come in a reading of its own


def test_replies_that_were_not_asked_for(serve: Serve, dialect: Dialect) -> None:
    with serve(saying(dialect.greeting, dialect.answer + dialect.unasked)) as where:
        tracer = dialect.tracer(where, timeouts=PATIENT)
        with pytest.raises(RemoteProtocolError) as caught:
            ask_and_listen(dialect, tracer)
        assert caught.value.message_id.partition(".")[2].startswith("unasked-re")
        checked(caught.value, tracer)


def test_an_answer_with_the_greeting_answers_nothing(serve: Serve, dialect: Dialect) -> None:
    with serve(saying(dialect.greeting + dialect.unasked)) as where:
        with pytest.raises(RemoteProtocolError) as caught:
            dialect.tracer(where, timeouts=PATIENT).listen(5)
        assert kept(caught.value).exchanges


def test_silence_from_the_start(serve: Serve, dialect: Dialect) -> None:
    with serve(listen_to_the_end) as where, pytest.raises(ConnectionTimeout) as caught:
        dialect.tracer(where, timeouts=QUICK)
    assert kept(caught.value).exchanges == ()


@pytest.mark.parametrize("half", [0, 3, -1])
def test_silence_within_an_answer(serve: Serve, dialect: Dialect, half: int) -> None:
    with serve(saying(dialect.greeting, dialect.answer[:half])) as where:
        tracer = dialect.tracer(where, timeouts=PATIENT)
        in_a_hurry(tracer, QUICK)
        with pytest.raises(ConnectionTimeout) as caught:
            dialect.ask(tracer)
        checked(caught.value, tracer)


def dripping(greeting: bytes, drops: bytes) -> Talk:
    """An octet every hundredth of a second, for ever."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(greeting)
        connection.recv(65_536)
        connection.settimeout(0.01)
        while True:
            for drop in drops:
                try:
                    if not connection.recv(65_536):
                        return
                except TimeoutError:
                    connection.sendall(bytes([drop]))

    return talk


def test_an_answer_that_drips(serve: Serve, dialect: Dialect) -> None:
    with serve(dripping(dialect.greeting, dialect.flood)) as where:
        tracer = dialect.tracer(where, timeouts=PATIENT)
        in_a_hurry(tracer, Timeouts(silence=20.0, exchange=0.2))
        with pytest.raises((ConnectionTimeout, RemoteProtocolError)) as caught:
            dialect.ask(tracer)
        if dialect.tracer is not Pop3Tracer:  # to which "1 1" is no beginning of an answer
            assert isinstance(caught.value, ConnectionTimeout)
            assert caught.value.params["seconds"] == 0.2
        checked(caught.value, tracer)


def test_a_server_that_takes_a_little_at_a_time(serve: Serve) -> None:
    over = threading.Event()

    def slow(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for answer in (b"220 hi\r\n", *[b"250 x\r\n"] * 3, b"354 go\r\n"):
            connection.sendall(answer)
            connection.recv(100)
        while not over.wait(0.01) and connection.recv(4096):
            pass

    with serve(slow) as where:
        tracer = SmtpTracer(where, timeouts=PATIENT)
        tracer.ehlo("x.sn")
        tracer.mail("user@minfo.sn")
        tracer.rcpt("user@minfo.sn")
        tracer.data()
        in_a_hurry(tracer, Timeouts(silence=20.0, exchange=0.3))
        with pytest.raises(ConnectionTimeout) as caught:
            tracer.content(b"x" * 70 * MEGABYTE)
        over.set()
        checked(caught.value, tracer)


# Cut at every octet.


def cut_after(octets: int, pieces: tuple[bytes, ...]) -> Talk:
    """A whole session, but no more than so many octets of it."""

    def talk(connection: socket.socket) -> None:
        left = octets
        for index, piece in enumerate(pieces):
            if index and not connection.recv(65_536):
                return
            connection.sendall(piece[:left])
            left -= len(piece[:left])
            if not left:
                return
        listen_to_the_end(connection)

    return talk


def run_script(dialect: Dialect, where: str) -> tuple[Dialogue, MailsimError | None]:
    try:
        tracer = dialect.tracer(where, timeouts=PATIENT)
    except MailsimError as error:
        return kept(error), error
    try:
        for act in dialect.script:
            act(tracer)
    except MailsimError as error:
        checked(error, tracer, asked=bool(tracer.steps))
        return tracer.dialogue, error
    assert tracer.ended
    return tracer.dialogue, None


def test_a_dialogue_cut_at_every_octet(serve: Serve, dialect: Dialect) -> None:
    everything = b"".join(dialect.whole)
    for octets in range(len(everything) + 1):
        with serve(cut_after(octets, dialect.whole)) as where:
            dialogue, error = run_script(dialect, where)
        heard = b"".join(line.raw for line in dialogue.lines() if line.side is Side.SERVER)
        assert heard == everything[:octets]
        if octets == len(everything):
            assert error is None
        else:
            assert isinstance(error, (ConnectionLost, RemoteProtocolError)), octets


# What it costs.

CLIENT = """
import json, os, pathlib, re, resource, sys
import mailsim
from mailsim.errors import RemoteProtocolError
from mailsim.net import Timeouts
tracer_name, *attacks = sys.argv[1:]
make = getattr(mailsim, tracer_name)
timeouts = Timeouts(5, 20, 100)
def peak():
    # Of Linux's ru_maxrss a child's parent is part (it survives exec); VmHWM is its own.
    if sys.platform == "linux":
        status = pathlib.Path("/proc/self/status").read_text()
        return int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024**2
def attack(where, command):
    tracer = make(where, timeouts=timeouts)
    try:
        tracer.send_raw(command + "\\r\\n")
    except RemoteProtocolError as error:
        return error.message_id
import mailsim.wire.imap.responses
for where, command in zip(attacks[::2], attacks[1::2]):
    # Each in a process of its own: what one leaves behind is not the next one's
    if os.fork() == 0:
        before = peak()
        print(json.dumps([attack(where, command), peak() - before]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no module resource there")
def test_what_a_hostile_server_costs_in_memory(serve: Serve, dialect: Dialect) -> None:
    commands = {SmtpTracer: "EHLO x.sn", Pop3Tracer: "CAPA", ImapTracer: "x1 NOOP"}
    with ExitStack() as servers:
        attacks: list[str] = []
        for name, (first, again) in dialect.worst.items():
            where = servers.enter_context(serve(for_ever(dialect.greeting, first, again)))
            usual = commands.get(dialect.tracer, "CAPABILITY")
            attacks += (where, "RETR 1" if name == "message" else usual)
        ran = subprocess.run(
            [sys.executable, "-c", CLIENT, dialect.tracer.__name__, *attacks],
            capture_output=True,
            text=True,
            check=True,
        )
    costs = dict(zip(dialect.worst, map(json.loads, ran.stdout.splitlines()), strict=True))
    for name, (message_id, megabytes) in costs.items():
        assert message_id, name
        assert megabytes < 64, costs
