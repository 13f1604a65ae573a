"""Octets of a named charset as text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

# Python knows codecs that are no charsets ("hex", "zlib"), and looks for others among its files:
# only what may be the name of a charset is looked up.
_CHARSET: Final = re.compile(
    r"utf-?8|utf-?7|utf-?16(?:[bl]e)?|utf-?32(?:[bl]e)?|us-ascii|ascii|ansi_x3\.4-19(?:68|86)"
    r"|iso[-_]?8859-\d{1,2}|latin[-_]?\d{1,2}|windows-\d{3,4}|cp\d{3,4}|ibm\d{3,4}|koi8-[rtu]"
    r"|gb(?:2312|k|18030)|big5(?:-hkscs)?|euc-(?:jp|kr)|shift_jis|shift-jis|sjis|iso-2022-(?:jp|kr)"
    r"(?:-[123])?|hz-gb-2312|ks_c_5601-1987|tis-620|macintosh|mac-?roman",
    re.IGNORECASE,
)
# What calls itself ASCII and is none is UTF-8 more often than anything else.
_NAMES: Final = {
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ks_c_5601-1987": "cp949",
    "hz-gb-2312": "hz",
    "macintosh": "mac-roman",
}


@lru_cache(maxsize=128)
def codec(charset: str) -> str | None:
    """The name of Python's codec for a charset, or None if it is not known."""
    if not _CHARSET.fullmatch(charset):
        return None
    name = _NAMES.get(charset.lower(), charset.lower())
    try:
        b"".decode(name)
    except (LookupError, ValueError):
        return None
    return name


def to_text(octets: bytes, charset: str) -> str:
    """`octets` as text; what is not valid is replaced, an unknown charset taken as UTF-8."""
    return octets.decode(codec(charset) or "utf-8", "replace")
