"""Which UIDs of a mailbox went, and at which mod-sequence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from mailsim.servers.store import uidset

# When there are more notes than these, the older half is put together into one.
_LIMIT = 1000


class Expunged:
    """A note for each step that expunged, kept for RFC 7162 §3.2 as long as the mailbox."""

    def __init__(self, database: sqlite3.Connection, mailbox: int) -> None:
        self._db = database
        self._mailbox = mailbox

    def remember(self, uids: Iterable[int], modseq: int) -> None:
        """These UIDs, ascending, have gone."""
        self._write(modseq, uidset.written(uids))
        (count,) = self._db.execute(
            "SELECT count(*) FROM expunged WHERE mailbox = ?", (self._mailbox,)
        ).fetchone()
        if count > _LIMIT:
            self._put_together(count // 2)

    def runs(self, since: int = 0) -> Iterator[tuple[int, int]]:
        """The first and last UID of each run that went after that mod-sequence, in any order.

        With a low one there may be some that went before: who does not remember tells all
        (RFC 7162 §3.2.6).
        """
        rows = self._db.execute(
            "SELECT uids FROM expunged WHERE mailbox = ? AND modseq > ?", (self._mailbox, since)
        ).fetchall()
        return (run for (text,) in rows for run in uidset.read(text))

    def _put_together(self, count: int) -> None:
        older = self._db.execute(
            "SELECT modseq, uids FROM expunged WHERE mailbox = ? ORDER BY modseq LIMIT ?",
            (self._mailbox, count),
        ).fetchall()
        newest = older[-1][0]
        uids = uidset.uids(run for _, text in older for run in uidset.read(text))
        self._db.execute(
            "DELETE FROM expunged WHERE mailbox = ? AND modseq <= ?", (self._mailbox, newest)
        )
        self._write(newest, uidset.written(uids))

    def _write(self, modseq: int, text: str) -> None:
        self._db.execute("INSERT INTO expunged VALUES (?, ?, ?)", (self._mailbox, modseq, text))
