"""Content transfer encodings (RFC 2045 §6)."""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterator

_DIGITS = re.compile(rb"[A-Za-z0-9+/]*+")
_WHOLE_BASE64 = re.compile(
    rb"(?:[A-Za-z0-9+/]{4})*+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.DOTALL
)
# Looking behind keeps long runs of space linear.
_TRAILING_SPACE = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")
_SOFT_BREAK = re.compile(rb"=\r?\n")
_PIECE = 65_536
_NO_QUOTED_PRINTABLE = re.compile(rb"=(?![0-9A-Fa-f]{2})|\r(?!\n)")


def decode_base64(data: bytes) -> bytes:
    """base64 up to the first octet that has no place in it   ; RFC 2045 §6.8

    A last group that lacks its padding still holds whole octets.
    """
    kept = data.translate(None, b" \t\r\n")
    match = _DIGITS.match(kept)
    end = match.end() if match else 0
    rest = end % 4
    # Without copies: a part may have megabytes.
    digits = memoryview(kept)[: end - 1 if rest == 1 else end]
    return a2b_base64(digits if rest < 2 else bytes(digits) + b"=" * (4 - rest))


def decode_q(data: bytes) -> bytes:
    """The "Q" encoding   ; RFC 2047 §4.2"""
    return a2b_qp(data, header=True)


def decode_quoted_printable(data: bytes) -> bytes:
    """quoted-printable; what is none of it is left as it is   ; RFC 2045 §6.7"""
    return a2b_qp(_joined_lines(data))


def _joined_lines(data: bytes) -> bytes:
    """Without the space at line ends, which transport may have added, and the soft line breaks."""
    return b"".join(map(_joined, _pieces(data)))


def _joined(lines: bytes) -> bytes:
    if _TRAILING_SPACE.search(lines):
        lines = _TRAILING_SPACE.sub(b"", lines)
    # All one way, as they ought to be, they go ten times faster.
    if b"=\n" not in lines:
        return lines.replace(b"=\r\n", b"")
    return _SOFT_BREAK.sub(b"", lines)


def _pieces(data: bytes) -> Iterator[bytes]:
    """Some lines at a time: what a substitution makes of each may cost a hundred times its octets."""
    start = 0
    while start < len(data):
        end = data.find(b"\n", start + _PIECE) + 1 or len(data)
        yield data[start:end]
        start = end


def decode(data: bytes, encoding: str) -> bytes | None:
    """`data` decoded as far as it can be; None if the encoding is not known   ; RFC 2045 §6.1"""
    match encoding.lower():
        case "7bit" | "8bit" | "binary":
            return data
        case "base64":
            return decode_base64(data)
        case "quoted-printable":
            return decode_quoted_printable(data)
        case _:
            return None


def decode_strictly(data: bytes, encoding: str) -> bytes:
    """`data` decoded from base64 or quoted-printable.  Raises ValueError if any of it is neither."""
    if encoding == "base64":
        kept = data.translate(None, b" \t\r\n")
        if not _WHOLE_BASE64.fullmatch(kept):
            raise ValueError(encoding)
        return a2b_base64(kept)
    kept = _joined_lines(data)
    if _NO_QUOTED_PRINTABLE.search(kept):
        raise ValueError(encoding)
    return a2b_qp(kept)
