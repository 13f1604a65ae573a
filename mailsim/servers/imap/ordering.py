"""SORT and THREAD: what was found, in an order (RFC 5256)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.finding import batches, found
from mailsim.servers.imap.matching import Candidate
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.results import Results, read_returns
from mailsim.servers.imap.search_refusals import search_refusal, sort_refusal, thread_refusal
from mailsim.servers.imap.searching import asks_modseq, check_update, keep, prepared, tell_found
from mailsim.servers.imap.sorting import in_order
from mailsim.servers.imap.threads import threads
from mailsim.wire.imap.message_commands import Sort, Thread

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.servers.imap.view import View
    from mailsim.servers.store.values import Message


async def sort(session: ImapSession, asked: Asked) -> Reply:
    """sort = "SORT" [search-return-opts] SP "(" sort-criteria ")" SP search-criteria   ; RFC 5256 §3"""
    returns, words = read_returns(asked)
    value = asked.value
    if why := sort_refusal(words):
        raise asked.refused(why)
    if not isinstance(value, Sort):
        raise asked.refused(search_refusal(words[2:]))
    wanted = await prepared(session, asked, value.keys, value.charset)
    check_update(session, asked, returns)
    view = session.selected
    ordered = in_order(candidates(view, await found(view, wanted)), value.order)
    results = Results(view, asked, [one.message for one in ordered])
    await tell_found(session, results, returns, modseq=asks_modseq(value.keys))
    keep(session, asked, returns, wanted, results)
    return ok("Sort completed")


async def thread(session: ImapSession, asked: Asked) -> Reply:
    """thread = "THREAD" SP thread-alg SP search-criteria   ; RFC 5256 §3"""
    value = asked.value
    if why := thread_refusal(asked.words):
        raise asked.refused(why)
    if not isinstance(value, Thread):
        raise asked.refused(search_refusal(asked.words[2:]))
    wanted = await prepared(session, asked, value.keys, value.charset)
    view = session.selected
    matched = candidates(view, await found(view, wanted))
    number = (lambda one: one.message.uid) if asked.uid else (lambda one: one.number)
    made = threads(matched, value.algorithm, number)
    await session.put(f"* THREAD {made}\r\n".encode())
    return ok("Thread completed")


def candidates(view: View, messages: Sequence[Message]) -> Iterator[Candidate]:
    """The messages, each with its header to look at: order asks for no body."""
    known = {one.uid: one for one in messages}
    for batch in batches(view, known, content=True):
        headers = {uid: header(content) for uid, content in view.box.contents(batch)}
        for uid in batch:
            content = headers.get(uid, b"")
            yield Candidate(view.number(uid), known[uid], partial(bytes, content))


def header(content: bytes) -> bytes:
    """The header section, with its empty line."""
    end = content.find(b"\r\n\r\n")
    return content if end < 0 else content[: end + 4]
