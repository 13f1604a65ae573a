"""Content transfer encodings (RFC 2045 §6)."""

from __future__ import annotations

import re
from binascii import a2b_base64, a2b_qp

_DIGITS = re.compile(rb"[A-Za-z0-9+/]*+")


def decode_base64(data: bytes) -> bytes:
    """base64 up to the first octet that has no place in it   ; RFC 2045 §6.8

    A last group that lacks its padding still holds whole octets.
    """
    match = _DIGITS.match(data.translate(None, b" \t\r\n"))
    digits = match[0] if match else b""
    rest = len(digits) % 4
    if rest == 1:
        return a2b_base64(digits[:-1])
    return a2b_base64(digits + b"=" * (-rest % 4))


def decode_q(data: bytes) -> bytes:
    """The "Q" encoding   ; RFC 2047 §4.2"""
    return a2b_qp(data, header=True)


def decode_quoted_printable(data: bytes) -> bytes:
    """quoted-printable   ; RFC 2045 §6.7"""
    return a2b_qp(data)


def decode(data: bytes, encoding: str) -> bytes | None:
    """`data` decoded; None if the encoding is not known   ; RFC 2045 §6.1"""
    match encoding.lower():
        case "7bit" | "8bit" | "binary":
            return data
        case "base64":
            return decode_base64(data)
        case "quoted-printable":
            return decode_quoted_printable(data)
        case _:
            return None
