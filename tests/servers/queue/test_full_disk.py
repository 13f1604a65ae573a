"""Whatever statement fails: what was answered 250 is delivered to each once, and memory and
store agree."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mailsim.model.stage import Stage
from mailsim.servers.queue.refused import Refused

MOST = 200  # statements that no message of these tests needs


@dataclass
class FailingOnce:
    """A connection whose statement number `at` fails, as on a full disk, and no other."""

    database: sqlite3.Connection
    at: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.database, name)

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        self.at -= 1
        if self.at == 0 and statement != "ROLLBACK":
            raise sqlite3.OperationalError("database or disk is full")
        return self.database.execute(statement, *values)


def mended(world: Any) -> bool:
    """Whether it failed; it does not any more."""
    failing = world.store._db
    world.store._db = failing.database
    return bool(failing.at <= 0)


def quiet(world: Any) -> Callable[[], None]:
    """A delivery that died is told to the loop, which would write it to the terminal."""

    def step() -> None:
        world.queue._loop.set_exception_handler(lambda *_: None)

    return step


def agree(world: Any) -> None:
    """Memory has what the store has."""
    assert {mail.row.queue_id for mail in world.queue._held.all()} == {
        row.queue_id for row in world.store.queued()
    }


def orphans(world: Any) -> int:
    """How many contents no row points to."""
    return int(
        world.store._db.execute(
            "SELECT count(*) FROM content WHERE id NOT IN (SELECT content FROM queue)"
            " AND id NOT IN (SELECT content FROM message)"
        ).fetchone()[0]
    )


def inbox(world: Any, user: str) -> int:
    return len(world.store.messages(user))


def try_to_send(world: Any, refused: list[str]) -> None:
    try:
        world.send("autre_user@minfo.sn", "cheikh@minfo.sn", "nobody@minfo.sn")
    except Refused as error:
        refused.append(str(error.reply))


@pytest.mark.parametrize("running", [True, False], ids=["running", "before the start"])
def test_local_mail_is_there_once_or_was_refused(
    make: Callable[..., Any], *, running: bool
) -> None:
    for at in range(1, MOST):
        world = make(Stage.MAIL)
        world.store._db = FailingOnce(world.store._db, at)
        refused: list[str] = []
        send = partial(try_to_send, world, refused)
        if not running:
            send()
        hour = partial(world.clock.advance, 3600)
        world.run(quiet(world), *([send] if running else []), hour)
        failed = mended(world)
        agree(world)
        kept = 0 if refused else 1
        assert [inbox(world, user) for user in ("autre_user", "cheikh", "user")] == [kept] * 3
        assert world.queue.entries() == ()
        assert orphans(world) == 0
        assert set(refused) <= {"451 4.3.0 Error: queue file write error"}
        if not failed:
            break
    assert 5 < at < MOST - 1


def test_mail_for_elsewhere_is_bounced_once(make: Callable[..., Any]) -> None:
    for at in range(1, MOST):
        world = make(Stage.MAIL)
        refused = False
        world.store._db = FailingOnce(world.store._db, at)
        try:
            world.send("autre_user@minfo.sn", "nobody@minfo.sn", "x@kelkpart.com")
        except Refused:
            refused = True
        hour = partial(world.clock.advance, 3600)
        world.run(quiet(world), hour, hour)
        failed = mended(world)
        agree(world)
        assert inbox(world, "autre_user") == (0 if refused else 1)
        bounces = b"".join(one.content for one in world.store.messages("user"))
        for address in (b"nobody@minfo.sn", b"x@kelkpart.com"):
            assert bounces.count(b"Original-Recipient: rfc822;" + address) == (
                0 if refused else 1
            ), at
        assert world.queue.entries() == ()
        assert orphans(world) == 0
        if not failed:
            break
    assert 5 < at < MOST - 1


def test_a_disk_that_stays_full_refuses_and_keeps_what_it_has(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    world = make(Stage.MAIL, folder=tmp_path)
    world.send("x@ugb.sn")  # nobody listens there: it waits
    world.run()
    (pages,) = world.store._db.execute("PRAGMA page_count").fetchone()
    world.store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(Refused, match=r"451 4.3.0 Error: queue file write error"):
        world.send("user@minfo.sn", content=b"Subject: x\r\n\r\n" + b"x" * 99_000)
    world.run(quiet(world), world.queue.flush)
    agree(world)
    assert len(world.queue.entries()) == 1
    assert inbox(world, "user") == 0
    world.store._db.execute("PRAGMA max_page_count = 100000")
    world.send("user@minfo.sn", content=b"Subject: x\r\n\r\n" + b"x" * 99_000)
    world.run()
    assert inbox(world, "user") == 1
    world.store.close()


def test_a_mailbox_that_cannot_be_written_is_told_as_a_full_disk(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(Stage.MAIL)

    def full(*_: Any, **__: Any) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(world.store, "deliver", full)
        failures: list[object] = []

        def send() -> None:
            world.queue._loop.set_exception_handler(lambda *one: failures.append(one))
            world.send("user@minfo.sn")

        world.run(send)
    assert failures == []
    assert "postfix/qmgr: warning: write queue file: database or disk is full" in world.lines


def test_a_script_that_ran_in_a_step_that_failed_ran_once(make: Callable[..., Any]) -> None:
    world = make(Stage.SIEVE)
    world.set(content_filter="")
    whole = world.store._db

    class FullOnce(FailingOnce):
        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement == "COMMIT" and self.at:
                self.at = 0
                raise sqlite3.OperationalError("database or disk is full")
            return self.database.execute(statement, *values)

    def send() -> None:
        world.store._db = FullOnce(whole, 1)
        world.send("user@minfo.sn")

    world.store.put_script("user", "a", b"keep;")
    world.store.activate_script("user", "a")
    world.run(quiet(world), send)
    assert inbox(world, "user") == 1
    assert [one.location for one in world.sieve_runs.of("1@poste.minfo.sn")] == [
        "/home/user/.dovecot.sieve"
    ]
