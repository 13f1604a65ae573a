"""One message's way through the servers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mailsim.model.log import LogLine


class StopKind(Enum):
    """What happened to the message at a stop."""

    RECEIVED = "received"
    """A client handed it over: `client`, `sasl_username`, or `uid` for a local program."""
    CLEANUP = "cleanup"
    """It entered the queue: `message-id`."""
    QUEUED = "queued"
    """The queue manager took it up: `from`, `size`, `nrcpt`."""
    FILTERED = "filtered"
    """The content filter judged it: `verdict`, `Hits`, `queued_as`."""
    REJECTED = "rejected"
    """A recipient or the content was refused: `reply`."""
    SENT = "sent"
    """Handed on, for one recipient: `to`, `relay`, `dsn`, `reply`."""
    DEFERRED = "deferred"
    """Not now, perhaps later: the fields of SENT."""
    BOUNCED = "bounced"
    """Refused for good, or too long in the queue: the fields of SENT."""
    NOTIFIED = "notified"
    """The sender gets a notification of its own: `notification`, its queue id."""
    STORED = "stored"
    """It lies in a mailbox: `user`, `mailbox`."""
    ANSWERED = "answered"
    """Sieve answered for an absent user: `to`."""
    FORWARDED = "forwarded"
    """Sieve sent it on: `to`."""
    DISCARDED = "discarded"
    """Sieve threw it away."""
    REMOVED = "removed"
    """It left the queue: nothing remains to be done."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop: what happened, and the line that says so (its `fields` hold the details).

    `rule` is the line of the Sieve script that decided it, where the lab can tell:
    `/etc/dovecot/global_script/dovecot.sieve:4: fileinto "Junk"`.
    """

    kind: StopKind
    line: LogLine
    rule: str = ""

    def __str__(self) -> str:
        rule = f"\n{'':<10} ↳ {self.rule}" if self.rule else ""
        return f"{self.kind.value:<10} {self.line}{rule}"


@dataclass(frozen=True, slots=True)
class Journey:
    """A message's stops in the order of the log, and every queue id that it had.

    A filter gives the message a second queue id, a bounce is a message with a third.
    """

    stops: tuple[Stop, ...] = ()
    message_id: str = ""
    queue_ids: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """A line for each stop, as a notebook shows it."""
        return "\n".join(map(str, self.stops)) or "()"

    def __bool__(self) -> bool:
        return bool(self.stops)

    def of(self, *kinds: StopKind) -> tuple[Stop, ...]:
        """The stops of these kinds."""
        return tuple(stop for stop in self.stops if stop.kind in kinds)
