"""What a mailbox holds and what happens to it, as plain values; and what cannot be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

INBOX = "INBOX"
SEPARATOR = "/"
SPECIAL_USE = {
    "Drafts": "\\Drafts",
    "Junk": "\\Junk",
    "Sent": "\\Sent",
    "Sent Messages": "\\Sent",
    "Trash": "\\Trash",
}
"""What Dovecot's 15-mailboxes.conf says of the names: an attribute (RFC 6154 §2) that the mailbox
has once somebody has made it."""


def mailbox_name(name: str) -> str:
    """INBOX is INBOX whatever its case (RFC 3501 §5.1); all other names are as they are."""
    return INBOX if name.upper() == INBOX else name


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox.  `name` is Unicode with "/" between its levels; `highest_modseq` as in
    RFC 7162 §3.1.2.1."""

    id: int
    user: str
    name: str
    uid_validity: int
    uid_next: int
    highest_modseq: int


@dataclass(frozen=True, slots=True)
class Status:
    """A mailbox's counts (RFC 3501 §6.3.10); `size` in octets (RFC 8438 §3)."""

    messages: int
    recent: int
    unseen: int
    uid_next: int
    uid_validity: int
    highest_modseq: int
    size: int


class Message(NamedTuple):
    """A message without its content; a tuple, for it is made 100,000 times in a row.

    `received` is its internal date, `saved` when it came into this mailbox (SAVEDATE), both
    in seconds since 1970; `size` in octets.
    """

    uid: int
    flags: frozenset[str]
    modseq: int
    received: float
    size: int
    message_id: str
    saved: float


@dataclass(frozen=True, slots=True)
class Quota:
    """What a user has and may have, in octets and in messages; a limit of 0 is none."""

    octets: int
    messages: int
    octets_limit: int = 0
    messages_limit: int = 0


@dataclass(frozen=True, slots=True)
class Added:
    """Messages came into the mailbox."""

    uids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FlagsChanged:
    """Messages have other flags, and this mod-sequence."""

    uids: tuple[int, ...]
    modseq: int


@dataclass(frozen=True, slots=True)
class Expunged:
    """Messages went, at this mod-sequence."""

    uids: tuple[int, ...]
    modseq: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The mailbox was deleted."""


Change: TypeAlias = Added | FlagsChanged | Expunged | Gone


class MailboxError(Exception):
    """What was asked of the mailboxes cannot be done; nothing was.  Each protocol words it."""


class NoSuchMailboxError(MailboxError, KeyError):
    """There is no mailbox of that name, or it was deleted meanwhile."""


class MailboxExistsError(MailboxError):
    """There is a mailbox of that name already."""


class OverQuotaError(MailboxError):
    """The user would have more than the quota allows."""
