"""One attempt to deliver a message to all who still wait for it, and what came of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mailsim.servers.envelope import LOCALHOST, Recipient, Submission
from mailsim.servers.queue.bounce import (
    FAILURE,
    SUCCESS,
    Template,
    failures,
    notification,
    successes,
)
from mailsim.servers.queue.filtering import ContentFilter
from mailsim.servers.queue.held import DEFERRED, Held
from mailsim.servers.queue.journal import Journal
from mailsim.servers.queue.local import LocalDelivery
from mailsim.servers.queue.mail import Mail, Outcome
from mailsim.servers.queue.refused import Refused
from mailsim.servers.queue.relay import Relay, by_destination
from mailsim.servers.queue.schedule import expired, next_attempt
from mailsim.servers.store import RecipientRow

if TYPE_CHECKING:
    from mailsim.servers.world import World

Accept = Callable[[Submission, Mail], str]


class Attempts:
    """Delivers messages: what needs no network in one step in the store.

    `accept` queues a submission as a child of a message.  `waits` is called with the time of
    the next attempt once a message is deferred.
    """

    def __init__(
        self,
        world: World,
        held: Held,
        journal: Journal,
        *,
        accept: Accept,
        waits: Callable[[float], None],
    ) -> None:
        self._world = world
        self._store = world.store
        self._held = held
        self._journal = journal
        self._accept = accept
        self._waits = waits
        self._local = LocalDelivery(world, journal, accept)
        self._relay = Relay(world, journal)
        self._filter = ContentFilter(world, journal, accept)
        self.born: list[Mail] = []
        """What came of the attempt: qmgr has it active before it removes the message itself."""

    def needs_queue(self, mail: Mail) -> bool:
        """Whether a filter or another host has a part in it."""
        local = self._local.is_local
        return bool(mail.envelope.filter) or not all(
            local(one.address) for one in mail.row.recipients
        )

    def announce(self, mail: Mail) -> None:
        """Log, once an attempt, that the message is in the active queue."""
        if not mail.announced:
            self._journal.active(mail)
            mail.announced = True

    def at_once(self, mail: Mail) -> None:
        """Deliver, in the caller's step, a message that needs no queue and never was in it."""
        outcomes, _ = self._here(mail)
        self._finish(mail, outcomes)
        if not any(one.stored for one in outcomes):
            self._store.release(mail.row.content)

    def here(self, mail: Mail) -> tuple[list[Outcome], list[RecipientRow]]:
        """The part of filter and local delivery, in a step of its own: what came of it, and the
        recipients who are elsewhere; without any, the attempt is over."""
        with self._store.step():
            outcomes, remote = self._here(mail)
            if remote:
                self._store.done(mail.row, _served(outcomes))
            else:
                self._finish(mail, outcomes)
        return outcomes, remote

    async def elsewhere(
        self, mail: Mail, outcomes: list[Outcome], remote: list[RecipientRow]
    ) -> None:
        """The part of the SMTP client, and the end; `outcomes` are the first part's, and grow."""
        content = self._content(mail)
        for domain, group in by_destination(remote):
            begun = self._world.clock.now()
            found = await self._relay.deliver(mail, content, domain, group)
            outcomes += found
            self._note(mail, found, begun)
            with self._store.step():
                self._store.done(mail.row, _served(outcomes))
        with self._store.step():
            self._finish(mail, outcomes)

    def broken(self, mail: Mail, outcomes: list[Outcome], error: Exception) -> None:
        """The attempt died of it: what it did counts, who had no turn is tried again later."""
        self.complain(error)
        told = {one.recipient.number for one in outcomes}
        untold = [one for one in mail.row.recipients if one.number not in told]
        found = [
            Outcome(one, "deferred", "4.3.0", "mail transport unavailable", program="postfix/error")
            for one in untold
        ]
        self._note(mail, found, self._world.clock.now())
        try:
            with self._store.step():
                self._finish(mail, outcomes + found)
        except sqlite3.Error:  # a full disk: the store keeps what it has
            self._put_off(mail, _served(outcomes))

    def complain(self, error: Exception) -> None:
        """Tell of what should not happen: on a full disk in the log, of a mistake of ours where
        the lab's owner sees it."""
        if isinstance(error, sqlite3.Error):
            self._journal.write("postfix/qmgr", f"warning: write queue file: {error}")
        else:
            loop = asyncio.get_running_loop()
            loop.call_exception_handler({"message": "A delivery failed", "exception": error})

    def _put_off(self, mail: Mail, served: list[int]) -> None:
        """Try all but `served` later, though the store does not know."""
        left = [one for one in mail.row.recipients if one.number not in served]
        again = next_attempt(self._world.config, mail.row, self._world.clock.now())
        mail.row = replace(mail.row, queue=DEFERRED, next_attempt=again, recipients=left)
        self._waits(again)

    def _here(self, mail: Mail) -> tuple[list[Outcome], list[RecipientRow]]:
        self.born.clear()
        self.announce(mail)
        mail.announced = False  # the next attempt is another
        begun = self._world.clock.now()
        remote: list[RecipientRow] = []
        if mail.envelope.filter:
            outcomes = self._filter.deliver(mail, self._content(mail))
        else:
            outcomes, remote = self._locally(mail)
        self._note(mail, outcomes, begun)
        return outcomes, remote

    def _locally(self, mail: Mail) -> tuple[list[Outcome], list[RecipientRow]]:
        local: list[RecipientRow] = []
        remote: list[RecipientRow] = []
        for one in mail.row.recipients:
            (local if self._local.is_local(one.address) else remote).append(one)
        outcomes, forwards = self._local.deliver(mail, local)
        return outcomes + [self._forward(mail, *one) for one in forwards], remote

    def _forward(self, mail: Mail, one: RecipientRow, address: str) -> Outcome:
        """An alias leads elsewhere: local sends a copy on, with a queue id of its own."""
        submission = self._copy(mail, replace(one, address=address))
        try:
            status, dsn = "sent", "2.0.0"
            text = f"forwarded as {self._accept(submission, mail)}"
        except Refused:
            status, dsn, text = "deferred", "4.3.0", "unable to forward message"
        return Outcome(
            one, status, dsn, text, relay="local", program="postfix/local", action="expanded"
        )

    def _copy(self, mail: Mail, one: RecipientRow) -> Submission:
        """The message as it is, for another recipient."""
        return Submission(
            sender=mail.row.sender,
            recipients=(Recipient(one.address, one.notify, one.orcpt),),
            content=self._content(mail),
            client=LOCALHOST,
            service="forward",
            body=mail.envelope.body,
            smtputf8=mail.envelope.smtputf8,
        )

    def _note(self, mail: Mail, outcomes: list[Outcome], begun: float) -> None:
        for one in outcomes:
            one.begun = begun
            self._journal.delivery(mail, one)

    # what came of it

    def _finish(self, mail: Mail, outcomes: list[Outcome]) -> None:
        """Reports, bounces, another attempt later, or the end: all in the caller's step."""
        row, now = mail.row, self._world.clock.now()
        by_status: dict[str, list[Outcome]] = {"sent": [], "bounced": [], "deferred": []}
        for one in outcomes:
            by_status[one.status].append(one)
        failed, deferred = by_status["bounced"], by_status["deferred"]
        if deferred and expired(self._world.config, row, now):
            self._journal.write(
                "postfix/qmgr",
                f"{row.queue_id}: from=<{row.sender}>, status=expired, returned to sender",
            )
            failed, deferred = failed + deferred, []
        self._report(mail, successes(mail, by_status["sent"]), SUCCESS, "delivery status")
        self._report(mail, failures(mail, failed), FAILURE, "non-delivery")
        if deferred:
            self._defer(mail, deferred, now)
        for child in self.born:
            self.announce(child)
        if not deferred:
            self._held.remove(mail)
            self._journal.removed(row.queue_id)

    def _report(self, mail: Mail, told: list[Outcome], template: Template, kind: str) -> None:
        if told:
            original = self._content(mail)
            submission = notification(self._world, mail, original, told, template)
            queue_id = self._accept(submission, mail)
            self._journal.write(
                "postfix/bounce", f"{mail.row.queue_id}: sender {kind} notification: {queue_id}"
            )

    def _defer(self, mail: Mail, deferred: list[Outcome], now: float) -> None:
        again = next_attempt(self._world.config, mail.row, now)
        left = {one.recipient.number: replace(one.recipient, reason=one.reason) for one in deferred}
        row = replace(mail.row, queue=DEFERRED, next_attempt=again, recipients=list(left.values()))
        if row.queue_id in self._held:
            self._held.change(mail, row)
        else:
            mail.row = row
            self._held.add(mail)
        self._store.after(lambda: self._waits(again))

    def _content(self, mail: Mail) -> bytes:
        return mail.row.head + self._store.content(mail.row.content)


def _served(outcomes: list[Outcome]) -> list[int]:
    return [one.recipient.number for one in outcomes if one.status == "sent"]
