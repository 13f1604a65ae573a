"""qmgr: the queue."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mailsim.model.queue import QueueEntry, QueueName, Waiting
from mailsim.servers import replies
from mailsim.servers.envelope import Submission
from mailsim.servers.queue.addresses import split_address
from mailsim.servers.queue.attempt import Attempts
from mailsim.servers.queue.held import ACTIVE, DEFERRED, HOLD, Held
from mailsim.servers.queue.intake import Intake
from mailsim.servers.queue.journal import Journal
from mailsim.servers.queue.mail import Mail, Outcome
from mailsim.servers.queue.refused import Refused
from mailsim.servers.queue.rest import Rest
from mailsim.servers.queue.schedule import Schedule
from mailsim.servers.store import RecipientRow

if TYPE_CHECKING:
    from mailsim.servers.world import World

# default_process_limit of the smtp service: connections to other MTAs at a time.
_PARALLEL = 100
CALMING = 2.0
"""Seconds that a repeating run waits for mail to come to rest before it goes on."""
_LAST_WORDS = 4  # turns of the loop in which a connection that has just ended logs it


class Queue:
    """The mail of minfo.sn that is on its way.  All is done on the simulator's loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.store
        self._journal = Journal(world)
        self._held = Held(world.store)
        self._intake = Intake(world, self._journal)
        self._rest = Rest()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        # One at a time where runs must repeat: else replies would come in any order.
        self._slots = asyncio.Semaphore(1 if world.clock.fixed else _PARALLEL)
        self._schedule = Schedule(
            world.clock, lambda: world.config.queue_run_delay, self._run_queue
        )
        self._attempts = Attempts(
            world,
            self._held,
            self._journal,
            accept=self._accept_child,
            waits=self._schedule.add,
        )

    # coming in

    def accept(self, submission: Submission) -> str:
        """Take a message; its queue id.  When this returns it is in a mailbox, or kept in the
        queue and delivered from then on.  Raises Refused."""
        try:
            return self._accepted(submission)
        except Refused as refused:
            self._journal.refused(refused)  # behind the step, which is undone with what it said
            raise

    def _accepted(self, submission: Submission) -> str:
        if self._loop:
            try:
                return self._take(submission, self._deliver_or_queue)
            except Refused:
                raise
            except Exception as error:  # noqa: BLE001 # whatever it is: the queue may take it
                self._attempts.complain(error)
        try:
            return self._take(submission, self._queue)
        except sqlite3.Error as error:  # a full disk
            self._journal.write("postfix/cleanup", f"warning: write queue file: {error}")
            raise Refused(replies.WRITE_ERROR()) from None

    def new_id(self) -> str:
        """The id of a message that is still to come (Submission.queue_id)."""
        return self._intake.new_id(self._held)

    def _take(self, submission: Submission, keep: Callable[[Mail], None]) -> str:
        with self._store.step():
            mail = self._intake.take(submission, None, self._held)
            keep(mail)
        return mail.row.queue_id

    def _deliver_or_queue(self, mail: Mail) -> None:
        """What neither filter nor another host has a part in is delivered in the step that
        takes it."""
        if self._attempts.needs_queue(mail):
            self._queue(mail)
        else:
            self._attempts.at_once(mail)

    def _queue(self, mail: Mail) -> None:
        self._held.add(mail)
        self._store.after(lambda: self._activate(mail))

    def _accept_child(self, submission: Submission, parent: Mail) -> str:
        """Queue what came of another message, in the caller's step.  Raises Refused."""
        try:
            mail = self._intake.take(submission, parent, self._held)
        except Refused as refused:
            self._journal.refused(refused)
            raise
        self._rest.child(parent.row.queue_id, mail.row.queue_id)
        self._queue(mail)
        if self._loop:
            self._attempts.born.append(mail)
        return mail.row.queue_id

    # being delivered

    def start(self) -> None:
        """Begin to deliver, on the running loop: what was accepted before, too."""
        self._loop = asyncio.get_running_loop()
        self._schedule.start()
        for mail in self._held.all():
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
        queue_id = mail.row.queue_id
        remote: list[RecipientRow] = []
        try:
            if self._loop and mail.row.queue == ACTIVE and queue_id in self._held:
                remote = self._deliver(mail)
        finally:
            if not remote:
                self._rest.end(queue_id)

    def _deliver(self, mail: Mail) -> list[RecipientRow]:
        """The first part; a task is begun for the recipients that it returns."""
        try:
            outcomes, remote = self._attempts.here(mail)
        except Exception as error:  # noqa: BLE001 # whatever it is: the mail must not be lost
            self._attempts.broken(mail, [], error)
            return []
        if remote:
            task = asyncio.create_task(self._deliver_there(mail, outcomes, remote))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return remote

    async def _deliver_there(
        self, mail: Mail, outcomes: list[Outcome], remote: list[RecipientRow]
    ) -> None:
        try:
            async with self._slots:
                await self._attempts.elsewhere(mail, outcomes, remote)
        except Exception as error:  # noqa: BLE001 # as above
            self._attempts.broken(mail, outcomes, error)
        finally:
            self._rest.end(mail.row.queue_id)

    # waiting

    def _run_queue(self) -> None:
        now = self._world.clock.now()
        self._retry([m for m in self._held.waiting() if m.row.next_attempt <= now])
        self._reschedule()

    def _retry(self, mails: list[Mail]) -> None:
        for mail in mails:
            self._activate(mail)
        if mails:
            self._world.clock.tick()

    def _reschedule(self) -> None:
        self._schedule.set(mail.row.next_attempt for mail in self._held.waiting())

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
            for row in (mail.row for mail in self._held.all())
        )

    def flush(self, site: str = "") -> None:
        """Try all deferred mail now (postqueue -f), or that for one domain alone (-s, ETRN)."""
        wanted = site.lower().lstrip("@#")
        self._retry(
            [
                mail
                for mail in self._held.waiting()
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
                self._held.remove(mail)
                self._journal.removed(queue_id, "postfix/postsuper")
            self._reschedule()
        return mail is not None

    def state(self) -> list[tuple[object, ...]]:
        """What is in the queue, for the fingerprint; contents are in the store's own state."""
        return [
            (e.queue_id, e.queue.value, e.sender, e.recipients, e.arrival, e.next_attempt)
            for e in self.entries()
        ]

    def _at_rest(self, queue_id: str) -> Mail | None:
        return None if queue_id in self._rest.active else self._held.get(queue_id)

    def _move(self, mail: Mail, queue: str) -> None:
        self._held.change(mail, replace(mail.row, queue=queue))
        if self._loop:
            self._reschedule()
