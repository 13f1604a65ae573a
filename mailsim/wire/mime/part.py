"""A part of a message: the message itself, or a body part of it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import cached_property

from mailsim.wire.mime.charsets import to_text
from mailsim.wire.mime.fields import Field, iter_fields, values_by_name
from mailsim.wire.mime.parameters import (
    ContentType,
    Params,
    param_text,
    read_content_type,
    read_disposition,
    read_encoding,
)
from mailsim.wire.mime.transfer import decode
from mailsim.wire.mime.words import decode_words


class Kind(Enum):
    """What a part may hold."""

    TEXT = "text"
    MULTIPART = "multipart"
    MESSAGE = "message"
    """message/rfc822: its one child is the message in it."""
    OTHER = "other"
    TOO_MUCH = "too much"
    """A multipart or a message beyond what is read: a leaf, whatever it declares."""


class Part:
    """A message or body part, by offsets into `content`.

    The header section with its empty line is content[start:body_start], the body
    content[body_start:end].  A body part's line end before a boundary is no part of it.
    """

    __slots__ = (
        "__dict__",
        "body_start",
        "children",
        "content",
        "depth",
        "end",
        "is_digest",
        "is_mime",
        "kind",
        "parent",
        "start",
    )

    def __init__(self, content: bytes, start: int, parent: Part | None = None) -> None:
        self.content = content
        self.start = start
        self.body_start = self.end = start
        self.parent = parent
        self.depth: int = 1 if parent is None else parent.depth + 1
        self.children: list[Part] = []
        self.kind = Kind.TEXT
        self.is_digest = False
        """multipart/digest: its parts are messages if they do not say otherwise (RFC 2046 §5.1.5)."""
        self.is_mime = False
        """Whether its Content- fields count: it has a MIME-Version or Content-Type, or is a body part."""

    # --- Octets -------------------------------------------------------------------------------

    @property
    def header(self) -> bytes:
        """The header section, with the empty line behind it if there is one."""
        return self.content[self.start : self.body_start]

    @property
    def body(self) -> bytes:
        """The body, as it travelled."""
        return self.content[self.body_start : self.end]

    @property
    def size(self) -> int:
        """The body's octets."""
        return self.end - self.body_start

    @property
    def lines(self) -> int:
        """The body's line ends."""
        return self.content.count(b"\n", self.body_start, self.end)

    # --- Fields -------------------------------------------------------------------------------

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The header section's fields, in their order."""
        return tuple(self.iter_fields())

    def iter_fields(self) -> Iterator[Field]:
        """The fields, one at a time."""
        return iter_fields(self.content, self.start, self.body_start)

    @cached_property
    def by_name(self) -> dict[bytes, list[bytes]]:
        """The fields' values by name in lower case, in their order; lines without a colon under ""."""
        return values_by_name(self.content, self.start, self.body_start)

    def raw(self, name: str) -> bytes | None:
        """The value of the first field of this name, folds as LF; None if there is none."""
        values = self.by_name.get(name.lower().encode())
        return values[0] if values else None

    def get(self, name: str) -> str | None:
        """The first such field as text, unfolded, its encoded words read."""
        value = self.raw(name)
        return None if value is None else decode_words(value).strip()

    # --- MIME ---------------------------------------------------------------------------------

    @cached_property
    def declared_type(self) -> ContentType | None:
        """Its Content-Type as far as it can be read; None if it has none that counts."""
        value = self.raw("content-type") if self.is_mime else None
        if value is None:
            return None
        media_type, params = read_content_type(value)
        kind, _, subtype = media_type.partition(b"/")
        return ContentType(kind, subtype, params)

    @property
    def media_type(self) -> str:
        """`text/plain`, in lower case; the default where none is declared   ; RFC 2045 §5.2"""
        if self.kind is Kind.MESSAGE:
            return "message/rfc822"
        if self.kind is Kind.TOO_MUCH:
            return "application/octet-stream"
        return self.declared_type.media_type if self.declared_type else "text/plain"

    @property
    def params(self) -> Params:
        """The parameters of its Content-Type."""
        return self.declared_type.params if self.declared_type else ()

    @property
    def charset(self) -> str:
        """Its declared charset, or us-ascii."""
        return param_text(self.params, "charset") or "us-ascii"

    @cached_property
    def disposition(self) -> tuple[bytes, Params] | None:
        """Content-Disposition's type and parameters   ; RFC 2183"""
        found = None
        for value in self.by_name.get(b"content-disposition", ()) if self.is_mime else ():
            # One without parameters counts only until another comes.
            found = read_disposition(value) or found
            if found and found[1]:
                break
        return found

    @property
    def filename(self) -> str | None:
        """The name that it declares as a file, its encoded words read."""
        disposition = self.disposition
        name = param_text(disposition[1], "filename") if disposition else None
        name = name or param_text(self.params, "name")
        return decode_words(name.encode("utf-8", "replace")) if name else None

    @cached_property
    def raw_encoding(self) -> bytes | None:
        """Its Content-Transfer-Encoding as written; None if there is none that can be read."""
        values = self.by_name.get(b"content-transfer-encoding", ()) if self.is_mime else ()
        return next((found for value in values if (found := read_encoding(value))), None)

    @property
    def encoding(self) -> str:
        """Its Content-Transfer-Encoding in lower case, or 7bit   ; RFC 2045 §6.1"""
        return (self.raw_encoding or b"7bit").decode("latin-1").lower()

    def decoded(self) -> bytes | None:
        """The body with its transfer encoding undone; None if that is not known."""
        return decode(self.body, self.encoding)

    def text(self) -> str:
        """The body decoded, as text of its charset; "" if its encoding is not known."""
        return to_text(self.decoded() or b"", self.charset)

    # --- Tree ---------------------------------------------------------------------------------

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in the order of the message."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))
