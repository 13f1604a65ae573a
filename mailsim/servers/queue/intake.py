"""How mail comes into the queue: what smtpd, pickup and cleanup say and keep of it."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from mailsim.model.queue import QueueName
from mailsim.servers.envelope import Submission
from mailsim.servers.queue.cleanup import Cleaned, clean
from mailsim.servers.queue.journal import Journal
from mailsim.servers.queue.mail import Envelope, Mail
from mailsim.servers.store import QueueRow, RecipientRow

if TYPE_CHECKING:
    from mailsim.servers.world import World


class Intake:
    """Makes messages ready for queue or mailbox; their content is kept, in the caller's step."""

    def __init__(self, world: World, journal: Journal) -> None:
        self._world = world
        self._store = world.store
        self._journal = journal

    def take(self, submission: Submission, parent: Mail | None, queued: Container[str]) -> Mail:
        """The message as it is to be kept, its id none of those `queued`.

        `parent` is the message that it came of.  Raises Refused.
        """
        queue_id = submission.queue_id or self.new_id(queued)
        if not submission.queue_id:
            self._tell_client(submission, queue_id)
        cleaned = clean(self._world, submission, queue_id)
        shown = f"message-id={cleaned.message_id or '<>'}"
        self._journal.write("postfix/cleanup", f"{queue_id}: {shown}")
        envelope = self._envelope(submission)
        head, number = self._keep(cleaned, parent)
        row = QueueRow(
            queue_id,
            QueueName.ACTIVE.value,
            cleaned.sender,
            cleaned.message_id,
            self._world.clock.now(),
            len(cleaned.trace) + len(cleaned.data),
            head=head,
            content=number,
            recipients=[
                RecipientRow(at, address, asked.address, asked.notify, asked.orcpt)
                for at, (address, asked) in enumerate(cleaned.recipients)
            ],
        )
        return Mail(row, envelope)

    def new_id(self, queued: Container[str]) -> str:
        """An id that none of those has."""
        while (queue_id := self._world.ids.queue_id()) in queued:
            pass  # a folder may hold the mail of an earlier run with the same seed
        return queue_id

    def _keep(self, cleaned: Cleaned, parent: Mail | None) -> tuple[bytes, int]:
        """Head and content: what the filter has only put fields before is not written again."""
        if parent:
            shared = self._store.content(parent.row.content)
            if cleaned.data.endswith(shared):
                before = cleaned.data[: len(cleaned.data) - len(shared)]
                return cleaned.trace + before, parent.row.content
        return cleaned.trace, self._store.keep(cleaned.data)

    def _envelope(self, submission: Submission) -> Envelope:
        # receive_override_options: neither what the filter gives back nor a notification
        # is filtered again (internal_mail_filter_classes is empty).
        filtered = submission.service not in ("reinjection", "bounce", "forward")
        return Envelope(
            filter=self._world.config.content_filter if filtered else "",
            envid=submission.envid,
            ret=submission.ret,
            body=submission.body,
            smtputf8=submission.smtputf8,
            client=submission.client.address,
            client_name=submission.client.name,
            client_port=submission.client.port,
        )

    def _tell_client(self, submission: Submission, queue_id: str) -> None:
        if submission.service == "pickup":
            said = f"uid={submission.uid} from=<{submission.sender}>"
            self._journal.write("postfix/pickup", f"{queue_id}: {said}")
        elif submission.service not in ("bounce", "forward"):
            self._journal.write("postfix/smtpd", f"{queue_id}: client={submission.client}")
