from __future__ import annotations

import asyncio
from itertools import product

import pytest

from mailsim.servers.imap.finding import SYSTEM_FLAG_KEYS, found, matching
from mailsim.servers.imap.matching import Around, Query
from mailsim.servers.imap.view import View
from mailsim.servers.store import Store
from mailsim.wire.imap.search_keys import Key

KEYS = [prefix + name for name in SYSTEM_FLAG_KEYS for prefix in ("", "UN")]
AROUND = Around(1e9, 12, 12, [])


def view() -> View:
    """Twelve messages, with flags of all kinds."""
    store = Store(None)
    for number in range(12):
        flags = [flag for bit, flag in enumerate(SYSTEM_FLAG_KEYS.values()) if number >> bit & 1]
        store.deliver("user", "INBOX", b"%d\r\n" % number, flags=flags)
    return View(store.open("user", "INBOX"), read_only=False)


def test_the_keys_are_those_of_the_system_flags() -> None:
    assert sorted(SYSTEM_FLAG_KEYS) == ["ANSWERED", "DELETED", "DRAFT", "FLAGGED", "SEEN"]


@pytest.mark.parametrize(("first", "second"), list(product(KEYS, [*KEYS, "ALL", "RECENT"])))
def test_what_flags_rule_out_is_not_missed(first: str, second: str) -> None:
    """Whether all messages are read or only some, the same ones match."""
    one = view()
    wanted = Query([Key(first), Key(second)], AROUND)
    everything = matching(one, wanted, list(one.uids))
    assert asyncio.run(found(one, wanted)) == everything


def test_only_what_may_match_is_read() -> None:
    one = view()
    read: list[str] = []
    one.box._db.set_trace_callback(read.append)
    assert [message.uid for message in asyncio.run(found(one, Query([Key("DRAFT")], AROUND)))] == []
    assert not any("uid BETWEEN" in statement for statement in read)


def test_what_is_gone_is_not_found() -> None:
    one = view()
    one.box.expunge([1, 2])
    unseen = asyncio.run(found(one, Query([Key("UNDELETED"), Key("UNANSWERED")], AROUND)))
    assert [message.uid for message in unseen] == [3, 9, 11]
