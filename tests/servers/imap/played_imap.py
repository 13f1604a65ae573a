"""The dialogues of tests/servers/dialogues/imap, played over a socket.

Besides what tests/servers/played.py lists, a file may say of itself:

    login      who logs in before the first line
    mail       a message of MAIL that is put into INBOX first, with its flags: "plain \\Seen"
    mailbox    a mailbox that is made first
    select     the mailbox that is selected before the first line, or "EXAMINE INBOX"
    enable     what is enabled before the first line
    meanwhile  "2 STORE 1 +FLAGS (\\Deleted)": what another session, of the same user and
               with INBOX selected, says before the second exchange
    setting    "mail_max_userip_connections 1": what the server is set to

A line of the client's goes out when the server has said all that stands before it.  What
the server says must be the same, but for what says nothing; the lines of LIST and LSUB may
come in any order.
"""

from __future__ import annotations

import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path

from mailsim.dialogue import Side
from mailsim.dialogue.text import read_text
from mailsim.dialogue.volatile import VOLATILE, normalised
from mailsim.model import Security
from mailsim.model.stage import Release
from tests.servers.played import PATIENCE, Played

FOLDER = Path(__file__).parents[1] / "dialogues" / "imap"
FILES = sorted(path.name for path in FOLDER.glob("*.txt"))
DISTRIBUTIONS = {Release.BOOKWORM: "Debian", Release.TRIXIE: "Debian"}
SERVER = "mail.minfo.sn"

_HEADER = b"Date: Mon, 21 Jun 2010 08:00:00 +0000\r\nFrom: Cheikh <cheikh@minfo.sn>\r\nTo: user@minfo.sn\r\n"
_MIXED = b"""MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=fin\r
\r
--fin\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
caf=C3=A9\r
--fin\r
Content-Type: application/octet-stream; name=a.bin\r
Content-Transfer-Encoding: base64\r
\r
AAEC\r
--fin--\r
"""
_INNER = b"From: mactar@minfo.sn\r\nSubject: dedans\r\n\r\nau fond\r\n"
MAIL = {
    "plain": _HEADER + b"Subject: un\r\nMessage-ID: <un@minfo.sn>\r\n\r\nbonjour\r\n",
    "second": b"Date: Tue, 22 Jun 2010 08:00:00 +0000\r\nFrom: mactar@minfo.sn\r\n"
    b"Subject: Re: un\r\nMessage-ID: <deux@minfo.sn>\r\nIn-Reply-To: <un@minfo.sn>\r\n"
    b"References: <un@minfo.sn>\r\n\r\nau revoir\r\n",
    "third": b"Date: Wed, 23 Jun 2010 08:00:00 +0000\r\nFrom: admin@minfo.sn\r\nCc: user@minfo.sn\r\n"
    b"Subject: Avis\r\n\r\nmaintenance\r\nce soir\r\n",
    "mixed": _HEADER + b"Subject: deux parties\r\n" + _MIXED,
    "forwarded": _HEADER
    + b"Subject: Fwd\r\nMIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n"
    + _INNER,
    "strange": _HEADER + b"Content-Transfer-Encoding: x-rot13\r\n\r\nobawbhe\r\n",
}
_VOLATILE = {
    **{name: VOLATILE[name] for name in VOLATILE if name not in ("challenge", "boundary")},
    "modseqs": re.compile(r"(?<=MODSEQ )\d+"),
}
_UNORDERED = ("* LIST ", "* LSUB ", "* STATUS ")


@cache
def read(name: str) -> Played:
    return Played(name, read_text((FOLDER / name).read_text(encoding="utf-8"), name=name))


def rows(raw: bytes, release: Release, unlike: str = "") -> list[str]:
    """What is compared: without what is volatile or `unlike`, unordered lines sorted."""
    text = raw.decode("utf-8", "surrogateescape")
    text = re.sub(unlike, "", text) if unlike else text
    text = text.replace("{distribution}", DISTRIBUTIONS.get(release, "Ubuntu"))
    lines = [normalised(one, _VOLATILE) for one in text.split("\r\n")]
    shown: list[str] = []
    for unordered, group in groupby(lines, key=lambda line: line.startswith(_UNORDERED)):
        said = list(group)
        shown += sorted(said) if unordered else said
    return shown


def _plain(name: str, password: str) -> bytes:
    """PLAIN's message in base64 (RFC 4616 §2)."""
    return b64encode(f"\0{name}\0{password}".encode())


