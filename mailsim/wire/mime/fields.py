"""The header section: its fields, in their order (RFC 5322 §2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# A line without a colon stands among the fields too, with what is folded under it.
_FIELD = re.compile(rb"([^:\n]*+)(:?)([^\n]*+(?:\n[ \t][^\n]*+)*+)(?:\n|\Z)")


# To find all at once is quicker, and has all of a header in memory once more.
_AT_ONCE = 65_536


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
        raw = raw.removesuffix(b"\r")
        return raw.lstrip(b" \t") or raw[1:]
    raw = raw.replace(b"\r\n", b"\n").removesuffix(b"\n").removesuffix(b"\r")
    first, last = raw.find(b"\n"), raw.rfind(b"\n")
    if first < 0:
        return raw.lstrip(b" \t") or raw[1:]
    # A first line of nothing but space keeps it, but for one; a last one is no line of its own.
    begin = raw[:first].lstrip(b" \t") or raw[1:first]
    if raw[last + 1 :].strip(b" \t"):
        return raw[first - len(begin) :]
    return begin + raw[first:last] + raw[last + 1 :]


def _end(content: bytes, start: int, end: int) -> int:
    """Where the fields of a header section end, before its empty line."""
    for blank in (b"\n\r\n", b"\n\n"):
        if content.endswith(blank, start, end):
            return end - len(blank) + 1
    return start if content[start:end] in {b"\r\n", b"\n"} else end


def iter_fields(content: bytes, start: int, end: int) -> Iterator[Field]:
    """The fields of the header section from `start` to `end`."""
    for match in _FIELD.finditer(content, start, _end(content, start, end)):
        if match.end() == match.start():
            return
        name, colon, raw = match.groups()
        if colon:
            yield Field(name.rstrip(b" \t"), raw, match.start(), match.end())
        else:
            yield Field(name.removesuffix(b"\r"), None, match.start(), match.end())


def values_by_name(content: bytes, start: int, end: int) -> dict[bytes, list[bytes]]:
    """The fields' values by name in lower case, in their order; lines without a colon under ""."""
    found: dict[bytes, list[bytes]] = {}
    end = _end(content, start, end)
    for name, colon, raw in (
        _FIELD.findall(content, start, end)
        if end - start <= _AT_ONCE
        else (match.groups() for match in _FIELD.finditer(content, start, end))
    ):
        if colon:
            found.setdefault(name.lower().rstrip(b" \t"), []).append(clean(raw))
        elif name:
            found.setdefault(b"", []).append(clean(b" " + name + raw))
    return found
