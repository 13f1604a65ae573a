"""A model of the mailboxes: lists and dictionaries, no SQL, no memory of anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

SYSTEM = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")


@dataclass
class Kept:
    """A message."""

    flags: frozenset[str]
    modseq: int
    received: float
    content: bytes
    message_id: str
    saved: float


@dataclass
class Box:
    """A mailbox."""

    uid_validity: int
    uid_next: int = 1
    modseq: int = 1
    first_recent: int = 1
    messages: dict[int, Kept] = field(default_factory=dict)
    gone: dict[int, int] = field(default_factory=dict)
    keywords: list[str] = field(default_factory=list)

    def spelt(self, flags: Iterable[str]) -> frozenset[str]:
        """System flags and keywords as they were first written."""
        found = set()
        for flag in flags:
            known = {one.lower(): one for one in (*SYSTEM, *self.keywords)}
            if flag.lower() in known:
                found.add(known[flag.lower()])
            elif not flag.startswith("\\"):
                found.add(flag)
                self.keywords.append(flag)
        return frozenset(found)

    def add(self, *kept: Kept) -> list[int]:
        """New messages, with one mod-sequence; their UIDs."""
        self.modseq += bool(kept)
        uids = list(range(self.uid_next, self.uid_next + len(kept)))
        for uid, one in zip(uids, kept, strict=True):
            one.modseq = self.modseq
            self.messages[uid] = one
        self.uid_next += len(kept)
        return uids

    def there(self, uids: Iterable[int]) -> list[int]:
        """Those that are messages."""
        return sorted(set(uids) & set(self.messages))

    def expunge(self, uids: Iterable[int]) -> list[int]:
        """Remove messages; which were there."""
        going = self.there(uids)
        self.modseq += bool(going)
        for uid in going:
            del self.messages[uid]
            self.gone[uid] = self.modseq
        return going

    def change(
        self, uids: Iterable[int], flags: Iterable[str], how: str, since: int | None
    ) -> tuple[list[int], list[int]]:
        """Change flags; which messages changed, and which had changed since."""
        wanted = self.spelt(flags)
        changed, failed = [], []
        for uid in self.there(uids):
            one = self.messages[uid]
            new = {"+": one.flags | wanted, "-": one.flags - wanted, "=": wanted}[how]
            if since is not None and one.modseq > since:
                failed.append(uid)
            elif new != one.flags:
                one.flags, one.modseq = new, self.modseq + 1
                changed.append(uid)
        self.modseq += bool(changed)
        return changed, failed

    def copies(
        self, uids: Iterable[int], target: Box, saved: float | None
    ) -> list[tuple[int, int]]:
        """Copy messages; each UID with the new one."""
        copied = self.there(uids)
        new = []
        for uid in copied:
            one = self.messages[uid]
            flags = [flag for flag in (*SYSTEM, *self.keywords) if flag in one.flags]
            now = one.saved if saved is None else saved
            spelt = target.spelt(flags)
            new.append(Kept(spelt, 0, one.received, one.content, one.message_id, now))
        return list(zip(copied, target.add(*new), strict=True))


@dataclass
class Mail:
    """All mailboxes of all users."""

    boxes: dict[tuple[str, str], Box] = field(default_factory=dict)
    subscribed: set[tuple[str, str]] = field(default_factory=set)
    limits: dict[str, tuple[int, int]] = field(default_factory=dict)
    made: int = 0

    def box(self, user: str, name: str) -> Box:
        """The mailbox, made if it is not there."""
        key = (user, "INBOX" if name.upper() == "INBOX" else name)
        if key not in self.boxes:
            self.made += 1
            self.boxes[key] = Box(1_277_107_200 + self.made)
        return self.boxes[key]

    def used(self, user: str) -> tuple[int, int]:
        """Octets and messages that the user has."""
        kept = [
            one
            for (owner, _), box in self.boxes.items()
            if owner == user
            for one in box.messages.values()
        ]
        return sum(len(one.content) for one in kept), len(kept)

    def over(self, user: str, octets: int, messages: int) -> bool:
        """Whether that would be too much."""
        allowed = self.limits.get(user, (0, 0))
        used = self.used(user)
        more = (octets, messages)
        return any(0 < allowed[n] < used[n] + more[n] for n in (0, 1))
