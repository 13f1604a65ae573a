"""A message in the queue, and what became of it for one recipient."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mailsim.servers.store import QueueRow, RecipientRow


@dataclass(slots=True)
class Envelope:
    """What the queue keeps of a message besides its rows' columns.

    `client` tells the content filter who brought it; `filter` is the
    content filter that it has still to pass, "" for none.
    """

    filter: str = ""
    envid: str = ""
    ret: str = ""
    body: str = ""
    smtputf8: bool = False
    client: str = ""
    client_name: str = "unknown"
    client_port: int = 0

    def text(self) -> str:
        """As JSON."""
        # Not asdict(): it copies deeply.  What is as it always is need not be written.
        given = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({name: one for name, one in given.items() if one})


@dataclass(slots=True)
class Mail:
    """A queued message: its row, and its envelope read."""

    row: QueueRow
    envelope: Envelope
    announced: bool = False
    """Whether the log has it in the active queue, for the attempt that is to come."""

    @classmethod
    def of(cls, row: QueueRow) -> Mail:
        """The message that a row of the store keeps."""
        return cls(row, Envelope(**json.loads(row.envelope)))


@dataclass(slots=True)
class Outcome:
    """One recipient's delivery attempt.

    `status` is "sent", "deferred" or "bounced", `dsn` the enhanced code, `reason` what the log
    says in brackets; `address` the recipient as it was delivered to, after aliases.
    `remote` and `diagnostic` are the other MTA's name and its reply, "" without one;
    `action` what a success report says; `reported` that the next MTA sends such reports itself
    (RFC 3461 §5.2.2).
    """

    recipient: RecipientRow
    status: str
    dsn: str
    reason: str
    address: str = ""
    relay: str = "none"
    program: str = "postfix/smtp"
    action: str = "relayed"
    remote: str = ""
    diagnostic: str = ""
    reported: bool = False
    stored: bool = False
    """Whether a mailbox has the queued content now."""
    begun: float = 0.0
    connected: float = 0.0

    def __post_init__(self) -> None:
        self.address = self.address or self.recipient.address
