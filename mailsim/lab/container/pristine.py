"""Runs in the container, by its own Python and nothing else: what state it is in, and the way back.

python3 - fingerprint        a hash for each part
python3 - keep               put by what a data-only reset brings back
python3 - restore EXPECTED   bring it back where the rest is as EXPECTED (JSON: part to hash)

All of it in one program, since each start of one costs a tenth of a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

assert sys.platform != "win32"  # noqa: S101 - for the type checker: a container is Linux

# What mail, its queues and databases are kept in: a data-only reset puts it back.
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
QUEUE_RECORDS = ("defer", "bounce", "trace", "flush", "saved")
MAIL = ("/home", "/srv/peers", "/var/mail", "/var/lib/amavis/virusmails")
DATABASES = ("/var/lib/amavis/.spamassassin", "/var/lib/amavis/.pyzor")
DATABASE = "webmail"
# What a student or a fault may change beside /etc; pyzord holds its counts open.
FILES = (
    "/root",
    "/opt",
    "/tmp",  # noqa: S108 - looked at, not used
    "/var/tmp",  # noqa: S108 - too
    "/usr/local",
    "/var/spool/cron",
    "/var/lib/pyzord",
)

# All that is left out of the fingerprint, each with its reason.
LEFT_OUT = (
    (r"/etc/machine-id", "the container's own name: each has another"),
    (r"/etc/(passwd|shadow|group|gshadow)-", "what usermod(8) keeps of the file before"),
    (r"/etc/\.pwd\.lock", "usermod's lock"),
    (r"/(var/)?tmp/systemd-private-.*", "systemd's, with a random name"),
    (r"/tmp/\.\w+-unix", "systemd's own, empty"),  # noqa: S108 - a pattern
    (r"/root/\.ansible(/.*)?", "what switching a fault leaves behind"),
)
# These are not left out, but are read without what differs from one day or run to the next:
#   /etc/shadow    the day on which a password was set
#   firewall       the counters
#   databases      the dump's comments: its date
#   services       systemd's own, which come and go with the clock
_LEFT_OUT = re.compile("|".join(pattern for pattern, _ in LEFT_OUT))
_KEPT = Path("/usr/lib/mailsim/pristine")
_CONFIGURATION = ("etc", "files", "firewall", "listeners", "services")
_MOVING = ("maildrop", "incoming", "active")
_AGAIN = 0.02
_LATE = ("mailsim-pyzord", "127.0.0.1:24441")
_PATIENCE = 25.0  # seconds for what takes a tenth of one, on a machine with much to do
_SECONDS = 10.0  # in which all listens again
_GRACE = 1.0  # seconds that a session has to end
# Dovecot's programs that serve somebody; a new one is started for whoever comes next.
_SESSIONS = {
    "imap", "imap-login", "pop3", "pop3-login", "managesieve", "managesieve-login", "lmtp",
    "indexer", "indexer-worker",
}  # fmt: skip


def said(*command: str, given: bytes = b"") -> bytes:
    """What a program writes; nothing where it fails.  Whoever waits too long for one ends."""
    done = subprocess.run(  # noqa: S603 - no shell; the words are ours
        command, input=given, capture_output=True, check=False, timeout=_PATIENCE
    )
    return done.stdout


# --- the fingerprint


def tree(folders: Iterable[str | Path]) -> str:
    """Of path, owner, mode and content of all that is there, times left out."""
    digest = hashlib.sha256()
    for path in _paths(folders):
        about = path.lstat()
        digest.update(f"{path}\0{about.st_uid}\0{about.st_gid}\0{about.st_mode}\0".encode())
        digest.update(_content(path))
    return digest.hexdigest()[:16]


def _paths(folders: Iterable[str | Path]) -> Iterator[Path]:
    for folder in map(Path, folders):
        found = [folder, *folder.rglob("*")] if folder.is_dir() else []
        yield from (one for one in sorted(found) if not _LEFT_OUT.fullmatch(str(one)))


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return str(path.readlink()).encode()
    if not path.is_file():
        return b""
    if path == Path("/etc/shadow"):  # without the day on which the password was set
        rows = [line.split(b":") for line in path.read_bytes().splitlines()]
        return b"\n".join(b":".join(row[:2] + row[3:]) for row in rows)
    return path.read_bytes()


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:16]


def _spools(names: Iterable[str]) -> list[Path]:
    spools = sorted(Path("/var/spool").glob("postfix*"))
    return [spool / name for spool in spools for name in names]


def _dump() -> bytes:
    return said("mysqldump", "--skip-comments", "--databases", DATABASE)


def etc() -> str:
    """The configuration."""
    return tree(["/etc"])


def files() -> str:
    """What is changed by hand beside it."""
    return tree(FILES)


def mail() -> str:
    """Mailboxes, users' scripts, the quarantine."""
    return tree(MAIL)


def queues() -> str:
    """What any instance of Postfix holds."""
    return tree(_spools((*QUEUES, *QUEUE_RECORDS)))


def databases(dump: bytes = b"") -> str:
    """The webmail's, and what the spam filter has learnt."""
    return _hash((dump or _dump()) + tree(DATABASES).encode())


def listeners() -> str:
    """Who listens where: TCP and UDP."""
    rows = [line.split() for line in said("ss", "-lntuH").decode().splitlines()]
    return _hash("\n".join(sorted({f"{row[0]} {row[4]}" for row in rows})).encode())


