"""A mailbox that somebody has open: what changes it, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Literal, TypeAlias

from mailsim.servers.store.deliveries import Deliveries
from mailsim.servers.store.flags import columns, in_order, known_flags
from mailsim.servers.store.reading import ReadableMailbox
from mailsim.servers.store.values import Added, Change, Expunged, FlagsChanged, Gone, Message

# More than any mod-sequence (RFC 7162 §3.1: 63 bits).
_NO_LIMIT = 1 << 63

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

    @property
    def modseqs_used(self) -> bool:
        """Whether a client has ever asked for its mod-sequences."""
        return self._id in self._deliveries._modseqs_used  # noqa: SLF001 - a part of the store

    def use_modseqs(self) -> None:
        """A client asks for them."""
        self._deliveries._modseqs_used.add(self._id)  # noqa: SLF001 - a part of the store

    def append(
        self,
        content: bytes,
        *,
        flags: Iterable[str] = (),
        received: float,
        saved: float | None = None,
        message_id: str = "",
    ) -> int:
        """Add a message; its UID.  Raises OverQuotaError."""
        info = self.info
        return self._deliveries.deliver(
            info.user,
            info.name,
            content,
            flags=flags,
            received=received,
            saved=saved,
            message_id=message_id,
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
            wanted = self._known(flags)
            found = list(self.messages(sorted(set(uids))))
            limit = unchanged_since if unchanged_since is not None else _NO_LIMIT
            failed = tuple(one.uid for one in found if one.modseq > limit)
            changed = self._changed((one for one in found if one.modseq <= limit), wanted, how)
            if changed:
                self._write_flags(changed)
        return tuple(new.uid for _, new in changed), failed

    def expunge(self, uids: Iterable[int]) -> tuple[int, ...]:
        """Remove messages for good; which were there."""
        with self._store.step():
            gone = list(self.messages(sorted(set(uids))))
            if gone:
                self._remove(gone)
        return tuple(one.uid for one in gone)

    def copy(
        self, uids: Iterable[int], target: OpenMailbox, *, saved: float | None = None
    ) -> list[tuple[int, int]]:
        """Copy messages, in the order of their UIDs, with flags and internal dates; each UID with
        the new one.  `saved` is now.  Raises OverQuotaError."""
        with self._store.step():
            copied = list(self.messages(sorted(set(uids))))
            target._charge(copied)
            return self._copy(copied, target, saved)

    def move(
        self, uids: Iterable[int], target: OpenMailbox, *, saved: float | None = None
    ) -> list[tuple[int, int]]:
        """Copy and expunge in one (RFC 6851 §3.3); no quota is asked within a user's mailboxes."""
        with self._store.step():
            moved = list(self.messages(sorted(set(uids))))
            if target.info.user != self.info.user:
                target._charge(moved)
            pairs = self._copy(moved, target, saved)
            if moved:
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

    def _known(self, flags: Iterable[str]) -> frozenset[str]:
        """The flags in the spelling of this mailbox, which knows their keywords from now on: in
        Dovecot's also those that were only to be taken away."""
        known = self.keywords
        spelt, line = known_flags(flags, known)
        if line != " ".join(known):
            self._db.execute("UPDATE mailbox SET keywords = ? WHERE id = ?", (line, self._id))
        return spelt

    def _changed(
        self, messages: Iterable[Message], flags: frozenset[str], how: How
    ) -> list[tuple[Message, Message]]:
        """The messages that the change makes others, before and after."""
        modseq = self.info.highest_modseq + 1
        becomes = cache(lambda old: _combined(old, flags, how))
        return [
            (one, Message(one.uid, new, modseq, one.received, one.size, one.message_id, one.saved))
            for one in messages
            if (new := becomes(one.flags)) != one.flags
        ]

    def _write_flags(self, changed: list[tuple[Message, Message]]) -> None:
        now = [new for _, new in changed]
        modseq = now[0].modseq
        self._db.executemany(
            "UPDATE message SET flags = ?, keywords = ?, modseq = ? WHERE mailbox = ? AND uid = ?",
            [(*columns(one.flags), modseq, self._id, one.uid) for one in now],
        )
        self._count(modseq, unseen=_unseen(now) - _unseen(old for old, _ in changed))
        for one in now:
            self._index.put(one)
        self._tell(FlagsChanged(tuple(one.uid for one in now), modseq))

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
        self._expunged.remember(uids, modseq)
        octets = sum(one.size for one in gone)
        self._count(modseq, messages=-len(gone), octets=-octets, unseen=-_unseen(gone))
        self._index.remove(uids)
        self._tell(Expunged(uids, modseq))

    def _copy(
        self, copied: list[Message], target: OpenMailbox, saved: float | None
    ) -> list[tuple[int, int]]:
        if not copied:
            return []
        kept = target._as_here(copied, self.keywords, saved)
        pairs = list(zip(copied, kept, strict=True))
        self._db.executemany(
            "INSERT INTO message SELECT ?, ?, ?, ?, ?, received, ?, size, message_id, head, content"
            " FROM message WHERE mailbox = ? AND uid = ?",
            [
                (target._id, new.uid, new.modseq, *columns(new.flags), new.saved, self._id, old.uid)
                for old, new in pairs
            ],
        )
        self._db.executemany(
            "INSERT INTO derived SELECT ?, ?, kind, data FROM derived"
            " WHERE mailbox = ? AND uid = ?",
            [(target._id, new.uid, self._id, old.uid) for old, new in pairs],
        )
        octets = sum(one.size for one in kept)
        target._count(kept[0].modseq, messages=len(kept), octets=octets, unseen=_unseen(kept))
        target.added(*kept)
        return [(old.uid, new.uid) for old, new in pairs]

    def _charge(self, messages: list[Message]) -> None:
        if messages:
            octets = sum(one.size for one in messages)
            self._store.charge(self.info.user, octets, len(messages))

    def _as_here(
        self, copied: list[Message], keywords: tuple[str, ...], saved: float | None
    ) -> list[Message]:
        """What copies of messages from a mailbox with those keywords are in this one."""
        info = self.info
        # In order, for the keywords that are new here.
        spelt = cache(lambda flags: self._known(in_order(flags, keywords)))
        modseq = info.highest_modseq + 1
        return [
            Message(
                uid,
                spelt(one.flags),
                modseq,
                one.received,
                one.size,
                one.message_id,
                one.saved if saved is None else saved,
            )
            for uid, one in enumerate(copied, info.uid_next)
        ]

    def _count(self, modseq: int, *, messages: int = 0, octets: int = 0, unseen: int = 0) -> None:
        """Write the mailbox's numbers; who adds messages, uses up as many UIDs."""
        self._db.execute(
            "UPDATE mailbox SET modseq = ?, uid_next = uid_next + ?, messages = messages + ?,"
            " octets = octets + ?, unseen = unseen + ? WHERE id = ?",
            (modseq, max(messages, 0), messages, octets, unseen, self._id),
        )
        self._info = None
        self._deliveries.forget_next()


def _unseen(messages: Iterable[Message]) -> int:
    return sum("\\Seen" not in one.flags for one in messages)


def _combined(old: frozenset[str], flags: frozenset[str], how: How) -> frozenset[str]:
    if how == "+":
        return old | flags
    return old - flags if how == "-" else flags
