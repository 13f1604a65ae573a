"""The dialogues of tests/servers/dialogues: read, and played against a server over a socket.

What a file says of itself, besides what every transcript may say:

    stage     how far the lab has gone
    release   whose behaviour it is; several times, or not at all: all of them alike
    as        the host of the network that the client is ("localhost": the server itself);
              not at all: the workstation
    login     who has logged in before the first line (587: under TLS)
    fault     what is switched on, "F8 takes mail on 465 without AUTH"
    set       "smtpd_timeout = 1", a setting that is not the stage's
    beside    how many connections of the same host are open already
    repeat    "3 1001": its third exchange is said 1001 times
    end       "closed": the server hangs up after the last line, without a 221 or a 421;
              "no-tls": so it does instead of the handshake
    oracle    "no …": why a real Postfix cannot be asked
    source    the section of the RFC, or Postfix's parameter or document

A unit of the client's goes out as it stands, those that follow one another in one piece; what
the server says must be the same to the octet, but for what says nothing.
A dialogue that does not show the greeting begins after it.
"""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from pathlib import Path

from mailsim.dialogue import Line, Side
from mailsim.dialogue.text import Transcript, read_text
from mailsim.dialogue.volatile import VOLATILE, normalised
from mailsim.model import Security
from mailsim.model.network import Network
from mailsim.model.stage import Release, Stage
from mailsim.servers.config import Config

FOLDER = Path(__file__).parent / "dialogues" / "smtp"
FILES = sorted(path.name for path in FOLDER.glob("*.txt"))
RELEASES = (Release.BOOKWORM, Release.TRIXIE, Release.NOBLE, Release.RESOLUTE)
# What Debian's and Ubuntu's main.cf put into smtpd_banner.
DISTRIBUTIONS = {
    Release.BOOKWORM: "Debian/GNU",
    Release.TRIXIE: "Debian/GNU",
    Release.NOBLE: "Ubuntu",
    Release.RESOLUTE: "Ubuntu",
}
# LOGIN's challenges are always the same.
_VOLATILE = {name: VOLATILE[name] for name in VOLATILE if name != "challenge"}
_LAST = ("221 ", "421 ")
PATIENCE = 20.0


def without_volatile(row: str) -> str:
    return normalised(row, _VOLATILE)


@dataclass(frozen=True, slots=True)
class Setting:
    """What must run for a dialogue."""

    stage: Stage
    faults: frozenset[str]
    service: str
    values: frozenset[tuple[str, str]] = frozenset()

    def apply(self, made: Config) -> Config:
        """The Config with the values that are not the stage's."""
        return replace(made, **{key: type(getattr(made, key))(one) for key, one in self.values})


@dataclass(frozen=True, slots=True)
class Played:
    """A dialogue of a file."""

    name: str
    transcript: Transcript

    def all(self, key: str) -> tuple[str, ...]:
        return tuple(self.transcript.metadata.get(key, ()))

    @property
    def setting(self) -> Setting:
        stage = Stage.of(self.transcript.first("stage"))
        faults = frozenset(value.partition(" ")[0] for value in self.all("fault"))
        values = frozenset((key, one) for key, _, one in map(_three, self.all("set")))
        return Setting(stage, faults, self.transcript.dialogue.endpoint.name, values)

    @property
    def releases(self) -> tuple[Release, ...]:
        return tuple(map(Release.of, self.all("release"))) or RELEASES

    @property
    def lines(self) -> tuple[Line, ...]:
        """All that is said, what is repeated as often as it is."""
        times = {int(one): int(many) for one, many in map(str.split, self.all("repeat"))}
        exchanges = enumerate(self.transcript.dialogue.exchanges, 1)
        return tuple(line for number, one in exchanges for line in one.lines * times.get(number, 1))


def _three(text: str) -> tuple[str, str, str]:
    name, equals, value = text.split()
    return name, equals, value


@cache
def read(name: str) -> Played:
    return Played(name, read_text((FOLDER / name).read_text(encoding="utf-8"), name=name))


