"""Two hundred IMAP sessions at once on one mailbox: none loses, doubles or miscounts a message."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mailsim.servers.store import Store
from tests.load.load_connections import memory

if TYPE_CHECKING:
    from tests.conftest import StartUp

PROGRAM = Path(__file__).with_name("imap_client.py")
WRITERS, READERS, IDLERS = 2, 10, 188
SECONDS = float(os.environ.get("MAILSIM_LOAD_SECONDS", "60"))


def test_writers_and_readers_count_alike(up: StartUp, tmp_path: Path) -> None:
    folder, file = tmp_path / "mail", tmp_path / "log"
    lab = up("--stage", "mail", "--folder", str(folder))
    before = memory(lab.process.pid)
    port = lab.document["endpoints"]["imap"]["port"]
    asked = (port, SECONDS, WRITERS, READERS, IDLERS, file)
    client = subprocess.run(
        [sys.executable, str(PROGRAM), *map(str, asked)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=SECONDS + 120,
    )
    said = json.loads(client.stdout)
    print(said, before, memory(lab.process.pid), "MB")  # noqa: T201 - the figures are for who runs it
    assert lab.end(signal.SIGTERM) == (0, "")
    assert not [one for one in said if one.startswith("broken")]
    assert said["sessions"] == WRITERS + READERS + IDLERS
    assert said["expunged"] > 100
    assert kept(folder) == wanted(file)


def wanted(file: Path) -> Counter[str]:
    """The messages that were appended and not expunged."""
    lines = file.read_text("utf-8").split()
    gone = {one[1:] for one in lines if one.startswith("-")}
    return Counter(one[1:] for one in lines if one.startswith("+") and one[1:] not in gone)


def kept(folder: Path) -> Counter[str]:
    """How often each message is in the mailbox that the lab kept in the folder."""
    store = Store(folder)
    box = store.open("user", "INBOX")
    names = [
        box.content(uid).partition(b"\r\n")[0].decode().removeprefix("Subject: ")
        for uid in box.uids
    ]
    store.close()
    return Counter(names)
