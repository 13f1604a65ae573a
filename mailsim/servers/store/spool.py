"""The queue's side of the store."""

from __future__ import annotations

import json
from collections.abc import Collection

from mailsim.servers.store.database import Database
from mailsim.servers.store.rows import QueueRow, RecipientRow

_COLUMNS = (
    "queue_id, queue, sender, message_id, arrival, size, envelope, head, content,"
    " next_attempt, recipients"
)


class Spool(Database):
    """The queued messages, as rows.  What they mean is the queue's business."""

    def enqueue(self, row: QueueRow) -> None:
        """Write a message; its content must be kept already."""
        self._db.execute(
            f"INSERT INTO queue ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                row.queue_id, row.queue, row.sender, row.message_id, row.arrival, row.size,
                row.envelope, row.head, row.content, row.next_attempt, _text(row.recipients),
            ),
        )  # fmt: skip

    def requeue(self, row: QueueRow) -> None:
        """Write which queue it is in now, when it is tried next, and who still waits."""
        self._db.execute(
            "UPDATE queue SET queue = ?, next_attempt = ?, recipients = ? WHERE queue_id = ?",
            (row.queue, row.next_attempt, _text(row.recipients), row.queue_id),
        )

    def done(self, row: QueueRow, numbers: Collection[int]) -> None:
        """Of the row's recipients these are served: who opens the store later does not serve
        them again."""
        left = [one for one in row.recipients if one.number not in numbers]
        self._db.execute(
            "UPDATE queue SET recipients = ? WHERE queue_id = ?", (_text(left), row.queue_id)
        )

    def dequeue(self, row: QueueRow) -> None:
        """Remove a message; its content stays as long as a mailbox has it."""
        with self.step():
            self._db.execute("DELETE FROM queue WHERE queue_id = ?", (row.queue_id,))
            self.release(row.content)

    def queued(self) -> list[QueueRow]:
        """All queued messages, in the order of their arrival."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM queue ORDER BY arrival, queue_id"  # noqa: S608
        ).fetchall()
        return [
            QueueRow(*(*columns, [RecipientRow(*one) for one in json.loads(recipients)]))
            for *columns, recipients in rows
        ]

    def queue_state(self) -> list[tuple[object, ...]]:
        """The queue with a digest for each message's content."""
        return [
            (
                row.queue_id, row.queue, row.sender, row.arrival, row.next_attempt, row.envelope,
                [(one.address, one.original, one.notify, one.reason) for one in row.recipients],
                self._digest(row.head, row.content),
            )
            for row in self.queued()
        ]  # fmt: skip


def _text(recipients: list[RecipientRow]) -> str:
    """As JSON: they come and go with their message, a table of their own would cost a third of
    a delivery."""
    return json.dumps(
        [(r.number, r.address, r.original, r.notify, r.orcpt, r.reason) for r in recipients]
    )
