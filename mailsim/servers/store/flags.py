"""Flags as the database keeps them: system flags as bits, keywords as words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
"""In the order in which Dovecot writes them."""
SEEN = 1 << SYSTEM_FLAGS.index("\\Seen")
DELETED = 1 << SYSTEM_FLAGS.index("\\Deleted")
KEYWORDS_LIMIT = 256
"""So many keywords a mailbox knows; others are ignored, as RFC 3501 §7.1 (PERMANENTFLAGS) allows."""

_BITS = {flag.lower(): 1 << bit for bit, flag in enumerate(SYSTEM_FLAGS)}


@lru_cache(maxsize=4096)
def flag_set(bits: int, keywords: str) -> frozenset[str]:
    """The flags of a row; messages with the same flags share one set."""
    system = [flag for bit, flag in enumerate(SYSTEM_FLAGS) if bits >> bit & 1]
    return frozenset(system + keywords.split())


def known_flags(flags: Iterable[str], keywords: tuple[str, ...]) -> tuple[frozenset[str], str]:
    """The flags in the spelling they were first used in, and the keywords that are then known,
    as a line.

    What begins with "\\" and is no system flag is left out, \\Recent with it: no client can
    alter it (RFC 3501 §2.3.2).
    """
    spelt = {one.lower(): one for one in (*SYSTEM_FLAGS, *keywords)}
    limit = len(SYSTEM_FLAGS) + KEYWORDS_LIMIT
    found = set()
    for flag in flags:
        lower = flag.lower()
        if lower not in spelt and not flag.startswith("\\") and len(spelt) < limit:
            spelt[lower] = flag
        if lower in spelt:
            found.add(spelt[lower])
    return frozenset(found), " ".join(list(spelt.values())[len(SYSTEM_FLAGS) :])


@lru_cache(maxsize=4096)
def columns(flags: frozenset[str] | tuple[str, ...]) -> tuple[int, str]:
    """The bits and the keywords, in the order of the alphabet, that stand for such flags."""
    bits, words = 0, []
    for flag in flags:
        bit = _BITS.get(flag.lower(), 0)
        bits |= bit
        if not bit:
            words.append(flag)
    return bits, " ".join(sorted(words))


def in_order(flags: Iterable[str], keywords: tuple[str, ...]) -> tuple[str, ...]:
    """The flags as they are written: system flags, then keywords as they came into use."""
    given = frozenset(flags)
    return tuple(flag for flag in (*SYSTEM_FLAGS, *keywords) if flag in given)
