"""A maildrop: INBOX as it is when a session opens it, until QUIT (RFC 1939 §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers.store.values import INBOX, NoSuchMailboxError

if TYPE_CHECKING:
    from mailsim.servers.store import OpenMailbox, Store

_SEEN = "\\Seen"


class Maildrop:
    """The messages by their numbers from 0; what is marked as deleted, and what was read.

    Mail that comes later has no number here; a message that somebody else removes keeps its
    own, but has no content any more.
    """

    def __init__(self, store: Store, user: str) -> None:
        self._box = _inbox(store, user)
        self._box.take_recent()
        self._store = store
        self._validity = f"{self._box.info.uid_validity:08x}"
        self._uids = tuple(self._box.uids)
        self.sizes = self._box.sizes()
        self.octets = sum(self.sizes)
        self.deleted: set[int] = set()
        self.seen: set[int] = set()

    def __len__(self) -> int:
        return len(self._uids)

    @property
    def left(self) -> list[int]:
        """The numbers that are not marked as deleted."""
        return [number for number in range(len(self)) if number not in self.deleted]

    @property
    def left_octets(self) -> int:
        """The octets of those."""
        return self.octets - sum(self.sizes[number] for number in self.deleted)

    def unique_id(self, number: int) -> str:
        """pop3_uidl_format = %08Xu%08Xv: UID and UIDVALIDITY, eight hexadecimal digits each."""
        return f"{self._uids[number]:08x}{self._validity}"

    def content(self, number: int) -> bytes | None:
        """The message, or None if it has been removed meanwhile."""
        try:
            return self._box.content(self._uids[number])
        except KeyError:
            return None

    def top(self, number: int, lines: int) -> bytes | None:
        """The header, the empty line, and so many lines of the body (RFC 1939 §7)."""
        content = self.content(number)
        if content is None:
            return None
        # A message that begins with an empty line has no header.
        end = 2 if content.startswith(b"\r\n") else content.find(b"\r\n\r\n") + 4
        if end == 3:
            return content
        for _ in range(lines):
            end = content.find(b"\n", end) + 1
            if not end:
                return content
        return content[:end]

    def reset(self) -> None:
        """Nothing is marked, nothing was read (RFC 1939 §5)."""
        self.deleted.clear()
        self.seen.clear()

    def update(self, *, expunge: bool) -> None:
        """The UPDATE state (RFC 1939 §6): what was read is seen, what is marked goes at QUIT alone."""
        with self._store.step():
            if expunge and self.deleted:
                self._box.expunge(self._uids[number] for number in self.deleted)
            if self.seen:
                read = (self._uids[number] for number in self.seen)
                self._box.change_flags(read, (_SEEN,), "+")


def _inbox(store: Store, user: str) -> OpenMailbox:
    try:
        return store.open(user, INBOX)
    except NoSuchMailboxError:
        store.create(user, INBOX)
        return store.open(user, INBOX)
