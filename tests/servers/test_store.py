from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from mailsim.errors import LabError
from mailsim.servers.store import QueueRow, RecipientRow, Store


def row(store: Store, queue_id: str = "A0001", content: bytes = b"x\r\n") -> QueueRow:
    made = QueueRow(
        queue_id,
        "active",
        "user@minfo.sn",
        "<1@x>",
        5.0,
        len(content),
        head=b"H: 1\r\n",
        content=store.keep(content),
        recipients=[RecipientRow(0, "a@b.sn", notify="NEVER"), RecipientRow(1, "c@b.sn")],
    )
    store.enqueue(made)
    return made


def contents(store: Store) -> int:
    return int(store._db.execute("SELECT count(*) FROM content").fetchone()[0])


def test_uids_count_from_1_in_each_mailbox() -> None:
    store = Store(None)
    assert [store.deliver("user", "INBOX", b"x\r\n") for _ in range(3)] == [1, 2, 3]
    assert store.deliver("user", "Junk", b"x\r\n") == 1
    assert store.deliver("cheikh", "INBOX", b"x\r\n") == 1
    assert store.mailboxes() == {"cheikh": {"INBOX": 1}, "user": {"INBOX": 3, "Junk": 1}}


def test_a_uid_is_never_given_out_again() -> None:
    store = Store(None)
    store.deliver("user", "INBOX", b"1\r\n")
    assert store.open("user", "INBOX").expunge([1]) == (1,)
    assert store.deliver("user", "INBOX", b"2\r\n") == 2


def test_each_mailbox_has_its_uid_validity() -> None:
    store = Store(None)
    store.create("user", "INBOX")
    store.create("user", "Junk")
    store.create("user", "Junk")
    known = [store.open("user", name).info.uid_validity for name in ("INBOX", "Junk")]
    assert known[0]
    assert known[1] == known[0] + 1
    assert store.mailboxes() == {"user": {"INBOX": 0, "Junk": 0}}


def test_messages_are_head_and_content() -> None:
    store = Store(None)
    store.deliver("user", "INBOX", b"body\r\n", head=b"H: 1\r\n", message_id="<1@x>")
    (message,) = store.messages("user")
    assert (message.uid, message.message_id, message.content) == (1, "<1@x>", b"H: 1\r\nbody\r\n")
    assert store.messages("nobody") == ()


def test_queue_and_mailboxes_share_the_content() -> None:
    store = Store(None)
    queued = row(store, content=b"shared\r\n")
    for user in ("user", "cheikh"):
        store.deliver(user, "INBOX", queued.content, head=b"To: " + user.encode() + b"\r\n")
    store.dequeue(queued)
    assert contents(store) == 1
    assert store.messages("cheikh")[0].content == b"To: cheikh\r\nshared\r\n"
    store.open("user", "INBOX").expunge([1])
    assert contents(store) == 1
    store.open("cheikh", "INBOX").expunge([1])
    assert contents(store) == 0


def test_a_queued_row_comes_back_as_it_was() -> None:
    store = Store(None)
    queued = row(store)
    assert store.queued() == [queued]
    store.done(queued, [0])
    queued.queue, queued.next_attempt = "deferred", 300.0
    queued.recipients = [RecipientRow(1, "c@b.sn", "orig@b.sn", "", "rfc822;x", "why")]
    store.requeue(queued)
    assert store.queued() == [queued]
    store.dequeue(queued)
    assert store.queued() == []


def test_served_recipients_are_gone() -> None:
    store = Store(None)
    store.done(row(store), [0])
    assert [one.number for one in store.queued()[0].recipients] == [1]


def test_a_step_that_fails_leaves_nothing() -> None:
    store = Store(None)

    def fail() -> None:
        with store.step():
            number = store.keep(b"lost\r\n")
            with store.step():
                store.deliver("user", "INBOX", number)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.mailboxes() == {}
    # The number is used again: what the failed step wrote must not come back.
    store.deliver("user", "INBOX", b"kept\r\n")
    assert store.messages("user")[0].content == b"kept\r\n"


def test_clear_and_state() -> None:
    store = Store(None)
    empty = store.state()
    row(store)
    store.deliver("user", "INBOX", b"x\r\n")
    full = store.state()
    assert full != empty
    store.clear()
    assert store.state() == empty
    row(store)
    store.deliver("user", "INBOX", b"x\r\n")
    assert store.state() == full


