"""Received bytes to replies, whatever the cuts, in time linear in their number."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from mailsim.errors import RemoteProtocolError
from mailsim.wire.content import dot_unstuff
from mailsim.wire.lines import LineBuffer, weight
from mailsim.wire.pop3.commands import Form
from mailsim.wire.pop3.replies import Reply, parse_status
from mailsim.wire.quirk import NONE, Quirk

_END = re.compile(rb"\r\n\.\r\n")
_LENIENT_END = re.compile(rb"\n\.\r?\n")
_FIRST_PIECE, _LARGEST_PIECE = 512, 262_144


class ReplyReader:
    """Fed with what comes; gives whole replies with the units that carried them.

    `line` and `block` are the longest line and the longest message in octets;
    `spend` is told each unit's weight and stops what costs too much.
    """

    def __init__(
        self,
        line: int,
        block: int,
        spend: Callable[[int], None],
        quirks: frozenset[Quirk] = NONE,
    ) -> None:
        self._intake = _Intake(LineBuffer(line, quirks), spend)
        self._block = block
        self._quirks = quirks
        self._head: Reply | None = None
        self._body: _Listing | _Message | None = None

    def feed(self, data: bytes) -> None:
        """Append what has arrived."""
        self._intake.buffer.feed(data)

    @property
    def begun(self) -> bool:
        """Whether there are bytes that no reply has used."""
        return bool(self._intake.units or self._intake.buffer)

    def unread(self) -> bytes:
        """Take out all bytes that no reply has used."""
        message = self._body.unread() if isinstance(self._body, _Message) else b""
        self._head = self._body = None
        return b"".join((*self._intake.taken(), message, self._intake.buffer.rest()))

    def next(self, form: Form) -> tuple[Reply, tuple[bytes, ...]] | None:
        """The next reply and its units, or None until it is whole.

        `form` is what a positive reply looks like.  Raises RemoteProtocolError
        for a broken status line and for what is over a limit.
        """
        if self._head is None:
            raw = self._intake.line()
            if raw is None:
                return None
            self._head = parse_status(raw, form, self._quirks)
            self._body = self._body_of(self._head, form)
        if self._body is not None and not self._body.take():
            return None
        reply = self._head if self._body is None else self._body.complete(self._head)
        self._head = self._body = None
        return reply, self._intake.taken()

    def _body_of(self, head: Reply, form: Form) -> _Listing | _Message | None:
        if head.ok and form is Form.LISTING:
            return _Listing(self._intake)
        if head.ok and form is Form.CONTENT:
            end = _LENIENT_END if Quirk.BARE_LF in self._quirks else _END
            return _Message(self._intake, self._block, end)
        return None


class _Intake:
    """Takes units out of the buffer, and keeps them until their reply is whole."""

    __slots__ = ("buffer", "spend", "units")

    def __init__(self, buffer: LineBuffer, spend: Callable[[int], None]) -> None:
        self.buffer = buffer
        self.spend = spend
        self.units: list[bytes] = []

    def line(self) -> bytes | None:
        raw = self.buffer.line()
        if raw is not None:
            self.keep(raw)
        return raw

    def keep(self, unit: bytes) -> None:
        self.units.append(unit)
        self.spend(weight(unit))

    def taken(self) -> tuple[bytes, ...]:
        units, self.units = tuple(self.units), []
        return units


class _Listing:
    """*dot-stuffed "." CRLF   ; RFC 2449 §3"""

    __slots__ = ("_intake", "_lines")

    def __init__(self, intake: _Intake) -> None:
        self._intake = intake
        self._lines: list[str] = []

    def take(self) -> bool:
        """Take what there is; whether the end has come."""
        while (raw := self._intake.line()) is not None:
            text = raw.removesuffix(b"\n").removesuffix(b"\r")
            if text == b".":
                return True
            if b"\r" in text:
                shown = text[:80].decode("utf-8", "backslashreplace")
                raise RemoteProtocolError("pop3.bad-listing", line=shown)
            self._lines.append(text.removeprefix(b".").decode("utf-8", "surrogateescape"))
        return False

    def complete(self, head: Reply) -> Reply:
        """The reply that `head` began."""
        return replace(head, lines=tuple(self._lines))


class _Message:
    """Everything up to CRLF "." CRLF, where the first CRLF may be the status line's.

    Pieces are taken in sizes that double, so that neither a long message nor a
    thousand short ones behind each other are copied again and again.
    """

    __slots__ = ("_block", "_data", "_end", "_intake", "_message")

    def __init__(self, intake: _Intake, block: int, end: re.Pattern[bytes]) -> None:
        self._intake = intake
        self._block = block
        self._end = end
        self._data = bytearray(b"\r\n")  # the status line's
        self._message = b""

    def take(self) -> bool:
        """Take what there is; whether the end has come."""
        buffer, data = self._intake.buffer, self._data
        while piece := buffer.peek(min(max(_FIRST_PIECE, len(data)), _LARGEST_PIECE)):
            searched = max(len(data) - 4, 0)
            data += piece
            end = self._end.search(data, searched)
            whole = end.end() if end else len(data)
            if whole - len("\r\n.\r\n") > self._block:
                raise RemoteProtocolError("pop3.message-too-long", limit=self._block)
            buffer.take(len(piece) - (len(data) - whole))
            if end:
                self._close(data.index(b".", end.start()), whole)
                return True
        return False

    def _close(self, dot: int, end: int) -> None:
        with memoryview(self._data) as view:
            self._message, final = bytes(view[2:dot]), bytes(view[dot:end])
        self._data = bytearray()
        if self._message:
            self._intake.keep(self._message)
        self._intake.keep(final)

    def complete(self, head: Reply) -> Reply:
        """The reply that `head` began."""
        return replace(head, content=dot_unstuff(self._message))

    def unread(self) -> bytes:
        """What was taken of a message whose end has not come."""
        return bytes(self._data[2:])
