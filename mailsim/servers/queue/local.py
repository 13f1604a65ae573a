"""local and lmtp: delivery to the users of minfo.sn, by Dovecot's LMTP server (MTA5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mailsim.servers.lmtp import Lmtp
from mailsim.servers.queue.addresses import Addresses, AliasLoopError, split_address
from mailsim.servers.queue.journal import Journal
from mailsim.servers.queue.mail import Mail, Outcome
from mailsim.servers.store import RecipientRow
from mailsim.servers.store.values import INBOX

if TYPE_CHECKING:
    from mailsim.servers.envelope import Submission
    from mailsim.servers.world import World


class LocalDelivery:
    """Delivers at once: all that it does is part of the caller's step in the store.

    `accept` queues a submission as a child of a message.
    """

    def __init__(
        self, world: World, journal: Journal, accept: Callable[[Submission, Mail], str]
    ) -> None:
        self._world = world
        self._lmtp = Lmtp(world, journal, accept)
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
        user = self._addresses.user(split_address(address)[0])
        if not self._world.config.mailbox_transport:
            return self._to_maildir(mail, one, user, address)
        host = self._world.config.myhostname
        made = self._lmtp.deliver(mail, one.original or one.address, user, address)
        reason = made.reply
        if not made.ok:
            where = f"host {host}[private/dovecot-lmtp]"
            reason = f"{where} said: {reason} (in reply to end of DATA command)"
        return Outcome(
            one,
            "sent" if made.ok else "bounced",
            made.dsn,
            reason,
            address=address,
            relay=f"{host}[private/dovecot-lmtp]",
            program="postfix/lmtp",
            remote=host,
            diagnostic=made.reply,
            stored=made.stored,
        )

    def _to_maildir(self, mail: Mail, one: RecipientRow, user: str, address: str) -> Outcome:
        """local(8) writes into the mailbox itself: no script runs (fault F12)."""
        world, row = self._world, mail.row
        trace = (
            f"Return-Path: <{row.sender}>\r\nX-Original-To: {one.original or one.address}\r\n"
            f"Delivered-To: {address.lower()}\r\n"
        )
        head = trace.encode("utf-8", "surrogateescape") + row.head
        world.store.deliver(
            user,
            INBOX,
            row.content,
            head=head,
            message_id=row.message_id,
            received=world.clock.now(),
            size=row.size - len(row.head) + len(head),
        )
        return Outcome(
            one,
            "sent",
            "2.0.0",
            "delivered to maildir",
            address=address,
            relay="local",
            program="postfix/local",
            stored=True,
        )
