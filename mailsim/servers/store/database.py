"""The database: its connection, its steps, and the content that rows share."""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from mailsim.errors import LabError
from mailsim.servers.store.schema import NAMES, prepare

FILE = "mail.sqlite"
# Content just written is read again at once, by its delivery: it is kept so many octets long.
_CACHE = 16 * 1024 * 1024


def _place(folder: Path) -> str:
    """The database's file, for its owner alone.  Raises LabError."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        reason = error.strerror or str(error)
        raise LabError("store.unreadable", folder=folder, reason=reason) from None
    return str(folder / FILE)


class _Step:
    """What `with store.step():` enters and leaves; a generator would cost three times as much."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database._begin()  # noqa: SLF001 - its other half

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._database._end(whole=kind is None)  # noqa: SLF001 - its other half


class Database:
    """The connection to SQLite.  All is done on one thread, the simulator's loop."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        where = _place(folder) if folder else ":memory:"
        self._db = sqlite3.connect(
            where, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=64
        )
        try:
            # In WAL mode what was committed survives the process's death; NORMAL lets a power
            # cut take the last seconds, which a lab can bear.  Two labs on one folder would
            # deliver the same mail twice: the first keeps it to itself.
            self._db.executescript(
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                "PRAGMA synchronous = NORMAL;"
            )
            prepare(self._db, where)
        except sqlite3.DatabaseError as error:
            self._db.close()
            busy = getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY"
            sentence = "store.in-use" if busy else "store.unreadable"
            raise LabError(sentence, folder=folder, reason=str(error)) from None
        self._depth = 0
        self._step = _Step(self)
        self._after: list[Callable[[], object]] = []
        self._cache: dict[int, bytes] = {}
        self._cached = 0

    def step(self) -> _Step:
        """One transaction: all that is done inside it, or nothing.  Steps may nest."""
        return self._step

    def free(self) -> float:
        """Octets that are still free where the mail is kept."""
        return shutil.disk_usage(self._folder).free if self._folder else math.inf

    def after(self, told: Callable[[], object]) -> None:
        """Call `told` once the present step is kept, in the order of asking, and never if it is
        not; at once outside any step.  What memory holds of the store changes by this alone."""
        if self._depth:
            self._after.append(told)
        else:
            told()

    def _begin(self) -> None:
        if self._depth == 0:
            self._db.execute("BEGIN IMMEDIATE")
        self._depth += 1

    def _end(self, *, whole: bool) -> None:
        self._depth -= 1
        if self._depth:
            return
        if not whole:
            self._undo()
            return
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error:  # a full disk
            self._undo()
            raise
        if self._after:
            after, self._after = self._after, []
            for told in after:
                told()

    def _undo(self) -> None:
        self._after.clear()
        if self._db.in_transaction:  # SQLite itself may have rolled back
            self._db.execute("ROLLBACK")
        self._cache.clear()  # the numbers are given out again
        self._cached = 0

    def keep(self, data: bytes) -> int:
        """Write content; its number.  It goes when no row points to it any more."""
        number = self._db.execute("INSERT INTO content (data) VALUES (?)", (data,)).lastrowid or 0
        self._remember(number, data)
        return number

    def content(self, number: int) -> bytes:
        """The content of that number."""
        if number in self._cache:
            return self._cache[number]
        row = self._db.execute("SELECT data FROM content WHERE id = ?", (number,)).fetchone()
        return bytes(row[0])

    def clear(self) -> None:
        """Empty it: the lab as it was in the beginning."""
        with self.step():
            for name in NAMES:
                self._db.execute(f"DELETE FROM {name}")  # noqa: S608 # our own names
        self._cache.clear()
        self._cached = 0

    def close(self) -> None:
        """Close the database; what a folder keeps is whole."""
        self._db.close()

    def _remember(self, number: int, data: bytes) -> None:
        self._cache[number] = data
        self._cached += len(data)
        while self._cached > _CACHE:
            self._forget(next(iter(self._cache)))

    def _forget(self, number: int) -> None:
        self._cached -= len(self._cache.pop(number, b""))

    def release(self, number: int) -> None:
        """No row of this step points to that content any more: it goes, if no other does."""
        self._forget(number)
        self._db.execute(
            "DELETE FROM content WHERE id = ?1"
            " AND NOT EXISTS (SELECT 1 FROM message WHERE content = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM queue WHERE content = ?1)",
            (number,),
        )

    def _digest(self, head: bytes, number: int) -> str:
        return sha256(head + self.content(number)).hexdigest()
