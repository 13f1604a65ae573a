"""PREVIEW: the beginning of a message's text (RFC 8970 §3.1), as Dovecot cuts it."""

from __future__ import annotations

import re
from typing import Final

from mailsim.wire.mime import Part, parse

_CHARACTERS: Final = 200
_TAG: Final = re.compile(
    r"<(?:script|style)\b.*?</(?:script|style)>|<!--.*?-->|<[^>]*>", re.DOTALL | re.IGNORECASE
)
_READ: Final = 20_000  # more than so much text is not looked at


def preview(content: bytes) -> bytes:
    """The first 200 characters of the first text, blanks put together, quoted lines left out."""
    part = next((one for one in parse(content).walk() if _is_text(one)), None)
    if part is None:
        return b""
    text = part.text()[:_READ]
    if part.media_type == "text/html":
        text = _TAG.sub(" ", text)
    lines = text.splitlines()
    own = [line for line in lines if not line.startswith(">")]
    words = " ".join(own or lines).split()
    return " ".join(words)[:_CHARACTERS].rstrip().encode()


def _is_text(part: Part) -> bool:
    return not part.children and part.media_type.startswith("text/")
