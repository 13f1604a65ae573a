"""The queued messages in memory, as the store has them."""

from __future__ import annotations

from mailsim.model.queue import QueueName
from mailsim.servers.queue.mail import Mail
from mailsim.servers.store import QueueRow, Store

ACTIVE, DEFERRED, HOLD = QueueName.ACTIVE.value, QueueName.DEFERRED.value, QueueName.HOLD.value


class Held:
    """Changes are made in the caller's step in the store; here they are seen once it is kept,
    and never if it is not."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._mails = {row.queue_id: Mail.of(row) for row in store.queued()}

    def __contains__(self, queue_id: object) -> bool:
        return queue_id in self._mails

    def get(self, queue_id: str) -> Mail | None:
        """The message of that id."""
        return self._mails.get(queue_id)

    def all(self) -> list[Mail]:
        """All of them, in the order of their coming."""
        return list(self._mails.values())

    def waiting(self) -> list[Mail]:
        """Those that are tried again later."""
        return [mail for mail in self._mails.values() if mail.row.queue == DEFERRED]

    def add(self, mail: Mail) -> None:
        """A new message."""
        mail.row.envelope = mail.envelope.text()
        self._store.enqueue(mail.row)
        self._store.after(lambda: self._mails.update({mail.row.queue_id: mail}))

    def change(self, mail: Mail, row: QueueRow) -> None:
        """The message has this row from now on."""
        self._store.requeue(row)
        self._store.after(lambda: setattr(mail, "row", row))

    def remove(self, mail: Mail) -> None:
        """The message is gone, if it was ever there."""
        queue_id = mail.row.queue_id
        if queue_id in self._mails:
            self._store.dequeue(mail.row)
            self._store.after(lambda: self._mails.pop(queue_id, None))
