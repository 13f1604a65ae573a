"""The process is killed while clients send: what was answered 250 is there when it starts again."""

from __future__ import annotations

import os
import random
import select
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailsim.lab.client import find
from tests.load.conftest import Accepted, Client, expected, found, kill_after

if TYPE_CHECKING:
    from tests.conftest import StartUp, Up

ROUNDS = int(os.environ.get("MAILSIM_LOAD_KILLS", "15"))
CONNECTIONS = 20
LATEST = 1.0  # seconds from the first 250 to the kill, at most


def kill_while_it_works(lab: Up, client: Client, moment: float) -> None:
    """SIGKILL so long after the first message was accepted."""
    while not client.accepted():
        assert client.process.poll() is None
        select.select([], [], [], 0.005)
    kill_after(lab, moment)
    client.process.kill()
    client.process.communicate()


def test_what_was_answered_250_survives_the_process(up: StartUp, tmp_path: Path) -> None:
    chance = random.Random("killed")
    folder = tmp_path / "mail"
    accepted: list[Accepted] = []
    for number in range(ROUNDS):
        file = tmp_path / f"accepted{number}"
        file.touch()
        lab = up("--folder", str(folder))
        client = Client(
            lab.document["endpoints"]["smtp"]["port"],
            seconds=60,
            connections=CONNECTIONS,
            prefix=f"round{number}",
            file=file,
        )
        kill_while_it_works(lab, client, chance.uniform(0, LATEST))
        accepted += client.accepted()
    lab = up("--folder", str(folder))
    attached: Any = find("default")
    attached.ask("idle", timeout=120)
    assert attached.ask("queue") == []
    assert lab.end(signal.SIGTERM) == (0, "")
    check(folder, accepted)


def check(folder: Path, accepted: list[Accepted]) -> None:
    """All is there.  A local message never twice: it leaves the queue in the step that puts it
    into a mailbox.  To other hosts SMTP itself may send twice (RFC 5321 §4.5.3.2.6)."""
    there, wanted = found(folder), expected(accepted)
    print(len(accepted), "accepted,", sum(there.values()), "found")  # noqa: T201 - the figures are for who runs it
    assert len({one.message_id.partition(".")[0] for one in accepted}) == ROUNDS
    assert wanted - there == {}
    twice = {place for (_, place), count in there.items() if count > 1}
    assert {place for place in twice if "@" not in place and "bounce" not in place} == set()
