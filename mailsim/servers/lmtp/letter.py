"""A message at its last stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsim.servers.queue.mail import Mail
    from mailsim.servers.world import World

NO_MESSAGE_ID = "unspecified"


@dataclass(frozen=True, slots=True)
class Letter:
    """One recipient's message.

    `head` (the trace of this delivery and of the queue) and behind it the content number
    `number` of the store are the whole message; `address` is the recipient as Postfix names
    it, `original` as RCPT did.
    """

    user: str
    address: str
    original: str
    sender: str
    message_id: str
    session: str
    head: bytes
    number: int
    size: int

    @property
    def shown_id(self) -> str:
        """The Message-ID as Dovecot logs it."""
        return self.message_id or NO_MESSAGE_ID


def letter(world: World, mail: Mail, original: str, user: str, address: str) -> Letter:
    """The message with Return-Path and Delivered-To, which final delivery adds, and with the
    trace field in Dovecot's form (RFC 5321 §4.4)."""
    row, host = mail.row, world.config.myhostname
    session = world.ids.session()
    trace = (
        f"Return-Path: <{row.sender}>\r\n"
        f"Delivered-To: {address}\r\n"
        f"Received: from {host}\r\n"
        f"\tby {host} with LMTP\r\n"
        f"\tid {session}\r\n"
        f"\t(envelope-from <{row.sender}>)\r\n"
        f"\tfor <{address}>; {world.clock.header().removesuffix(' (UTC)')}\r\n"
    )
    head = trace.encode("utf-8", "surrogateescape") + row.head
    size = row.size - len(row.head) + len(head)
    return Letter(
        user, address, original, row.sender, row.message_id, session, head, row.content, size
    )
