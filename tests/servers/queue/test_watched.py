"""What the queue delivers is told to who has the mailbox open."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from mailsim.model.stage import Stage
from mailsim.servers.queue.refused import Refused
from mailsim.servers.store.values import Added, Change


def watched(world: Any) -> tuple[Any, list[Change]]:
    """The mailbox of autre_user, and what is heard of it."""
    box = world.store.open("autre_user", "INBOX")
    heard: list[Change] = []

    def hear(change: Change) -> None:
        assert not world.store._db.in_transaction
        heard.append(change)

    box.watch(hear)
    return box, heard


def test_each_message_is_told_of_when_it_is_kept(make: Callable[..., Any]) -> None:
    world = make(Stage.MAIL)
    box, heard = watched(world)

    def send() -> None:
        world.send("autre_user@minfo.sn", "cheikh@minfo.sn")

    world.run(send, send)
    assert heard == [Added((1,)), Added((2,))]
    assert list(box.uids) == [1, 2]
    assert b"Bonjour" in box.content(2)
    assert box.message(2).message_id == "<1@poste.minfo.sn>"


def test_what_was_refused_is_not_told_of(make: Callable[..., Any]) -> None:
    world = make(Stage.MAIL)
    box, heard = watched(world)
    whole = world.store._db

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(whole, name)

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement == "COMMIT":
                raise sqlite3.OperationalError("database or disk is full")
            cursor: sqlite3.Cursor = whole.execute(statement, *values)
            return cursor

    def send() -> None:
        world.store._db = Full()
        with pytest.raises(Refused):
            world.send("autre_user@minfo.sn")
        world.store._db = whole

    world.run(send)
    assert heard == []
    assert list(box.uids) == []
    world.send("autre_user@minfo.sn")
    world.run()
    assert heard == [Added((1,))]
    assert list(box.uids) == [1]
