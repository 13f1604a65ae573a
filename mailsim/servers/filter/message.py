"""A message as the filter sees it: its header's fields, its MIME parts, all within bounds.

A walk of its own: the standard library's parser recurses for each level and builds the whole tree,
and what comes here was written to break filters; mailsim.wire.mime reads as Dovecot does, to whom
a line that begins with a boundary is one, and Amavis (MIME::Parser) does not.
"""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from mailsim.wire import mime
from mailsim.wire.mime.charsets import to_text

# Amavis's $MAXFILES, as Debian sets it; the depth is ours: MIME::Parser has no bound of its own.
MAX_PARTS = 1500
MAX_DEPTH = 64
MAX_HEAD = 256 * 1024
# Lines that begin as a delimiter does and are none: each open multipart may look at all of them.
_MAX_NEAR_MISSES = 500_000
TOO_MANY = "Unable to parse, perhaps message contains too many parts"
TOO_DEEP = f"Unable to parse, parts are nested more than {MAX_DEPTH} deep"
NO_END = (
    "error: part did not end with expected boundary; ; "
    "error: unexpected end of parts before epilogue"
)

# Without ^ each octet of a long line would be tried as a field's beginning.
_FIELD = re.compile(rb"^([!-9;-~\x80-\xff]++)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.MULTILINE)
_PARAMETER = re.compile(
    r";\s*([^\s;=\"]+?)(\*\d+)?(\*)?\s*=\s*(?:\"((?:[^\"\\]|\\.)*+)\"|([^\s;]*))"
)
_NO_BASE64 = bytes(octet for octet in range(256) if not re.match(rb"[A-Za-z0-9+/]", bytes([octet])))
_REST_OF_LINE = re.compile(rb"(--)?[ \t]*\r?(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Part:
    """A part that holds no others: its type, its declared name, its octets as they arrive decoded.

    `encoded`: they differ from what travelled.
    """

    type: str
    name: str
    body: bytes
    encoded: bool = False
    encoding: str = ""
    attachment: bool = False


class Head:
    """A header section's fields, the first of each name by name."""

    __slots__ = ("counts", "fields", "raw", "values")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.fields = [(name.decode("latin-1"), value) for name, value in _FIELD.findall(raw)]
        self.values: dict[str, bytes] = {}
        self.counts: dict[str, int] = {}
        for name, value in self.fields:
            key = name.lower()
            self.counts[key] = self.counts.get(key, 0) + 1
            self.values.setdefault(key, value)

    def get(self, name: str) -> str | None:
        """The field's value unfolded, without the space around it; None if there is none."""
        value = self.values.get(name)
        if value is None:
            return None
        if b"\n" in value:
            value = value.replace(b"\r", b"").replace(b"\n", b"")
        return value.decode("utf-8", "replace").strip()


def split(content: bytes, start: int = 0, end: int | None = None) -> tuple[bytes, int]:
    """The header section that begins at `start`, and where the body begins."""
    end = len(content) if end is None else end
    if content.startswith((b"\r\n", b"\n"), start):
        return b"", start + (2 if content.startswith(b"\r", start) else 1)
    limit = min(end, start + MAX_HEAD)
    found = [(at, len(blank)) for blank in (b"\r\n\r\n", b"\n\n")
             if (at := content.find(blank, start, limit)) >= 0]  # fmt: skip
    if not found:
        return content[start:limit], limit
    at, length = min(found)
    return content[start : at + length // 2], at + length


def decode_words(text: str) -> str:
    """`text` with its encoded words read   ; RFC 2047 §2"""
    return mime.decode_words(text.encode("utf-8", "replace")) if "=?" in text else text


def parameters(value: str) -> dict[str, str]:
    """The parameters of Content-Type or Content-Disposition   ; RFC 2045 §5.1, RFC 2231 §3-4"""
    made: dict[str, str] = {}
    for name, section, extended, quoted, token in _PARAMETER.findall(value):
        text = re.sub(r"\\(.)", r"\1", quoted) if quoted else token
        if extended:
            charset, mark, rest = text.partition("'")
            text = rest.partition("'")[2] if mark else text
            text = to_text(unquote_to_bytes(text), charset if mark else "utf-8")
        key = name.lower()
        made[key] = made.get(key, "") + text if section else made.get(key) or text
    return made


def _base64(body: bytes) -> bytes:
    try:
        return a2b_base64(body)
    except BinasciiError:
        kept = body.translate(None, _NO_BASE64)
        return a2b_base64(kept[: len(kept) // 4 * 4])


@dataclass(slots=True)
class _Open:
    """A multipart whose end has not come: its delimiter behind a line feed, and where the next
    such line is (-1: not looked for)."""

    delimiter: bytes
    next: int = -1


class Walk:
    """The leaves of a message's MIME tree, in their order; `errors` says what was wrong with it.

    Never raises, holds one part at a time, and stops at MAX_PARTS and MAX_DEPTH.
    """

    def __init__(self, content: bytes, head: Head, body_at: int) -> None:
        self.errors: list[str] = []
        self._content = content
        self._head = head
        self._body_at = body_at
        self._open: list[_Open] = []
        self._parts = 0
        self._near_misses = 0

    def __iter__(self) -> Iterator[Part]:
        head, body_at = self._head, self._body_at
        while True:
            part = self._entity(head, body_at)
            if isinstance(part, Part):
                yield part
            at = part if isinstance(part, int) else self._next_part(body_at)
            if at is None or self._too_many():
                return
            raw, body_at = split(self._content, at, self._nearest(at)[0])
            head = Head(raw)

    def _entity(self, head: Head, body_at: int) -> Part | int | None:
        """The leaf that this entity is; or where the message within it begins; or neither."""
        declared = head.get("content-type") or "text/plain"
        kind = declared.partition(";")[0].strip().lower()
        options = parameters(declared) if ";" in declared else {}
        encoding = (head.get("content-transfer-encoding") or "").lower()
        if kind.startswith("multipart/") and options.get("boundary"):
            self._open.append(_Open(_delimiter(options["boundary"])))
            return None
        if kind == "message/rfc822" and encoding not in ("base64", "quoted-printable"):
            return body_at
        return self._leaf(head, body_at, kind, options, encoding)

    def _leaf(
        self, head: Head, body_at: int, kind: str, options: dict[str, str], encoding: str
    ) -> Part:
        body = self._content[body_at : self._nearest(body_at)[0]]
        decoded = body
        if encoding == "base64":
            decoded = _base64(body)
        elif encoding == "quoted-printable":
            decoded = a2b_qp(body)
        disposition = head.get("content-disposition") or ""
        name = (parameters(disposition).get("filename") if disposition else "") or options.get(
            "name"
        )
        attachment = disposition.lower().startswith("attachment")
        return Part(
            kind, decode_words(name or ""), decoded, decoded is not body, encoding, attachment
        )

    def _too_many(self) -> bool:
        self._parts += 1
        if self._parts > MAX_PARTS:
            self.errors.append(TOO_MANY)
        elif len(self._open) > MAX_DEPTH:
            self.errors.append(TOO_DEEP)
        return bool(self.errors) and self.errors[-1] in (TOO_MANY, TOO_DEEP)

    def _next_part(self, start: int) -> int | None:
        """Where the next part begins, behind its delimiter line; None at the end of all."""
        at, index = self._nearest(start)
        while index >= 0:
            if index < len(self._open) - 1:  # an outer delimiter ends what is within it
                self._broken()
            del self._open[index + 1 :]
            line = _REST_OF_LINE.match(self._content, at + len(self._open[index].delimiter))
            at = line.end() if line else len(self._content)
            if line is None or not line.group(1):
                return at
            self._open.pop()
            at, index = self._nearest(at)
        if self._open:
            self._broken()
        return None

    def _broken(self) -> None:
        if NO_END not in self.errors:
            self.errors.append(NO_END)

    def _nearest(self, start: int) -> tuple[int, int]:
        """Where the nearest delimiter of any open multipart is (its line feed), and whose."""
        best, whose = len(self._content), -1
        for index, one in enumerate(self._open):
            if one.next < start - 1:
                one.next = self._find(one.delimiter, start - 1)
            if one.next < best:
                best, whose = one.next, index
        return best, whose

    def _find(self, delimiter: bytes, start: int) -> int:
        content = self._content
        at = content.find(delimiter, max(start, 0))
        while at >= 0 and not _REST_OF_LINE.match(content, at + len(delimiter)):
            self._near_misses += 1
            if self._near_misses > _MAX_NEAR_MISSES:
                self.errors.append(TOO_MANY)
                return len(content)
            at = content.find(delimiter, at + 1)
        return at if at >= 0 else len(content)


def _delimiter(boundary: str) -> bytes:
    return b"\n--" + boundary.rstrip().encode("utf-8", "replace")


class Message:
    """A message: `head`, and its `parts` once it was walked."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        raw, self.body_at = split(content)
        self.head = Head(raw)

    def walk(self) -> Walk:
        """Its parts, one at a time."""
        return Walk(self.content, self.head, self.body_at)
