"""Which messages of a view match the keys of SEARCH, SORT or THREAD."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Final

from mailsim.servers.imap import replies
from mailsim.servers.imap.command import Asked, RefusedError
from mailsim.servers.imap.matching import (
    Around,
    BadCharsetError,
    BadKeyError,
    Candidate,
    Query,
)
from mailsim.servers.imap.searchable import is_plain
from mailsim.servers.store.flags import SYSTEM_FLAGS
from mailsim.wire.imap.search_keys import KINDS, Key

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.servers.imap.view import View
    from mailsim.servers.store.opened import OpenMailbox
    from mailsim.servers.store.values import Message

_BATCH: Final = 100
_BATCH_OCTETS: Final = 1 << 20
_REMEMBERED: Final = 20_000
_TURN: Final = 20
"""After so many batches that need not be read the others have their turn too."""
SYSTEM_FLAG_KEYS: Final = {flag[1:].upper(): flag for flag in SYSTEM_FLAGS}
"""ANSWERED, and UNANSWERED without its UN; the same for the others (RFC 3501 §6.4.4)."""


class Contents:
    """The contents of some messages, read together when the first is asked for."""

    def __init__(self, box: OpenMailbox, uids: list[int]) -> None:
        self._box = box
        self._uids = uids

    @cached_property
    def _found(self) -> dict[int, bytes]:
        return dict(self._box.contents(self._uids))

    def of(self, uid: int) -> bytes:
        """The message of that UID."""
        return self._found.get(uid, b"")


def query(session: ImapSession, asked: Asked, keys: Iterable[Key], charset: str | None) -> Query:
    """The keys, ready to be asked.  Raises RefusedError."""
    view = session.selected
    largest_uid = view.uids[-1] if view.uids else 0
    around = Around(session.world.clock.now(), len(view.uids), largest_uid, view.saved)
    try:
        return Query(keys, around, charset)
    except BadCharsetError:
        raise RefusedError(replies.BAD_CHARSET) from None
    except BadKeyError as bad:
        name = str(bad)
        known = replies.SEARCH_UNKNOWN.format(name=name) if name in KINDS else replies.SEARCH_KEY
        raise asked.refused(known) from None


async def found(view: View, wanted: Query) -> list[Message]:
    """The messages that match, ascending; other connections have their turn meanwhile."""
    matched: list[Message] = []
    uids = await _likely(view, wanted, _worth_reading(view, wanted))
    turn = max(1, _TURN // max(1, len(wanted.keys)))
    for number, batch in enumerate(batches(view, uids, content=wanted.needs_content)):
        matched += _match(view, wanted, batch)
        if wanted.needs_content or number % turn == 0:
            await asyncio.sleep(0)
    return matched


def batches(view: View, uids: Iterable[int], *, content: bool) -> Iterator[list[int]]:
    """The UIDs, some at a time; where the `content` is read, no more than memory should hold."""
    asked = iter(uids)
    while some := list(islice(asked, _BATCH)):
        if content:
            yield from _by_size(view.box.messages(some))
        else:
            yield some


def _by_size(messages: Iterable[Message]) -> Iterator[list[int]]:
    batch: list[int] = []
    octets = 0
    for one in tuple(messages):
        if batch and octets + one.size > _BATCH_OCTETS:
            yield batch
            batch, octets = [], 0
        batch.append(one.uid)
        octets += one.size
    if batch:
        yield batch


async def _likely(view: View, wanted: Query, uids: Sequence[int]) -> Sequence[int]:
    """The UIDs without those that one look at the octets rules out."""
    word = wanted.word
    if word is None:
        return uids
    likely: list[int] = []
    for batch in batches(view, uids, content=True):
        for uid, octets in view.box.contents(batch):
            upper = octets.upper()
            if word in upper or not _is_plain(view.box, uid, upper):
                likely.append(uid)
        await asyncio.sleep(0)
    return likely


def _is_plain(box: OpenMailbox, uid: int, upper: bytes) -> bool:
    """Whether the message's octets are all the text there is; what was found out is remembered,
    for it costs more than the search."""
    known = box.plain
    if uid in known:
        return True
    if is_plain(upper):
        if len(known) >= _REMEMBERED:
            known.clear()
        known.add(uid)
        return True
    return False


def _worth_reading(view: View, wanted: Query) -> Sequence[int]:
    """The UIDs without those that a flag alone rules out, which the store knows at once."""
    uids: Sequence[int] = view.uids
    for key in wanted.keys:
        flag = SYSTEM_FLAG_KEYS.get(key.name.removeprefix("UN"))
        if flag is not None:
            having = frozenset(view.box.with_flag(flag))
            wants = not key.name.startswith("UN")
            uids = [uid for uid in uids if (uid in having) is wants]
    return uids


def matching(view: View, wanted: Query, uids: Iterable[int]) -> list[Message]:
    """Which of these messages match."""
    return [
        one
        for batch in batches(view, uids, content=wanted.needs_content)
        for one in _match(view, wanted, batch)
    ]


def _match(view: View, wanted: Query, uids: list[int]) -> list[Message]:
    contents = Contents(view.box, uids)
    made = []
    for one in view.box.messages(uids):
        candidate = Candidate(
            view.number(one.uid),
            one,
            lambda uid=one.uid: contents.of(uid),  # type: ignore[misc]
            recent=view.is_recent(one.uid),
        )
        if wanted.matches(candidate):
            made.append(one)
    return made
