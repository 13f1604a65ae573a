"""A message's header as Postfix's mime_state reads it."""

from __future__ import annotations

import re
from typing import NamedTuple

# field = name *WSP ":" …, then lines that begin with white space (RFC 5322 §2.2.3).
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*")


class Field(NamedTuple):
    """One field: its name in lower case, and its octets with their line ends."""

    name: str
    raw: bytes

    @property
    def value(self) -> str:
        """What stands behind the colon, unfolded."""
        text = self.raw.partition(b":")[2].replace(b"\r\n", b"")
        return text.decode("utf-8", "surrogateescape").strip()


def split(content: bytes) -> tuple[list[Field], int]:
    """The header's fields, and where what follows them begins: at the empty line, or at a
    line that is no field (Postfix takes it for the body's first)."""
    fields, at = [], 0
    while found := _FIELD.match(content, at):
        fields.append(Field(found[1].decode("ascii").lower(), found[0]))
        at = found.end()
    return fields, at


def header(content: bytes) -> bytes:
    """The header alone."""
    return content[: split(content)[1]]
