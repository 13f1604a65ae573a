"""Whatever fails in the midst of a change: the change was not, in the database, in memory and
for those who watch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mailsim.servers.store import OpenMailbox, Store
from mailsim.servers.store.values import Change, NoSuchMailboxError

MOST = 200  # statements that no change of these tests needs


@dataclass
class Failing:
    """A connection whose statement number `at` fails, as on a full disk, and no other."""

    database: sqlite3.Connection
    at: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.database, name)

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        self._count(statement)
        return self.database.execute(statement, *values)

    def executemany(self, statement: str, values: Any) -> sqlite3.Cursor:
        self._count(statement)
        return self.database.executemany(statement, values)

    def _count(self, statement: str) -> None:
        self.at -= 1
        if self.at == 0 and statement != "ROLLBACK":
            raise sqlite3.OperationalError("database or disk is full")


@dataclass
class Mailbox:
    """A store with two mailboxes that somebody watches."""

    store: Store
    heard: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number in range(5):
            flags = ["\\Seen", "Old"][number % 2 :]
            self.store.deliver("user", "INBOX", b"%d\r\n" % number, flags=flags)
        self.store.create("user", "Trash")
        self.store.create("user", "a/b")
        self.inbox = self.store.open("user", "INBOX")
        self.trash = self.store.open("user", "Trash")
        self.below = self.store.open("user", "a/b")
        for one in (self.inbox, self.trash, self.below):
            one.watch(self.heard.append)

    def seen(self) -> list[object]:
        """What memory says, read from it where it knows, and what the store says."""
        boxes = (self.inbox, self.trash, self.below)
        return [self.store.state()] + [_seen(box) for box in boxes]


def _seen(box: OpenMailbox) -> tuple[object, ...]:
    try:
        messages = list(box.messages(box.uids))
        return box.info, list(box.uids), messages, box.keywords, list(box.contents(box.uids))
    except NoSuchMailboxError:
        return ("gone",)


CHANGES: dict[str, Callable[[Mailbox], object]] = {
    "deliver": lambda one: one.store.deliver("user", "INBOX", b"x\r\n"),
    "deliver to a new one": lambda one: one.store.deliver("new", "Junk", b"x\r\n", flags=["A"]),
    "append": lambda one: one.inbox.append(b"x\r\n", flags=["\\Flagged", "New"], received=1.0),
    "flags": lambda one: one.inbox.change_flags([1, 2, 3], ["\\Seen", "New"], "="),
    "expunge": lambda one: one.inbox.expunge([2, 4, 5]),
    "copy": lambda one: one.inbox.copy([1, 2, 5], one.trash),
    "move": lambda one: one.inbox.move([1, 3, 4], one.trash),
    "delete": lambda one: one.store.delete("user", "INBOX"),
    "rename": lambda one: one.store.rename("user", "a", "c"),
    "rename INBOX": lambda one: one.store.rename("user", "INBOX", "old"),
    "create": lambda one: one.store.create("user", "new"),
    "subscribe": lambda one: one.store.subscribe("user", "Trash"),
    "quota": lambda one: one.store.set_quota("user", messages=7),
    "clear": lambda one: one.store.clear(),
}  # fmt: skip


def done(change: str) -> tuple[list[object], list[Change]]:
    """What there is, and was told, after the change."""
    one = Mailbox(Store(None))
    before = one.seen()
    CHANGES[change](one)
    assert one.seen() != before
    return one.seen(), one.heard


@pytest.mark.parametrize("change", CHANGES)
def test_no_statement_that_fails_leaves_a_trace(change: str) -> None:
    reached = 0
    after = done(change)
    for at in range(1, MOST):
        store = Store(None)
        failing = Failing(store._db)
        store._db = failing  # type: ignore[assignment]
        one = Mailbox(store)
        before = one.seen()
        failing.at = at
        try:
            CHANGES[change](one)
        except sqlite3.OperationalError:
            reached += 1
        else:
            assert failing.at > 0
            break
        assert one.seen() == before
        assert one.heard == []
        CHANGES[change](one)
        assert (one.seen(), one.heard) == after
    assert reached > 0


class BrokenOff(Failing):
    """A connection that is interrupted once, after so many instructions of SQLite's machine."""

    def begin(self, instructions: int) -> None:
        def stop() -> int:
            self.end()
            return 1

        self.database.set_progress_handler(stop, instructions)

    def end(self) -> None:
        self.database.set_progress_handler(None, 0)

    def _count(self, statement: str) -> None:
        if statement == "COMMIT":  # SQLite may be interrupted behind it, when all is kept
            self.end()


@pytest.mark.parametrize("change", CHANGES)
def test_nor_does_one_that_is_broken_off_in_its_midst(change: str) -> None:
    """SQLite itself rolls back then."""
    instructions = reached = 0
    after = done(change)
    while True:
        instructions += 7
        store = Store(None)
        broken = BrokenOff(store._db)
        store._db = broken  # type: ignore[assignment]
        one = Mailbox(store)
        before = one.seen()
        broken.begin(instructions)
        try:
            CHANGES[change](one)
        except sqlite3.OperationalError:
            reached += 1
            assert one.seen() == before
            assert one.heard == []
            CHANGES[change](one)
            assert (one.seen(), one.heard) == after
        else:
            break
        finally:
            broken.end()
    assert reached > 0


def test_a_full_disk_takes_no_more_and_loses_nothing(tmp_path: Path) -> None:
    one = Mailbox(Store(tmp_path))
    (pages,) = one.store._db.execute("PRAGMA page_count").fetchone()
    one.store._db.execute(f"PRAGMA max_page_count = {pages + 3}")
    before = one.seen()
    with pytest.raises(sqlite3.OperationalError, match="full"):
        one.store.deliver("user", "INBOX", b"x" * 100_000)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        one.inbox.append(b"x" * 100_000, flags=["New"], received=1.0)
    assert one.seen() == before
    assert one.heard == []
    one.store.close()
    again = Store(tmp_path)
    assert again.state() == before[0]
    assert again.deliver("user", "INBOX", b"x" * 100_000) == 6


class Full(Failing):
    """A connection that writes nothing once it is `full`."""

    full = False

    def _count(self, statement: str) -> None:
        if self.full and statement.startswith(("UPDATE", "INSERT", "COMMIT")):
            raise sqlite3.OperationalError("database or disk is full")


def test_mail_can_be_read_on_a_full_disk() -> None:
    """What would be kept of the reading is not, and that is all."""
    store = Store(None)
    disk = Full(store._db)
    store._db = disk  # type: ignore[assignment]
    one = Mailbox(store)
    before = one.seen()
    disk.full = True
    assert one.inbox.cached(2, "upper", bytes.upper) == b"1\r\n"
    assert one.inbox.take_recent() == 1
    assert one.seen() == before
    assert one.inbox.first_recent == 1
    assert not store._db.execute("SELECT 1 FROM derived").fetchall()


def test_but_a_step_that_reads_has_failed() -> None:
    store = Store(None)
    disk = Full(store._db)
    store._db = disk  # type: ignore[assignment]
    one = Mailbox(store)
    before = one.seen()
    readings: list[Callable[[], object]] = [
        one.inbox.take_recent,
        lambda: one.inbox.cached(2, "upper", bytes.upper),
    ]

    def step(read: Callable[[], object]) -> None:
        with store.step():
            disk.full = False
            one.inbox.append(b"x\r\n", received=1.0)
            disk.full = True
            read()

    for read in readings:
        with pytest.raises(sqlite3.OperationalError):
            step(read)
        assert one.seen() == before
        assert one.heard == []
