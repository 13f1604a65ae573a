"""Two hundred clients at once: every message that was answered 250 arrives, and once."""

from __future__ import annotations

import mmap
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailsim.lab.client import find
from tests.load.conftest import Client, expected, found

if TYPE_CHECKING:
    from tests.conftest import StartUp

CONNECTIONS = 200
SECONDS = float(os.environ.get("MAILSIM_LOAD_SECONDS", "60"))


def test_two_hundred_connections_lose_and_double_nothing(up: StartUp, tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    lab = up("--folder", str(folder))
    client = Client(
        lab.document["endpoints"]["smtp"]["port"],
        seconds=SECONDS,
        connections=CONNECTIONS,
        prefix="load",
        file=tmp_path / "accepted",
    )
    said = client.result()
    accepted = client.accepted()
    attached: Any = find("default")
    attached.ask("idle", timeout=120)
    queued = attached.ask("queue")
    print(said, f"{memory(lab.process.pid)} MB")  # noqa: T201 - the figures are for who runs it
    assert lab.end(signal.SIGTERM) == (0, "")
    assert set(said) == {"accepted", "connections"}
    assert said["accepted"] == len(accepted) >= 2 * CONNECTIONS
    assert queued == []
    assert found(folder) == expected(accepted)


def memory(pid: int) -> int:
    """The process's resident set in MB, 0 where /proc does not tell it."""
    statm = Path(f"/proc/{pid}/statm")
    pages = int(statm.read_text("ascii").split()[1]) if statm.exists() else 0
    return pages * mmap.PAGESIZE >> 20
