"""Mail that waits, and mail that has arrived, as the lab shows them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class QueueName(Enum):
    """Where a message waits (Postfix's QSHAPE_README)."""

    ACTIVE = "active"
    DEFERRED = "deferred"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A recipient who has not got the message yet, and what the last attempt said ("" if none)."""

    address: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """One message in the queue, as postqueue(1) lists it.

    `size` in octets; `arrival` and `next_attempt` in seconds since 1970 on the lab's clock
    (`next_attempt` 0 where none is due).
    """

    queue_id: str
    queue: QueueName
    sender: str
    recipients: tuple[Waiting, ...]
    size: int
    arrival: float
    message_id: str = ""
    next_attempt: float = 0.0


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message in a mailbox.  `uid` counts from 1 in its mailbox; `content` has CRLF line ends."""

    user: str
    mailbox: str
    uid: int
    message_id: str
    content: bytes
