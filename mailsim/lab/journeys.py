"""Whose way is asked for: a Message-ID, or a queue id as the log and the queue show it."""

from __future__ import annotations

from collections.abc import Iterable

from mailsim.dialogue.journey import journey
from mailsim.model.journey import Journey
from mailsim.model.log import LogLine


def way(log: Iterable[str | LogLine], message: str) -> Journey:
    """The message's way; without stops where the log does not know it.  Raises UsageError for ""."""
    lines = list(log)
    found = journey(lines, message_id=message)
    name = message.strip()
    if found or not name.isalnum():
        return found
    # A queue id that is used again is the last message's.
    return journey(lines, queue_id=name) or journey(lines, queue_id=name.upper()) or found
