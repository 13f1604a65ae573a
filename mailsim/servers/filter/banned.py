"""Names and types that Debian's Amavis bans: $banned_filename_re in 20-debian_defaults."""

from __future__ import annotations

import re

_NAMES = (
    re.compile(r"\.[^./]*\.(exe|vbs|pif|scr|bat|cmd|com|cpl|dll)\.?\Z", re.IGNORECASE),
    re.compile(r"\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?\Z", re.IGNORECASE),
    re.compile(r".\.(exe|vbs|pif|scr|bat|cmd|com|cpl)\Z", re.IGNORECASE),
)
_TYPES = ("application/x-msdownload", "application/x-msdos-program", "application/hta")


def banned(kind: str, name: str) -> str:
    """Why a part of this type and name is banned, as Amavis says it; "" if it is not."""
    # A name may be as long as its sender likes, and ends where its extension is.
    short = name[-255:]
    if kind in _TYPES or any(pattern.search(short) for pattern in _NAMES):
        return ",".join(one for one in (kind, short) if one)
    return ""
