from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mailsim.servers.store import Store
from mailsim.servers.store.values import (
    SPECIAL_USE,
    MailboxExistsError,
    NoSuchMailboxError,
    OverQuotaError,
    Quota,
)


def names(store: Store, user: str = "user") -> list[str]:
    return [one.name for one in store.list(user)]


def test_everybody_has_inbox_whatever_its_case() -> None:
    store = Store(None)
    assert names(store) == ["INBOX"]
    assert store.open("user", "inbox") is store.open("user", "InBox")
    assert not store.create("user", "iNBOX")
    assert store.deliver("user", "inbox", b"x\r\n") == store.deliver("user", "INBOX", b"x\r\n") - 1
    assert store.mailboxes() == {"user": {"INBOX": 2}}
    store.create("user", "inbox/a")  # only the whole name is special
    assert names(store) == ["INBOX", "inbox/a"]


def test_what_is_not_there() -> None:
    store = Store(None)
    with pytest.raises(NoSuchMailboxError):
        store.open("user", "a")
    with pytest.raises(NoSuchMailboxError):
        store.delete("user", "a")
    with pytest.raises(NoSuchMailboxError):
        store.status("user", "a")
    with pytest.raises(NoSuchMailboxError):
        store.rename("user", "a", "b")
    assert names(store) == ["INBOX"]


