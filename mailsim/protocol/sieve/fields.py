"""Writes header fields: folded, and encoded where they are not ASCII (RFC 5322 §2.2.3, RFC 2047)."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

LINE: Final = 80
_WORD: Final = 60
_CHARS: Final = 14
"""Characters of one encoded word at most: 14 of four octets make 75 in all (RFC 2047 §2)."""


def written(name: bytes, value: bytes) -> bytes:
    """The field with its line end: line ends in the value become folds, long lines are folded."""
    lines: list[bytes] = []
    line = name + b":"
    for number, part in enumerate(value.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")):
        if number:
            lines.append(line)
            line = b""
        for word in _words(part):
            if line and line != name + b":" and len(line) + 1 + len(word) > LINE:
                lines.append(line)
                line = b""
            line = line + b" " + word if line else b"\t" + word
    return b"\r\n".join([*lines, line]) + b"\r\n"


def _words(text: bytes) -> list[bytes]:
    """The words of a value; from the first to the last that is not ASCII they are encoded."""
    words = text.split(b" ")
    odd = [at for at, word in enumerate(words) if not word.isascii()]
    if not odd:
        return words
    first, last = odd[0], odd[-1] + 1
    return [*words[:first], *encoded(b" ".join(words[first:last])), *words[last:]]


def encoded(text: bytes) -> list[bytes]:
    """Encoded words of whole characters, base64 or Q as either is shorter (RFC 2047 §4)."""
    chars = text.decode("utf-8", "replace")
    pieces = [chars[at : at + _CHARS].encode() for at in range(0, len(chars), _CHARS)]
    return [_encoded_word(piece) for piece in pieces]


def _encoded_word(octets: bytes) -> bytes:
    quoted = b"".join(map(_quoted, octets))
    base64 = b64encode(octets)
    short = len(quoted) < len(base64) and len(quoted) <= _WORD
    return b"=?utf-8?q?" + quoted + b"?=" if short else b"=?utf-8?b?" + base64 + b"?="


def _quoted(octet: int) -> bytes:
    if octet == 0x20:
        return b"_"
    if octet > 0x7E or octet < 0x20 or octet in b'=?_"()<>@,;:.[]\\':
        return b"=%02X" % octet
    return bytes((octet,))
