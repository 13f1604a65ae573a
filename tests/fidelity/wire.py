"""One connection to a mail server, as plain as it gets: octets out, a whole answer in.

No tracer stands between: what a server answers to nonsense must not depend on what our own
client makes of it.
"""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from mailsim.dialogue.volatile import normalised
from mailsim.model import Protocol

PATIENCE: Final = 20.0  # seconds: a refused password takes some, and more after others
SILENCE: Final = "(silence)"
CLOSED: Final = "(closed)"
_LITERAL: Final = re.compile(rb"\{(\d+)\+?\}\r\n\Z")
_SMTP_LAST: Final = re.compile(rb"\d{3}(?: |\r\n)")
_CODE: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?= |$)")
_IMAP: Final = re.compile(r"(\S+) (OK|NO|BAD|BYE|PREAUTH)(?: \[([^\]]*)\])?(.*)", re.IGNORECASE)
_POP3: Final = re.compile(r"(\+OK|-ERR|\+)(?: \[([^\]]*)\])?(.*)", re.IGNORECASE)
_SIEVE: Final = re.compile(r"(OK|NO|BYE)\b(?: \(([^)]*)\))?(.*)", re.IGNORECASE)
_POP3_LISTS: Final = ("CAPA", "RETR", "TOP")
_POP3_LISTS_ALONE: Final = ("LIST", "UIDL", "AUTH")


@dataclass(frozen=True, slots=True)
class Answer:
    """`status`: a code, +OK, NO …; `detail`: the enhanced code or the response codes; `text`:
    the last line's words, which are shown and not compared."""

    status: str
    detail: str = ""
    text: str = ""

    @property
    def refusal(self) -> bool:
        """Whether the server refuses."""
        return self.status[:1] in {"4", "5", "-"} or self.status in {"NO", "BAD", "BYE"}

    @property
    def ended(self) -> bool:
        """Whether nothing more can be said."""
        return self.status in {SILENCE, CLOSED, "BYE", "421", "521", "221"}

    @property
    def more(self) -> bool:
        """Whether the server waits for what belongs to the same command."""
        return self.status in {"334", "354", "+"}


class Wire:
    """A connection on which the greeting has been heard; `greeting` is it."""

    def __init__(
        self, address: tuple[str, int], protocol: Protocol, context: ssl.SSLContext, *, tls: bool
    ) -> None:
        self._protocol = protocol
        self._context = context
        self._held = b""
        self._tag = 0
        self._socket = socket.create_connection(address, PATIENCE)
        if tls:
            self.start_tls()
        self.greeting = self.hear("")

    def close(self) -> None:
        """Without a word."""
        self._socket.close()

    def start_tls(self) -> None:
        """The handshake; ManageSieve's server tells its capabilities again behind it."""
        self._socket = self._context.wrap_socket(self._socket, server_hostname="mail.minfo.sn")

    def send(self, raw: bytes) -> None:
        """Octets; that the other side has gone is heard afterwards."""
        try:
            self._socket.sendall(raw)
        except OSError:
            return

    def next_tag(self) -> bytes:
        """IMAP's tag for a new command."""
        self._tag += 1
        return b"t%d" % self._tag

    # --- hearing

    def hear(self, verb: str) -> Answer:
        """The whole answer to a command of that verb ("" for a greeting)."""
        try:
            if self._protocol is Protocol.IMAP:
                return self._imap()
            if self._protocol is Protocol.POP3:
                return self._pop3(verb)
            if self._protocol is Protocol.MANAGESIEVE:
                return self._sieve(verb)
            return self._smtp()
        except TimeoutError:
            return Answer(SILENCE)
        except (EOFError, OSError):
            return Answer(CLOSED)

    def _line(self) -> bytes:
        """A line with the literals in it."""
        line = self._until_line_end()
        while found := _LITERAL.search(line):
            line += self._octets(int(found.group(1))) + self._until_line_end()
        return line

    def _until_line_end(self) -> bytes:
        while b"\n" not in self._held:
            self._more()
        line, _, self._held = self._held.partition(b"\n")
        return line + b"\n"

    def _octets(self, count: int) -> bytes:
        while len(self._held) < count:
            self._more()
        found, self._held = self._held[:count], self._held[count:]
        return found

    def _more(self) -> None:
        piece = self._socket.recv(65_536)
        if not piece:
            raise EOFError
        self._held += piece

    def _smtp(self) -> Answer:
        line = self._until_line_end()
        while not _SMTP_LAST.match(line):
            line = self._until_line_end()
        text = _text(line)
        enhanced = _CODE.match(text[4:])
        return Answer(text[:3], enhanced.group(0) if enhanced else "", text[4:])

    def _pop3(self, verb: str) -> Answer:
        text = _text(self._until_line_end())
        found = _POP3.match(text)
        if found is None:
            return Answer(text)
        status = found.group(1).upper()
        word, _, argument = verb.upper().partition(" ")
        lists = word in _POP3_LISTS or (word in _POP3_LISTS_ALONE and not argument.strip())
        if status == "+OK" and lists:
            while self._until_line_end() != b".\r\n":
                continue
        return Answer(status, _detail([found.group(2)]), found.group(3).strip())

    def _imap(self) -> Answer:
        codes = []
        while True:
            text = _text(self._line())
            if text.startswith("+"):
                return Answer("+", "", text[1:].strip())
            found = _IMAP.match(text)
            if found is None:
                continue
            codes.append(found.group(3))
            tag, status = found.group(1), found.group(2).upper()
            if tag != "*" or (status in {"BYE", "PREAUTH"}) or not self._tag:
                return Answer(status, _detail(codes), found.group(4).strip())

    def _sieve(self, verb: str) -> Answer:
        while True:
            text = _text(self._line())
            if found := _SIEVE.match(text):
                return Answer(
                    found.group(1).upper(), _detail([found.group(2)]), found.group(3).strip()
                )
            if verb.upper().startswith("AUTHENTICATE") and text[:1] in {'"', "{"}:
                return Answer("+", "", text)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace").rstrip("\r\n")


def _detail(codes: list[str | None]) -> str:
    """Response codes, what must differ by name; capabilities are compared apart."""
    shown = [normalised(f"[{one}]")[1:-1] for one in codes if one]
    return ", ".join("CAPABILITY" if one.startswith("CAPABILITY ") else one for one in shown)
