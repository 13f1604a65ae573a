"""Mailbox names in modified UTF-7 (RFC 3501 §5.1.3)."""

from __future__ import annotations

import binascii
import re

_SHIFTED = re.compile("&|[^\x20-\x7e]+")
_RUN = re.compile(b"&([A-Za-z0-9+,]*)-")


def encode(name: str) -> bytes:
    """`name` as it travels where UTF-8 is not allowed: "Envoyés" is b"Envoy&AOk-s".

    Printable US-ASCII stands for itself, "&" is "&-", all else is UTF-16 in
    base64 with "," for "/" and no padding.  Raises ValueError for a lone surrogate.
    """
    return _SHIFTED.sub(_shift, name).encode("ascii")


def decode(raw: bytes) -> str:
    """The name that travels as `raw`.

    Raises ValueError for what `encode` cannot have written: each name has one
    form, for "Modified BASE64 MUST NOT be used" where a character can represent itself.
    """
    name = _RUN.sub(_unshift, raw).decode("utf-8")
    if encode(name) != raw:
        raise ValueError(raw)
    return name


def _shift(match: re.Match[str]) -> str:
    if match[0] == "&":
        return "&-"
    packed = binascii.b2a_base64(match[0].encode("utf-16-be"), newline=False)
    return "&" + packed.rstrip(b"=").replace(b"/", b",").decode("ascii") + "-"


def _unshift(match: re.Match[bytes]) -> bytes:
    run = match[1].replace(b",", b"/")
    if not run:
        return b"&"
    padded = run + b"=" * (-len(run) % 4)
    return binascii.a2b_base64(padded).decode("utf-16-be").encode("utf-8")
