"""The dialogues of tests/servers/dialogues/pop3 and …/managesieve, played over a socket.

Besides what tests/servers/played.py lists, a file may say of itself:

    login     who has logged in before the first line, under TLS where that line is
    mail      a message of MAIL that is in the user's INBOX from the beginning; several times
    script    "name keep;": a script that is there from the beginning; several times
    setting   "sieve_quota_max_scripts 3": what the server is set to
    differs   why a row is said otherwise by the real server, and is not compared with it
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from mailsim.dialogue import Side
from mailsim.dialogue.text import read_text
from mailsim.model import Security
from mailsim.model.stage import Release
from tests.servers.played import PATIENCE, Played, Wire, _assert_no_tls

ROOT = Path(__file__).parent / "dialogues"
PROTOCOLS = ("pop3", "managesieve")
FILES = [
    f"{protocol}/{path.name}"
    for protocol in PROTOCOLS
    for path in sorted((ROOT / protocol).glob("*.txt"))
]
DISTRIBUTIONS = {
    Release.BOOKWORM: "Debian",
    Release.TRIXIE: "Debian",
    Release.NOBLE: "Ubuntu",
    Release.RESOLUTE: "Ubuntu",
    Release.FULL: "Ubuntu",
}
MAIL = {
    "points": b"Subject: points\r\n\r\n.un\r\n..deux\r\n.\r\nfin\r\n",
    "header": b"From: cheikh@minfo.sn\r\nSubject: vide\r\n\r\n",
    "no-body": b"Subject: sans corps\r\n",
    "accents": "Subject: é\r\n\r\nété\r\n".encode(),
}
_UNIQUE_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{8}\b")
_LISTED = re.compile(r'"[^"]*"(?: ACTIVE)?')
_TIMESTAMP = re.compile(r"<[0-9a-f]+\.[0-9a-f]+\.[0-9a-f]+\.[^@>]+@[^>]+>")


def without_volatile(row: str) -> str:
    """The row without what differs from run to run: UIDVALIDITY, APOP's timestamp."""
    return _TIMESTAMP.sub("<timestamp>", _UNIQUE_ID.sub(r"\1{uidvalidity}", row))


@cache
def read(name: str) -> Played:
    return Played(name, read_text((ROOT / name).read_text(encoding="utf-8"), name=name))


def settings(played: Played) -> dict[str, Any]:
    """What the server is set to, by the names of Config."""
    return {
        name: _value(text)
        for name, _, text in (one.partition(" ") for one in played.all("setting"))
    }


def _value(text: str) -> int | str | tuple[str, ...]:
    if text.isdigit():
        return int(text)
    return tuple(text.split()) if " " in text else text


def user(played: Played) -> str:
    """Whose mailbox and scripts it is about."""
    return next(iter(played.all("login")), "user")


def _sorted(rows: list[str]) -> list[str]:
    """LISTSCRIPTS's rows in the order of their names: Pigeonhole lists them as they lie in the
    folder."""
    made: list[str] = []
    listed: list[str] = []
    for row in [*rows, ""]:
        if _LISTED.fullmatch(row):
            listed.append(row)
        else:
            made += [*sorted(listed), row]
            listed = []
    return made[:-1]


@dataclass(frozen=True, slots=True)
class Target:
    """A server to play against: how to reach it, what it is like, and how its rows are compared."""

    release: Release
    server: str
    connect: Callable[[Played], socket.socket]
    context: ssl.SSLContext
    password: Callable[[str], str]
    same: Callable[[str, str], bool] = lambda found, wanted: found == wanted
    not_ours: str | None = None
    """A row that this server says and the simulator does not."""

    @contextmanager
    def _wire(self, played: Played) -> Iterator[Wire]:
        wire = Wire(self.connect(played), self.context, self.server)
        wire.socket.settimeout(PATIENCE)
        try:
            yield wire
        finally:
            wire.socket.close()

    def play(self, played: Played) -> None:
        """Say all that the client says.  AssertionError where the server says something else."""
        with self._wire(played) as wire:
            if "no-tls" in played.all("end") and len(played.lines) == 1:
                _assert_no_tls(wire)
                return
            secure = self._begin(wire, played)
            for (side, now), units in groupby(
                played.lines, key=lambda unit: (unit.side, unit.secure)
            ):
                if now is not secure:
                    wire.start_tls()
                    secure = now
                self._unit(wire, side, b"".join(unit.raw for unit in units), played)
            self._end(wire, played)

    def _begin(self, wire: Wire, played: Played) -> bool:
        """Up to the first row of the file; whether TLS is on."""
        secure = played.transcript.dialogue.endpoint.security is Security.IMPLICIT
        if secure:
            wire.start_tls()
        first = played.lines[0]
        if first.side is Side.SERVER and not played.all("login"):
            return secure
        self._answer(wire, played)
        for name in played.all("login"):
            if first.secure and not secure:
                self._start_tls(wire, played)
                secure = True
            self._log_in(wire, played, name)
        return secure

    def _log_in(self, wire: Wire, played: Played, name: str) -> None:
        token = base64.b64encode(f"\0{name}\0{self.password(name)}".encode()).decode()
        pop3 = played.name.startswith("pop3")
        command = f"AUTH PLAIN {token}" if pop3 else f'AUTHENTICATE "PLAIN" "{token}"'
        wire.send(f"{command}\r\n".encode())
        self._answer(wire, played)

    def _start_tls(self, wire: Wire, played: Played) -> None:
        pop3 = played.name.startswith("pop3")
        wire.send(b"STLS\r\n" if pop3 else b"STARTTLS\r\n")
        self._answer(wire, played)
        wire.start_tls()
        if not pop3:
            self._answer(wire, played)

    @staticmethod
    def _answer(wire: Wire, played: Played) -> None:
        """Read a whole positive answer: one row, or ManageSieve's capabilities and an OK."""
        row = wire.line()
        while played.name.startswith("managesieve") and row.startswith('"'):
            row = wire.line()
        assert row.startswith(("+OK", "OK")), row

    def _unit(self, wire: Wire, side: Side, raw: bytes, played: Played) -> None:
        if side is Side.CLIENT:
            wire.send(raw)
            return
        rows = raw.decode().removesuffix("\r\n").split("\r\n")
        wanted = [without_volatile(self._shown(row)) for row in rows]
        found = [without_volatile(self._row(wire)) for _ in wanted]
        for mine, theirs in zip(_sorted(found), _sorted(wanted), strict=True):
            assert self.same(mine, theirs), f"{played.name}: {mine!r} and not {theirs!r}"

    def _shown(self, row: str) -> str:
        return row.replace("{distribution}", DISTRIBUTIONS[self.release])

    def _row(self, wire: Wire) -> str:
        row = wire.line()
        return self._row(wire) if row == self.not_ours else row

    @staticmethod
    def _end(wire: Wire, played: Played) -> None:
        """Nothing more may have come than what the file shows."""
        last = played.lines[-1].raw.decode()
        over = last.startswith(("+OK Logging out", 'OK "Logout', "BYE"))
        if not over and not played.all("end"):
            pop3 = played.name.startswith("pop3")
            wire.send(b"QUIT\r\n" if pop3 else b"LOGOUT\r\n")
            row = wire.line()
            assert row.startswith("+OK Logging out" if pop3 else 'OK "Logout'), row
        assert wire.line() == "(closed)"
