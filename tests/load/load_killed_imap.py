"""The process is killed while IMAP sessions change a mailbox: what was answered OK stays done."""

from __future__ import annotations

import imaplib
import os
import random
import re
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mailsim.servers.store import Store
from tests.load.changes_log import BOXES, Found, History, Kept
from tests.load.conftest import kill_after
from tests.servers.store.test_killed import in_order

if TYPE_CHECKING:
    from tests.conftest import StartUp, Up

PROGRAM = Path(__file__).with_name("imap_changes.py")
ROUNDS = int(os.environ.get("MAILSIM_LOAD_KILLS", "10"))
SESSIONS = 6
LATEST = 1.0  # seconds from the first answer to the kill, at most
_FETCHED = re.compile(rb"UID (\d+) FLAGS \(([^)]*)\) MODSEQ \((\d+)\)")
_STATUS = re.compile(rb"(UIDNEXT|UIDVALIDITY|HIGHESTMODSEQ) (\d+)")


def test_what_imap_was_answered_survives_the_process(up: StartUp, tmp_path: Path) -> None:
    chance = random.Random("killed imap")
    folder = tmp_path / "mail"
    history = History()
    kept: dict[str, Kept] = {}
    for number in range(ROUNDS):
        lab = up("--stage", "mail", "--folder", str(folder))
        found = asked(lab)
        assert not kept or found == kept
        file = tmp_path / f"steps{number}"
        kill_while_they_work(lab, f"round{number}", file, chance.uniform(0, LATEST))
        history.read(file)
        kept = stored(folder)
        history.check(kept)
    lab = up("--stage", "mail", "--folder", str(folder))
    assert asked(lab) == kept
    assert lab.end(signal.SIGTERM) == (0, "")
    print(dict(history.answered), "steps;", len(history.possible), "messages")  # noqa: T201 - the figures are for who runs it
    assert set(history.answered) == {
        "append",
        "copy",
        "move",
        "flag",
        "unflag",
        "delete",
        "expunge",
    }


def kill_while_they_work(lab: Up, prefix: str, file: Path, moment: float) -> None:
    """SIGKILL so long after the first answer; the sessions end by themselves."""
    file.touch()
    port = lab.document["endpoints"]["imap"]["port"]
    asked = (str(port), str(SESSIONS), prefix, str(file))
    with subprocess.Popen([sys.executable, PROGRAM, *asked]) as client:
        while "! append" not in file.read_text("utf-8"):
            assert client.poll() is None
            select.select([], [], [], 0.005)
        kill_after(lab, moment)
    assert client.returncode == 0


def stored(folder: Path) -> dict[str, Kept]:
    """What the store finds in the folder."""
    store = Store(folder)
    try:
        orphans = "SELECT count(*) FROM content WHERE id NOT IN (SELECT content FROM message)"
        assert store._db.execute(orphans).fetchone() == (0,)
        return {box: _stored(store, box) for box in BOXES}
    finally:
        store.close()


def _stored(store: Store, name: str) -> Kept:
    box = store.open("user", name)
    in_order(store, box)
    messages = [
        Found(one.uid, _subject(box.content(one.uid)), one.flags, one.modseq)
        for one in box.messages(box.uids)
    ]
    info = box.info
    return Kept(messages, info.uid_next, info.uid_validity, info.highest_modseq)


def _subject(content: bytes) -> str:
    return content.partition(b"\r\n")[0].removeprefix(b"Subject: ").decode()


def asked(lab: Up) -> dict[str, Kept]:
    """What the lab answers to a client."""
    where = lab.document["endpoints"]["imap"]
    with imaplib.IMAP4(where["host"], where["port"], timeout=60) as client:
        client.login("user", "minfo")
        client.create("Trash")
        return {box: _asked(client, box) for box in BOXES}


def _asked(client: imaplib.IMAP4, box: str) -> Kept:
    client.select(box, readonly=True)
    items = "(UID FLAGS MODSEQ BODY.PEEK[HEADER.FIELDS (SUBJECT)])"
    told = client.uid("FETCH", "1:*", items)[1]
    messages = []
    for one in told:
        if isinstance(one, tuple) and (found := _FETCHED.search(one[0])):
            flags = frozenset(found[2].decode().split()) - {"\\Recent"}
            messages.append(Found(int(found[1]), _subject(one[1]), flags, int(found[3])))
    _, status = client.status(box, "(UIDNEXT UIDVALIDITY HIGHESTMODSEQ)")
    numbers = {name: int(value) for name, value in _STATUS.findall(status[0])}
    return Kept(messages, numbers[b"UIDNEXT"], numbers[b"UIDVALIDITY"], numbers[b"HIGHESTMODSEQ"])
