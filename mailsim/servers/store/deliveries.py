"""How messages come into mailboxes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from mailsim.servers.store.flags import SEEN, columns, flag_set, known_flags
from mailsim.servers.store.quotas import Quotas
from mailsim.servers.store.values import INBOX, Message, mailbox_name

if TYPE_CHECKING:
    from mailsim.servers.store.opened import OpenMailbox

# Of so many mailboxes it is remembered what their next message gets.
_KNOWN = 1024


class Deliveries(Quotas):
    """`user` is a login at minfo.sn or a full address elsewhere."""

    def __init__(self, folder: Path | None) -> None:
        super().__init__(folder)
        self._next: dict[tuple[str, str], tuple[int, int, int]] = {}
        self._live: WeakValueDictionary[int, OpenMailbox] = WeakValueDictionary()
        self._modseqs_used: set[int] = set()

    def create(self, user: str, mailbox: str) -> bool:
        """Make an empty mailbox; False if there is one of that name."""
        if self._find(user, mailbox):
            return False
        # No ON CONFLICT: that would use up an id, and the next mailbox had another UIDVALIDITY.
        where = (user, mailbox_name(mailbox))
        with self.step():
            self._db.execute("INSERT INTO mailbox (user, name) VALUES (?, ?)", where)
        return True

    def deliver(
        self,
        user: str,
        mailbox: str,
        content: bytes | int,
        *,
        head: bytes = b"",
        message_id: str = "",
        received: float = 0.0,
        saved: float | None = None,
        size: int = -1,
        flags: Iterable[str] = (),
    ) -> int:
        """Put a message into a mailbox, which is made if it is not there; its UID.

        `content` are its bytes, or the number of content that is kept already; `head` stands
        before it.  `saved` is now, where that is not `received`.  Raises OverQuotaError before anything is done.
        """
        with self.step():
            if size < 0:
                text = content if isinstance(content, bytes) else self.content(content)
                size = len(head) + len(text)
            if self._limited is not False:
                self.charge(user, size)
            number = content if isinstance(content, int) else self.keep(content)
            saved = received if saved is None else saved
            if mailbox != INBOX:
                mailbox = mailbox_name(mailbox)
            bits, words = self._spelt(user, mailbox, flags) if flags else (0, "")
            box, uid, modseq = self._take(user, mailbox, size, unseen=not bits & SEEN)
            self._db.execute(
                "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (box, uid, modseq, bits, words, received, saved, size, message_id, head, number),
            )
            if box in self._live:
                flag = flag_set(bits, words)
                self._live[box].added(Message(uid, flag, modseq, received, size, message_id, saved))
        return uid

    def forget_next(self) -> None:
        """Something else gives out UIDs or mod-sequences, or changes names."""
        self._next.clear()

    def _find(self, user: str, mailbox: str) -> int:
        """The mailbox's number; 0 if there is none."""
        row = self._db.execute(
            "SELECT id FROM mailbox WHERE user = ? AND name = ?", (user, mailbox_name(mailbox))
        ).fetchone()
        return int(row[0]) if row else 0

    def _take(self, user: str, mailbox: str, size: int, *, unseen: bool) -> tuple[int, int, int]:
        """Number of the mailbox, and UID and mod-sequence of its new message."""
        taken = box, uid, modseq = self._next.get((user, mailbox)) or self._read(user, mailbox)
        self._db.execute(
            "UPDATE mailbox SET uid_next = ?, modseq = ?, messages = messages + 1,"
            " octets = octets + ?, unseen = unseen + ? WHERE id = ?",
            (uid + 1, modseq, size, unseen, box),
        )
        self._next[user, mailbox] = (box, uid + 1, modseq + 1)
        return taken

    def _read(self, user: str, mailbox: str) -> tuple[int, int, int]:
        """Number of the mailbox, which is made if need be; UID and mod-sequence that come next."""
        if len(self._next) >= _KNOWN:
            self._next.clear()
        asked = "SELECT id, uid_next, modseq + 1 FROM mailbox WHERE user = ? AND name = ?"
        row = self._db.execute(asked, (user, mailbox)).fetchone()
        if row is None:
            self.create(user, mailbox)
            row = self._db.execute(asked, (user, mailbox)).fetchone()
        return int(row[0]), int(row[1]), int(row[2])

    def _spelt(self, user: str, mailbox: str, flags: Iterable[str]) -> tuple[int, str]:
        """Columns for flags in the spelling of the mailbox, which knows their keywords then."""
        self.create(user, mailbox)
        where = (user, mailbox)
        known = "SELECT keywords FROM mailbox WHERE user = ? AND name = ?"
        keywords = str(self._db.execute(known, where).fetchone()[0])
        spelt, line = known_flags(flags, tuple(keywords.split()))
        if line != keywords:
            self._db.execute(
                "UPDATE mailbox SET keywords = ? WHERE user = ? AND name = ?", (line, *where)
            )
        return columns(spelt)

    def _undo(self) -> None:
        super()._undo()
        self._next.clear()
        for opened in tuple(self._live.values()):
            opened.forget()
