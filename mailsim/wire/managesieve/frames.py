"""Received bytes to lines with the literals in them, whatever the cuts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mailsim.errors import RemoteProtocolError
from mailsim.wire.lines import LineBuffer, weight
from mailsim.wire.managesieve.items import Literal, TooLong
from mailsim.wire.quirk import NONE, Quirk

# number = (NZDIGIT *DIGIT) / "0"   ; RFC 5804 §4
_DIGITS = 19  # what 64 bits hold, and more than anybody sends
_ANNOUNCED = re.compile(rb"\{(0|[1-9][0-9]*)(\+?)\}\Z")


@dataclass(frozen=True, slots=True)
class Frame:
    """A line: its texts without CRLF, and its literals between them."""

    parts: tuple[bytes, ...]
    units: tuple[bytes, ...]


class FrameReader:
    """Fed with what comes; gives whole lines, each with its literals.

    `line` and `block` are the longest line and the longest literal in octets: a
    longer literal is refused as soon as it is announced.  `spend` is told each
    unit's weight.  `plus`: whether literals are the client's, "{n+}".  `skips`: a
    literal that is too long ends the frame at once, as TooLong; what follows it, up
    to the line's end, is let go as it comes.
    """

    def __init__(
        self,
        line: int,
        block: int,
        spend: Callable[[int], None],
        *,
        plus: bool,
        skips: bool = False,
        quirks: frozenset[Quirk] = NONE,
    ) -> None:
        self._buffer = LineBuffer(line, quirks)
        self._block = block
        self._skips = skips
        self._skip = 0
        self._skip_line = False
        self.skipped = 0
        """Octets that were let go."""
        self._lenient = Quirk.PLAIN_LITERAL in quirks
        self._spend = spend
        self._plus = b"+" if plus else b""
        self._parts: list[bytes] = []
        self._units: list[bytes] = []
        self._due: int | None = None

    def feed(self, data: bytes) -> None:
        """Append what has arrived."""
        self._buffer.feed(data)

    def limit(self, line: int, block: int) -> None:
        """From now on a line and a literal may have so many octets."""
        self._buffer.limit = line
        self._block = block

    def begun(self, size: int) -> bytes:
        """At most `size` octets of the line that is not whole yet, from its beginning."""
        return self._units[0][:size] if self._units else self._buffer.peek(size)

    def skip_line(self) -> None:
        """Let the line go that is too long, up to its end."""
        self.drop()
        self._skip_line = True

    def __len__(self) -> int:
        """How many octets no frame has used."""
        return sum(map(len, self._units)) + len(self._buffer)

    def unread(self) -> bytes:
        """Take out all bytes that no frame has used."""
        begun = b"".join((*self._units, self._buffer.rest()))
        self.drop()
        return begun

    def drop(self) -> None:
        """Give up the line that broke; what follows it stays."""
        self._parts, self._units, self._due = [], [], None

    def next(self) -> Frame | None:
        """The next line, or None until it is whole.  Raises RemoteProtocolError."""
        while not (self._skip or self._skip_line) or self._skipped():
            unit = self._buffer.line() if self._due is None else self._buffer.take(self._due)
            if unit is None:
                return None
            if self._due is not None:
                unit = Literal(unit)  # one object for unit and part: it may be long
                self._parts.append(unit)
                self._due = None
            if unit:
                self._units.append(unit)
            if not isinstance(unit, Literal) and self._ends(unit):
                frame = Frame(tuple(self._parts), tuple(self._units))
                self._parts, self._units = [], []
                return frame
        return None

    def _skipped(self) -> bool:
        """Let go what is not wanted; whether that is over."""
        have = min(self._skip, len(self._buffer))
        self._buffer.take(have)
        self._skip -= have
        self.skipped += have
        if self._skip:
            return False
        rest = self._buffer.peek(len(self._buffer))
        end = rest.find(b"\n") + 1
        self._buffer.take(end or len(rest))
        self.skipped += end or len(rest)
        self._skip_line = not end
        return not self._skip_line

    def _ends(self, line: bytes) -> bool:
        """Whether the frame ends with `line`, which announces no literal."""
        self._spend(weight(line))
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        announced = _ANNOUNCED.search(text)
        if announced is None:
            self._parts.append(text)
            return True
        digits, plus = announced.groups()
        if plus != self._plus and not self._lenient:
            raise RemoteProtocolError("managesieve.literal-form", text=announced[0].decode())
        if len(digits) > _DIGITS or int(digits) > self._block:
            return self._too_long(text, announced)
        self._parts.append(text[: announced.start()])
        self._due = int(digits)
        self._spend(2 * self._due)  # as a unit and as a part, before it comes
        return False

    def _too_long(self, text: bytes, announced: re.Match[bytes]) -> bool:
        digits = announced[1]
        if not self._skips:
            raise RemoteProtocolError(
                "managesieve.literal-too-long", size=digits[:20].decode(), limit=self._block
            )
        if len(digits) > _DIGITS:  # no number: nothing is announced
            self._parts.append(text)
            return True
        literal = TooLong()
        literal.size = self._skip = int(digits)
        self._skip_line = True
        self._parts += text[: announced.start()], literal
        return True
