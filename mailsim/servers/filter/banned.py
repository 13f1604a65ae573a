"""Names and types that Debian's Amavis bans: $banned_filename_re in 20-debian_defaults."""

from __future__ import annotations

import re

_NAMES = (
    re.compile(r"\.[^./]*\.(exe|vbs|pif|scr|bat|cmd|com|cpl|dll)\.?\Z", re.IGNORECASE),
    re.compile(r"\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?\Z", re.IGNORECASE),
    re.compile(r".\.(exe|vbs|pif|scr|bat|cmd|com|cpl)\Z", re.IGNORECASE | re.DOTALL),
)
_SHOWN = 100
_TYPES = ("application/x-msdownload", "application/x-msdos-program", "application/hta")


def banned(kind: str, name: str) -> str:
    """Why a part of this type and name is banned, as Amavis says it; "" if it is not."""
    # A name may be as long as its sender likes, and ends where its extension is.
    short = name[-255:]
    if kind in _TYPES or any(pattern.search(short) for pattern in _NAMES):
        return ",".join(_shown(one[-_SHOWN:]) for one in (kind, short) if one)
    return ""


def _shown(name: str) -> str:
    """Fit for a header field: a name can hold whatever its sender encoded, line ends too."""
    if name.isascii() and name.isprintable():
        return name
    octets = name.encode("utf-8", "replace")
    return "".join(chr(o) if 32 <= o < 127 else f"\\x{{{o:02X}}}" for o in octets)
