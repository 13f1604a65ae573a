from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailsim.servers.store import Store

if TYPE_CHECKING:
    from tests.conftest import Up

PROGRAM = Path(__file__).with_name("client.py")


@dataclass(frozen=True)
class Accepted:
    """A message that was answered 250."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]

    @property
    def places(self) -> list[str]:
        """Where it must be, once for each recipient: mailboxes, or a bounce."""
        return [_place(one, self.sender) for one in self.recipients]


def _place(recipient: str, sender: str) -> str:
    user, _, domain = recipient.partition("@")
    if user == "personne":
        return f"bounce to {sender.partition('@')[0]}"
    if user == "root":
        return "admin"
    return user if domain == "minfo.sn" else recipient


class Client:
    """The client of client.py at work; `file` is where it writes what was accepted."""

    def __init__(
        self, port: int, *, seconds: float, connections: int, prefix: str, file: Path
    ) -> None:
        self._file = file
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, str(port), str(seconds), str(connections), prefix, str(file)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def accepted(self) -> list[Accepted]:
        """What it was answered 250 for until now."""
        # A last line without its end was cut off while it was written.
        lines = self._file.read_text("utf-8").rpartition("\n")[0].splitlines()
        split = [line.split() for line in lines]
        return [Accepted(name, sender, tuple(to)) for name, sender, *to in split]

    def result(self) -> dict[str, Any]:
        """Its own account, once it has ended."""
        said, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0
        found: dict[str, Any] = json.loads(said)
        return found


def found(folder: Path) -> Counter[tuple[str, str]]:
    """How often each message is in each place, and in the queue, of the lab that kept its mail there."""
    store = Store(folder)
    counts: Counter[tuple[str, str]] = Counter()
    try:
        for user, boxes in store.mailboxes().items():
            for box in boxes:
                for one in store.messages(user, box):
                    counts[_found(user, one.message_id, one.content)] += 1
    finally:
        store.close()
    return counts


def _found(user: str, message_id: str, content: bytes) -> tuple[str, str]:
    """What is it: a message of ours, or a bounce, which names the message in what it returns."""
    name = message_id.strip("<>")
    if name.endswith("@poste.minfo.sn"):
        return name, user
    returned = [
        line.partition(b":")[2].decode().strip().strip("<>")
        for line in content.splitlines()
        if line.lower().startswith(b"message-id:")
    ]
    return returned[-1], f"bounce to {user}"


def expected(accepted: list[Accepted]) -> Counter[tuple[str, str]]:
    """Each accepted message once in each of its places."""
    return Counter((one.message_id, place) for one in accepted for place in one.places)


def kill_after(lab: Up, moment: float) -> None:
    """SIGKILL the lab so many seconds from now."""
    end = time.monotonic() + moment
    while (left := end - time.monotonic()) > 0:
        select.select([], [], [], left)
    lab.process.kill()
    lab.process.wait()
