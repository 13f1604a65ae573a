"""smtp: delivery to other domains.  What is not in the world's routes is not reached."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mailsim.errors import UsageError
from mailsim.servers.queue.addresses import split_address
from mailsim.servers.queue.journal import Journal
from mailsim.servers.queue.mail import Mail, Outcome
from mailsim.servers.queue.routing import Host, RoutingError, hosts
from mailsim.servers.queue.transaction import SiteError, Transaction
from mailsim.servers.store import RecipientRow
from mailsim.wire.smtp import Path

if TYPE_CHECKING:
    from mailsim.servers.world import World

# smtp_destination_recipient_limit and smtp_mx_address_limit
_RECIPIENTS = 50
_ADDRESSES = 5


def by_destination(recipients: list[RecipientRow]) -> list[tuple[str, list[RecipientRow]]]:
    """The recipients by domain, in the order of their coming, some at a time."""
    found: dict[str, list[RecipientRow]] = {}
    for one in recipients:
        found.setdefault(split_address(one.address)[1].lower(), []).append(one)
    return [
        (domain, group[at : at + _RECIPIENTS])
        for domain, group in found.items()
        for at in range(0, len(group), _RECIPIENTS)
    ]


class Relay:
    """Postfix's SMTP client."""

    def __init__(self, world: World, journal: Journal) -> None:
        self._world = world
        self._journal = journal

    async def deliver(
        self, mail: Mail, content: bytes, domain: str, recipients: list[RecipientRow]
    ) -> list[Outcome]:
        """Deliver to some recipients at one domain; an outcome for each."""
        try:
            found = hosts(self._world, domain)
        except RoutingError as error:
            return [_failed(one, error.dsn, error.reason) for one in recipients]
        try:
            for one in (mail.row.sender, *(one.address for one in recipients)):
                Path(one)
        except UsageError:  # it came by a header (fault F25) or an alias
            return [_failed(one, "5.1.3", "bad address syntax") for one in recipients]
        return await self._try_all(mail, content, found, recipients)

    async def _try_all(
        self, mail: Mail, content: bytes, found: list[Host], recipients: list[RecipientRow]
    ) -> list[Outcome]:
        *others, last = found[:_ADDRESSES]
        refused: list[Outcome] = []
        for host in others:
            try:
                return refused + await self._try(mail, content, host, recipients)
            except SiteError as error:
                refused += error.refused
                recipients = _without(recipients, error.refused)
                if not error.dsn.startswith("4"):  # final: no other host is asked
                    return refused + [_unreached(one, host, error) for one in recipients]
                self._passed_over(mail, error)
        try:
            return refused + await self._try(mail, content, last, recipients)
        except SiteError as error:
            if not _was_reached(error):
                self._passed_over(mail, error)
            left = _without(recipients, error.refused)
            return refused + error.refused + [_unreached(one, last, error) for one in left]

    def _passed_over(self, mail: Mail, error: SiteError) -> None:
        """Why this host does not get it."""
        name = f"{mail.row.queue_id}: " if _was_reached(error) else ""
        self._journal.write("postfix/smtp", name + error.reason)

    async def _try(
        self, mail: Mail, content: bytes, host: Host, recipients: list[RecipientRow]
    ) -> list[Outcome]:
        domain = split_address(recipients[0].address)[1]
        tls = self._world.config.smtp_tls_security_level == "may"
        made = Transaction(self._world, mail, content, domain, host, tls)
        try:
            return await made.run(recipients)
        except SiteError as error:
            error.refused = made.refused
            if error.dsn != "4.7.5":
                raise
        # Opportunistic TLS that fails is done without (smtp_tls_security_level = may).
        self._journal.write(
            "postfix/smtp", f"{mail.row.queue_id}: Cannot start TLS: handshake failure"
        )
        again = replace(made, tls=False)
        try:
            return await again.run(recipients)
        except SiteError as error:
            error.refused = again.refused
            raise


def _without(recipients: list[RecipientRow], refused: list[Outcome]) -> list[RecipientRow]:
    told = {one.recipient.number for one in refused}
    return [one for one in recipients if one.number not in told]


def _was_reached(error: SiteError) -> bool:
    return not error.reason.startswith("connect to")


def _unreached(one: RecipientRow, host: Host, error: SiteError) -> Outcome:
    outcome = _failed(one, error.dsn, error.reason)
    if _was_reached(error):
        outcome.relay = f"{host}:25"
    if error.diagnostic:
        outcome.remote, outcome.diagnostic = host.name, error.diagnostic
    return outcome


def _failed(one: RecipientRow, dsn: str, reason: str) -> Outcome:
    return Outcome(one, "deferred" if dsn.startswith("4") else "bounced", dsn, reason)
