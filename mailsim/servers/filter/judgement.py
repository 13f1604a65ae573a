"""What the filter decides of a message, and what it keeps of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from mailsim.servers.config import REINJECTION
from mailsim.servers.envelope import Client, Submission
from mailsim.servers.filter.fields import with_subject_tag, without_spam_fields
from mailsim.servers.filter.spam import Score
from mailsim.wire.smtp import Reply


class Category(IntEnum):
    """Amavis's contents categories; a message is called after the highest that it is in."""

    CLEAN = 1
    BADH = 4
    SPAMMY = 5
    SPAM = 6
    UNCHECKED = 7
    BANNED = 8
    VIRUS = 9


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A message that was kept: `id` is `virus-AbC…`, `verdict` why, `content` all of it."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    verdict: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Edits:
    """What is done to the message's header for one kind of recipient."""

    added: str
    drop_spam_fields: bool
    subject_tag: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a message.

    `action` is "pass", "discard", "bounce" or "reject"; `verdict` "Passed CLEAN", "Blocked
    INFECTED (Eicar-Test-Signature)" …; `hits` the spam score, None if it was not looked for;
    `score` its reasons; `quarantine` the id under which it is kept, "" if it is not;
    `notifications` what the filter itself sends; `reply` the answer to the end of DATA.
    """

    action: str
    verdict: str
    hits: float | None
    reply: str
    quarantine: str = ""
    notifications: tuple[Submission, ...] = ()
    score: Score | None = None
    am_id: str = ""
    mail_id: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    client: Client = field(default_factory=lambda: Client(""))
    originating: bool = False
    queue_id: str = ""
    message_id: str = ""
    local: frozenset[str] = frozenset()
    """The recipients in local_domains."""
    tagged: bool = False
    content: bytes = field(default=b"", repr=False)
    head_size: int = 0
    edits: Mapping[bool, Edits] = field(default_factory=dict)
    """For local recipients (True), for those elsewhere."""

    def blocked_by_mta(self, said: Reply) -> Judgement:
        """What becomes of it where the smtpd that is to take it back refuses it."""
        why = "Rejected by next-hop MTA on relaying"  # Amavis's smtp_reason_by_ccat
        behind = f"from MTA(smtp:[127.0.0.1]:{REINJECTION}): {said}"
        reply = f"{said.code} {said.enhanced} id={self.am_id} - {why}, {behind}"
        return replace(self, action="reject", verdict="Blocked MTA-BLOCKED", reply=reply)

    def content_for(self, recipient: str) -> bytes:
        """The message as this recipient gets it: with Amavis's fields before it."""
        edits = self.edits[recipient in self.local]
        head = self.content[: self.head_size]
        if edits.drop_spam_fields:
            head = without_spam_fields(head)
        if edits.subject_tag:
            head = with_subject_tag(head, edits.subject_tag)
        added = edits.added.encode("utf-8", "surrogateescape")
        if len(head) == self.head_size and not edits.subject_tag:
            return added + self.content
        return added + head + self.content[self.head_size :]
