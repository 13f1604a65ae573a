"""What memory holds of one mailbox."""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from mailsim.servers.store import uidset
from mailsim.servers.store.expunged import Expunged
from mailsim.servers.store.flags import SEEN, flag_set
from mailsim.servers.store.values import Message, NoSuchMailboxError

# Messages are read and kept by so many neighbours in UID, and of these blocks so many are kept.
_BLOCK = 1024
_BLOCKS = 16
# What asks for all messages of a mailbox reads the narrow index: the rows themselves are wide.
_NARROW = "FROM message INDEXED BY message_changed WHERE mailbox = ?"


class Index:
    """UIDs and messages of a mailbox: read when they are asked for, kept current by `add`, `put`
    and `remove`, and forgotten when a step fails.

    It says what the database says, also in the midst of a step.
    """

    def __init__(self, database: sqlite3.Connection, mailbox: int, expunged: Expunged) -> None:
        self._db = database
        self._mailbox = mailbox
        self._expunged = expunged
        self._uids: array[int] | None = None
        self._blocks: dict[int, dict[int, Message]] = {}

    def forget(self) -> None:
        """Read all anew when it is asked for."""
        self._uids = None
        self._blocks.clear()

    @property
    def uids(self) -> Sequence[int]:
        """The UIDs, ascending."""
        if self._uids is None:
            self._uids = self._read_uids()
        return self._uids

    def message(self, uid: int) -> Message:
        """The message.  Raises KeyError."""
        return self._block(uid // _BLOCK)[uid]

    def messages(self, uids: Iterable[int]) -> Iterator[Message]:
        """Those messages; UIDs that nobody has are left out."""
        for uid in uids:
            one = self._block(uid // _BLOCK).get(uid)
            if one:
                yield one

    def first_unseen(self) -> int:
        """The lowest UID without \\Seen; 0 if there is none."""
        row = self._db.execute(
            f"SELECT min(uid) {_NARROW} AND NOT flags & ?",
            (self._mailbox, SEEN),
        ).fetchone()
        return int(row[0] or 0)

    def with_flag(self, bits: int) -> list[int]:
        """The UIDs of messages with such a system flag, in any order."""
        rows = self._db.execute(
            f"SELECT uid {_NARROW} AND flags & ?",
            (self._mailbox, bits),
        ).fetchall()
        return [uid for (uid,) in rows]

    def changed_since(self, modseq: int) -> list[int]:
        """The UIDs of messages with a higher mod-sequence, in any order."""
        rows = self._db.execute(
            f"SELECT uid {_NARROW} AND modseq > ?",
            (self._mailbox, modseq),
        ).fetchall()
        return [uid for (uid,) in rows]

    def add(self, message: Message) -> None:
        """There is a new message."""
        if self._uids is not None:
            self._uids.append(message.uid)
        self.put(message)

    def put(self, message: Message) -> None:
        """The message has changed."""
        block = self._blocks.get(message.uid // _BLOCK)
        if block is not None:
            block[message.uid] = message

    def remove(self, uids: Sequence[int]) -> None:
        """These messages are gone; ascending."""
        for uid in uids:
            block = self._blocks.get(uid // _BLOCK)
            if block is not None:
                del block[uid]
        if self._uids is None:
            return
        if len(uids) == 1:
            del self._uids[bisect_left(self._uids, uids[0])]
        else:
            gone = frozenset(uids)
            self._uids = array("I", [uid for uid in self._uids if uid not in gone])

    def _read_uids(self) -> array[int]:
        row = self._db.execute(
            "SELECT uid_next FROM mailbox WHERE id = ?", (self._mailbox,)
        ).fetchone()
        if row is None:
            raise NoSuchMailboxError(self._mailbox)
        return uidset.all_but(self._expunged.runs(), row[0])

    def _block(self, number: int) -> dict[int, Message]:
        block = self._blocks.get(number)
        if block is None:
            while len(self._blocks) >= _BLOCKS:
                del self._blocks[next(iter(self._blocks))]
            block = self._blocks[number] = self._read_block(number)
        return block

    def _read_block(self, number: int) -> dict[int, Message]:
        rows = self._db.execute(
            "SELECT uid, flags, keywords, modseq, received, size, message_id, saved FROM message"
            " WHERE mailbox = ? AND uid BETWEEN ? AND ?",
            (self._mailbox, number * _BLOCK, number * _BLOCK + _BLOCK - 1),
        ).fetchall()
        return {
            uid: Message(uid, flag_set(bits, words), modseq, *columns)
            for uid, bits, words, modseq, *columns in rows
        }
