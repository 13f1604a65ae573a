"""local and lmtp: delivery to the users of minfo.sn, by Dovecot's LMTP server (MTA5)."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from mailsim.model.stage import Stage
from mailsim.servers.queue import received
from mailsim.servers.queue.addresses import Addresses, AliasLoopError, split_address
from mailsim.servers.queue.journal import Journal
from mailsim.servers.queue.mail import Mail, Outcome
from mailsim.servers.store import RecipientRow

if TYPE_CHECKING:
    from mailsim.servers.world import World

_LETTERS = string.ascii_letters + string.digits + "+/"


class LocalDelivery:
    """Delivers at once: all that it does is part of the caller's step in the store."""

    def __init__(self, world: World, journal: Journal) -> None:
        self._world = world
        self._journal = journal
        self._addresses = Addresses(world)

    def is_local(self, address: str) -> bool:
        """Whether mail for `address` ends here."""
        return self._addresses.local(split_address(address)[1])

    def deliver(
        self, mail: Mail, recipients: list[RecipientRow]
    ) -> tuple[list[Outcome], list[tuple[RecipientRow, str]]]:
        """What became of each; and which are to be forwarded, with the address elsewhere."""
        outcomes: list[Outcome] = []
        forwards: list[tuple[RecipientRow, str]] = []
        for one in recipients:
            try:
                targets = self._addresses.expand(one.address)
            except AliasLoopError:
                outcomes.append(self._bounced(one, "5.4.6", "alias database loop"))
                continue
            if not targets:
                user = split_address(one.address)[0].lower()
                outcomes.append(self._bounced(one, "5.1.1", f'unknown user: "{user}"'))
            for target in targets:
                if not self.is_local(target):
                    forwards.append((one, target))
                else:
                    outcomes.append(self._save(mail, one, target))
        return outcomes, forwards

    def _bounced(self, one: RecipientRow, dsn: str, reason: str) -> Outcome:
        return Outcome(one, "bounced", dsn, reason, relay="local", program="postfix/local")

    def _save(self, mail: Mail, one: RecipientRow, address: str) -> Outcome:
        world, row = self._world, mail.row
        user = self._addresses.user(split_address(address)[0])
        session = world.ids.word("session", 16, _LETTERS)
        head = self._head(row.sender, address, session) + row.head
        world.store.deliver(
            user,
            "INBOX",
            row.content,
            head=head,
            message_id=row.message_id,
            received=world.clock.now(),
            size=row.size - len(row.head) + len(head),
        )
        self._tell(user, session, row.message_id or "unspecified")
        host = world.config.myhostname
        reply = f"250 2.0.0 <{address}> {session} Saved"
        return Outcome(
            one,
            "sent",
            "2.0.0",
            reply,
            address=address,
            relay=f"{host}[private/dovecot-lmtp]",
            program="postfix/lmtp",
            remote=host,
            diagnostic=reply,
            stored=True,
        )

    def _head(self, sender: str, address: str, session: str) -> bytes:
        """Return-Path and Delivered-To, which final delivery adds (RFC 5321 §4.4)."""
        world = self._world
        trace = received.by_lmtp(
            world.config.myhostname, session, sender, address, world.clock.header()
        )
        first = f"Return-Path: <{sender}>\r\nDelivered-To: {address}\r\n"
        return first.encode("utf-8", "surrogateescape") + trace

    def _tell(self, user: str, session: str, message_id: str) -> None:
        if self._world.config.stage >= Stage.SIEVE:
            said = f"sieve: msgid={message_id}: stored mail into mailbox 'INBOX'"
        else:
            said = f"msgid={message_id}: saved mail to INBOX"
        self._journal.lmtp(user, session, said)
