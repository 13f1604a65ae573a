"""A process that is killed in the midst of its changes leaves mailboxes in order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

from mailsim.servers.store import OpenMailbox, Store

_WRITER = """
import sys
from pathlib import Path
from random import Random
from mailsim.servers.store import Store
store = Store(Path(sys.argv[1]))
random = Random(sys.argv[2])
store.create("user", "Trash")
boxes = [store.open("user", "INBOX"), store.open("user", "Trash")]
while True:
    one, other = random.sample(boxes, 2)
    some = random.sample(list(one.uids), min(5, len(one.uids)))
    uid = one.append(b"x" * random.randrange(5000), flags=random.sample(["A", "b"], 1), received=1.0)
    print(one.info.name, uid, flush=True)
    one.change_flags(some, random.sample(["\\\\Seen", "\\\\Draft", "c"], 2), random.choice("+-="))
    one.cached(uid, "upper", bytes.upper)
    if len(one.uids) > 20:
        one.expunge(some)
    else:
        random.choice([one.copy, one.move])(some, other)
"""


def in_order(store: Store, box: OpenMailbox) -> None:
    """What is counted is what is there, and each UID is a message's or was expunged."""
    status = store.status("user", box.info.name)
    messages = list(box.messages(range(1, status.uid_next)))
    gone = box.vanished_since(0)
    assert sorted([one.uid for one in messages] + list(gone)) == list(range(1, status.uid_next))
    assert [one.uid for one in messages] == list(box.uids)
    assert status.messages == len(messages)
    assert status.unseen == sum("\\Seen" not in one.flags for one in messages)
    assert status.size == sum(one.size for one in messages)
    assert all(one.modseq <= status.highest_modseq for one in messages)
    assert [(one.uid, one.size) for one in messages] == [
        (uid, len(content)) for uid, content in box.contents(box.uids)
    ]


def test_a_kill_leaves_mailboxes_in_order(tmp_path: Path) -> None:
    random = Random("kill")
    for turn in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), str(turn)],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout
            told = [writer.stdout.readline() for _ in range(random.randrange(20, 150))]
            writer.kill()
            told += [line for line in writer.stdout if line.endswith("\n")]
        store = Store(tmp_path)
        boxes = {name: store.open("user", name) for name in ("INBOX", "Trash")}
        for box in boxes.values():
            in_order(store, box)
        for line in told:
            name, uid = line.split()
            assert int(uid) < boxes[name].info.uid_next
        (orphans,) = store._db.execute(
            "SELECT count(*) FROM content WHERE id NOT IN (SELECT content FROM message)"
        ).fetchone()
        assert orphans == 0
        store.close()
