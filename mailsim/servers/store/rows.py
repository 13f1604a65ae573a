"""The rows of the queue's tables, as values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class RecipientRow:
    """One recipient of a queued message: `original` is the address before aliases and maps,
    `reason` what the last attempt said."""

    number: int
    address: str
    original: str = ""
    notify: str = ""
    orcpt: str = ""
    reason: str = ""


@dataclass(slots=True)
class QueueRow:
    """One queued message without its content.

    `queue` is "active", "deferred" or "hold"; `envelope` whatever else the queue wants to
    keep (JSON).  The message is `head` and behind it the content number `content`.
    """

    queue_id: str
    queue: str
    sender: str
    message_id: str
    arrival: float
    size: int
    envelope: str = "{}"
    head: bytes = field(default=b"", repr=False)
    content: int = 0
    next_attempt: float = 0.0
    recipients: list[RecipientRow] = field(default_factory=list)
