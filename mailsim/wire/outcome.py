"""What a reply comes to, whatever the protocol."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """How an exchange ended; the one vocabulary for SMTP, POP3, IMAP and ManageSieve."""

    SUCCESS = "success"
    """Done: 2yz, +OK, OK, PREAUTH."""
    INTERMEDIATE = "intermediate"
    """The server waits for more: 3yz, "+"."""
    TEMPORARY = "temporary"
    """Not now, perhaps later: 4yz; NO or -ERR with a code that says so."""
    PERMANENT = "permanent"
    """Refused: 5yz, NO, -ERR, BAD."""
    CLOSING = "closing"
    """The server closes the connection: 421, BYE."""

    # Enum's own hash is Python code; the tables look up states and outcomes at every reply.
    __hash__ = object.__hash__

    @property
    def ok(self) -> bool:
        """Whether the command did, or is doing, what was asked."""
        return self in (Outcome.SUCCESS, Outcome.INTERMEDIATE)
