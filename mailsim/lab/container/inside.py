"""Runs in the container, by its own Python and nothing else: what is there, as one JSON document.

python3 - mailboxes|counts|queue < inside.py
"""

from __future__ import annotations

import base64
import email
import json
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

assert sys.platform != "win32"  # noqa: S101 - for the type checker: a container is Linux

PEERS = Path("/srv/peers")
_FIRST_USER, _LAST_USER = 1000, 60_000


def _said(*command: str) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - ours
    return done.stdout


def _users() -> list[str]:
    found = [one for one in pwd.getpwall() if _FIRST_USER <= one.pw_uid < _LAST_USER]
    return sorted(one.pw_name for one in found if one.pw_dir.startswith("/home/"))


def _rows(*command: str) -> list[list[str]]:
    """The rows of doveadm's tab format, without the heading."""
    return [line.split("\t") for line in _said(*command).decode().splitlines()[1:]]


def _local() -> Iterator[dict[str, Any]]:
    for user in _users():
        listed = ("doveadm", "-f", "tab", "fetch", "-u", user, "mailbox uid hdr.message-id", "ALL")
        for mailbox, uid, message_id in sorted(
            _rows(*listed), key=lambda row: (row[0], int(row[1]))
        ):
            query = ("mailbox", mailbox, "uid", uid)
            text = _said("doveadm", "fetch", "-u", user, "text", *query)
            content = text.removeprefix(b"text:\n").removesuffix(b"\f\n").removesuffix(b"\n")
            yield _message(user, mailbox, int(uid), message_id, content)


def _foreign() -> Iterator[dict[str, Any]]:
    """Of the foreign domains: a Maildir each, which no Dovecot numbers."""
    for folder in sorted(PEERS.glob("*/*/Maildir")):
        arrived = [*folder.glob("new/*"), *folder.glob("cur/*")]
        for uid, file in enumerate(sorted(arrived), 1):
            content = file.read_bytes()
            message_id = email.message_from_bytes(content).get("Message-ID", "")
            owner = f"{folder.parent.name}@{folder.parent.parent.name}"
            yield _message(owner, "INBOX", uid, message_id, content)


def _message(user: str, mailbox: str, uid: int, message_id: str, content: bytes) -> dict[str, Any]:
    crlf = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return {
        "user": user,
        "mailbox": mailbox,
        "uid": uid,
        "message_id": message_id.strip().removeprefix("<").removesuffix(">"),
        "content": base64.b64encode(crlf).decode(),
    }


def mailboxes() -> list[dict[str, Any]]:
    """Every message of every mailbox."""
    return [*_local(), *_foreign()]


def counts() -> dict[str, dict[str, int]]:
    """How many messages each mailbox holds that holds any."""
    found: dict[str, dict[str, int]] = {}
    for user in _users():
        for mailbox, count in _rows(
            "doveadm", "-f", "tab", "mailbox", "status", "-u", user, "messages", "*"
        ):
            if int(count):
                found.setdefault(user, {})[mailbox] = int(count)
    for one in _foreign():
        boxes = found.setdefault(one["user"], {})
        boxes["INBOX"] = boxes.get("INBOX", 0) + 1
    return found


def queue() -> list[dict[str, Any]]:
    """What postqueue(1) shows of all instances, with each message's Message-ID."""
    found = []
    for folder in sorted(Path("/etc").glob("postfix*")):
        if not (folder / "main.cf").is_file():
            continue
        for line in _said("postqueue", "-c", str(folder), "-j").decode().splitlines():
            entry = json.loads(line)
            header = _said("postcat", "-c", str(folder), "-qh", entry["queue_id"])
            message_id = email.message_from_bytes(header).get("Message-ID", "")
            found.append(
                {**entry, "message_id": message_id.strip().strip("<>"), "folder": str(folder)}
            )
    return found


if __name__ == "__main__":
    asked = {one.__name__: one for one in (mailboxes, counts, queue)}
    json.dump(asked[sys.argv[1]](), sys.stdout)
