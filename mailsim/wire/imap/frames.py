"""Bytes to units: where one response or command ends and the next begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailsim.errors import RemoteProtocolError
from mailsim.wire.lines import LineBuffer
from mailsim.wire.quirk import NONE, Quirk

UNIT_COST: Final = 256
"""What a unit is counted besides its length, so that a flood of empty literals is bounded too."""

_LITERAL = re.compile(rb"\{([0-9]+)(\+?)\}\r?\n")
# The text of a status response or of "+" is for people: "{5}" at its end counts nothing.
_FREE_TEXT = re.compile(rb"\+|[^ ]+ (?:OK|NO|BAD|BYE|PREAUTH)[ \r\n]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Announced:
    """A literal that a line has announced: its size in octets, and whether its sender
    waits for a continuation request before it (RFC 7888 §4)."""

    size: int
    synchronizing: bool


class FrameReader:
    """A buffer that is fed any cut of the stream and gives whole responses or commands.

        frame   = *(line-with-literal literal) line
        literal = ["~"] "{" number64 ["+"] "}" CRLF *OCTET

    With `asks`, a literal is read after `ask()` alone, even where its sender does not wait.  `line` bounds the lines of one frame taken together, `block` one literal,
    `frame` the whole, literals twice, each unit with UNIT_COST besides; all in octets.  A
    literal is taken out as bytes once, so time is linear in what is fed.
    """

    __slots__ = (
        "_asks", "_block", "_buffer", "_cost", "_frame", "_held", "_line", "_text", "_units",
        "announced", "commands",
    )  # fmt: skip

    def __init__(
        self,
        *,
        line: int,
        block: int,
        frame: int,
        commands: bool = False,
        asks: bool = False,
        quirks: frozenset[Quirk] = NONE,
    ) -> None:
        self._buffer = LineBuffer(line, quirks)
        self._line, self._block, self._frame = line, block, frame
        self._units: list[bytes] = []
        self._text = self._cost = 0
        self._asks = asks
        self._held = False
        self.announced: Announced | None = None
        """The literal that is awaited now, if one is."""
        self.commands = commands
        """Whether commands are read: then no line's end is free text."""

    def feed(self, data: bytes) -> None:
        """Append what has arrived."""
        self._buffer.feed(data)

    def next(self) -> tuple[bytes, ...] | None:
        """The units of the next frame, or None until it is whole.

        Raises RemoteProtocolError for more than the limits allow, at the line
        that announces it: a literal of 4 GiB is refused before its first octet.
        """
        while (unit := self._unit()) is not None:
            self._units.append(unit)
            if self.announced is None:
                return self._finished()
        return None

    def line(self) -> bytes | None:
        """The next line alone, whatever its end says: a SASL response, DONE."""
        return self._buffer.line()

    @property
    def units(self) -> tuple[bytes, ...]:
        """What there is of a frame that is not whole: lines and literals."""
        return tuple(self._units)

    @property
    def begun(self) -> bytes:
        """The first line of a frame that is not whole, or what there is of it."""
        return self._units[0] if self._units else self._buffer.peek(self._line)

    @property
    def overlong(self) -> bool:
        """Whether the line that comes is over the limit already (Quirk.CUT_LINE)."""
        return self._buffer.overlong

    @property
    def arrived(self) -> int:
        """How many octets of the announced literal are there."""
        return min(len(self._buffer), self.announced.size) if self.announced else 0

    def cut_short(self) -> tuple[bytes, ...]:
        """The units of a frame whose announced literal will not come, taken out."""
        self.announced, self._held = None, False
        return self._finished()

    def ask(self) -> None:
        """The announced literal is asked for: it may come."""
        self._held = False

    def rest(self) -> bytes:
        """All that no frame has used, taken out."""
        started = b"".join((*self._units, self._buffer.rest()))
        self.cut_short()
        return started

    def __len__(self) -> int:
        return len(self._buffer) + sum(map(len, self._units))

    def _unit(self) -> bytes | None:
        if self._held:
            return None
        if self.announced is not None:
            data = self._buffer.take(self.announced.size)
            if data is not None:
                self.announced = None
                # The line after a literal is still to come: mark the frame as open.
                self._units.append(data)
                return self._unit()
            return None
        line = self._buffer.line()
        if line is not None:
            self._announce(line)
        return line

    def _announce(self, line: bytes) -> None:
        self._count(line)
        start = line.rfind(b"{") if line.endswith((b"}\r\n", b"}\n")) else -1
        match = _LITERAL.fullmatch(line, start) if start >= 0 else None
        if not match or (not self._units and not self.commands and _FREE_TEXT.match(line)):
            return
        digits = match[1].lstrip(b"0")
        if len(digits) > 19 or int(digits or b"0") > self._block:
            # A command's sender that waits to be asked need not be asked: it may go on.
            if not (self.commands and not match[2] and len(digits) <= 19):
                raise RemoteProtocolError(
                    "imap.literal-too-long", size=digits[:20].decode(), limit=self._block
                )
            self._announced(Announced(int(digits), synchronizing=True))
            return
        self._announced(Announced(int(digits or b"0"), not match[2]))
        self._check()

    def _announced(self, literal: Announced) -> None:
        self.announced = literal
        self._held = self._asks
        if literal.size <= self._block:
            self._cost += 2 * literal.size + UNIT_COST  # the octets, and the value

    def _count(self, line: bytes) -> None:
        self._text += len(line)
        self._cost += len(line) + UNIT_COST
        self._check()

    def _check(self) -> None:
        if self._text > self._line:
            raise RemoteProtocolError("imap.response-too-long", limit=self._line)
        if self._cost > self._frame:
            raise RemoteProtocolError("imap.response-too-long", limit=self._frame)

    def _finished(self) -> tuple[bytes, ...]:
        units = tuple(self._units)
        self._units.clear()
        self._text = self._cost = 0
        return units