def test_a_mailbox_made_again_has_another_uid_validity(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.create("user", "a")
    known = {store.open("user", "a").info.uid_validity}
    for reopens in (False, True):
        store.delete("user", "a")
        if reopens:
            store.close()
            store = Store(tmp_path)
        assert store.create("user", "a")
        known.add(store.open("user", "a").info.uid_validity)
    assert len(known) == 3
    store.close()


def test_so_has_one_that_a_delivery_makes_again() -> None:
    store = Store(None)
    for uid in (1, 2):
        assert store.deliver("user", "a", b"x\r\n") == uid
    before = store.open("user", "a").info
    store.delete("user", "a")
    assert store.deliver("user", "a", b"y\r\n") == 1
    after = store.open("user", "a")
    assert after.info.uid_validity != before.uid_validity
    assert after.content(1) == b"y\r\n"
    assert store.mailboxes() == {"user": {"a": 1}}


def test_rename_keeps_uids_and_uid_validity_and_takes_along_what_is_below() -> None:
    store = Store(None)
    for name in ("a", "a/b", "a/b/c", "ab", "A/b"):
        store.deliver("user", name, b"x\r\n")
    box = store.open("user", "a/b")
    before = box.info
    store.rename("user", "a", "z/y")
    assert names(store) == ["A/b", "INBOX", "ab", "z/y", "z/y/b", "z/y/b/c"]
    assert store.open("user", "z/y/b") is box
    assert box.info.name == "z/y/b"
    assert (box.info.id, box.info.uid_validity) == (before.id, before.uid_validity)
    assert box.append(b"y\r\n", received=1.0) == 2
    assert store.deliver("user", "z/y/b", b"y\r\n") == 3
    assert store.deliver("user", "a/b", b"y\r\n") == 1


def test_a_level_without_a_mailbox_can_be_renamed() -> None:
    """RFC 3501 §6.3.5, the second example: foo is \\Noselect."""
    store = Store(None)
    store.create("user", "foo/bar")
    store.rename("user", "foo", "zowie")
    assert names(store) == ["INBOX", "zowie/bar"]


@pytest.mark.parametrize("to", ["b", "INBOX", "inbox", "a"])
def test_a_name_that_is_taken(to: str) -> None:
    store = Store(None)
    for name in ("a/x", "a", "b"):
        store.create("user", name)
    before = store.mail_state()[1:4]
    with pytest.raises(MailboxExistsError):
        store.rename("user", "a", to)
    assert store.mail_state()[1:4] == before


def test_one_below_may_be_in_the_way() -> None:
    store = Store(None)
    for name in ("a", "a/x", "b/x"):
        store.create("user", name)
    with pytest.raises(MailboxExistsError):
        store.rename("user", "a", "b")
    assert names(store) == ["INBOX", "a", "a/x", "b/x"]


def test_renaming_inbox_leaves_it_empty() -> None:
    """RFC 3501 §6.3.5: what is below it stays too."""
    store = Store(None)
    for name in ("INBOX", "INBOX", "INBOX/a"):
        store.deliver("user", name, b"x\r\n")
    inbox = store.open("user", "INBOX")
    inbox.change_flags([2], ["Work"], "+")
    store.rename("user", "inbox", "old")
    assert store.mailboxes() == {"user": {"INBOX": 0, "INBOX/a": 1, "old": 2}}
    assert store.open("user", "old").message(2).flags == {"Work"}
    assert store.deliver("user", "INBOX", b"x\r\n") == 3
    with pytest.raises(MailboxExistsError):
        store.rename("user", "INBOX", "old")


def test_users_have_nothing_to_do_with_each_other() -> None:
    store = Store(None)
    store.create("user", "a")
    store.subscribe("user", "a")
    assert names(store, "cheikh") == ["INBOX"]
    assert store.subscriptions("cheikh") == ()
    with pytest.raises(NoSuchMailboxError):
        store.open("cheikh", "a")


def test_a_subscription_outlives_its_mailbox() -> None:
    """RFC 3501 §6.3.6."""
    store = Store(None)
    store.create("user", "a")
    assert store.subscribe("user", "a")
    assert not store.subscribe("user", "a")
    assert store.subscribe("user", "inbox")
    store.delete("user", "a")
    assert store.subscriptions("user") == ("INBOX", "a")
    assert store.unsubscribe("user", "a")
    assert not store.unsubscribe("user", "a")


def test_a_name_is_any_text() -> None:
    store = Store(None)
    for name in ("a%", "a_", "été/à", "'; DROP TABLE mailbox; --", "📬/x"):
        assert store.create("user", name)
        store.rename("user", name, name + "!")
    assert names(store) == [
        "'; DROP TABLE mailbox; --!", "INBOX", "a%!", "a_!", "été/à!", "📬/x!",
    ]  # fmt: skip


def test_special_uses_are_attributes_of_names() -> None:
    assert SPECIAL_USE["Sent"] == SPECIAL_USE["Sent Messages"] == "\\Sent"
    assert names(Store(None)) == ["INBOX"]


# --- quotas ---------------------------------------------------------------------------------------


def test_without_a_limit_there_is_no_end() -> None:
    store = Store(None)
    store.deliver("user", "INBOX", b"x" * 100)
    assert store.quota("user") == Quota(100, 1)


@pytest.mark.parametrize("limits", [{"octets": 250}, {"messages": 2}])
def test_over_quota_takes_nothing(limits: dict[str, int]) -> None:
    store = Store(None)
    store.set_quota("user", **limits)
    for name in ("INBOX", "a"):
        store.deliver("user", name, b"x" * 100)
    inbox, other = store.open("user", "INBOX"), store.open("user", "a")
    before = store.state()
    refused: list[Callable[[], object]] = [
        lambda: store.deliver("user", "INBOX", b"x" * 100),
        lambda: store.deliver("user", "new", b"x" * 100),
        lambda: inbox.append(b"x" * 100, received=0.0, flags=["Work"]),
        lambda: inbox.copy([1], other),
    ]
    for refuse in refused:
        with pytest.raises(OverQuotaError):
            refuse()
        with store.step(), pytest.raises(OverQuotaError):  # who asks may go on with his step
            refuse()
    assert store.state() == before
    assert inbox.move([1], other) == [(1, 2)]
    assert other.expunge([1]) == (1,)
    assert inbox.append(b"x" * 100, received=0.0) == 2
    assert store.deliver("cheikh", "INBOX", b"x" * 1000) == 1


def test_nothing_is_never_too_much() -> None:
    store = Store(None)
    store.deliver("user", "INBOX", b"x" * 100)
    store.set_quota("user", octets=50)
    inbox = store.open("user", "INBOX")
    assert inbox.copy([], inbox) == inbox.copy([9], inbox) == []


def test_a_limit_is_kept_and_taken_away(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.set_quota("user", octets=10)
    store.close()
    store = Store(tmp_path)
    assert store.quota("user") == Quota(0, 0, 10, 0)
    with pytest.raises(OverQuotaError):
        store.deliver("user", "INBOX", b"x" * 11)
    store.set_quota("user")
    store.deliver("user", "INBOX", b"x" * 11)
    store.close()


def test_a_step_that_fails_gives_the_limit_back() -> None:
    store = Store(None)
    store.set_quota("user", messages=1)
    store.deliver("user", "INBOX", b"x\r\n")

    def fail() -> None:
        with store.step():
            store.set_quota("user")
            store.deliver("user", "INBOX", b"x\r\n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with pytest.raises(OverQuotaError):
        store.deliver("user", "INBOX", b"x\r\n")


def test_a_limit_for_all() -> None:
    store = Store(None)
    pristine = store.state()
    store.limit_all(messages=1)
    assert store.quota("user") == Quota(0, 0, 0, 1)
    store.set_quota("cheikh")  # has no limit, whatever the others have
    store.set_quota("mactar", messages=2)
    for user, limit in (("user", 1), ("cheikh", 5), ("mactar", 2)):
        taken = 0
        for _ in range(5):
            try:
                store.deliver(user, "INBOX", b"x\r\n")
            except OverQuotaError:
                break
            taken += 1
        assert taken == limit
    store.clear()
    assert store.state() == pristine
    store.deliver("user", "INBOX", b"x\r\n")
    with pytest.raises(OverQuotaError):
        store.deliver("user", "INBOX", b"x\r\n")


# --- the fingerprint ------------------------------------------------------------------------------


def make_and_delete(store: Store) -> None:
    store.create("user", "new")
    store.delete("user", "new")


CHANGES: dict[str, Callable[[Store], object]] = {
    "create": lambda store: store.create("user", "new"),
    "make and delete": make_and_delete,
    "delete": lambda store: store.delete("user", "a"),
    "rename": lambda store: store.rename("user", "a", "b"),
    "subscribe": lambda store: store.subscribe("user", "a"),
    "quota": lambda store: store.set_quota("user", octets=1000),
    "flags": lambda store: store.open("user", "a").change_flags([1], ["\\Seen"], "+"),
    "keyword": lambda store: store.open("user", "a").change_flags([1], ["Work"], "+"),
    "expunge": lambda store: store.open("user", "a").expunge([1]),
    "copy": lambda store: store.open("user", "a").copy([1], store.open("user", "INBOX")),
    "move": lambda store: store.open("user", "a").move([1], store.open("user", "INBOX")),
    "recent": lambda store: store.open("user", "a").take_recent(),
    "deliver": lambda store: store.deliver("user", "a", b"x\r\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_shows_in_the_state_and_clear_undoes_it(change: str) -> None:
    store = Store(None)
    pristine = store.state()
    for name in ("INBOX", "a"):
        store.deliver("user", name, b"x\r\n")
    before = store.mail_state()
    CHANGES[change](store)
    assert store.mail_state() != before
    store.open("user", "INBOX").cached(1, "x", bytes.upper)
    store.clear()
    assert store.state() == pristine
    assert not store._db.execute("SELECT 1 FROM derived").fetchall()
    for name in ("INBOX", "a"):
        store.deliver("user", name, b"x\r\n")
    assert store.mail_state() == before
