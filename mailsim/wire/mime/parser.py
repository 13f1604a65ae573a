"""Finds the parts of a message (RFC 2046 §5.1), by offsets, in one pass."""

from __future__ import annotations

import re
from typing import Final

from mailsim.wire.mime.fields import clean
from mailsim.wire.mime.parameters import read_content_type
from mailsim.wire.mime.part import Kind, Part

MAX_DEPTH: Final = 100
MAX_PARTS: Final = 10_000
# RFC 2046 §5.1.1 allows a boundary 70 octets; what is longer is cut.
_MAX_BOUNDARY: Final = 80

# Octets that all searches for delimiters may look at, beyond which no multipart is opened: ten
# thousand boundaries that never come must not cost ten thousand readings of the message.
_MOST_SCANNED: Final = 1 << 28

# What stands behind the name of a field.
_BODY = re.compile(rb"[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)")


def parse(content: bytes) -> Part:
    """The message as a tree of parts.

    Any octets are a message: what is broken is read as Dovecot reads it.  A line that only
    begins with a boundary delimits too, and the longest boundary that fits is meant.  Beyond
    MAX_DEPTH and MAX_PARTS nothing more is opened.
    """
    return _Parser(content).parse()


def outline(content: bytes) -> Part:
    """The message alone, without its parts: its header, its fields and where its body begins."""
    return _Parser(content).outline()


class _Open:
    """A multipart whose last boundary has not come, and where its delimiter is next (its LF)."""

    __slots__ = ("delimiter", "next", "part")

    def __init__(self, part: Part, boundary: bytes) -> None:
        self.part = part
        self.delimiter = b"\n--" + boundary
        self.next = -1


