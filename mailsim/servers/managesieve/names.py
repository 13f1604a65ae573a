"""What a script may be called."""

from __future__ import annotations

_LONGEST = 256  # SIEVE_MAX_SCRIPT_NAME_LEN
_SLASH = 0x2F
_SEPARATORS = (0xFF, 0x2028, 0x2029)


def is_valid(name: str) -> bool:
    """Whether a script may have this name: RFC 5804 §1.6, and no slash (Pigeonhole's rule)."""
    return 0 < len(name) <= _LONGEST and not any(map(_is_prohibited, map(ord, name)))


def _is_prohibited(character: int) -> bool:
    surrogate = 0xD800 <= character <= 0xDFFF
    control = character <= 0x1F or 0x7F <= character <= 0x9F
    return surrogate or control or character == _SLASH or character in _SEPARATORS