def test_the_state_tells_contents_apart() -> None:
    one, other = Store(None), Store(None)
    one.deliver("user", "INBOX", b"x\r\n")
    other.deliver("user", "INBOX", b"y\r\n")
    assert one.state() != other.state()


def test_big_content_is_read_from_the_file_when_the_cache_is_full(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for letter in b"abcdefghijklmnopqrst":
        store.deliver("user", "INBOX", bytes([letter]) * 1_000_000)
    assert [one.content[:1] for one in store.messages("user")][:2] == [b"a", b"b"]
    assert sum(map(len, store._cache.values())) <= 16 * 1024 * 1024


def test_a_folder_keeps_it_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    store = Store(folder)
    queued = row(store)
    store.deliver("user", "INBOX", b"x\r\n")
    store.close()
    assert folder.stat().st_mode & 0o077 == 0
    again = Store(folder)
    assert again.queued() == [queued]
    assert again.mailboxes() == {"user": {"INBOX": 1}}


@pytest.mark.parametrize("version", [1, 99])
def test_another_versions_file_is_refused(tmp_path: Path, version: int) -> None:
    with sqlite3.connect(tmp_path / "mail.sqlite") as database:
        database.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(LabError) as caught:
        Store(tmp_path)
    assert caught.value.message_id == "store.version"


_WRITER = """
import sys
from pathlib import Path
from mailsim.servers.store import QueueRow, RecipientRow, Store
store = Store(Path(sys.argv[1]))
start = int(sys.argv[2])
for count in range(start, start + 100000):
    name = f"Q{count:06}"
    row = QueueRow(name, "active", "a@b.sn", "", 0.0, 1, content=store.keep(name.encode() * 50),
                   recipients=[RecipientRow(0, "user@minfo.sn")])
    store.enqueue(row)
    print(name, flush=True)
    if count % 2:
        with store.step():
            store.deliver("user", "INBOX", row.content, message_id=name)
            store.dequeue(row)
"""


def test_what_was_answered_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    random = Random("kill")
    answered: list[str] = []
    for turn in range(8):
        wanted = random.randrange(1, 120)
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), str(turn * 100_000)],
            stdout=subprocess.PIPE,
            text=True,
        ) as writer:
            assert writer.stdout
            answered += [writer.stdout.readline().strip() for _ in range(wanted)]
            writer.kill()
            answered += [line.strip() for line in writer.stdout if line.endswith("\n")]
        store = Store(tmp_path)
        queued = {one.queue_id: store.content(one.content) for one in store.queued()}
        stored = {one.message_id: one.content for one in store.messages("user")}
        assert not set(queued) & set(stored)
        found = queued | stored
        assert set(answered) <= set(found)
        assert all(content == name.encode() * 50 for name, content in found.items())
        store.close()


def test_a_folder_is_one_lab_s_at_a_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.deliver("user", "INBOX", b"x\r\n")
    with pytest.raises(LabError, match="in use by another lab"):
        Store(tmp_path)
    store.close()
    again = Store(tmp_path)
    assert len(again.messages("user")) == 1
    again.close()


def test_a_folder_that_cannot_keep_mail_is_named(tmp_path: Path) -> None:
    (tmp_path / "mail.sqlite").write_bytes(b"garbage" * 1000)
    with pytest.raises(LabError, match="cannot keep the lab"):
        Store(tmp_path)
    with pytest.raises(LabError, match="cannot keep the lab"):
        Store(tmp_path / "mail.sqlite")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_the_mail_is_its_owner_s_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.deliver("user", "INBOX", b"x\r\n")
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}
    store.close()


def test_a_mark_counts_until_its_time_has_run_out() -> None:
    store = Store(None)
    pristine = store.state()
    store.mark("user", "vacation", 10.0, 20.0)
    assert store.marked("user", "vacation", 19.0)
    assert not store.marked("user", "vacation", 20.0)
    assert not store.marked("cheikh", "vacation", 10.0)
    assert store.state() != pristine
    store.mark("user", "other", 30.0, 40.0)
    assert store.mark_state() == [("user", "other", 40.0)]
    store.clear()
    assert store.state() == pristine
