"""Which messages of a view match the keys of SEARCH, SORT or THREAD."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import cached_property
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

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.servers.imap.view import View
    from mailsim.servers.store.opened import OpenMailbox
    from mailsim.servers.store.values import Message
    from mailsim.wire.imap.search_keys import Key

_BATCH: Final = 100


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
        raise asked.refused(replies.SEARCH_UNKNOWN.format(name=str(bad)[:80])) from None


async def found(view: View, wanted: Query) -> list[Message]:
    """The messages that match, ascending; other connections have their turn meanwhile."""
    matched: list[Message] = []
    uids = view.uids
    for start in range(0, len(uids), _BATCH):
        matched += matching(view, wanted, list(uids[start : start + _BATCH]))
        if wanted.needs_content:
            await asyncio.sleep(0)
    return matched


def matching(view: View, wanted: Query, uids: list[int]) -> list[Message]:
    """Which of these messages match."""
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
