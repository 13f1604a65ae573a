"""Received bytes, taken out again as lines and blocks of known length."""

from __future__ import annotations

from mailsim.errors import RemoteProtocolError
from mailsim.wire.quirk import NONE, Quirk

_LONGEST_TEXT = 65_536
_ITEM_COST = 100


def weight(unit: bytes) -> int:
    """What a line or a block and what is read from it cost in memory, about, in octets.

    A block is there twice, as it came and as content.  Of a line there are the octets,
    a text (up to four octets a character), and values: an octet between two spaces
    or behind a parenthesis may make one, of a hundred octets.
    """
    octets = len(unit)
    if octets > _LONGEST_TEXT or unit.find(b"\n") != octets - 1:
        return 2 * octets
    items = unit.count(b" ") + unit.count(b"(")
    return octets * (2 if unit.isascii() else 5) + items * _ITEM_COST


class LineBuffer:
    """A buffer that is fed any cut of the stream and gives whole lines.

        line = *( %x00-09 / %x0B-FF ) CRLF        ; no bare LF (RFC 5321 §2.3.8)

    `limit` is the longest line in octets, CRLF included.  Time is linear in
    what is fed, whatever the cuts: what has been searched is not searched again.
    """

    __slots__ = ("_cut", "_data", "_head", "_lenient", "_searched", "_start", "limit")

    def __init__(self, limit: int, quirks: frozenset[Quirk] = NONE) -> None:
        self._data = bytearray()
        self._start = 0
        self._searched = 0
        self._lenient = Quirk.BARE_LF in quirks or Quirk.BARE_LF_LINE in quirks
        self._cut = Quirk.CUT_LINE in quirks
        self._head: bytes | None = None  # of a line that is being skipped
        self.limit = limit

    def __len__(self) -> int:
        return len(self._data) - self._start

    @property
    def overlong(self) -> bool:
        """Whether the line that comes is over the limit, and what comes of it let go."""
        return self._head is not None

    def feed(self, data: bytes) -> None:
        """Append what has arrived."""
        if self._start:
            del self._data[: self._start]
            self._searched -= self._start
            self._start = 0
        self._data += data

    def line(self) -> bytes | None:
        """The next line with its line end, or None if it is not whole yet.

        Raises RemoteProtocolError for a line over the limit and, unless
        Quirk.BARE_LF is on, for LF without CR.  With Quirk.CUT_LINE a line over the
        limit comes without its line end, cut where the limit is.
        """
        data, start = self._data, self._start
        end = data.find(b"\n", self._searched) + 1
        if self._head is not None or (end or len(data)) - start > self.limit:
            if self._cut:
                return self._skip(end)
            raise RemoteProtocolError("wire.line-too-long", limit=self.limit)
        if not end:
            self._searched = len(data)
            return None
        line = bytes(data[start:end])
        if not self._lenient and line[-2:] != b"\r\n":
            raise RemoteProtocolError("wire.bare-lf", text=repr(line[-41:])[1:])
        self._start = self._searched = end
        return line

    def _skip(self, end: int) -> bytes | None:
        """Over the limit: keep the head, let the rest go, so that memory stays bounded."""
        if self._head is None:
            self._head = bytes(self._data[self._start : self._start + self.limit])
        if not end:
            self._start = self._searched = len(self._data)
            return None
        self._start = self._searched = end
        head, self._head = self._head, None
        return head

    def take(self, size: int) -> bytes | None:
        """The next `size` octets, or None while there are fewer."""
        if len(self) < size:
            return None
        return self._advance(self._start + size)

    def peek(self, size: int) -> bytes:
        """At most `size` octets of what is there, left where they are."""
        return bytes(self._data[self._start : self._start + size])

    def rest(self) -> bytes:
        """All that is left, taken out."""
        return self._advance(len(self._data))

    def _advance(self, end: int) -> bytes:
        taken = bytes(memoryview(self._data)[self._start : end])
        self._start = end
        self._searched = max(self._searched, end)
        return taken
