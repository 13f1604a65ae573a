"""Leniencies, each with its name.  All are off unless a stage, a fault or a caller switches one on."""

from __future__ import annotations

from enum import Enum


class Quirk(Enum):
    """A way in which bytes on the wire may stray from the RFC and still be taken."""

    BARE_LF = "bare-lf"
    """A line may end with LF alone (RFC 5321 §2.3.8 forbids it)."""
    BARE_LF_LINE = "bare-lf-line"
    """A line may end with LF alone, but the end of a message may not (Postfix's
    smtpd_forbid_bare_newline = normalize)."""
    CUT_LINE = "cut-line"
    """A line over the limit is cut there and its rest skipped, as Postfix reads commands."""
    SPACE_BEFORE_COLON = "space-before-colon"
    """`MAIL FROM : <x>`, as the thesis prints it (fault F6)."""
    SPACE_IN_PATH = "space-in-path"
    """`MAIL FROM: <x>` or `< x>`: spaces around the colon's right side (RFC 5321 §3.3 warns of them)."""
    NO_ANGLE_BRACKETS = "no-angle-brackets"
    """`MAIL FROM:x@y`, a path without its brackets."""
    SPACED_REPLY = "spaced-reply"
    """`250 -8BITMIME`, `+ OK`: spaces where the grammar has none, as the thesis prints them."""
    MISSING_SPACE = "missing-space"
    """IMAP's `+` or `a1 OK` at a line's end, without the space that comes before an empty text."""
    PLAIN_LITERAL = "plain-literal"
    """A ManageSieve client's `{5}` in place of `{5+}`, as Pigeonhole takes it (RFC 5804 §4 has no
    such literal of the client's)."""


NONE: frozenset[Quirk] = frozenset()
