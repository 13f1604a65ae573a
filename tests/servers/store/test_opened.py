"""Open mailboxes: what the model of test_machine cannot say."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from mailsim.servers.store import OpenMailbox, Store
from mailsim.servers.store.flags import KEYWORDS_LIMIT, in_order
from mailsim.servers.store.values import (
    Added,
    Change,
    Expunged,
    FlagsChanged,
    Gone,
    NoSuchMailboxError,
)


def filled(store: Store, count: int = 3, name: str = "INBOX") -> OpenMailbox:
    for number in range(1, count + 1):
        store.deliver("user", name, b"%d\r\n" % number, received=float(number))
    return store.open("user", name)


def modseqs(box: OpenMailbox) -> list[int]:
    return [box.message(uid).modseq for uid in box.uids]


def statements(store: Store) -> list[str]:
    """The statements that SQLite runs from now on."""
    seen: list[str] = []
    store._db.set_trace_callback(seen.append)
    return seen


# --- mod-sequences (RFC 7162 §3.1) -----------------------------------------------------------------


def test_each_message_that_comes_has_a_higher_mod_sequence() -> None:
    box = filled(Store(None))
    assert modseqs(box) == [2, 3, 4]
    assert box.info.highest_modseq == 4


def test_a_change_of_flags_has_one_mod_sequence_for_all_its_messages() -> None:
    box = filled(Store(None))
    assert box.change_flags([1, 3], ["\\Seen"], "+") == ((1, 3), ())
    assert modseqs(box) == [5, 3, 5]
    assert box.info.highest_modseq == 5


def test_setting_what_is_set_changes_nothing() -> None:
    box = filled(Store(None))
    box.change_flags([1], ["\\Seen", "Work"], "+")
    heard: list[Change] = []
    box.watch(heard.append)
    assert box.change_flags([1], ["\\SEEN", "WORK"], "+") == ((), ())
    assert box.change_flags([1], ["\\Flagged"], "-") == ((), ())
    assert box.change_flags([1], ["Work", "\\Seen"], "=") == ((), ())
    assert modseqs(box) == [5, 3, 4]
    assert heard == []


def test_unchanged_since_leaves_alone_what_has_changed() -> None:
    box = filled(Store(None))
    box.change_flags([2], ["\\Seen"], "+")
    assert box.change_flags([1, 2, 3], ["\\Deleted"], "+", unchanged_since=4) == ((1, 3), (2,))
    assert [box.message(uid).flags for uid in box.uids] == [
        {"\\Deleted"},
        {"\\Seen"},
        {"\\Deleted"},
    ]
    # 0 always fails: a system flag is always there (RFC 7162 §3.1.3, example 7).
    assert box.change_flags([1, 2], ["\\Draft"], "+", unchanged_since=0) == ((), (1, 2))


def test_a_message_named_twice_is_changed_once() -> None:
    """RFC 7162 §3.1.3, the note behind example 11."""
    box = filled(Store(None))
    assert box.change_flags([2, 1, 2, 3], ["\\Seen"], "+", unchanged_since=4) == ((1, 2, 3), ())


def test_expunging_has_a_mod_sequence_and_the_uids_are_remembered() -> None:
    box = filled(Store(None), 6)
    assert box.expunge([2, 5, 9]) == (2, 5)
    assert box.expunge([3]) == (3,)
    assert box.expunge([3]) == ()
    assert box.info.highest_modseq == 9
    assert box.vanished_since(0) == (2, 3, 5)
    assert box.vanished_since(7) == (2, 3, 5)
    assert box.vanished_since(8) == (3,)
    assert box.vanished_since(9) == ()


def test_what_has_changed_since() -> None:
    box = filled(Store(None), 6)
    box.change_flags([5, 1], ["\\Seen"], "+")
    assert box.changed_since(6) == (1, 5, 6)
    assert box.changed_since(7) == (1, 5)
    assert box.changed_since(8) == ()


def test_uids_and_mod_sequences_go_on_when_all_is_gone() -> None:
    box = filled(Store(None))
    box.expunge([1, 2, 3])
    assert box.append(b"x\r\n", received=1.0) == 4
    assert box.message(4).modseq == 6
    assert list(box.uids) == [4]


# --- who is told ----------------------------------------------------------------------------------


def test_watchers_hear_all_in_order_once_it_is_kept() -> None:
    store = Store(None)
    box = filled(store)
    trash = filled(store, 0, "inbox")
    assert trash is box
    store.create("user", "Trash")
    trash = store.open("user", "Trash")
    heard: list[Change] = []
    there: list[Change] = []
    box.watch(heard.append)
    trash.watch(there.append)
    with store.step():
        store.deliver("user", "INBOX", b"4\r\n")
        box.change_flags([4], ["\\Seen"], "+")
        box.move([4, 1], trash)
        box.append(b"5\r\n", received=0.0)
        assert heard == there == []
    assert heard == [
        Added((4,)),
        FlagsChanged((4,), 6),
        Expunged((1, 4), 7),
        Added((5,)),
    ]
    assert there == [Added((1, 2))]
    store.delete("user", "Trash")
    assert there[1:] == [Gone()]


def test_who_does_not_watch_any_more_hears_nothing() -> None:
    box = filled(Store(None))
    heard: list[Change] = []
    other: list[Change] = []
    cancel = box.watch(heard.append)
    box.watch(other.append)
    cancel()
    cancel()
    box.expunge([1])
    assert (heard, other) == ([], [Expunged((1,), 5)])


def test_who_is_told_may_stop_watching() -> None:
    box = filled(Store(None))
    heard: list[Change] = []
    cancels: list[Any] = []

    def once(change: Change) -> None:
        heard.append(change)
        cancels.pop()()

    cancels.append(box.watch(once))
    box.watch(heard.append)
    box.expunge([1])
    box.expunge([2])
    assert heard == [Expunged((1,), 5), Expunged((1,), 5), Expunged((2,), 6)]


def test_a_mailbox_that_was_deleted_can_do_nothing() -> None:
    store = Store(None)
    store.create("user", "a")
    box = filled(store, 2, "a")
    store.delete("user", "a")
    uses: list[Any] = [
        lambda: box.info,
        lambda: box.uids,
        lambda: box.append(b"x\r\n", received=0.0),
        lambda: box.change_flags([1], ["\\Seen"], "+"),
        lambda: filled(store).copy([1], box),
        lambda: filled(store).move([1], box),
        box.take_recent,
    ]
    for use in uses:
        with pytest.raises(NoSuchMailboxError):
            use()
    assert box.expunge([1]) == ()
    assert filled(store, 1, "a").info.uid_validity != 1_277_107_201
    with pytest.raises(NoSuchMailboxError):  # another mailbox of that name is not this one
        box.append(b"x\r\n", received=0.0)


def test_after_clear_a_mailbox_is_another() -> None:
    store = Store(None)
    before = filled(store)
    heard: list[Change] = []
    before.watch(heard.append)
    store.clear()
    after = filled(store, 1)
    assert after is not before
    assert list(after.uids) == [1]
    assert heard == [Gone()]


def test_a_mailbox_that_nobody_has_open_is_forgotten() -> None:
    store = Store(None)
    box = filled(store)
    assert store.open("user", "INBOX") is box
    assert len(store._live) == 1
    del box
    gc.collect()
    assert len(store._live) == 0


# --- flags ----------------------------------------------------------------------------------------


def test_keywords_keep_their_first_spelling_and_order() -> None:
    box = filled(Store(None))
    box.change_flags([1], ["$Junk", "a"], "+")
    box.change_flags([2], ["Work", "$JUNK", "\\seen"], "+")
    box.change_flags([1], ["A", "$junk"], "-")
    box.change_flags([3], ["never"], "-")
    assert box.keywords == ("$Junk", "a", "Work", "never")
    flags = box.message(2).flags
    assert flags == {"\\Seen", "Work", "$Junk"}
    assert in_order(flags, box.keywords) == ("\\Seen", "$Junk", "Work")
    assert box.message(1).flags == frozenset()


def test_so_do_those_that_come_with_a_copy() -> None:
    store = Store(None)
    box = filled(store)
    box.change_flags([1], ["z", "y", "x", "w"], "=")
    store.create("user", "a")
    other = store.open("user", "a")
    box.copy([1], other)
    assert other.keywords == ("z", "y", "x", "w")
    assert other.message(1).flags == {"w", "x", "y", "z"}


def test_there_is_an_end_to_keywords() -> None:
    box = filled(Store(None))
    box.change_flags([1], [f"k{number}" for number in range(KEYWORDS_LIMIT - 1)], "+")
    assert box.takes_keywords
    assert box.change_flags([2], ["last", "late", "\\Seen", "K0"], "+") == ((2,), ())
    assert box.message(2).flags == {"last", "\\Seen", "k0"}
    assert len(box.keywords) == KEYWORDS_LIMIT
    assert bool(box.takes_keywords) is False


def test_nobody_sets_recent_or_a_system_flag_that_is_none() -> None:
    box = filled(Store(None))
    assert box.change_flags([1], ["\\Recent", "\\Odd"], "+") == ((), ())
    uid = box.append(b"x\r\n", flags=["\\recent", "\\DRAFT"], received=0.0)
    assert box.message(uid).flags == {"\\Draft"}


def test_recent_is_for_the_first_that_takes_it() -> None:
    store = Store(None)
    box = filled(store)
    assert box.first_recent == 1
    assert box.take_recent() == 1
    assert box.take_recent() == 4
    store.deliver("user", "INBOX", b"x\r\n")
    assert (box.first_recent, box.take_recent(), box.take_recent()) == (4, 4, 5)


def test_an_internal_date_is_not_when_a_message_was_saved() -> None:
    store = Store(None)
    store.create("user", "a")
    box, other = filled(store), store.open("user", "a")
    uid = box.append(b"x\r\n", received=5.0, saved=100.0)
    assert (box.message(uid).received, box.message(uid).saved) == (5.0, 100.0)
    assert box.message(1).saved == 1.0
    box.copy([1, uid], other, saved=200.0)
    box.move([uid], other, saved=300.0)
    box.forget()
    other.forget()
    assert [(one.received, one.saved) for one in other.messages(other.uids)] == [
        (1.0, 200.0),
        (5.0, 200.0),
        (5.0, 300.0),
    ]


# --- content --------------------------------------------------------------------------------------


def test_contents_come_in_batches_and_what_is_gone_is_left_out() -> None:
    store = Store(None)
    box = filled(store, 250)
    seen = statements(store)
    contents = box.contents(range(1, 300))
    assert next(contents) == (1, b"1\r\n")
    box.expunge([5, 120, 250])
    rest = [uid for uid, _ in contents]
    assert rest[:4] == [2, 3, 4, 5]
    assert rest == [uid for uid in range(2, 250) if uid != 120]
    assert sum("JOIN content" in one for one in seen) == 3


def test_big_contents_are_not_all_in_memory_at_once() -> None:
    store = Store(None)
    for _ in range(4):
        store.deliver("user", "INBOX", b"x" * 600_000)
    seen = statements(store)
    assert sum(len(content) for _, content in store.open("user", "INBOX").contents(range(9))) == (
        2_400_000
    )
    assert sum("JOIN content" in one for one in seen) == 4


def test_what_is_made_of_a_message_is_made_once() -> None:
    store = Store(None)
    box = filled(store)
    made: list[bytes] = []

    def make(content: bytes) -> bytes:
        made.append(content)
        return content * 2

    before = store.mail_state()
    assert box.cached(1, "twice", make) == b"1\r\n1\r\n"
    assert list(box.all_cached([3, 1, 9, 2], "twice", make)) == [
        (3, b"3\r\n3\r\n"),
        (1, b"1\r\n1\r\n"),
        (2, b"2\r\n2\r\n"),
    ]
    assert box.cached(1, "twice", make) == b"1\r\n1\r\n"
    assert made == [b"1\r\n", b"2\r\n", b"3\r\n"]
    assert box.cached(1, "other", bytes.upper) == b"1\r\n"
    assert store.mail_state() == before
    store.create("user", "a")
    other = store.open("user", "a")
    box.copy([1, 2], other)
    assert other.cached(2, "twice", make) == b"2\r\n2\r\n"
    assert len(made) == 3
    with pytest.raises(KeyError):
        box.cached(9, "twice", make)


def test_what_was_made_goes_with_its_message() -> None:
    store = Store(None)
    store.deliver("user", "a", b"x\r\n")
    box, other = filled(store), store.open("user", "a")

    def kept() -> list[tuple[int, int]]:
        rows = store._db.execute("SELECT mailbox, uid FROM derived ORDER BY mailbox, uid")
        return [(mailbox, uid) for mailbox, uid in rows]

    dict(box.all_cached([1, 2, 3], "upper", bytes.upper))
    assert kept() == [(2, 1), (2, 2), (2, 3)]
    box.expunge([2])
    box.move([3], other)
    assert kept() == [(1, 2), (2, 1)]
    store.delete("user", "a")
    assert kept() == [(2, 1)]


def test_a_message_that_is_not_there() -> None:
    box = filled(Store(None))
    for uid in (0, 4, 99_999):
        with pytest.raises(KeyError):
            box.message(uid)
        with pytest.raises(KeyError):
            box.content(uid)
    assert list(box.messages([9, 2, 0])) == [box.message(2)]


# --- what it costs --------------------------------------------------------------------------------


def test_a_delivery_is_two_statements_and_its_content() -> None:
    store = Store(None)
    box = filled(store)
    seen = statements(store)
    with store.step():
        store.deliver("user", "INBOX", b"x\r\n", message_id="<1@x>", received=1.0)
    assert [one.split()[0] for one in seen] == ["BEGIN", "INSERT", "UPDATE", "INSERT", "COMMIT"]
    assert list(box.uids) == [1, 2, 3, 4]


def test_selecting_reads_no_message() -> None:
    store = Store(None)
    box = filled(store, 5)
    box.change_flags([1], ["\\Seen"], "+")
    del box
    gc.collect()
    seen = statements(store)
    again = store.open("user", "INBOX")
    assert (len(again.uids), again.first_unseen, again.first_recent) == (5, 2, 1)
    assert (again.info.highest_modseq, again.keywords) == (7, ())
    touched = [one for one in seen if "FROM message" in one]
    assert len(touched) == 1
    assert "INDEXED BY message_changed" in touched[0]


def test_messages_are_read_by_many_and_few_are_kept() -> None:
    store = Store(None)
    with store.step():
        box = filled(store, 20_000)
    seen = statements(store)
    assert [one.uid for one in box.messages(box.uids)] == list(range(1, 20_001))
    assert sum("FROM message" in one for one in seen) == 20
    assert sum(len(block) for block in box._index._blocks.values()) <= 16 * 1024
    box.change_flags([1, 20_000], ["\\Seen"], "+")
    assert [box.message(uid).flags for uid in (1, 20_000)] == [{"\\Seen"}, {"\\Seen"}]