@dataclass
class Wire:
    """A connection; what came is given out by lines."""

    socket: socket.socket
    context: ssl.SSLContext
    _held: bytes = field(default=b"", init=False)

    def send(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def start_tls(self) -> None:
        assert not self._held, self._held
        self.socket = self.context.wrap_socket(self.socket, server_hostname=SERVER)

    def lines(self, count: int) -> bytes:
        """So many lines, or all up to the end of the connection."""
        while self._held.count(b"\n") < count:
            try:
                piece = self.socket.recv(65_536)
            except ConnectionResetError:
                piece = b""
            except TimeoutError:
                raise AssertionError(f"no more than {self._held!r}") from None
            if not piece:
                break
            self._held += piece
        cut = 0
        for _ in range(count):
            cut = self._held.find(b"\n", cut) + 1 or len(self._held)
        taken, self._held = self._held[:cut], self._held[cut:]
        return taken

    def ask(self, command: str) -> None:
        """A command of the test's own; its answer must be OK."""
        self.send(b"t0 " + command.encode() + b"\r\n")
        while not (line := self.lines(1)).startswith((b"t0 ", b"+ ")) and line:
            pass
        assert line.startswith((b"t0 OK", b"+ ")), (command, line)

    def append(self, flags: str, message: bytes, number: int) -> None:
        date = f'"21-Jun-2010 {number:02}:00:00 +0000"'
        head = f"t0 APPEND INBOX ({flags}) {date} {{{len(message)}+}}\r\n"
        self.send(head.encode())
        self.send(message)
        self.send(b"\r\n")
        assert (line := self.lines(1)).startswith(b"t0 OK"), line


@dataclass(frozen=True, slots=True)
class Target:
    """A server to play against: how to reach it, and who is the user there."""

    release: Release
    connect: Callable[[Played], socket.socket]
    context: ssl.SSLContext
    login: Callable[[str], tuple[str, str]]
    unlike: str = ""
    """A pattern of what this server says and the simulator does not."""

    @contextmanager
    def _wire(self, played: Played) -> Iterator[Wire]:
        wire = Wire(self.connect(played), self.context)
        wire.socket.settimeout(PATIENCE)
        try:
            yield wire
        finally:
            wire.socket.close()

    def play(self, played: Played) -> None:
        """Say all that the client says.  AssertionError where the server says something else."""
        with self._wire(played) as wire, self._wire(played) as other:
            secure = played.transcript.dialogue.endpoint.security is Security.IMPLICIT
            self._begin(wire, other, played, secure=secure)
            said = {
                int(number): command
                for number, _, command in (one.partition(" ") for one in played.all("meanwhile"))
            }
            for number, exchange in enumerate(played.transcript.dialogue.exchanges, 1):
                if number in said:
                    for command in said[number].split("; "):
                        other.ask(command)
                secure = self._exchange(wire, exchange.lines, played, secure=secure)
            if "closed" in played.all("end"):
                assert wire.lines(1) == b""
            else:
                wire.send(b"t9 LOGOUT\r\n")
                assert wire.lines(1).startswith(b"* BYE"), "something was said that is not shown"

    def _exchange(self, wire: Wire, lines: tuple, played: Played, *, secure: bool) -> bool:  # type: ignore[type-arg]
        for (side, now), units in groupby(lines, key=lambda unit: (unit.side, unit.secure)):
            if now is not secure:
                wire.start_tls()
                secure = now
            raw = b"".join(unit.raw for unit in units)
            if side is Side.CLIENT:
                wire.send(self._as_user(raw))
                continue
            heard = wire.lines(raw.count(b"\n"))
            found, wanted = rows(heard, self.release, self.unlike), rows(raw, self.release)
            assert found == wanted, played.name
        return secure

    def _as_user(self, raw: bytes) -> bytes:
        """Where the lab's user is another there, and has another password."""
        name, password = self.login("user")
        raw = raw.replace(b"LOGIN user minfo", f"LOGIN {name} {password}".encode())
        return raw.replace(_plain("user", "minfo"), _plain(name, password))

    def _begin(self, wire: Wire, other: Wire, played: Played, *, secure: bool) -> None:
        if secure:
            wire.start_tls()
        if not played.all("login"):
            if played.lines[0].side is Side.CLIENT:
                wire.lines(1)
            return
        name, password = self.login("user")
        for one in (wire, other):
            one.lines(1)
            one.ask(f"LOGIN {name} {password}")
        for number, mail in enumerate(played.all("mail"), 10):
            kind, _, flags = mail.partition(" ")
            other.append(flags, MAIL[kind], number)
        for mailbox in played.all("mailbox"):
            other.ask(f"CREATE {mailbox}")
        for extension in played.all("enable"):
            wire.ask(f"ENABLE {extension}")
        for mailbox in played.all("select"):
            wire.ask(mailbox if " " in mailbox else f"SELECT {mailbox}")
        if played.all("meanwhile"):
            other.ask("SELECT INBOX")
