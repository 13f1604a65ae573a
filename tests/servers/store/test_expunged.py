from __future__ import annotations

from random import Random

from mailsim.servers.store import Store, expunged, uidset


def test_a_set_is_written_and_read() -> None:
    for uids in ([], [1], [1, 2], [2, 4, 5, 6, 9], [7, 4_294_967_295]):
        assert list(uidset.uids(uidset.read(uidset.written(uids)))) == uids
    assert uidset.written([2, 4, 5, 6, 9]) == "2,4:6,9"


def test_all_but_some() -> None:
    assert list(uidset.all_but([], 1)) == []
    assert list(uidset.all_but([(5, 5), (1, 2)], 7)) == [3, 4, 6]
    assert list(uidset.all_but([(1, 6)], 7)) == []


def test_many_notes_are_put_together_and_none_is_lost() -> None:
    store = Store(None)
    with store.step():
        for _ in range(3000):
            store.deliver("user", "INBOX", b"x\r\n")
    box = store.open("user", "INBOX")
    order = list(box.uids)
    Random("order").shuffle(order)
    since: dict[int, int] = {}
    with store.step():
        for uid in order[:2600]:
            box.expunge([uid])
            since[uid] = box.info.highest_modseq
    (notes,) = store._db.execute("SELECT count(*) FROM expunged").fetchone()
    assert notes <= expunged._LIMIT
    assert list(box.uids) == sorted(order[2600:])
    box.forget()
    assert list(box.uids) == sorted(order[2600:])
    for modseq in (0, 3001, 4200, 5000, 5400, 5600):
        told = set(box.vanished_since(modseq))
        assert {uid for uid, when in since.items() if when > modseq} <= told
        assert told <= set(since)
    assert len(box.vanished_since(5591)) == 10
