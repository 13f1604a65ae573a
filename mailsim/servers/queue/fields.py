"""A message's header as Postfix's mime_state reads it.

All of it is left to the regular expressions: a header of ten megabytes must not stop the lab.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import islice

# field = name *WSP ":" …, then lines that begin with white space (RFC 5322 §2.2.3).
_REST = rb"[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*+"
_HEADER = re.compile(rb"(?:[!-9;-~]++" + _REST + rb")*+")
_FIELD = re.compile(rb"[^\n]*\n(?:[ \t][^\n]*\n)*+")
HEADER_SIZE = 102_400  # header_size_limit
_RECORD = 2048  # line_length_limit: longer lines come in pieces
# How many fields of one name are looked at.
_LIMIT = 1000
# A line has 998 octets at most (RFC 5322 §2.1.1): of a longer Message-ID no more is logged or kept.
_MESSAGE_ID = 998


def end_of_header(content: bytes) -> int:
    """Where the header ends: at the empty line, or at a line that is no field (Postfix takes
    it for the body's first)."""
    found = _HEADER.match(content)
    return found.end() if found else 0


def header_of(content: bytes) -> bytes:
    """The header alone."""
    return content[: end_of_header(content)]


@cache
def _named(names: str) -> re.Pattern[bytes]:
    return re.compile(rb"^(?:" + names.encode() + rb")" + _REST, re.IGNORECASE | re.MULTILINE)


def bounded(header: bytes) -> bytes:
    """The header without what is discarded of a field that is longer than header_size_limit."""
    return _FIELD.sub(_cut, header) if len(header) > HEADER_SIZE else header


def _cut(field: re.Match[bytes]) -> bytes:
    """Records are kept while what came before them is below the limit, as mime_state does."""
    raw = field[0]
    if len(raw) <= HEADER_SIZE:
        return raw
    size = at = fold = 0
    while size < HEADER_SIZE and at < len(raw):
        found = raw.find(b"\r\n", at, at + _RECORD + 2)
        size += fold + (_RECORD if found < 0 else found - at)
        at, fold = (at + _RECORD, 0) if found < 0 else (found + 2, 1)  # a fold counts as LF
    return raw[:at] if raw.endswith(b"\n", 0, at) else raw[:at] + b"\r\n"


def has(header: bytes, name: str) -> bool:
    """Whether there is a field of that name, in any case of letters."""
    return _named(name).search(header) is not None


def values(header: bytes, name: str, limit: int = _LIMIT) -> list[str]:
    """What stands behind the colons of the fields of that name, unfolded."""
    return [_value(found[0]) for found in islice(_named(name).finditer(header), limit)]


def message_id(header: bytes) -> str:
    """The first Message-ID, as log and mailbox name the message; "" if there is none."""
    return next(iter(values(header, "message-id", 1)), "")[:_MESSAGE_ID]


def without(header: bytes, names: str) -> bytes:
    """The header without the fields of these names, "bcc|return-path"."""
    return _named(names).sub(b"", header)


def replaced(header: bytes, names: str, before: bytes, after: bytes) -> bytes:
    """The header with `before` made `after` in the fields of these names."""
    return _named(names).sub(lambda found: found[0].replace(before, after), header)


def _value(raw: bytes) -> str:
    text = raw.partition(b":")[2].replace(b"\r\n", b"")
    # What is no UTF-8 stays in the message; neither log nor mailbox can hold it as text.
    return text.decode("utf-8", "replace").strip()
