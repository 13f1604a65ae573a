"""The header section: its fields, in their order (RFC 5322 §2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# A line without a colon stands among the fields too, with what is folded under it.
_FIELD = re.compile(rb"([^:\n]*+)(:?)([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")


class Field(NamedTuple):
    """A field: its name as written, its raw body, and where it stands (with its line end).

    A line without a colon is no field, but stands where one may: its `name` is the line, `raw` None.
    """

    name: bytes
    raw: bytes | None
    start: int
    end: int

    @property
    def key(self) -> bytes:
        """The name in lower case."""
        return self.name.lower()

    @property
    def value(self) -> bytes:
        """The body without the space before it; its folds are LF and what stood behind."""
        return clean(self.raw or b"")


def clean(raw: bytes) -> bytes:
    """A field's raw body as Field.value gives it."""
    if b"\n" not in raw:
        return (
            raw.strip(b"\r\n").lstrip(b" \t") if raw.strip(b" \t\r\n") else raw[1:].rstrip(b"\r\n")
        )
    raw = raw.replace(b"\r\n", b"\n").removesuffix(b"\r")
    first = raw.index(b"\n")
    # A first line of nothing but space keeps it, but for one.
    bare = raw[:first].lstrip(b" \t")
    return (bare or raw[1:first]) + raw[first:]


def iter_fields(content: bytes, start: int, end: int) -> Iterator[Field]:
    """The fields of the header section from `start` to `end` (without the empty line)."""
    for match in _FIELD.finditer(content, start, end):
        if match.end() == match.start():
            return
        name, colon, raw = match.groups()
        if colon:
            yield Field(name.rstrip(b" \t"), raw, match.start(), match.end())
        else:
            yield Field(name.removesuffix(b"\r"), None, match.start(), match.end())
