"""Encoded words in header fields (RFC 2047)."""

from __future__ import annotations

import re

from mailsim.wire.mime.charsets import to_text
from mailsim.wire.mime.transfer import decode_base64, decode_q

# encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="
# (RFC 2047 §2, RFC 2231 §5), found within other text too, and with space in it.
_WORD = re.compile(rb"=\?([^?]*+)\?([BbQq])[^?]*+\?([^?]*+)\?=")
_BLANK = re.compile(rb"[ \t\r\n]*+")


def decode_words(field: bytes) -> str:
    """A field's body as text: its folds undone, its encoded words read.

    Space between two encoded words is none (RFC 2047 §6.2); what is no encoded word is taken
    as UTF-8.
    """
    if b"\n" in field:
        field = field.replace(b"\r\n", b"").replace(b"\n", b"")
    if b"=?" not in field:
        return field.decode("utf-8", "replace")
    pieces: list[str] = []
    at = 0
    for word in _WORD.finditer(field):
        between = field[at : word.start()]
        if not _BLANK.fullmatch(between):
            pieces.append(between.decode("utf-8", "replace"))
        charset, encoding, data = word.groups()
        octets = decode_base64(data) if encoding in b"Bb" else decode_q(data)
        pieces.append(to_text(octets, charset.partition(b"*")[0].decode("latin-1")))
        at = word.end()
    pieces.append(field[at:].decode("utf-8", "replace"))
    return "".join(pieces)
