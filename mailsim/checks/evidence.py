"""What checks judge: what was said, and what the lab holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message

from mailsim.checks.said import Said, said
from mailsim.checks.transaction import Transaction, transactions
from mailsim.dialogue import Dialogue
from mailsim.model.endpoint import Protocol
from mailsim.model.log import LogLine
from mailsim.model.queue import QueueEntry, StoredMessage

Boxes = Mapping[str, Mapping[str, tuple[StoredMessage, ...]]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The lab's dialogues, secrets masked, in the order in which they began; its mail and log.

    `answer` is what the student wrote for a question, "" for nothing.
    """

    dialogues: tuple[Dialogue, ...] = ()
    mailboxes: Boxes = field(default_factory=dict)
    queue: tuple[QueueEntry, ...] = ()
    logs: tuple[LogLine, ...] = ()
    stage: str = ""
    faults: tuple[str, ...] = ()
    answer: str = ""

    def of(self, *protocols: Protocol) -> Iterator[Dialogue]:
        """The dialogues in one of these protocols."""
        return (one for one in self.dialogues if one.endpoint.protocol in protocols)

    def transactions(self) -> tuple[Transaction, ...]:
        """Every MAIL of every SMTP dialogue, with what followed it."""
        return tuple(one for dialogue in self.of(Protocol.SMTP) for one in transactions(dialogue))

    def said(self, *protocols: Protocol) -> tuple[Said, ...]:
        """Every command in these protocols, with its answer."""
        return tuple(one for dialogue in self.of(*protocols) for one in said(dialogue))

    def stored(self, user: str, mailbox: str | None = "INBOX") -> tuple[StoredMessage, ...]:
        """The user's messages there; None: in every mailbox."""
        boxes = self.mailboxes.get(user, {})
        if mailbox is not None:
            return tuple(boxes.get(mailbox, ()))
        return tuple(one for messages in boxes.values() for one in messages)

    def with_subject(
        self, subject: str, user: str, mailbox: str | None = "INBOX"
    ) -> tuple[StoredMessage, ...]:
        """Those of them that carry this Subject."""
        found = self.stored(user, mailbox)
        return tuple(one for one in found if subject_of(one.content) == subject)


def headers(content: bytes) -> Message:
    """The message, its header fields at hand."""
    return message_from_bytes(content)


def subject_of(content: bytes) -> str:
    """Its Subject as people read it; "" for none."""
    return field_of(content, "Subject")


def field_of(content: bytes, name: str) -> str:
    """A header field as people read it, the first of that name; "" for none."""
    raw = headers(content).get(name)
    if raw is None:
        return ""
    try:
        return str(make_header(decode_header(str(raw)))).strip()
    except (LookupError, UnicodeError, ValueError):  # a charset that is none
        return str(raw).strip()


def body_of(content: bytes) -> bytes:
    """What stands below the header's empty line."""
    return content.partition(b"\r\n\r\n")[2]
