"""Runs in the container, by its own Python and nothing else: what is there, as one JSON document.

python3 - mailboxes|counts|queue|fingerprint < inside.py
"""

from __future__ import annotations

import base64
import email
import hashlib
import json
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

assert sys.platform != "win32"  # noqa: S101 - for the type checker: a container is Linux

PEERS = Path("/srv/peers")
# What differs between two machines that are the same: their names, their locks, compiled copies.
_OWN = {
    "machine-id",
    ".pwd.lock",
    "mtab",
    "ld.so.cache",
    "passwd-",
    "shadow-",
    "group-",
    "gshadow-",
}
_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
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


def _tree(*folders: Path) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            if path.name in _OWN or path.name.startswith("dovecot"):
                continue
            about = path.lstat()
            digest.update(f"{path}\0{about.st_uid}\0{about.st_gid}\0{about.st_mode}\0".encode())
            digest.update(_content(path))
    return digest.hexdigest()[:16]


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return str(path.readlink()).encode()
    if not path.is_file():
        return b""
    if path == Path("/etc/shadow"):  # without the day on which the password was set
        rows = [line.split(b":") for line in path.read_bytes().splitlines()]
        return b"\n".join(b":".join(row[:2] + row[3:]) for row in rows)
    return path.read_bytes()


def _listeners() -> str:
    rows = [line.split() for line in _said("ss", "-lntuH").decode().splitlines()]
    found = sorted({f"{row[0]} {row[4]}" for row in rows})
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]


def fingerprint() -> dict[str, str]:
    """A hash for each part of the system's state."""
    spools = [
        spool / name for spool in sorted(Path("/var/spool").glob("postfix*")) for name in _QUEUES
    ]
    dump = _said("mysqldump", "--skip-comments", "--databases", "webmail")
    return {
        "databases": hashlib.sha256(dump).hexdigest()[:16],
        "etc": _tree(Path("/etc")),
        "listeners": _listeners(),
        "mail": _tree(Path("/home"), PEERS, Path("/var/mail"), Path("/var/lib/amavis/virusmails")),
        "queues": _tree(*spools),
    }


if __name__ == "__main__":
    asked = {one.__name__: one for one in (mailboxes, counts, queue, fingerprint)}
    json.dump(asked[sys.argv[1]](), sys.stdout)
