"""The content filter's way: to Amavis, and back by an smtpd of its own (AMA2, AMA3)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from mailsim.servers.config import AMAVIS, REINJECTION
from mailsim.servers.envelope import LOCALHOST, Client, Recipient, Submission
from mailsim.servers.queue.journal import Journal
from mailsim.servers.queue.mail import Mail, Outcome
from mailsim.servers.queue.refused import Refused
from mailsim.servers.store import RecipientRow

if TYPE_CHECKING:
    from mailsim.servers.filter.judgement import Judgement
    from mailsim.servers.world import World

_HOST = "127.0.0.1[127.0.0.1]"
_RELAY = f"{_HOST}:{AMAVIS}"
_SMTPD = "postfix/smtpd"

Accept = Callable[[Submission, Mail], str]


class ContentFilter:
    """Hands a message to the world's filter and puts what passes back into the queue.

    `accept` queues a submission as a child of the message.
    """

    def __init__(self, world: World, journal: Journal, accept: Accept) -> None:
        self._world = world
        self._journal = journal
        self._accept = accept

    def deliver(self, mail: Mail, content: bytes) -> list[Outcome]:
        """An outcome for each recipient, all in the caller's step in the store."""
        recipients = mail.row.recipients
        if self._world.config.loopback_dropped:  # fault F9
            reason = f"connect to {_RELAY}: Connection timed out"
            self._journal.write("postfix/smtp", reason)
            return [Outcome(one, "deferred", "4.4.1", reason) for one in recipients]
        try:
            judgement = self._judge(mail, content)
        except Exception as error:  # noqa: BLE001 # whatever it is: the mail must not be lost
            return self._broken(recipients, error)
        if judgement.action == "pass":
            outcomes = self._reinject(mail, judgement, recipients)
        else:
            outcomes = self._stopped(judgement, recipients)
            self._log(judgement, "")
        for notice in judgement.notifications:
            self._give_back(replace(notice, service="reinjection"), mail)
        return outcomes

    def _broken(self, recipients: list[RecipientRow], error: Exception) -> list[Outcome]:
        """The filter died of it: to Postfix that is a lost connection."""
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "The content filter failed", "exception": error})
        where = "sending end of data -- message may be sent more than once"
        reason = f"lost connection with {_HOST} while {where}"
        outcomes = [self._outcome(one, "deferred", "4.4.2", reason) for one in recipients]
        for one in outcomes:
            one.remote = ""
        return outcomes

    def _judge(self, mail: Mail, content: bytes) -> Judgement:
        row, envelope = mail.row, mail.envelope
        return self._world.filter.judge(
            row.sender,
            tuple(one.address for one in row.recipients),
            content,
            client=Client(envelope.client, envelope.client_name, port=envelope.client_port),
            queue_id=row.queue_id,
            message_id=row.message_id,
        )

    def _stopped(self, judgement: Judgement, recipients: list[RecipientRow]) -> list[Outcome]:
        dsn = judgement.reply.split(" ", 2)[1]
        if judgement.action != "reject":
            return [self._outcome(one, "sent", dsn, judgement.reply) for one in recipients]
        said = f"host {_HOST} said: {judgement.reply} (in reply to end of DATA command)"
        outcomes = [self._outcome(one, "bounced", dsn, said) for one in recipients]
        for one in outcomes:
            one.diagnostic = judgement.reply
        return outcomes

    def _reinject(
        self, mail: Mail, judgement: Judgement, recipients: list[RecipientRow]
    ) -> list[Outcome]:
        """Once for all whom the same content goes to."""
        groups: dict[bytes, list[RecipientRow]] = {}
        for one in recipients:
            groups.setdefault(judgement.content_for(one.address), []).append(one)
        outcomes: list[Outcome] = []
        for content, group in groups.items():
            try:
                queue_id = self._give_back(self._again(mail, content, group), mail)
            except Refused as refused:
                blocked = judgement.blocked_by_mta(refused.reply)
                outcomes += self._stopped(blocked, group)
                self._log(blocked, "")
                continue
            self._log(judgement, queue_id)
            ok = f"250 2.0.0 Ok: queued as {queue_id}"
            reply = f"250 2.0.0 from MTA(smtp:[127.0.0.1]:{REINJECTION}): {ok}"
            outcomes += [self._outcome(one, "sent", "2.0.0", reply) for one in group]
        return outcomes

    def _give_back(self, submission: Submission, mail: Mail) -> str:
        """To the smtpd that takes it back.  It has no socket here: the message leaves the queue
        and comes back in one step of the store.  The log is what a connection leaves in it.
        Raises Refused."""
        self._journal.write(_SMTPD, f"connect from {submission.client}")
        count = len(submission.recipients)
        data, commands = "0/1", f"{count + 3}/{count + 4}"
        try:
            queue_id = self._accept(submission, mail)
            data, commands = "1", f"{count + 4}"
        finally:
            said = f"ehlo=1 mail=1 rcpt={count} data={data} quit=1 commands={commands}"
            self._journal.write(_SMTPD, f"disconnect from {submission.client} {said}")
        return queue_id

    def _log(self, judgement: Judgement, queue_id: str) -> None:
        """As the journal's lines: once the step is kept."""
        self._world.store.after(lambda: self._world.filter.log(judgement, queue_id))

    def _again(self, mail: Mail, content: bytes, group: list[RecipientRow]) -> Submission:
        envelope = mail.envelope
        return Submission(
            sender=mail.row.sender,
            recipients=tuple(
                Recipient(
                    one.address, one.notify, one.orcpt or f"rfc822;{one.original or one.address}"
                )
                for one in group
            ),
            content=content,
            client=LOCALHOST,
            helo="localhost",
            protocol="ESMTP",
            body=envelope.body,
            smtputf8=envelope.smtputf8,
            envid=envelope.envid,
            ret=envelope.ret,
            service="reinjection",
        )

    def _outcome(self, one: RecipientRow, status: str, dsn: str, reason: str) -> Outcome:
        # Amavis offers DSN: it reports success itself, or the MTA behind it does.
        return Outcome(one, status, dsn, reason, relay=_RELAY, remote="127.0.0.1", reported=True)
