"""SASLprep: how user names and passwords are made comparable (RFC 4013)."""

from __future__ import annotations

import stringprep
from unicodedata import ucd_3_2_0 as unicode_3_2

from mailsim.errors import UsageError

# RFC 4013 §2.3: what may not stand in the output.
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)

# RFC 4505 §3: the "trace" profile prohibits the same, less C.1.2 and C.7.
_TRACE_PROHIBITED = tuple(
    table for table in _PROHIBITED if table not in (stringprep.in_table_c12, stringprep.in_table_c7)
)


def saslprep(text: str, *, stored: bool) -> str:
    """`text` prepared by the SASLprep profile.

    `stored`: for a password database, where code points unassigned in Unicode
    3.2 are refused too; a query lets them pass (RFC 3454 §7).

    Raises UsageError for what the profile prohibits, without quoting it: it may
    be a password.
    """
    prepared = unicode_3_2.normalize("NFKC", _mapped(text))  # RFC 4013 §2.2
    if any(prohibited(c) for c in prepared for prohibited in _PROHIBITED):
        raise UsageError("sasl.saslprep-prohibited")
    if not _bidi_holds(prepared):
        raise UsageError("sasl.saslprep-bidi")
    if stored and any(map(stringprep.in_table_a1, prepared)):  # RFC 4013 §2.5
        raise UsageError("sasl.saslprep-unassigned")
    return prepared


def fits_trace(text: str) -> bool:
    """Whether `text` is allowed as ANONYMOUS's trace information (RFC 4505 §3)."""
    clean = not any(prohibited(c) for c in text for prohibited in _TRACE_PROHIBITED)
    return clean and _bidi_holds(text)


def _mapped(text: str) -> str:
    """RFC 4013 §2.1: other spaces become SPACE, what is "mapped to nothing" goes.

    U+200B stands in both tables; the one that the RFC lists first makes it a space.
    """
    spaced = (" " if stringprep.in_table_c12(c) else c for c in text)
    return "".join(c for c in spaced if not stringprep.in_table_b1(c))


def _bidi_holds(text: str) -> bool:
    """RFC 4013 §2.4: right-to-left text holds no left-to-right letter, and frames itself."""
    if not any(map(stringprep.in_table_d1, text)):
        return True
    if any(map(stringprep.in_table_d2, text)):
        return False
    return stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
