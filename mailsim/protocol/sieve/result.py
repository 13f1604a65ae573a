"""What a run decided: actions, the message, what to remember."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from mailsim.protocol.sieve.complaint import Complaint
from mailsim.protocol.sieve.trace import Step

INBOX: Final = "INBOX"


@dataclass(frozen=True, slots=True)
class Keep:
    """Into INBOX; `implicit` when the script did not say so.  `content` is the message then."""

    flags: tuple[str, ...]
    content: bytes = field(repr=False)
    implicit: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class FileInto:
    """Into `mailbox`, made if `create` and it is not there."""

    mailbox: str
    flags: tuple[str, ...]
    content: bytes = field(repr=False)
    create: bool = False
    copy: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Redirect:
    """To another address; the envelope's sender stays (RFC 5228 §4.2)."""

    address: str
    content: bytes = field(repr=False)
    copy: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Discard:
    """Nowhere, and nobody is told."""

    line: int = 0


@dataclass(frozen=True, slots=True)
class Reject:
    """Back to the sender with a reason; `extended`: at the protocol if it can be (RFC 5429)."""

    reason: str
    extended: bool = False
    line: int = 0
    report: bytes = field(default=b"", repr=False)
    """The message that tells the sender (RFC 5429 §2.2.1), where the protocol cannot."""


@dataclass(frozen=True, slots=True)
class Vacation:
    """What vacation decided: a reply, or why there is none.

    `outcome` is a message id with `params`; `reply` the whole message, to go to `recipient` from the
    null path, or None.
    """

    outcome: str
    params: dict[str, str]
    handle: str
    seconds: int
    recipient: str = ""
    reply: bytes | None = field(default=None, repr=False)
    subject: str | None = None
    line: int = 0


Action: TypeAlias = Keep | FileInto | Redirect | Discard | Reject | Vacation


def mailbox_of(action: Action) -> str | None:
    """The mailbox that an action puts the message into."""
    if isinstance(action, Keep):
        return INBOX
    return action.mailbox if isinstance(action, FileInto) else None


@dataclass(frozen=True, slots=True)
class Mark:
    """A key to remember for `seconds` once the actions are done: Environment.seen() tells of it."""

    key: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a run decided.

    `actions` in their order, an implicit keep last.  After an error (`errors`) they are the
    implicit keep alone.  `content` is the message as the script left it.
    """

    actions: tuple[Action, ...]
    content: bytes = field(repr=False)
    errors: tuple[Complaint, ...] = ()
    marks: tuple[Mark, ...] = ()
    trace: tuple[Step, ...] = ()
    steps: int = 0
    """Commands, tests and comparisons done; the trace may hold fewer."""
    failed: bool = False
    """Whether an error ended the run; there are others, which are noted and passed over."""

    @property
    def ok(self) -> bool:
        """Whether the script ran to its end."""
        return not self.failed

    @property
    def implicit_keep(self) -> bool:
        """Whether the message is kept because nothing said otherwise."""
        return any(isinstance(one, Keep) and one.implicit for one in self.actions)
