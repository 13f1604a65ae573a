"""What surrounds a run: the envelope, and what the server knows, handed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Envelope:
    """The addresses of MAIL and RCPT, without brackets; an empty sender is the null path."""

    sender: str
    recipient: str
    original_recipient: str = ""
    """The recipient before aliases, where the server has it (ORCPT); "": the same."""


class Environment(Protocol):
    """What a script may ask of the server; nothing here changes by the asking."""

    def now(self) -> float:
        """Seconds since 1970, UTC."""

    def zone(self) -> int:
        """The server's time zone: minutes east of UTC."""

    def new_message_id(self) -> str:
        """A new Message-ID, with its angle brackets."""

    def mailbox_exists(self, name: str) -> bool:
        """Whether the user has this mailbox, and may put messages there."""

    def seen(self, key: str) -> bool:
        """Whether `key` was marked, and its time has not run out (vacation, duplicate)."""

    def item(self, name: str) -> str | None:
        """An item of the environment (RFC 5183 §4.1): "domain", "host", "remote-ip" …; None: unknown."""


@dataclass(slots=True)
class Alone:
    """An environment without a server, for a trial: its time is given, and nothing was seen before."""

    time: float = 0.0
    offset: int = 0
    mailboxes: frozenset[str] = frozenset({"INBOX"})
    marked: set[str] = field(default_factory=set)
    items: dict[str, str] = field(default_factory=dict)
    host: str = "localhost"
    _count: int = 0

    def now(self) -> float:
        return self.time

    def zone(self) -> int:
        return self.offset

    def new_message_id(self) -> str:
        self._count += 1
        return f"<dovecot-sieve-{int(self.time)}-{self._count}@{self.host}>"

    def mailbox_exists(self, name: str) -> bool:
        return name in self.mailboxes

    def seen(self, key: str) -> bool:
        return key in self.marked

    def item(self, name: str) -> str | None:
        return self.items.get(name)
