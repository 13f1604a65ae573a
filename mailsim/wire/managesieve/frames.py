"""Received bytes to lines with the literals in them, whatever the cuts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mailsim.errors import RemoteProtocolError
from mailsim.wire.lines import LineBuffer, weight
from mailsim.wire.managesieve.items import Literal
from mailsim.wire.quirk import NONE, Quirk

# number = (NZDIGIT *DIGIT) / "0"   ; RFC 5804 §4
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
    unit's weight.  `plus`: whether literals are the client's, "{n+}".
    """

    def __init__(
        self,
        line: int,
        block: int,
        spend: Callable[[int], None],
        *,
        plus: bool,
        quirks: frozenset[Quirk] = NONE,
    ) -> None:
        self._buffer = LineBuffer(line, quirks)
        self._block = block
        self._spend = spend
        self._plus = b"+" if plus else b""
        self._parts: list[bytes] = []
        self._units: list[bytes] = []
        self._due: int | None = None

    def feed(self, data: bytes) -> None:
        """Append what has arrived."""
        self._buffer.feed(data)

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
        while True:
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

    def _ends(self, line: bytes) -> bool:
        """Whether the frame ends with `line`, which announces no literal."""
        self._spend(weight(line))
        text = line.removesuffix(b"\n").removesuffix(b"\r")
        announced = _ANNOUNCED.search(text)
        if announced is None:
            self._parts.append(text)
            return True
        digits, plus = announced.groups()
        if plus != self._plus:
            raise RemoteProtocolError("managesieve.literal-form", text=announced[0].decode())
        if len(digits) > 10 or int(digits) > self._block:
            raise RemoteProtocolError(
                "managesieve.literal-too-long", size=digits[:20].decode(), limit=self._block
            )
        self._parts.append(text[: announced.start()])
        self._due = int(digits)
        self._spend(2 * self._due)  # as a unit and as a part, before it comes
        return False
