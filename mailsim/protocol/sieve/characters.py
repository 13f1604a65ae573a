"""Characters that mean nothing outside strings and comments, and what was meant by them perhaps."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.complaint import Wrong
from mailsim.protocol.sieve.syntax import Place

# What a word processor makes of a quotation mark, and what other languages have for it.
_QUOTES: Final = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2039\u203a\u2032\u2033\uff02\u0060\u00b4'"
_OPERATORS: Final = "&|=!<>+"


def odd_character(source: bytes, start: int, place: Place) -> Wrong:
    """The complaint about the character that begins at `start`."""
    octet = source[start]
    odd = f"'{chr(octet)}'" if 31 < octet < 127 else f"0x{octet:02x}"
    wrong = Wrong("sieve.odd-character", place, char=odd)
    found = _character(source[start : start + 4])
    if found and found in _QUOTES:
        return wrong.told("sieve.odd-quote", found=found)
    if found and found in _OPERATORS:
        return wrong.told("sieve.no-operator-sign", found=found)
    return wrong.told("sieve.odd-character", char=_shown(found)) if found else wrong


def _character(octets: bytes) -> str:
    """The first character, "" if there is none: the octets are no UTF-8."""
    for length in range(1, len(octets) + 1):
        try:
            return octets[:length].decode()
        except UnicodeDecodeError:
            continue
    return ""


def _shown(found: str) -> str:
    """The character itself, the number of one that cannot be seen."""
    visible = found.isprintable() and not found.isspace()
    return f"'{found}'" if visible else f"U+{ord(found):04X}"
