"""The store against a model, through any series of changes, with and without a folder."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mailsim.servers.store import OpenMailbox, Store
from mailsim.servers.store.opened import How
from mailsim.servers.store.values import (
    Added,
    Change,
    Expunged,
    FlagsChanged,
    Gone,
    MailboxExistsError,
    NoSuchMailboxError,
    OverQuotaError,
)
from tests.servers.store.modelled import Box, Kept, Mail

USERS = st.sampled_from(["user", "user", "cheikh"])
NAMES = st.sampled_from(["INBOX", "INBOX", "inbox", "a", "a/b", "a/b", "ab", "é"])
FLAGS = st.lists(
    st.sampled_from(
        ["\\Seen", "\\seen", "\\Deleted", "\\Recent", "\\Odd", "$Junk", "Work", "WORK"]
    ),
    max_size=3,
)
UIDS = st.lists(st.integers(1, 12), max_size=6)
CONTENTS = st.sampled_from([b"", b"x\r\n", b"A: 1\r\n\r\n\0\xff\r\n", b"y" * 500])


class Failed(Exception):
    pass


class Replica:
    """What a session that hears of changes alone believes to be in the mailbox."""

    def __init__(self, opened: OpenMailbox) -> None:
        self.opened = opened
        self.uids = list(opened.uids)
        self.modseqs = {one.uid: one.modseq for one in opened.messages(opened.uids)}
        self.gone = False
        self.highest = opened.info.highest_modseq
        opened.watch(self.hear)

    def hear(self, change: Change) -> None:
        match change:
            case Added(uids):
                assert not self.uids or min(uids) > max(self.uids)
                self.uids += uids
                # The mailbox may be further on than what is told.
                self.modseqs |= {one.uid: one.modseq for one in self.opened.messages(uids)}
            case FlagsChanged(uids, modseq):
                assert set(uids) <= set(self.uids)
                self._later(modseq)
                self.modseqs |= dict.fromkeys(uids, modseq)
            case Expunged(uids, modseq):
                self._later(modseq)
                for uid in uids:
                    self.uids.remove(uid)
            case Gone():
                self.gone = True

    def _later(self, modseq: int) -> None:
        assert modseq > self.highest
        self.highest = modseq


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder: Path | None = None
        self.replicas: dict[tuple[str, str], Replica] = {}
        self.mail = Mail()
        self.held: list[OpenMailbox] = []

    @initialize(on_disk=st.booleans(), count=st.integers(0, 8))
    def begin(self, *, on_disk: bool, count: int) -> None:
        self.folder = Path(tempfile.mkdtemp()) if on_disk else None
        self.store = Store(self.folder)
        for name in ("INBOX", "a/b"):
            for _ in range(count):
                self.deliver("user", name, b"x\r\n", b"", ["Work"])

    def teardown(self) -> None:
        self.store.close()
        if self.folder:
            shutil.rmtree(self.folder)

    # what can happen

    @rule(user=USERS, name=NAMES, content=CONTENTS, head=CONTENTS, flags=FLAGS)
    def deliver(self, user: str, name: str, content: bytes, head: bytes, flags: list[str]) -> None:
        over = self.mail.over(user, len(head + content), 1)
        try:
            uid = self.store.deliver(
                user, name, content, head=head, flags=flags, received=1.5, message_id="<1@x>"
            )
        except OverQuotaError:
            assert over
            return
        assert not over
        box = self.mail.box(user, name)
        kept = Kept(box.spelt(flags), 0, 1.5, head + content, "<1@x>", 1.5)
        assert [uid] == box.add(kept)

    @rule(user=USERS, name=NAMES, uids=UIDS, flags=FLAGS, how=st.sampled_from("+-="))
    def change_flags(
        self, user: str, name: str, uids: list[int], flags: list[str], how: str
    ) -> None:
        self.changed(user, name, uids, flags, how, None)

    @rule(user=USERS, name=NAMES, uids=UIDS, flags=FLAGS, how=st.sampled_from("+-="), back=UIDS)
    def change_unchanged(
        self, user: str, name: str, uids: list[int], flags: list[str], how: str, back: list[int]
    ) -> None:
        box = self.mail.boxes.get((user, name))
        self.changed(user, name, uids, flags, how, box.modseq - len(back) if box else 5)

    def changed(
        self, user: str, name: str, uids: list[int], flags: list[str], how: str, since: int | None
    ) -> None:
        for opened, box in self.there(user, name):
            given = opened.change_flags(uids, flags, cast("How", how), unchanged_since=since)
            changed, failed = box.change(uids, flags, how, since)
            assert given == (tuple(changed), tuple(failed))

    @rule(user=USERS, name=NAMES, uids=UIDS)
    def expunge(self, user: str, name: str, uids: list[int]) -> None:
        for opened, box in self.there(user, name):
            assert opened.expunge(uids) == tuple(box.expunge(uids))

    @rule(
        user=USERS,
        name=NAMES,
        uids=UIDS,
        other=USERS,
        to=NAMES,
        moves=st.booleans(),
        saved=st.sampled_from([None, 9.5]),
    )
    def copy(
        self,
        user: str,
        name: str,
        uids: list[int],
        other: str,
        to: str,
        saved: float | None,
        *,
        moves: bool,
    ) -> None:
        for opened, box in self.there(user, name):
            for target, to_box in self.there(other, to):
                sizes = [len(box.messages[uid].content) for uid in box.there(uids)]
                charged = bool(sizes) and not (moves and user == other)
                over = charged and self.mail.over(other, sum(sizes), len(sizes))
                try:
                    pairs = (opened.move if moves else opened.copy)(uids, target, saved=saved)
                except OverQuotaError:
                    assert over
                    continue
                assert not over
                assert pairs == box.copies(uids, to_box, saved)
                if moves:
                    box.expunge(uid for uid, _ in pairs)

    @rule(user=USERS, name=NAMES)
    def create(self, user: str, name: str) -> None:
        before = len(self.mail.boxes)
        self.mail.box(user, name)
        assert self.store.create(user, name) == (len(self.mail.boxes) > before)

    @rule(user=USERS, name=NAMES)
    def delete(self, user: str, name: str) -> None:
        for _ in self.there(user, name):
            self.store.delete(user, name)
            self.mail.boxes.pop((user, "INBOX" if name.upper() == "INBOX" else name))
        replica = self.replicas.pop((user, "INBOX" if name.upper() == "INBOX" else name), None)
        assert replica is None or replica.gone

    @rule(user=USERS, name=NAMES, to=NAMES)
    def rename(self, user: str, name: str, to: str) -> None:
        inbox = self.mail.box(user, "INBOX")
        to_key = "INBOX" if to.upper() == "INBOX" else to
        below = {
            old: to + old[len(name) :]
            for owner, old in sorted(self.mail.boxes)
            if owner == user and (old == name or old.startswith(name + "/"))
        }
        try:
            self.store.rename(user, name, to)
        except NoSuchMailboxError:
            assert not below
        except MailboxExistsError:
            assert {to_key, *below.values()} & {old for owner, old in self.mail.boxes}
        else:
            assert (user, to_key) not in self.mail.boxes
            if name.upper() == "INBOX":
                inbox.copies(list(inbox.messages), self.mail.box(user, to), None)
                inbox.expunge(list(inbox.messages))
                return
            for old, new in below.items():
                self.mail.boxes[user, new] = self.mail.boxes.pop((user, old))
                self.replicas.pop((user, old), None)

    @rule(user=USERS, name=NAMES, yes=st.booleans())
    def subscribe(self, user: str, name: str, *, yes: bool) -> None:
        key = (user, "INBOX" if name.upper() == "INBOX" else name)
        known = key in self.mail.subscribed
        if yes:
            assert self.store.subscribe(user, name) is not known
            self.mail.subscribed.add(key)
        else:
            assert self.store.unsubscribe(user, name) is known
            self.mail.subscribed.discard(key)

    @rule(user=USERS, octets=st.sampled_from([0, 40, 2000]), messages=st.sampled_from([0, 0, 3]))
    def set_quota(self, user: str, octets: int, messages: int) -> None:
        self.store.set_quota(user, octets=octets, messages=messages)
        self.mail.limits[user] = (octets, messages)

    @rule(user=USERS, name=NAMES)
    def take_recent(self, user: str, name: str) -> None:
        for opened, box in self.there(user, name):
            assert opened.take_recent() == box.first_recent
            box.first_recent = box.uid_next

    @rule(user=USERS, name=NAMES)
    def watch(self, user: str, name: str) -> None:
        for opened, _ in self.there(user, name):
            self.replicas[user, opened.info.name] = Replica(opened)

    @rule(user=USERS, name=NAMES, uids=UIDS)
    def cache(self, user: str, name: str, uids: list[int]) -> None:
        for opened, box in self.there(user, name):
            asked = [uid for uid in dict.fromkeys(uids) if uid in box.messages]
            got = list(opened.all_cached(asked, "upper", bytes.upper))
            assert got == [(uid, box.messages[uid].content.upper()) for uid in asked]

    @rule(user=USERS, name=NAMES, uids=UIDS, to=NAMES)
    def fail(self, user: str, name: str, uids: list[int], to: str) -> None:
        """Many changes in one step that fails in the end, all memory read in its midst."""
        heard = [len(one.uids) for one in self.replicas.values()]
        before, model = self.store.mail_state(), copy.deepcopy(self.mail)

        def step() -> None:
            with self.store.step():
                self.set_quota(user, 0, 0)
                self.deliver(user, name, b"ghost", b"", ["\\Flagged", "Ghost"])
                self.create(user, to)
                self.copy(user, name, uids, user, to, 3.0, moves=True)
                self.change_flags(user, name, uids, ["\\Draft"], "+")
                self.as_modelled()
                self.expunge(user, name, uids)
                self.take_recent(user, to)
                self.subscribe(user, to, yes=True)
                self.store.delete(user, to)
                raise Failed

        with pytest.raises(Failed):
            step()
        self.mail = model
        assert self.store.mail_state() == before
        assert [len(one.uids) for one in self.replicas.values()] == heard
        assert not any(one.gone for one in self.replicas.values())

    @rule()
    def let_go(self) -> None:
        """Nobody has a mailbox open but those who watch."""
        self.held.clear()

    @rule()
    def reopen(self) -> None:
        if self.folder:
            before = self.store.state()
            self.store.close()
            self.replicas.clear()
            self.held.clear()
            self.store = Store(self.folder)
            assert self.store.state() == before

    @rule()
    def clear(self) -> None:
        self.store.clear()
        assert all(one.gone for one in self.replicas.values())
        self.replicas.clear()
        self.held.clear()
        self.mail = Mail()
        assert self.store.state() == Store(None).state()

    # what must be so

    @invariant()
    def as_modelled(self) -> None:
        if not hasattr(self, "store"):
            return
        sizes = {key: len(box.messages) for key, box in sorted(self.mail.boxes.items())}
        found = {
            (user, name): count
            for user, boxes in self.store.mailboxes().items()
            for name, count in boxes.items()
        }
        assert found == sizes
        for (user, name), box in self.mail.boxes.items():
            self.same(user, name, box)
        for user in sorted({user for user, _ in self.mail.boxes}):
            quota = self.store.quota(user)
            assert (quota.octets, quota.messages) == self.mail.used(user)
            subscribed = {name for owner, name in self.mail.subscribed if owner == user}
            assert self.store.subscriptions(user) == tuple(sorted(subscribed))

    def same(self, user: str, name: str, box: Box) -> None:
        opened = self.store.open(user, name)
        if opened not in self.held:
            self.held.append(opened)
        info = opened.info
        assert (info.uid_validity, info.uid_next) == (box.uid_validity, box.uid_next)
        assert (info.name, info.highest_modseq) == (name, box.modseq)
        assert list(opened.uids) == sorted(box.messages)
        assert opened.keywords == tuple(box.keywords)
        for uid, kept in box.messages.items():
            one = opened.message(uid)
            assert (one.uid, one.flags, one.modseq) == (uid, kept.flags, kept.modseq)
            assert (one.received, one.saved) == (kept.received, kept.saved)
            assert one.size == len(kept.content)
            assert one.message_id == kept.message_id
        contents = [(uid, box.messages[uid].content) for uid in sorted(box.messages)]
        assert list(opened.contents(opened.uids)) == contents
        self.same_counts(user, name, opened, box)

    def same_counts(self, user: str, name: str, opened: OpenMailbox, box: Box) -> None:
        unseen = [uid for uid, one in sorted(box.messages.items()) if "\\Seen" not in one.flags]
        status = self.store.status(user, name)
        assert (status.messages, status.unseen) == (len(box.messages), len(unseen))
        assert status.size == sum(len(one.content) for one in box.messages.values())
        assert status.recent == sum(uid >= box.first_recent for uid in box.messages)
        assert (status.uid_next, status.highest_modseq) == (box.uid_next, box.modseq)
        assert opened.first_unseen == (unseen[0] if unseen else 0)
        assert opened.first_recent == box.first_recent
        for flag in ("\\Seen", "\\Deleted"):
            having = [uid for uid, one in sorted(box.messages.items()) if flag in one.flags]
            assert opened.with_flag(flag.upper()) == tuple(having)
        middle = box.modseq // 2
        later = [uid for uid, one in sorted(box.messages.items()) if one.modseq > middle]
        assert opened.changed_since(middle) == tuple(later)
        vanished = sorted(uid for uid, modseq in box.gone.items() if modseq > middle)
        assert opened.vanished_since(middle) == tuple(vanished)

    @invariant()
    def who_heard_knows(self) -> None:
        for replica in self.replicas.values():
            if not replica.gone:
                assert replica.uids == list(replica.opened.uids)
                for one in replica.opened.messages(replica.opened.uids):
                    assert replica.modseqs[one.uid] == one.modseq

    @invariant()
    def no_content_is_left_behind(self) -> None:
        if hasattr(self, "store"):
            (orphans,) = self.store._db.execute(
                "SELECT count(*) FROM content WHERE id NOT IN (SELECT content FROM message)"
            ).fetchone()
            (stale,) = self.store._db.execute(
                "SELECT count(*) FROM derived WHERE NOT EXISTS (SELECT 1 FROM message"
                " WHERE message.mailbox = derived.mailbox AND message.uid = derived.uid)"
            ).fetchone()
            assert (orphans, stale) == (0, 0)

    def there(self, user: str, name: str) -> Iterable[tuple[OpenMailbox, Box]]:
        """The mailbox and its model, if it is there."""
        key = (user, "INBOX" if name.upper() == "INBOX" else name)
        if key[1] == "INBOX":
            self.mail.box(user, name)
        if key not in self.mail.boxes:
            with pytest.raises(NoSuchMailboxError):
                self.store.open(user, name)
            return []
        return [(self.store.open(user, name), self.mail.boxes[key])]


TestStore: Any = Machine.TestCase
TestStore.settings = settings(stateful_step_count=30)