def services() -> str:
    """systemd's units that are active or have failed."""
    told = said(
        "systemctl", "list-units", "--plain", "--no-legend",
        "--type=service,socket,timer", "--state=active,failed",
    )  # fmt: skip
    rows = [line.split()[:4] for line in told.decode().splitlines()]
    kept = [" ".join(row) for row in rows if not row[0].startswith(("systemd-", "user"))]
    return _hash("\n".join(sorted(kept)).encode())


def firewall() -> str:
    """The rules, without what they have counted."""
    return _hash(_rules())


def _rules() -> bytes:
    return said("nft", "--stateless", "list", "ruleset")


PARTS: tuple[Callable[..., str], ...] = (
    databases, etc, files, firewall, listeners, mail, queues, services,
)  # fmt: skip


def fingerprint(names: Iterable[str] = ()) -> dict[str, str]:
    """A hash for each part of the system's state, or for those."""
    wanted = set(names) or {part.__name__ for part in PARTS}
    return {part.__name__: part() for part in PARTS if part.__name__ in wanted}


# --- a reset of the data alone


def keep() -> dict[str, str]:
    """Put by what is to come back; the fingerprint of it all, once all has come up."""
    _settle()
    _KEPT.mkdir(mode=0o700, exist_ok=True)
    subprocess.run(["tar", "-cpf", _KEPT / "data.tar", *_data()], check=True)  # noqa: S603, S607
    (_KEPT / "webmail.sql").write_bytes(_dump())
    return fingerprint()


def _settle() -> None:
    """What no client waits for has come up too: the foreign domains', Pyzor's server."""
    deadline = time.monotonic() + _PATIENCE
    while _comes_up() and time.monotonic() < deadline:
        time.sleep(_AGAIN)


def _comes_up() -> bool:
    if said("systemctl", "is-system-running").strip() in (b"initializing", b"starting"):
        return True
    # systemd takes it for started before it listens.
    late = said("systemctl", "is-active", _LATE[0]).strip() == b"active"
    return late and _LATE[1] not in said("ss", "-lnuH").decode()


def _data() -> list[Path]:
    wanted = [*map(Path, (*MAIL, *DATABASES)), *_spools((*QUEUES, *QUEUE_RECORDS))]
    return [one for one in wanted if one.is_dir()]


def restore(expected: dict[str, str]) -> dict[str, object]:
    """Bring it back: {"parts": …}; {"changed": […]} where only a new container can."""
    found = fingerprint(_CONFIGURATION)
    changed = [name for name in _CONFIGURATION if found[name] != expected[name]]
    if not changed and any(_within(_spools(_MOVING))):
        # What is on its way would arrive after the reset.
        changed = ["queues"]
    if changed:
        return {"changed": changed}
    _cut()
    dump = _put_back()
    _forget()
    settled = _settled(expected)
    again = {**fingerprint(("mail", "queues", "firewall")), "databases": databases(dump)}
    return {"changed": [], "parts": {**found, **again, **settled}}


def _within(folders: Iterable[Path]) -> Iterator[Path]:
    return (path for folder in folders for path in folder.rglob("*") if path.is_file())


def _cut() -> None:
    """No session is left that has a mailbox open.

    Dovecot's master goes on: to stop it takes a second, and now and then half a minute.
    """
    deadline = time.monotonic() + _GRACE
    for pid in _sessions():
        _signal(pid, signal.SIGTERM)
    while (left := _sessions()) and time.monotonic() < deadline:
        time.sleep(_AGAIN)
    for pid in left:
        _signal(pid, signal.SIGKILL)


def _sessions() -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            program = (process / "exe").readlink()
            if program.parent.name == "dovecot" and program.name in _SESSIONS:
                found.append(int(process.name))
    return found


def _signal(pid: int, which: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, which)


def _put_back() -> bytes:
    """The webmail's dump, now that all is back."""
    for folder in _data():
        for one in folder.iterdir():
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(one)
            else:
                one.unlink()
    subprocess.run(["tar", "-C", "/", "-xpf", _KEPT / "data.tar"], check=True)  # noqa: S603, S607
    before = (_KEPT / "webmail.sql").read_bytes()
    if _dump() == before:
        return before
    said("mysql", given=before)
    return _dump()


def _forget() -> None:
    """What was logged, counted and remembered."""
    for path in Path("/var/log").rglob("*"):
        if path.is_file() and "journal" not in path.parts and path.stat().st_size:
            # rsyslog and the others append: they go on at the new end.
            with path.open("w", encoding="utf-8"):
                pass
    said("nft", "-f", "-", given=b"flush ruleset\n" + _rules())
    # The queue manager forgets which destinations are dead, anvil(8) who came how often.
    for pid in Path("/var/spool").glob("postfix*/pid/master.pid"):
        _signal(int(pid.read_text(encoding="utf-8")), signal.SIGHUP)


def _settled(expected: dict[str, str]) -> dict[str, str]:
    """Who listens and what runs, once it is as expected or should be."""
    deadline = time.monotonic() + _SECONDS
    while (found := fingerprint(("listeners", "services"))).items() - expected.items():
        if time.monotonic() > deadline:
            break
        time.sleep(_AGAIN)
    return found


if __name__ == "__main__":
    asked = sys.argv[1]
    if asked == "restore":
        answer: object = restore(json.loads(sys.argv[2]))
    else:
        answer = {"fingerprint": fingerprint, "keep": keep}[asked]()
    json.dump(answer, sys.stdout)
