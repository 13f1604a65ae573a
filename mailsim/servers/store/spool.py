"""The queue's side of the store."""

from __future__ import annotations

from collections.abc import Iterable

from mailsim.servers.store.database import Database
from mailsim.servers.store.rows import QueueRow, RecipientRow

_COLUMNS = (
    "queue_id, queue, sender, message_id, arrival, size, envelope, head, content, next_attempt"
)


class Spool(Database):
    """The queued messages, as rows.  What they mean is the queue's business."""

    def enqueue(self, row: QueueRow) -> None:
        """Write a message; its content must be kept already."""
        with self.step():
            self._db.execute(
                f"INSERT INTO queue ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (
                    row.queue_id, row.queue, row.sender, row.message_id, row.arrival, row.size,
                    row.envelope, row.head, row.content, row.next_attempt,
                ),
            )  # fmt: skip
            self._write_recipients(row)

    def requeue(self, row: QueueRow) -> None:
        """Write which queue it is in now, when it is tried next, and who still waits."""
        with self.step():
            self._db.execute(
                "UPDATE queue SET queue = ?, next_attempt = ? WHERE queue_id = ?",
                (row.queue, row.next_attempt, row.queue_id),
            )
            self._db.execute("DELETE FROM recipient WHERE queue_id = ?", (row.queue_id,))
            self._write_recipients(row)

    def done(self, queue_id: str, numbers: Iterable[int]) -> None:
        """These recipients are served."""
        self._db.executemany(
            "DELETE FROM recipient WHERE queue_id = ? AND number = ?",
            [(queue_id, number) for number in numbers],
        )

    def dequeue(self, row: QueueRow) -> None:
        """Remove a message; its content stays as long as a mailbox has it."""
        with self.step():
            self._db.execute("DELETE FROM recipient WHERE queue_id = ?", (row.queue_id,))
            self._db.execute("DELETE FROM queue WHERE queue_id = ?", (row.queue_id,))
            self._release(row.content)

    def queued(self) -> list[QueueRow]:
        """All queued messages, in the order of their arrival."""
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM queue ORDER BY arrival, queue_id"  # noqa: S608
        ).fetchall()
        waiting: dict[str, list[RecipientRow]] = {}
        for queue_id, *columns in self._db.execute(
            "SELECT queue_id, number, address, original, notify, orcpt, reason FROM recipient"
            " ORDER BY queue_id, number"
        ):
            waiting.setdefault(queue_id, []).append(RecipientRow(*columns))
        return [QueueRow(*(*row, waiting.get(row[0], []))) for row in rows]

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

    def _write_recipients(self, row: QueueRow) -> None:
        self._db.executemany(
            "INSERT INTO recipient VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (row.queue_id, r.number, r.address, r.original, r.notify, r.orcpt, r.reason)
                for r in row.recipients
            ],
        )
