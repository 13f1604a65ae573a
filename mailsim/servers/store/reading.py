"""A mailbox that somebody has open: what can be read of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from mailsim.servers.store import uidset
from mailsim.servers.store.expunged import Expunged
from mailsim.servers.store.flags import KEYWORDS_LIMIT, columns
from mailsim.servers.store.index import Index
from mailsim.servers.store.quotas import Quotas
from mailsim.servers.store.values import Mailbox, Message, NoSuchMailboxError

UID_VALIDITY = 1_277_107_200
"""A mailbox's UIDVALIDITY is this plus its number: never 0, and the same in each run."""

# Contents are read together, so many and so many octets.
_BATCH = 100
_BATCH_OCTETS = 1 << 20

_AMONG = "mailbox = ? AND uid IN (SELECT value FROM json_each(?)) ORDER BY uid"


class ReadableMailbox:
    """All who have the mailbox open share one of these.  It is current, also in the midst of a
    step; a step that fails leaves it as it was.

    After the mailbox was deleted it has no messages, and what needs the mailbox itself raises
    NoSuchMailboxError.
    """

    def __init__(self, store: Quotas, database: sqlite3.Connection, number: int) -> None:
        self._store = store
        self._db = database
        self._id = number
        self._expunged = Expunged(database, number)
        self._index = Index(database, number, self._expunged)
        self._info: Mailbox | None = None
        self.plain: set[int] = set()
        """UIDs of messages that SEARCH has found to be plain text; it may forget them."""

    @property
    def info(self) -> Mailbox:
        """Name and numbers, as they are now."""
        if self._info is None:
            row = self._row("user, name, uid_next, modseq")
            user, name, uid_next, modseq = row
            self._info = Mailbox(self._id, user, name, UID_VALIDITY + self._id, uid_next, modseq)
        return self._info

    @property
    def uids(self) -> Sequence[int]:
        """The UIDs, ascending.  It changes with the mailbox: copy what must not."""
        return self._index.uids

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keywords that messages here have or had, in the order of their first use."""
        return tuple(self._row("keywords")[0].split())

    @property
    def takes_keywords(self) -> bool:
        """Whether a keyword that is new here would be kept."""
        return len(self.keywords) < KEYWORDS_LIMIT

    def message(self, uid: int) -> Message:
        """The message without its content.  Raises KeyError if there is none of that UID."""
        return self._index.message(uid)

    def messages(self, uids: Iterable[int]) -> Iterator[Message]:
        """Those messages, without the UIDs that nobody has."""
        return self._index.messages(uids)

    def sizes(self) -> tuple[int, ...]:
        """The messages' sizes in octets, in the order of their UIDs, without loading them."""
        rows = self._db.execute(
            "SELECT size FROM message WHERE mailbox = ? ORDER BY uid", (self._id,)
        ).fetchall()
        return tuple(size for (size,) in rows)

    @property
    def unseen(self) -> int:
        """How many messages are without \\Seen."""
        return int(self._row("unseen")[0])

    @property
    def first_unseen(self) -> int:
        """The lowest UID without \\Seen, or 0."""
        unseen, messages = self._row("unseen, messages")
        if not unseen:
            return 0
        return self.uids[0] if unseen == messages else self._index.first_unseen()

    @property
    def first_recent(self) -> int:
        """Messages from this UID on have not been shown to any session that may write: to the
        one that asks they are \\Recent (RFC 3501 §2.3.2)."""
        return int(self._row("first_recent")[0])

    def take_recent(self) -> int:
        """`first_recent`, and from now on those messages are recent to nobody else."""
        first, uid_next = self._row("first_recent, uid_next")
        if first != uid_next:
            self._keep("UPDATE mailbox SET first_recent = uid_next WHERE id = ?", [(self._id,)])
        return int(first)

    def with_flag(self, flag: str) -> tuple[int, ...]:
        """The UIDs of messages with that system flag, ascending, without reading all messages."""
        return tuple(sorted(self._index.with_flag(columns((flag,))[0])))

    def changed_since(self, modseq: int) -> tuple[int, ...]:
        """The UIDs of messages with a higher mod-sequence, ascending."""
        return tuple(sorted(self._index.changed_since(modseq)))

    def vanished_since(self, modseq: int) -> tuple[int, ...]:
        """The UIDs expunged since, ascending; maybe with some that went before."""
        return tuple(uidset.uids(self._expunged.runs(modseq)))

    def content(self, uid: int) -> bytes:
        """The message, with CRLF line ends.  Raises KeyError."""
        row = self._db.execute(
            "SELECT head, content FROM message WHERE mailbox = ? AND uid = ?", (self._id, uid)
        ).fetchone()
        if row is None:
            raise KeyError(uid)
        return bytes(row[0] + self._store.content(row[1]))

    def contents(self, uids: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """UID and content of those messages, read some at a time; others may change the mailbox
        meanwhile, and what is gone is left out.  In the order of UIDs within each batch."""
        for batch in self._batches(uids):
            rows = self._db.execute(
                f"SELECT uid, head, data FROM message JOIN content ON id = content WHERE {_AMONG}",  # noqa: S608
                (self._id, json.dumps(batch)),
            ).fetchall()
            yield from [(uid, head + data) for uid, head, data in rows]

    def cached(self, uid: int, kind: str, make: Callable[[bytes], bytes]) -> bytes:
        """What `make` makes of the message's content: made once, kept under that kind."""
        return dict(self.all_cached((uid,), kind, make))[uid]

    def all_cached(
        self, uids: Iterable[int], kind: str, make: Callable[[bytes], bytes]
    ) -> Iterator[tuple[int, bytes]]:
        """The same for many messages, in the order asked for; what is gone is left out."""
        asked = iter(uids)
        while batch := list(islice(asked, _BATCH)):
            found = self._derived(batch, kind)
            missing = [uid for uid in batch if uid not in found]
            made = [(uid, make(content)) for uid, content in self.contents(missing)]
            if made:
                self._keep(
                    "INSERT OR REPLACE INTO derived VALUES (?, ?, ?, ?)",
                    [(self._id, uid, kind, data) for uid, data in made],
                )
            found.update(made)
            yield from [(uid, found[uid]) for uid in batch if uid in found]

    def forget(self) -> None:
        """A step failed: what memory holds is read anew."""
        self._info = None
        self._index.forget()

    def _derived(self, uids: list[int], kind: str) -> dict[int, bytes]:
        rows = self._db.execute(
            f"SELECT uid, data FROM derived WHERE kind = ? AND {_AMONG}",  # noqa: S608
            (kind, self._id, json.dumps(uids)),
        ).fetchall()
        return dict(rows)

    def _keep(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        """Write what reading has brought about.  Where that fails, on a full disk, mail can be
        read all the same; within somebody's step it is the step that has failed."""
        nested = self._db.in_transaction
        try:
            with self._store.step():
                self._db.executemany(statement, rows)
        except sqlite3.OperationalError:
            if nested:
                raise

    def _batches(self, uids: Iterable[int]) -> Iterator[list[int]]:
        batch: list[int] = []
        octets = 0
        for one in self.messages(uids):
            if batch and (len(batch) >= _BATCH or octets + one.size > _BATCH_OCTETS):
                yield batch
                batch, octets = [], 0
            batch.append(one.uid)
            octets += one.size
        if batch:
            yield batch

    def _row(self, names: str) -> tuple[Any, ...]:
        row = self._db.execute(
            f"SELECT {names} FROM mailbox WHERE id = ?",  # noqa: S608 # our own names
            (self._id,),
        ).fetchone()
        if row is None:
            raise NoSuchMailboxError(self._id)
        return tuple(row)
