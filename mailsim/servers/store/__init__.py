"""Queue and mailboxes in one SQLite database: in memory, or in a folder that survives."""

from __future__ import annotations

from pathlib import Path

from mailsim.servers.store.mailboxes import Mailboxes
from mailsim.servers.store.marks import Marks
from mailsim.servers.store.opened import OpenMailbox
from mailsim.servers.store.rows import QueueRow, RecipientRow
from mailsim.servers.store.scripts import Scripts, StoredScript
from mailsim.servers.store.spool import Spool


class Store(Mailboxes, Scripts, Marks, Spool):
    """What the lab's mail system keeps.

    Whatever belongs together is done in one `step()`: a message that was answered 250 is in
    the queue or in a mailbox, also when the process is killed.  `folder` None keeps all in
    memory.
    """

    def __init__(self, folder: Path | None) -> None:
        super().__init__(folder)

    def state(self) -> dict[str, object]:
        """Everything that is kept, as plain values: for the fingerprint."""
        return {
            "mailboxes": self.mail_state(),
            "scripts": self.script_state(),
            "marks": self.mark_state(),
            "queue": self.queue_state(),
        }


__all__ = ["OpenMailbox", "QueueRow", "RecipientRow", "Store", "StoredScript"]
