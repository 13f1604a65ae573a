"""What one connection knows of its mailbox: the sequence numbers are this client's alone.

Others change the mailbox at any time; the view takes note, and tells where RFC 3501 §7.4.1
allows it: an EXPUNGE moves the numbers, so it waits while the client may be using them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from mailsim.servers.imap import replies
from mailsim.servers.store.flags import SYSTEM_FLAGS, in_order
from mailsim.servers.store.uidset import written
from mailsim.servers.store.values import Added, Change, Expunged, FlagsChanged, Gone

if TYPE_CHECKING:
    from mailsim.servers.store.opened import OpenMailbox
    from mailsim.wire.imap.sequence import SequenceSet

_RECENT = b"\\Recent"


class BadSetError(Exception):
    """A sequence set names messages that are not there."""


class View:
    """A selected mailbox as its client sees it.

    `condstore` and `qresync` say what was enabled (RFC 7162 §3.1, §3.2); `rev2` that the client
    knows no \\Recent (RFC 9051 §7.4).
    """

    def __init__(self, box: OpenMailbox, *, read_only: bool, rev2: bool = False) -> None:
        self.box = box
        self.read_only = read_only
        self.condstore = False
        self.qresync = False
        self.rev2 = rev2
        self.deleted = False
        self.uids: array[int] = array("Q", box.uids)
        self.saved: list[int] = []
        """What SEARCH RETURN (SAVE) has found: "$" (RFC 5182 §2.1)."""
        self.woken: Callable[[], object] | None = None
        """Called when something has changed."""
        self._recent: list[tuple[int, int]] = []
        self._changed: dict[int, bool] = {}
        self._expunged: set[int] = set()
        self._more = False
        self._keywords = box.keywords
        self._rendered: dict[tuple[frozenset[str], bool], bytes] = {}
        self._take_recent()
        self._recent_told = self.recent
        self._leave = box.watch(self._take_note)

    def leave(self) -> None:
        """The client has left the mailbox."""
        self._leave()

    # numbers

    @property
    def recent(self) -> int:
        """How many messages are \\Recent here."""
        place = self._place
        return sum(
            place(last, bisect_right) - place(first, bisect_left) for first, last in self._recent
        )

    def number(self, uid: int) -> int:
        """The sequence number of a UID; 0 if it has none here."""
        at = bisect_left(self.uids, uid)
        return at + 1 if at < len(self.uids) and self.uids[at] == uid else 0

    def is_gone(self, uid: int) -> bool:
        """Whether the message was expunged, and the client does not know it yet."""
        return uid in self._expunged

    def chosen(self, messages: SequenceSet, *, uid: bool) -> Sequence[int]:
        """The UIDs, ascending, of the messages that a set names.

        Raises BadSetError where a number is larger than the mailbox; UIDs that are not there
        count as none (RFC 3501 §6.4.8).
        """
        if messages.text == "$":
            return [one for one in self.saved if self.number(one)]
        slices = self._uid_slices(messages) if uid else self._number_slices(messages)
        found: array[int] = array("Q")
        end = 0
        for first, last in sorted(slices):
            found.extend(self.uids[max(first, end) : last])
            end = max(end, last)
        return found

    def _uid_slices(self, messages: SequenceSet) -> Iterator[tuple[int, int]]:
        largest = self.uids[-1] if self.uids else 0
        for first, last in messages.ranges(largest):
            yield self._place(first, bisect_left), self._place(last, bisect_right)

    def _number_slices(self, messages: SequenceSet) -> Iterator[tuple[int, int]]:
        count = len(self.uids)
        for first, last in messages.ranges(count):
            if last > count or not first:
                raise BadSetError
            yield first - 1, last

    def _place(self, uid: int, search: Callable[[array[int], int], int]) -> int:
        return search(self.uids, uid) if uid < 2**64 else len(self.uids)

    # flags

    @property
    def known_flags(self) -> tuple[str, ...]:
        """The flags that the mailbox knows."""
        return (*SYSTEM_FLAGS, *self.box.keywords)

    def is_recent(self, uid: int) -> bool:
        """Whether the message is \\Recent in this session."""
        return any(first <= uid <= last for first, last in self._recent)

    def flags(self, uid: int, flags: frozenset[str]) -> bytes:
        """The flags as they are sent, in parentheses."""
        recent = bool(self._recent) and not self.rev2 and self.is_recent(uid)
        made = self._rendered.get((flags, recent))
        if made is None:
            made = self._rendered[flags, recent] = self._render(flags, recent=recent)
        return made

    def _render(self, flags: frozenset[str], *, recent: bool) -> bytes:
        if len(self._rendered) > 10_000:
            self._rendered.clear()
        words = [one.encode() for one in in_order(flags, self.box.keywords)]
        if recent:
            words.insert(sum(one.startswith(b"\\") for one in words), _RECENT)
        return b"(%b)" % b" ".join(words)

    # what others do

    def _take_note(self, change: Change) -> None:
        match change:
            case FlagsChanged(uids, _):
                self._changed.update(dict.fromkeys(uids, True))
            case Expunged(uids, _):
                self._expunged.update(uids)
            case Added():
                self._more = True
            case Gone():
                self.deleted = True
        if self.woken:
            self.woken()

    def quiet(self, uids: Iterable[int], before: dict[int, bool]) -> None:
        """Flags that the client itself has changed need not be told (FLAGS.SILENT), their
        mod-sequences alone; what others changed `before` does."""
        for uid in uids:
            if not before.get(uid):
                self._changed[uid] = False

    @property
    def untold(self) -> dict[int, bool]:
        """Whose flags have changed (True), or mod-sequence alone (False), as a copy."""
        return dict(self._changed)

    def told(self, uids: Iterable[int]) -> None:
        """The client knows the flags of these."""
        for uid in uids:
            self._changed.pop(uid, None)

    @property
    def stale(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._changed or self._expunged or self._more or self.deleted)

    def news(self, *, expunges: bool, uid: bool = False) -> bytes:
        """What has changed, as it is sent: flags, then EXPUNGE where it is allowed, then new
        messages."""
        if not self.stale:
            return b""
        lines = [self._new_keywords(), *self._changes(uid=uid)]
        if expunges and self._expunged:
            lines.append(self._expunges())
        if self._more:
            lines.append(self._arrivals())
        if self.recent != self._recent_told:
            self._recent_told = self.recent
            if not self.rev2:
                lines.append(b"* %d RECENT\r\n" % self._recent_told)
        return b"".join(lines)

    def _new_keywords(self) -> bytes:
        if self.box.keywords == self._keywords:
            return b""
        self._keywords = self.box.keywords
        self._rendered.clear()
        return self.flags_lines()

    def flags_lines(self) -> bytes:
        """FLAGS and PERMANENTFLAGS."""
        known = " ".join(self.known_flags)
        permanent = "" if self.read_only else f"{known} \\*"
        text = replies.READ_ONLY if self.read_only else replies.FLAGS_PERMITTED
        return f"* FLAGS ({known})\r\n* OK [PERMANENTFLAGS ({permanent})] {text}\r\n".encode()

    def _changes(self, *, uid: bool) -> Iterator[bytes]:
        if not self._changed:
            return
        changed, self._changed = sorted(self._changed.items()), {}
        full = dict(changed)
        for one in self.box.messages(full):
            number = self.number(one.uid)
            if number and (self.condstore or full[one.uid]):
                items = [b"UID %d" % one.uid] if uid or self.qresync else []
                if self.condstore:
                    items.append(b"MODSEQ (%d)" % one.modseq)
                if full[one.uid]:
                    items.append(b"FLAGS %b" % self.flags(one.uid, one.flags))
                yield b"* %d FETCH (%b)\r\n" % (number, b" ".join(items))

    def _expunges(self) -> bytes:
        gone = sorted(uid for uid in self._expunged if self.number(uid))
        self._expunged.clear()
        if not gone:
            return b""
        numbers = [self.number(uid) for uid in gone]
        lost = frozenset(gone)
        self.uids = array("Q", [uid for uid in self.uids if uid not in lost])
        if self.qresync:
            return b"* VANISHED %b\r\n" % written(gone).encode()
        return b"".join([b"* %d EXPUNGE\r\n" % number for number in reversed(numbers)])

    def _arrivals(self) -> bytes:
        self._more = False
        known = self.uids[-1] if self.uids else 0
        uids = self.box.uids
        new = uids[bisect_right(uids, known) :]
        if not new:
            return b""
        self.uids.extend(array("Q", new))
        self._take_recent()
        return b"* %d EXISTS\r\n" % len(self.uids)

    def _take_recent(self) -> None:
        first = self.box.first_recent if self.read_only else self.box.take_recent()
        last = self.uids[-1] if self.uids else 0
        known = self._recent[-1][1] if self._recent else 0
        first = max(first, known + 1)
        if first <= last:
            if self._recent and known + 1 == first:
                self._recent[-1] = (self._recent[-1][0], last)
            else:
                self._recent.append((first, last))
