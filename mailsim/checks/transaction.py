"""SMTP as it was spoken: each command with its reply, each transaction with its message.

What a student sent by hand counts as much as what a tracer sent: it is read by octets, not by
the units in which it was written.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final

from mailsim.dialogue import Dialogue, Line, Side

_REPLY = re.compile(r"(\d{3})([- ]?)((?:[245]\.\d{1,3}\.\d{1,3}(?= |$))?) ?(.*)")
_PATH = re.compile(r"(?i)(?:FROM|TO)\s*:\s*(?:<\s*([^>]*?)\s*>|(\S+))")
_NAME = re.compile(r"(?i)\bNAME=(\S+)")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: its three digits, its enhanced code ("" for none), the text of its last line."""

    code: str
    enhanced: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A command and its reply; `exchange` is the number of the exchange in which it was sent.

    The message that follows DATA is a command of its own, verb ".", `content` unstuffed.
    """

    verb: str
    argument: str
    secure: bool
    exchange: int
    content: bytes = b""
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """One MAIL and what followed: `client` is who XCLIENT said, "" for the workstation.

    `content` is None where no message was sent, `reply` what the server said of it; `written`
    is what stood behind MAIL and each RCPT, as it was sent.
    """

    client: str
    hello: str
    user: bool
    secure: bool
    sender: str
    mail: Reply | None
    recipients: tuple[tuple[str, Reply | None], ...] = ()
    content: bytes | None = None
    reply: Reply | None = None
    exchanges: frozenset[int] = frozenset()
    written: tuple[str, ...] = ()

    @property
    def taken(self) -> bool:
        """Whether the server took the message."""
        return self.reply is not None and self.reply.code == "250"

    def accepted(self) -> tuple[str, ...]:
        """The recipients that the server took."""
        return tuple(one for one, reply in self.recipients if reply and reply.code[0] == "2")


@dataclass
class _Reader:
    """Takes the lines of both sides, and pairs commands with replies."""

    waiting: deque[int] = field(default_factory=deque)
    found: list[Asked] = field(default_factory=list)
    buffer: bytes = b""
    content: bool = False
    chunk: int = 0
    greeted: bool = False

    def client(self, line: Line, exchange: int) -> None:
        self.buffer += line.raw
        while self.buffer and self._take(secure=line.secure, exchange=exchange):
            pass

    def _take(self, *, secure: bool, exchange: int) -> bool:
        if self.content:
            return self._take_content(secure=secure, exchange=exchange)
        if self.chunk:
            self._drop_chunk()
            return True
        row, end, rest = self.buffer.partition(b"\n")
        if not end:
            return False
        self.buffer = rest
        text = row.removesuffix(b"\r").decode("utf-8", "backslashreplace")
        verb, _, argument = text.strip().partition(" ")
        self._ask(Asked(verb.upper(), argument, secure, exchange))
        size = argument.split()[:1]
        if verb.upper() == "BDAT" and size and size[0].isdecimal():
            self.chunk = int(size[0])
        return True

    def _drop_chunk(self) -> None:
        taken = self.buffer[: self.chunk]
        self.buffer = self.buffer[self.chunk :]
        self.chunk -= len(taken)
        last = self.found[-1]
        self.found[-1] = replace(last, content=last.content + taken)

    def _take_content(self, *, secure: bool, exchange: int) -> bool:
        """A lone dot ends the message; a dot that begins a line was doubled (RFC 5321 §4.5.2)."""
        whole = b"\r\n" + self.buffer
        before, end, rest = whole.partition(b"\r\n.\r\n")
        if not end:
            return False
        content = (before + b"\r\n").replace(b"\r\n.", b"\r\n")[2:]
        self.buffer, self.content = rest, False
        self._ask(Asked(".", "", secure, exchange, content))
        return True

    def _ask(self, one: Asked) -> None:
        self.waiting.append(len(self.found))
        self.found.append(one)

    def server(self, line: Line) -> None:
        match = _REPLY.match(line.text)
        if match is None or match[2] == "-":
            return
        reply = Reply(match[1], match[3], match[4])
        if not self.waiting:
            return  # the greeting, or a word unasked
        at = self.waiting[0]
        if reply.code == "334":  # a challenge: its response is no command
            self.waiting.append(self.waiting.popleft())
            return
        self.waiting.popleft()
        self.found[at] = replace(self.found[at], reply=reply)
        if reply.code == "354":
            self.content = True


def asked(dialogue: Dialogue) -> tuple[Asked, ...]:
    """Every command of an SMTP dialogue with its reply, messages among them."""
    reader = _Reader()
    for index, exchange in enumerate(dialogue.exchanges):
        challenged = False
        for line in exchange.lines:
            if line.side is Side.SERVER:
                challenged = line.text.startswith("334")
                reader.server(line)
            elif not challenged:
                reader.client(line, index)
    return tuple(reader.found)


def transactions(dialogue: Dialogue) -> tuple[Transaction, ...]:
    """Each MAIL with its recipients and its message, in order."""
    book = _Book()
    for one in asked(dialogue):
        book.enter(one)
    book.end()
    return tuple(book.closed)


@dataclass
class _Book:
    """What holds for the session, and the transaction that is open."""

    client: str = ""
    hello: str = ""
    user: bool = False
    open: Transaction | None = None
    closed: list[Transaction] = field(default_factory=list)

    def enter(self, one: Asked) -> None:
        done = one.reply is not None and one.reply.code[0] == "2"
        if one.verb == "MAIL" or (done and one.verb in _ENDS):
            self.end()
        if one.verb == "MAIL":
            session = (self.client, self.hello, self.user, one.secure)
            self.open = Transaction(*session, _path(one.argument), one.reply)
        elif done:
            self._session(one)
        if self.open:
            self.open = _grown(self.open, one)
        if one.verb == ".":
            self.end()

    def _session(self, one: Asked) -> None:
        if one.verb == "XCLIENT":
            self.client = "".join(_NAME.findall(one.argument)[:1])
        elif one.verb in {"EHLO", "HELO"}:
            self.hello = one.argument
        elif one.verb == "AUTH":
            self.user = True

    def end(self) -> None:
        """The transaction is over, with or without a message."""
        if self.open:
            self.closed.append(self.open)
        self.open = None


# What begins anew (RFC 5321 §4.1.4 for EHLO).
_ENDS: Final = frozenset({"EHLO", "HELO", "RSET", "XCLIENT"})


def _grown(now: Transaction, one: Asked) -> Transaction:
    within = replace(now, exchanges=now.exchanges | {one.exchange})
    if one.verb in {"MAIL", "RCPT"}:
        within = replace(within, written=(*now.written, one.argument))
    if one.verb == "RCPT":
        recipient = (_path(one.argument), one.reply)
        return replace(within, recipients=(*now.recipients, recipient))
    if one.verb == ".":
        return replace(within, content=one.content, reply=one.reply)
    if one.verb == "BDAT":
        return replace(within, content=(now.content or b"") + one.content, reply=one.reply)
    return within


def _path(argument: str) -> str:
    found = _PATH.match(argument)
    return (found[1] if found[1] is not None else found[2]) if found else ""
