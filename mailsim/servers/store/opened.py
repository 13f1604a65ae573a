"""A mailbox that somebody has open: what changes it, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from mailsim.servers.store import uidset
from mailsim.servers.store.deliveries import Deliveries
from mailsim.servers.store.flags import columns, known_flags
from mailsim.servers.store.reading import ReadableMailbox
from mailsim.servers.store.values import Added, Change, Expunged, FlagsChanged, Gone, Message

Watcher: TypeAlias = Callable[[Change], object]
How: TypeAlias = Literal["+", "-", "="]


class OpenMailbox(ReadableMailbox):
    """Each change is one step and has one mod-sequence; `watch` tells of it after the step."""

    def __init__(self, store: Deliveries, number: int) -> None:
        super().__init__(store, store._db, number)  # noqa: SLF001 - a part of the store
        self._deliveries = store
        self._watchers: dict[int, Watcher] = {}
        self._watched = 0

    def watch(self, callback: Watcher) -> Callable[[], None]:
        """Call it with each change, in order, once the change is kept; what is returned ends it.

        It must not raise, nor change the store.
        """
        self._watched += 1
        number = self._watched
        self._watchers[number] = callback
        return lambda: self._watchers.pop(number, None) and None

    def append(
        self,
        content: bytes,
        *,
        flags: Iterable[str] = (),
        received: float,
        message_id: str = "",
    ) -> int:
        """Add a message; its UID.  Raises OverQuotaError."""
        info = self.info
        return self._deliveries.deliver(
            info.user, info.name, content, flags=flags, received=received, message_id=message_id
        )

    def change_flags(
        self,
        uids: Iterable[int],
        flags: Iterable[str],
        how: How,
        *,
        unchanged_since: int | None = None,
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Add flags, take them away or replace all; which messages have changed, and which had
        changed since that mod-sequence and were left alone (RFC 7162 §3.1.3).

        A message that has the flags already is neither.  \\Recent and unknown system flags are
        left out, and so are UIDs that nobody has.
        """
        with self._store.step():
            wanted = self._known(flags, learn=how != "-")
            changed: list[Message] = []
            failed: list[int] = []
            modseq = self.info.highest_modseq + 1
            memory: dict[frozenset[str], frozenset[str]] = {}
            for one in self.messages(sorted(set(uids))):
                if unchanged_since is not None and one.modseq > unchanged_since:
                    failed.append(one.uid)
                    continue
                new = memory.get(one.flags)
                if new is None:
                    new = memory[one.flags] = _combined(one.flags, wanted, how)
                if new != one.flags:
                    changed.append(
                        Message(one.uid, new, modseq, one.received, one.size, one.message_id)
                    )
            if changed:
                self._write_flags(changed, modseq)
        return tuple(one.uid for one in changed), tuple(failed)

    def expunge(self, uids: Iterable[int]) -> tuple[int, ...]:
        """Remove messages for good; which were there."""
        with self._store.step():
            gone = list(self.messages(sorted(set(uids))))
            if gone:
                self._remove(gone)
        return tuple(one.uid for one in gone)

    def copy(self, uids: Iterable[int], target: OpenMailbox) -> list[tuple[int, int]]:
        """Copy messages, in the order of their UIDs, with flags and dates; each UID with the new
        one.  Raises OverQuotaError."""
        with self._store.step():
            copied = list(self.messages(sorted(set(uids))))
            octets = sum(one.size for one in copied)
            self._store.charge(target.info.user, octets, len(copied))
            return self._copy(copied, target) if copied else []

    def move(self, uids: Iterable[int], target: OpenMailbox) -> list[tuple[int, int]]:
        """Copy and expunge in one (RFC 6851 §3.3); no quota is asked within a user's mailboxes."""
        with self._store.step():
            moved = list(self.messages(sorted(set(uids))))
            if not moved:
                return []
            if target.info.user != self.info.user:
                octets = sum(one.size for one in moved)
                self._store.charge(target.info.user, octets, len(moved))
            pairs = self._copy(moved, target)
            self._remove(moved)
            return pairs

    def added(self, *messages: Message) -> None:
        """The store has added these."""
        self._info = None
        for one in messages:
            self._index.add(one)
        self._tell(Added(tuple(one.uid for one in messages)))

    def renamed(self) -> None:
        """The store has given the mailbox another name."""
        self._info = None

    def gone(self) -> None:
        """The store has deleted the mailbox."""
        self.forget()
        self._tell(Gone())

    def _tell(self, change: Change) -> None:
        if self._watchers:
            self._store.after(lambda: self._call(change))

    def _call(self, change: Change) -> None:
        for callback in tuple(self._watchers.values()):
            callback(change)

    def _known(self, flags: Iterable[str], *, learn: bool) -> frozenset[str]:
        """The flags in the spelling of this mailbox."""
        known = self.keywords
        spelt, line = known_flags(flags, known)
        if learn and line != " ".join(known):
            self._db.execute("UPDATE mailbox SET keywords = ? WHERE id = ?", (line, self._id))
        return spelt

    def _write_flags(self, changed: list[Message], modseq: int) -> None:
        seen = sum("\\Seen" in one.flags for one in changed)
        before = sum("\\Seen" in self.message(one.uid).flags for one in changed)
        self._db.executemany(
            "UPDATE message SET flags = ?, keywords = ?, modseq = ? WHERE mailbox = ? AND uid = ?",
            [(*columns(one.flags), modseq, self._id, one.uid) for one in changed],
        )
        self._db.execute(
            "UPDATE mailbox SET modseq = ?, unseen = unseen + ? WHERE id = ?",
            (modseq, before - seen, self._id),
        )
        self._info = None
        for one in changed:
            self._index.put(one)
        self._tell(FlagsChanged(tuple(one.uid for one in changed), modseq))

    def _remove(self, gone: list[Message]) -> None:
        uids = tuple(one.uid for one in gone)
        rows = [(self._id, uid) for uid in uids]
        contents = [
            self._db.execute(
                "DELETE FROM message WHERE mailbox = ? AND uid = ? RETURNING content", row
            ).fetchone()[0]
            for row in rows
        ]
        for number in contents:
            self._store.release(number)
        self._db.executemany("DELETE FROM derived WHERE mailbox = ? AND uid = ?", rows)
        modseq = self.info.highest_modseq + 1
        self._db.execute(
            "UPDATE mailbox SET modseq = ?, messages = messages - ?, octets = octets - ?,"
            " unseen = unseen - ? WHERE id = ?",
            (
                modseq,
                len(gone),
                sum(one.size for one in gone),
                sum("\\Seen" not in one.flags for one in gone),
                self._id,
            ),
        )
        self._db.execute(
            "INSERT INTO expunged VALUES (?, ?, ?)", (self._id, modseq, uidset.written(uids))
        )
        self._info = None
        self._index.remove(uids)
        self._tell(Expunged(uids, modseq))

    def _copy(self, copied: list[Message], target: OpenMailbox) -> list[tuple[int, int]]:
        info = target.info
        modseq = info.highest_modseq + 1
        kept = [
            Message(
                info.uid_next + count,
                target._known(one.flags, learn=True),
                modseq,
                one.received,
                one.size,
                one.message_id,
            )
            for count, one in enumerate(copied)
        ]
        pairs = [(old.uid, new.uid) for old, new in zip(copied, kept, strict=True)]
        self._db.executemany(
            "INSERT INTO message SELECT ?, ?, ?, ?, ?, received, size, message_id, head, content"
            " FROM message WHERE mailbox = ? AND uid = ?",
            [
                (info.id, new.uid, modseq, *columns(new.flags), self._id, old.uid)
                for old, new in zip(copied, kept, strict=True)
            ],
        )
        self._db.executemany(
            "INSERT INTO derived SELECT ?, ?, kind, data FROM derived"
            " WHERE mailbox = ? AND uid = ?",
            [(info.id, new, self._id, old) for old, new in pairs],
        )
        self._db.execute(
            "UPDATE mailbox SET modseq = ?, uid_next = uid_next + ?, messages = messages + ?,"
            " octets = octets + ?, unseen = unseen + ? WHERE id = ?",
            (
                modseq,
                len(kept),
                len(kept),
                sum(one.size for one in kept),
                sum("\\Seen" not in one.flags for one in kept),
                info.id,
            ),
        )
        target.added(*kept)
        return pairs


def _combined(old: frozenset[str], flags: frozenset[str], how: How) -> frozenset[str]:
    if how == "+":
        return old | flags
    return old - flags if how == "-" else flags
