"""A message's content as it arrives: its end found in blocks, its size bounded."""

from __future__ import annotations

import re

from mailsim.errors import RemoteProtocolError
from mailsim.wire.content import dot_unstuff
from mailsim.wire.quirk import Quirk
from mailsim.wire.smtp.content import Content

# Longer runs of CR before LF are taken for text: what is kept for the search is bounded.
_CRS = 3
_STRICT_ENDS = (b"\r\n.\r\n",)
_LENIENT_ENDS = (
    b"\n.\n",
    b"\n.\r\n",
    *(b"\n." + b"\r" * count + b"\n" for count in range(2, _CRS + 1)),
)
_BARE_LF = re.compile(rb"(?<!\r)\n")
_LINE_END = re.compile(rb"\r*\n")
_LEAD = b"\r\n"  # so that a dot at the very beginning is one behind a line end


class Incoming:
    """Takes bytes until the lone dot has come.

    Only CRLF "." CRLF ends a message (RFC 5321 §4.1.1.4).  With Quirk.BARE_LF any line end
    does; with Quirk.BARE_LF_LINE lines may end with LF alone, and a lone dot near such
    a line is dropped, as Postfix does it; with neither, a bare LF is an error.  Of content over
    `limit` (0: none) nothing is kept but its size.
    """

    def __init__(self, quirks: frozenset[Quirk], limit: int = 0) -> None:
        self._lenient = Quirk.BARE_LF in quirks
        self._tolerant = Quirk.BARE_LF_LINE in quirks
        self._limit = limit
        self._data = bytearray(_LEAD)
        self._from = 0
        self._dropped = 0
        self._bare_lf = False

    @property
    def size(self) -> int:
        """How many octets have come, as they travelled."""
        return self._dropped + len(self._data) - len(_LEAD)

    def feed(self, data: bytes) -> tuple[Content, tuple[bytes, ...], bytes] | None:
        """The content, its units and what came behind it, as soon as the end is there.

        Raises RemoteProtocolError for LF without CR where no quirk allows it.
        """
        self._data += data
        start, end = self._end()
        if start < 0:
            self._no_end()
            return None
        dot = self._data.index(b".", start)
        raw = bytes(memoryview(self._data)[len(_LEAD) : dot]) if not self._dropped else b""
        self._check(self._from, dot)
        units = (raw, bytes(self._data[dot:end]))
        return (
            self._content(raw, dot),
            units if raw else units[1:],
            bytes(self._data[end:]),
        )

    def _end(self) -> tuple[int, int]:
        """Where the first end begins and ends; -1 if there is none.

        `find` for each form takes a tenth of the time of one regular expression.
        """
        start = end = -1
        if self._data.find(b"\n.", self._from) < 0:
            return start, end
        for form in _LENIENT_ENDS if self._lenient else _STRICT_ENDS:
            at = self._data.find(form, self._from, end if end >= 0 else len(self._data))
            if at >= 0:
                start, end = at, at + len(form)
        return start, end

    def _no_end(self) -> None:
        """Remember from where on an end may still begin; let go what is over the limit."""
        last = self._data.rfind(b"\n", self._from)
        begin = last if last >= 0 else len(self._data)
        if last > 0 and self._data[last - 1] == ord("\r"):
            begin = last - 1
        if last < 0 or len(self._data) - begin > _CRS + len(_LEAD) + 1:
            begin = len(self._data) - self._data.endswith(b"\r")
        self._check(self._from, begin)
        self._from = begin
        if self._dropped or (self._limit and self.size > self._limit):
            self._dropped += begin
            del self._data[:begin]
            self._from = 0

    def _check(self, begin: int, end: int) -> None:
        """Look for LF alone between `begin` and `end`."""
        if self._bare_lf:
            return
        ends = self._data.count(b"\r\n", max(0, begin - 1), end)
        if self._data.count(b"\n", begin, end) != ends:
            self._bare_lf = True
            if not self._lenient and not self._tolerant:
                self._refuse(begin)

    def _refuse(self, begin: int) -> None:
        found = _BARE_LF.search(self._data, begin)
        end = found.end() if found else begin
        line = bytes(self._data[max(0, end - 41) : end])
        raise RemoteProtocolError("wire.bare-lf", text=repr(line)[1:])

    def _content(self, raw: bytes, dot: int) -> Content:
        size = self._dropped + dot - len(_LEAD)
        if self._dropped or (self._limit and size > self._limit):
            return Content(b"", size, self._bare_lf)
        if self._tolerant and self._bare_lf:
            return Content(_normalized(raw), bare_lf=True)
        if self._lenient and (self._bare_lf or b"\r\r\n" in raw):
            return Content(_LINE_END.sub(b"\r\n", dot_unstuff(raw)), bare_lf=self._bare_lf)
        return Content(dot_unstuff(raw))


def _normalized(raw: bytes) -> bytes:
    """CRLF for each line end; no lone dot before or behind a bare LF."""
    lines, bare = [], False
    for line in raw.split(b"\n")[:-1]:
        before, bare = bare, not line.endswith(b"\r")
        text = line if bare else line[:-1]
        if text == b"." and (bare or before):
            continue
        lines.append(text[1:] if text.startswith(b".") else text)
    return b"\r\n".join([*lines, b""])