@dataclass
class Wire:
    """A connection to the server, its lines as text.  TLS is verified."""

    socket: socket.socket
    context: ssl.SSLContext
    server: str
    _held: bytes = b""
    _again: list[str] = field(default_factory=list)

    def send(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def start_tls(self) -> None:
        assert not self._held, self._held
        self.socket = self.context.wrap_socket(self.socket, server_hostname=self.server)

    def line(self) -> str:
        """The next line; "(closed)" when the server has hung up."""
        if self._again:
            return self._again.pop()
        while b"\r\n" not in self._held:
            try:
                piece = self.socket.recv(65_536)
            except ConnectionResetError:
                piece = b""
            if not piece:
                return self._held.decode() or "(closed)"
            self._held += piece
        row, _, self._held = self._held.partition(b"\r\n")
        return row.decode("utf-8", "surrogateescape")

    def reply(self) -> str:
        """The last line of a whole reply."""
        row = self.line()
        while row[3:4] == "-":
            row = self.line()
        return row

    def ask(self, command: str, code: str) -> None:
        self.send(f"{command}\r\n".encode())
        row = self.reply()
        assert row.startswith(code), (command, row)
        self._last = row

    def unread(self, row: str) -> None:
        self._again.append(row)


@dataclass(frozen=True, slots=True)
class Target:
    """A server to play against: how to reach it, as whom, and what it is like."""

    network: Network
    release: Release
    connect: Callable[[Setting], socket.socket]
    context: ssl.SSLContext
    password: Callable[[str], str]
    prepare: Callable[[Setting], None] = lambda _: None
    """Makes it what a dialogue needs, before the first connection."""

    @contextmanager
    def wire(self, setting: Setting) -> Iterator[Wire]:
        wire = Wire(self.connect(setting), self.context, self.network.server.name)
        wire.socket.settimeout(PATIENCE)
        try:
            yield wire
        finally:
            wire.socket.close()

    def play(self, played: Played) -> None:
        """Say all that the client says.  AssertionError where the server says something else."""
        self.prepare(played.setting)
        with ExitStack() as stack:
            for _ in range(int(played.transcript.first("beside") or 0)):
                self._begin(stack.enter_context(self.wire(played.setting)), played)
            wire = stack.enter_context(self.wire(played.setting))
            if "no-tls" in played.all("end"):
                _assert_no_tls(wire)
                return
            rest = self._begin(wire, played)
            secure = bool(rest) and rest[0].secure
            for (side, now), units in groupby(rest, key=lambda unit: (unit.side, unit.secure)):
                if now is not secure:
                    wire.start_tls()
                    secure = now
                self._unit(wire, side, b"".join(unit.raw for unit in units), played.name)
            self._end(wire, played)

    def _begin(self, wire: Wire, played: Played) -> tuple[Line, ...]:
        lines = played.lines
        implicit = played.transcript.dialogue.endpoint.security is Security.IMPLICIT
        if implicit:
            wire.start_tls()
        greeting = wire.line()
        assert greeting.startswith("220 "), greeting
        for name in played.all("as"):
            greeting = self._become(wire, name)
        for user in played.all("login"):
            self._log_in(wire, user, encrypted=implicit, wanted=lines[0].secure)
        if lines[0].side is Side.SERVER:
            wire.unread(greeting)
        return lines

    def _become(self, wire: Wire, name: str) -> str:
        address = "127.0.0.1" if name == "localhost" else self.network.host(name).address
        whole = name if name == "localhost" else self.network.host(name).name
        wire.send(f"XCLIENT NAME={whole} ADDR={address}\r\n".encode())
        return wire.line()

    def _log_in(self, wire: Wire, user: str, *, encrypted: bool, wanted: bool) -> None:
        wire.ask("EHLO poste.minfo.sn", "250")
        if wanted and not encrypted:
            wire.ask("STARTTLS", "220")
            wire.start_tls()
            wire.ask("EHLO poste.minfo.sn", "250")
        response = base64.b64encode(f"\0{user}\0{self.password(user)}".encode()).decode()
        wire.ask(f"AUTH PLAIN {response}", "235")

    def _unit(self, wire: Wire, side: Side, raw: bytes, name: str) -> None:
        if side is Side.CLIENT:
            wire.send(raw)
            return
        for row in raw.decode().removesuffix("\r\n").split("\r\n"):
            wanted = row.replace("{distribution}", DISTRIBUTIONS[self.release])
            found = wire.line()
            assert without_volatile(found) == without_volatile(wanted), f"{name}: {found!r}"

    @staticmethod
    def _end(wire: Wire, played: Played) -> None:
        """Nothing more may have come than what the file shows."""
        last = played.lines[-1].raw.decode()
        if not last.startswith(_LAST) and "closed" not in played.all("end"):
            wire.send(b"QUIT\r\n")
            assert wire.line() == "221 2.0.0 Bye"
        assert wire.line() == "(closed)"


def _assert_no_tls(wire: Wire) -> None:
    try:
        wire.start_tls()
    except (ssl.SSLError, ConnectionError):
        return
    raise AssertionError("TLS was started")
