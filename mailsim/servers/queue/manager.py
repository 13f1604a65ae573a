"""qmgr: the queue's manager."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from mailsim.model.queue import QueueEntry, QueueName, Waiting
from mailsim.servers.envelope import LOCALHOST, Recipient, Submission
from mailsim.servers.queue.addresses import split_address
from mailsim.servers.queue.bounce import (
    FAILURE,
    SUCCESS,
    Template,
    failures,
    notification,
    successes,
)
from mailsim.servers.queue.filtering import ContentFilter
from mailsim.servers.queue.intake import Intake
from mailsim.servers.queue.journal import Journal
from mailsim.servers.queue.local import LocalDelivery
from mailsim.servers.queue.mail import Mail, Outcome
from mailsim.servers.queue.relay import Relay, by_destination
from mailsim.servers.queue.rest import Rest
from mailsim.servers.queue.schedule import Schedule, expired, next_attempt
from mailsim.servers.store import RecipientRow

if TYPE_CHECKING:
    from mailsim.servers.world import World

# default_process_limit of the smtp service: connections to other MTAs at a time.
_PARALLEL = 100
CALMING = 2.0
"""Seconds that a repeating run waits for mail to come to rest before it goes on."""
_LAST_WORDS = 4  # turns of the loop in which a connection that has just ended logs it
ACTIVE, DEFERRED, HOLD = QueueName.ACTIVE.value, QueueName.DEFERRED.value, QueueName.HOLD.value


class Queue:
    """The mail of minfo.sn that is on its way.  All is done on the simulator's loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.store
        self._journal = Journal(world)
        self._intake = Intake(world, self._journal)
        self._local = LocalDelivery(world, self._journal)
        self._relay = Relay(world, self._journal)
        self._filter = ContentFilter(world, self._journal, self._accept_child)
        self._rest = Rest()
        self._mails = {row.queue_id: Mail.of(row) for row in self._store.queued()}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        # One at a time where runs must repeat: else replies would come in any order.
        self._slots = asyncio.Semaphore(1 if world.clock.fixed else _PARALLEL)
        self._schedule = Schedule(
            world.clock, lambda: world.config.queue_run_delay, self._run_queue
        )

    # coming in

    def accept(self, submission: Submission) -> str:
        """Take a message; its queue id.  It is kept when this returns, and delivered from
        then on.  Raises Refused."""
        with self._store.step():
            mail = self._queue(submission)
        self._activate(mail)
        return mail.row.queue_id

    def _accept_child(self, submission: Submission, parent: Mail) -> str:
        """Queue what came of another message, in the caller's step."""
        mail = self._queue(submission, parent)
        self._rest.child(parent.row.queue_id, mail.row.queue_id)
        self._activate(mail)
        return mail.row.queue_id

    def _queue(self, submission: Submission, parent: Mail | None = None) -> Mail:
        mail = self._intake.take(submission, parent, self._mails)
        self._mails[mail.row.queue_id] = mail
        return mail

    # being delivered

    def start(self) -> None:
        """Begin to deliver, on the running loop: what was accepted before, too."""
        self._loop = asyncio.get_running_loop()
        self._schedule.start()
        for mail in list(self._mails.values()):
            if mail.row.queue == ACTIVE:
                self._activate(mail)
        self._reschedule()

    async def close(self) -> None:
        """Stop delivering; what is not delivered stays in the store."""
        self._schedule.stop()
        self._loop = None
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for queue_id in tuple(self._rest.active):
            self._rest.end(queue_id)

    async def idle(self) -> None:
        """Until all is delivered that can be now; deferred mail is at rest."""
        await self._rest.idle()

    async def calm(self) -> None:
        """On a fixed clock, until all is at rest that comes to rest soon: what happens next
        finds the same each time it is run.  On the system's clock, at once."""
        if not self._world.clock.fixed:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CALMING):
                await self.idle()
        for _ in range(_LAST_WORDS):
            await asyncio.sleep(0)

    async def settled(self, queue_id: str) -> None:
        """Until this message, and whatever came of it, is at rest."""
        await self._rest.settled(queue_id)

    def _activate(self, mail: Mail) -> None:
        queue_id = mail.row.queue_id
        if self._loop and queue_id not in self._rest.active:
            self._rest.begin(queue_id)
            mail.row.queue = ACTIVE
            self._loop.call_soon(self._begin, mail)

    def _begin(self, mail: Mail) -> None:
        """All that needs no network is done at once; the rest in a task."""
        if not self._loop or mail.row.queue != ACTIVE or mail.row.queue_id not in self._mails:
            self._rest.end(mail.row.queue_id)
            return
        remote: list[RecipientRow] = []
        try:
            remote = self._deliver_now(mail)
        finally:
            if not remote:
                self._rest.end(mail.row.queue_id)

    def _deliver_now(self, mail: Mail) -> list[RecipientRow]:
        """The first part, in one step; a task is begun for the recipients that it returns."""
        self._journal.active(mail)
        begun = self._world.clock.now()
        with self._store.step():
            outcomes, remote = self._deliver_here(mail)
            self._note(mail, outcomes, begun)
            if remote:
                self._store.done(mail.row.queue_id, _served(outcomes))
            else:
                self._finish(mail, outcomes)
        if remote:
            task = asyncio.create_task(self._deliver_there(mail, outcomes, remote, begun))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return remote

    def _deliver_here(self, mail: Mail) -> tuple[list[Outcome], list[RecipientRow]]:
        """What filter and local delivery do; and the recipients who are elsewhere."""
        if mail.envelope.filter:
            return self._filter.deliver(mail, self._content(mail)), []
        local = [one for one in mail.row.recipients if self._local.is_local(one.address)]
        remote = [one for one in mail.row.recipients if not self._local.is_local(one.address)]
        outcomes, forwards = self._local.deliver(mail, local)
        return outcomes + [self._forward(mail, *one) for one in forwards], remote

    async def _deliver_there(
        self, mail: Mail, outcomes: list[Outcome], remote: list[RecipientRow], begun: float
    ) -> None:
        try:
            async with self._slots:
                content = self._content(mail)
                for domain, group in by_destination(remote):
                    found = await self._relay.deliver(mail, content, domain, group)
                    self._note(mail, found, begun)
                    with self._store.step():
                        self._store.done(mail.row.queue_id, _served(found))
                    outcomes += found
            with self._store.step():
                self._finish(mail, outcomes)
        except Exception as error:  # noqa: BLE001 # whatever it is: the mail must not be lost
            served = _served(outcomes)
            self._broken(mail, [one for one in remote if one.number not in served], error)
        finally:
            self._rest.end(mail.row.queue_id)

    def _broken(self, mail: Mail, remote: list[RecipientRow], error: Exception) -> None:
        """The delivery agent died of it: its recipients are tried again later."""
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "A delivery failed", "exception": error})
        reason = "mail transport unavailable"
        found = [
            Outcome(one, "deferred", "4.3.0", reason, program="postfix/error") for one in remote
        ]
        self._note(mail, found, self._world.clock.now())
        with self._store.step():
            self._defer(mail, found, self._world.clock.now())

    def _forward(self, mail: Mail, one: RecipientRow, address: str) -> Outcome:
        """An alias leads elsewhere: local sends a copy on, with a queue id of its own."""
        submission = self._copy(mail, replace(one, address=address))
        queue_id = self._accept_child(submission, mail)
        text = f"forwarded as {queue_id}"
        return Outcome(
            one, "sent", "2.0.0", text, relay="local", program="postfix/local", action="expanded"
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
        by_status = {
            status: [one for one in outcomes if one.status == status]
            for status in ("sent", "bounced", "deferred")
        }
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
        else:
            self._remove(mail)

    def _report(self, mail: Mail, told: list[Outcome], template: Template, kind: str) -> None:
        if told:
            original = self._content(mail)
            submission = notification(self._world, mail, original, told, template)
            queue_id = self._accept_child(submission, mail)
            self._journal.write(
                "postfix/bounce", f"{mail.row.queue_id}: sender {kind} notification: {queue_id}"
            )

    def _defer(self, mail: Mail, deferred: list[Outcome], now: float) -> None:
        row = mail.row
        row.queue = DEFERRED
        row.next_attempt = next_attempt(self._world.config, row, now)
        for one in deferred:
            one.recipient.reason = one.reason
        row.recipients = list({one.recipient.number: one.recipient for one in deferred}.values())
        self._store.requeue(row)
        self._schedule.add(row.next_attempt)

    def _remove(self, mail: Mail, program: str = "postfix/qmgr") -> None:
        self._mails.pop(mail.row.queue_id, None)
        self._store.dequeue(mail.row)
        self._journal.removed(mail.row.queue_id, program)

    def _content(self, mail: Mail) -> bytes:
        return mail.row.head + self._store.content(mail.row.content)

    # waiting

    def _run_queue(self) -> None:
        now = self._world.clock.now()
        due = [m for m in self._waiting() if m.row.next_attempt <= now]
        self._retry(due)
        self._reschedule()

    def _waiting(self) -> list[Mail]:
        return [mail for mail in self._mails.values() if mail.row.queue == DEFERRED]

    def _retry(self, mails: list[Mail]) -> None:
        for mail in mails:
            self._activate(mail)
        if mails:
            self._world.clock.tick()

    def _reschedule(self) -> None:
        self._schedule.set(mail.row.next_attempt for mail in self._waiting())

    # what the operator does

    def entries(self) -> tuple[QueueEntry, ...]:
        """The queue, as postqueue -p lists it."""
        return tuple(
            QueueEntry(
                row.queue_id,
                QueueName(row.queue),
                row.sender,
                tuple(Waiting(one.address, one.reason) for one in row.recipients),
                row.size,
                row.arrival,
                row.message_id.removeprefix("<").removesuffix(">"),
                row.next_attempt if row.queue == DEFERRED else 0.0,
            )
            for row in (mail.row for mail in self._mails.values())
        )

    def flush(self, site: str = "") -> None:
        """Try all deferred mail now (postqueue -f), or that for one domain alone (-s, ETRN)."""
        wanted = site.lower().lstrip("@#")
        self._retry(
            [
                mail
                for mail in self._waiting()
                if not site
                or any(split_address(r.address)[1].lower() == wanted for r in mail.row.recipients)
            ]
        )

    def hold(self, queue_id: str) -> bool:
        """Put a message on hold (postsuper -h); whether there is one at rest."""
        mail = self._at_rest(queue_id)
        if mail and mail.row.queue != HOLD:
            self._move(mail, HOLD)
            self._journal.write("postfix/postsuper", f"{queue_id}: placed on hold")
        return mail is not None

    def release(self, queue_id: str) -> bool:
        """Take a message off hold and try it (postsuper -H)."""
        mail = self._at_rest(queue_id)
        if mail and mail.row.queue == HOLD:
            self._move(mail, DEFERRED)
            self._journal.write("postfix/postsuper", f"{queue_id}: released from hold")
            self._activate(mail)
        return mail is not None

    def delete(self, queue_id: str) -> bool:
        """Remove a message for good (postsuper -d)."""
        mail = self._at_rest(queue_id)
        if mail:
            with self._store.step():
                self._remove(mail, "postfix/postsuper")
            self._reschedule()
        return mail is not None

    def state(self) -> list[tuple[object, ...]]:
        """What is in the queue, for the fingerprint; contents are in the store's own state."""
        return [
            (e.queue_id, e.queue.value, e.sender, e.recipients, e.arrival, e.next_attempt)
            for e in self.entries()
        ]

    def _at_rest(self, queue_id: str) -> Mail | None:
        return None if queue_id in self._rest.active else self._mails.get(queue_id)

    def _move(self, mail: Mail, queue: str) -> None:
        mail.row.queue = queue
        self._store.requeue(mail.row)
        if self._loop:
            self._reschedule()


def _served(outcomes: list[Outcome]) -> list[int]:
    return [one.recipient.number for one in outcomes if one.status == "sent"]