class _Parser:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._size = len(content)
        self._open: list[_Open] = []
        self._count = 1
        self._scanned = 0

    def parse(self) -> Part:
        root = part = Part(self._content, 0)
        at = 0
        found: tuple[Part, int] | None = (root, at)
        while found is not None:
            part, at = found
            part, at, cut = self._headers(part, at)
            found = self._bodies(part, at, cut)
        return root

    def outline(self) -> Part:
        root = Part(self._content, 0)
        self._header(root, 0)
        root.end = self._size
        return root

    # --- Header sections ----------------------------------------------------------------------

    def _headers(self, part: Part, at: int) -> tuple[Part, int, Part | None]:
        """Read the header at `at`, and those of messages that begin behind it.

        Gives the part whose body follows, where, and the part whose header a delimiter cut.
        """
        cut: Part | None = None
        while True:
            at = self._header(part, at)
            if cut is None and part.end < at:
                cut = part
            if part.kind is not Kind.MESSAGE:
                return part, at, cut
            part = self._child(part, part.body_start)

    def _header(self, part: Part, at: int) -> int:
        """Read one header, to its empty line, a delimiter or the end; where what follows begins."""
        limit, index = self._nearest(at)
        blank = blank_line(self._content, at, limit)
        part.body_start = part.end = limit if blank < 0 else blank
        self._classify(part, whole=blank >= 0)
        if blank >= 0:
            limit, index = self._nearest(blank)
        if index < 0 or limit > part.end or self._open[index].part is part:
            return part.end
        # The line end before a delimiter belongs to it, not to the header that it cuts: not even
        # that of the empty line.
        part.body_start = part.end = limit - self._newline(at, limit) if limit > at else part.start
        return limit

    def _classify(self, part: Part, *, whole: bool) -> None:
        """What the header says that the part holds; opens it if that is parts."""
        header = self._content[part.start : part.body_start]
        lower = header.lower()
        field = _first(header, lower, b"content-type")
        part.is_mime = (
            part.is_mime or field is not None or _first(header, lower, b"mime-version") is not None
        )
        if field is None:
            digest = part.parent is not None and part.parent.is_digest
            part.kind = self._bounded(Kind.MESSAGE if digest else Kind.TEXT, part)
            return
        media_type, params = read_content_type(clean(field))
        part.kind = self._bounded(_kind(media_type.lower()), part)
        part.is_digest = media_type.lower() == b"multipart/digest"
        if part.kind is Kind.MULTIPART and whole:
            for name, value in params:
                if name.lower() == b"boundary":
                    self._open.append(_Open(part, value[:_MAX_BOUNDARY]))
                    break

    def _bounded(self, kind: Kind, part: Part) -> Kind:
        full = part.depth >= MAX_DEPTH or self._count >= MAX_PARTS or self._scanned >= _MOST_SCANNED
        return Kind.TOO_MUCH if full and kind in {Kind.MULTIPART, Kind.MESSAGE} else kind

    def _child(self, parent: Part, start: int) -> Part:
        self._count += 1
        child = Part(self._content, start, parent)
        parent.children.append(child)
        return child

    # --- Bodies -------------------------------------------------------------------------------

    def _bodies(self, part: Part, at: int, cut: Part | None) -> tuple[Part, int] | None:
        """Read from `at`, in the body of `part`, to the next part; it and where, or None at the end."""
        while True:
            line, index = self._nearest(at)
            if index < 0:
                self._finish(part, None, self._size)
                return None
            owner = self._open[index]
            self._close(part, owner.part, line - self._newline(at, line), cut, line)
            behind = line + len(owner.delimiter) - 1
            part, cut = owner.part, None
            last = self._content.startswith(b"--", behind)
            at = self._content.find(b"\n", behind) + 1
            if at == 0:
                self._finish(part, None, self._size)
                return None
            del self._open[index + (0 if last else 1) :]
            if not last:
                child = self._child(part, at)
                child.is_mime = True
                return child, at

    def _close(self, part: Part, owner: Part, end: int, cut: Part | None, line: int) -> None:
        """All parts up to `owner` end before the delimiter's line.

        The line end before it that a cut header gave up is its multipart's.
        """
        if cut is not None:
            end = cut.end
        self._finish(part, cut.parent if cut is not None else owner, end)
        if cut is not None and cut.parent is not None:
            self._finish(cut.parent, owner, line)

    @staticmethod
    def _finish(part: Part, owner: Part | None, end: int) -> None:
        found: Part | None = part
        while found is not None and found is not owner:
            found.end = end
            found = found.parent

    def _newline(self, at: int, line: int) -> int:
        """The octets of the line end before `line`, none if that is before `at`."""
        if line <= at:
            return 0
        return 2 if self._content.endswith(b"\r\n", at, line) else 1

    def _nearest(self, start: int) -> tuple[int, int]:
        """The first line from `start` on that delimits an open multipart, and whose; or the end and -1."""
        best, whose, longest = self._size, -1, 0
        if self._count >= MAX_PARTS:  # what follows is the last part's
            return best, whose
        for index, one in enumerate(self._open):
            if one.next < start - 1:
                found = self._content.find(one.delimiter, start - 1)
                one.next = found if found >= 0 else self._size
                self._scanned += one.next - start
            if one.next < best or (
                one.next == best and whose >= 0 and len(one.delimiter) >= longest
            ):
                best, whose, longest = one.next, index, len(one.delimiter)
        return (best + 1 if whose >= 0 else best), whose


def _first(header: bytes, lower: bytes, name: bytes) -> bytes | None:
    """The raw body of the first field `name`; searching for it is a tenth of reading all fields."""
    at = lower.find(name)
    while at >= 0:
        if (at == 0 or lower[at - 1] == 0x0A) and (match := _BODY.match(header, at + len(name))):
            return match[1]
        at = lower.find(name, at + 1)
    return None


def blank_line(content: bytes, start: int, limit: int | None = None) -> int:
    """Where the first empty line of the header at `start` ends, or -1 if there is none before `limit`."""
    limit = len(content) if limit is None else limit
    if content.startswith((b"\r\n", b"\n"), start):
        end = start + (2 if content.startswith(b"\r", start) else 1)
        return end if end <= limit else -1
    crlf = content.find(b"\n\r\n", start, limit)
    bare = content.find(b"\n\n", start, limit if crlf < 0 else crlf + 1)
    if bare >= 0:
        return bare + 2
    return crlf + 3 if crlf >= 0 else -1


def _kind(media_type: bytes) -> Kind:
    if media_type == b"message/rfc822":
        return Kind.MESSAGE
    if media_type.startswith(b"multipart/"):
        return Kind.MULTIPART
    if media_type == b"text" or media_type.startswith(b"text/"):
        return Kind.TEXT
    return Kind.OTHER
