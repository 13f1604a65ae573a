"""Writes header fields: folded, and encoded where they are not ASCII (RFC 5322 §2.2.3, RFC 2047)."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

LINE: Final = 80
_QUOTED: Final = 60
_BASE64: Final = 45
"""What goes into one encoded word: 75 octets at most in all (RFC 2047 §2)."""


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
    """Encoded words of whole characters, base64 or Q as either is shorter (RFC 2047 §2 and §4)."""
    chars = [one.encode() for one in text.decode("utf-8", "replace")]
    quoted = [b"".join(map(_quoted, one)) for one in chars]
    if sum(map(len, quoted)) <= len(b64encode(text)):
        return [b"=?utf-8?q?" + one + b"?=" for one in _pieces(quoted, _QUOTED)]
    return [b"=?utf-8?b?" + b64encode(one) + b"?=" for one in _pieces(chars, _BASE64)]


def _pieces(parts: list[bytes], most: int) -> list[bytes]:
    """The parts joined to pieces of at most `most` octets."""
    pieces = [b""]
    for part in parts:
        if pieces[-1] and len(pieces[-1]) + len(part) > most:
            pieces.append(b"")
        pieces[-1] += part
    return pieces


def _quoted(octet: int) -> bytes:
    if octet == 0x20:
        return b"_"
    if octet > 0x7E or octet < 0x20 or octet in b"=?_":
        return b"=%02X" % octet
    return bytes((octet,))
