"""NTLM's three messages, read for `decode` alone: Exchange and Outlook still send them.

Laid down in [MS-NLMP], which is no RFC; fields are little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mailsim.sasl.mechanism import malformed
from mailsim.sasl.message import Kind, Message, Part, part

SIGNATURE = b"NTLMSSP\0"
_UNICODE = 0x00000001
_CHALLENGE = 2


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where one type's buffers and flags stand: (part, offset, kind), and the flags' offset."""

    what: str
    leak: str
    flags: int
    buffers: tuple[tuple[str, int, Kind], ...]


_LAYOUTS = {
    1: _Layout(
        "sasl.message.ntlm-negotiate",
        "sasl.leak.nothing",
        12,
        (("domain", 16, Kind.BYTES), ("workstation", 24, Kind.BYTES)),
    ),
    2: _Layout(
        "sasl.message.ntlm-challenge", "sasl.leak.challenge", 20, (("target", 12, Kind.TEXT),)
    ),
    3: _Layout(
        "sasl.message.ntlm-authenticate",
        "sasl.leak.ntlm",
        60,
        (
            ("domain", 28, Kind.TEXT),
            ("user", 36, Kind.TEXT),
            ("workstation", 44, Kind.TEXT),
            ("lm-response", 12, Kind.HASH),
            ("nt-response", 20, Kind.HASH),
        ),
    ),
}


def client_message(data: bytes) -> Message:
    """The client's message, of type 1 or 3.  Raises RemoteProtocolError."""
    return _message(data, (1, 3))


def challenge(data: bytes) -> Message:
    """The server's message, of type 2.  Raises RemoteProtocolError."""
    return _message(data, (2,))


def _message(data: bytes, types: tuple[int, ...]) -> Message:
    """Read one message, whose head and buffers are:

    head   = "NTLMSSP" NUL type(4)
    buffer = length(2) space(2) offset(4)
    """
    kind = _number(data, 8)
    if not data.startswith(SIGNATURE) or kind not in types:
        raise malformed("NTLM", '"NTLMSSP" NUL type(4)')
    layout = _LAYOUTS[kind]
    unicode = bool(_number(data, layout.flags) & _UNICODE)
    parts = [_buffer(data, buffer, unicode=unicode) for buffer in layout.buffers]
    if kind == _CHALLENGE:
        parts.append(part("challenge", data[24:32], Kind.HASH))
    return Message(data, tuple(one for one in parts if one.value), layout.what, layout.leak)


def _buffer(data: bytes, buffer: tuple[str, int, Kind], *, unicode: bool) -> Part:
    name, at, kind = buffer
    length, start = _number(data, at) & 0xFFFF, _number(data, at + 4)
    raw = data[start : start + length] if start else b""
    if kind is Kind.TEXT and unicode:
        raw = raw.decode("utf-16-le", "replace").encode("utf-8", "replace")
    return part(name, raw, Kind.TEXT if kind is Kind.BYTES else kind)


def _number(data: bytes, at: int) -> int:
    """The 32-bit number at `at`; 0 beyond the end, for old clients leave fields out."""
    field = data[at : at + 4]
    return int(struct.unpack("<I", field)[0]) if len(field) == 4 else 0
