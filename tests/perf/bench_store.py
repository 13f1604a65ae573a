from __future__ import annotations

import gc
import time
import tracemalloc
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path

import pytest

from mailsim.servers.store import OpenMailbox, Store
from tests.perf.conftest import Report

pytestmark = pytest.mark.perf

COUNT = 100_000
HEAD = b"Return-Path: <a@b.sn>\r\nDelivered-To: user@minfo.sn\r\n" + b"Received: from x\r\n" * 20


def spent(work: Callable[[], object], often: int = 5) -> float:
    """The best of some times, in milliseconds of this process."""
    best = float("inf")
    for _ in range(often):
        gc.collect()
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best * 1000


def filled(store: Store, count: int) -> None:
    with store.step():
        for number in range(count):
            name = f"<{number}@minfo.sn>"
            store.deliver("user", "INBOX", b"x" * 200, head=HEAD, message_id=name, received=1e9)


def selected(store: Store) -> OpenMailbox:
    """What SELECT asks for."""
    box = store.open("user", "INBOX")
    assert len(box.uids) - bisect_left(box.uids, box.first_recent) >= 0
    assert box.first_unseen
    assert box.info.highest_modseq
    assert box.keywords == ()
    return box


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mailbox of 100,000 messages, a hundred of them gone, all but the last 500 seen."""
    where = tmp_path_factory.mktemp("store")
    store = Store(where)
    filled(store, COUNT)
    box = store.open("user", "INBOX")
    box.expunge(range(500, COUNT, 1000))
    box.change_flags(range(1, COUNT - 500), ["\\Seen"], "+")
    store.close()
    return where


def test_a_big_mailbox_is_selected(folder: Path, report: Report) -> None:
    store = Store(folder)
    begun = time.process_time()
    box = selected(store)
    first = (time.process_time() - begun) * 1000
    report("SELECT of 100,000 messages, the first", f"{first:.1f} ms", "at most 20 ms")
    assert first <= 20
    again = spent(lambda: selected(store))
    report("SELECT of 100,000 messages, others", f"{again:.1f} ms", "at most 20 ms")
    assert again <= 20
    del box
    gc.collect()
    tracemalloc.start()
    box = selected(store)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    report("its index", f"{size / 1e6:.1f} MB", "at most 2 MB")
    assert size <= 2e6
    assert len(box.uids) == COUNT - 100
    store.close()


def test_a_thousand_messages_at_once(folder: Path, report: Report) -> None:
    store = Store(folder)
    box = store.open("user", "INBOX")
    store.create("user", "Trash")
    trash = store.open("user", "Trash")
    uids = list(box.uids[10_000:11_000])
    times = {
        "content": spent(lambda: list(box.contents(uids))),
        "flags": spent(lambda: box.change_flags(uids, ["\\Flagged"], "+"), 1),
        "copy": spent(lambda: box.copy(uids, trash), 1),
        "expunge": spent(lambda: box.expunge(uids), 1),
    }
    store.close()
    for name, milliseconds in times.items():
        report(f"1,000 messages: {name}", f"{milliseconds:.1f} ms", "at most 100 ms")
        assert milliseconds <= 100


def test_a_delivery(report: Report) -> None:
    store = Store(None)
    filled(store, 1000)
    each = spent(lambda: filled(store, 5000), 3) / 5
    report("delivery to a mailbox, without the step", f"{each:.1f} µs", "at most 50 µs")
    assert each <= 50
