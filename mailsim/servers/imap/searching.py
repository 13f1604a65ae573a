"""SEARCH, and the searches that are kept up to date (RFC 5267)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsim.servers.imap import replies
from mailsim.servers.imap.access import use_modseqs
from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.finding import found, matching, query
from mailsim.servers.imap.matching import Query
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.results import Results, Returns, esearch, read_returns
from mailsim.servers.imap.search_refusals import search_refusal
from mailsim.servers.store.uidset import written
from mailsim.wire.imap.message_commands import Search
from mailsim.wire.imap.search_keys import Key

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.servers.imap.view import View

_CONTEXTS: Final = 10  # CLIENT_MAX_SEARCH_UPDATES


async def search(session: ImapSession, asked: Asked) -> Reply:
    """search = "SEARCH" [search-return-opts] SP search-program   ; RFC 3501 §6.4.4, RFC 4731 §3"""
    returns, words = read_returns(asked)
    value = asked.value
    if not isinstance(value, Search):
        raise asked.refused(search_refusal(words))
    wanted = await prepared(session, asked, value.keys, value.charset)
    check_update(session, asked, returns)
    modseq = asks_modseq(value.keys)
    results = Results(session.selected, asked, await found(session.selected, wanted))
    await tell_found(session, results, returns, modseq=modseq)
    keep(session, asked, returns, wanted, results)
    return ok("Search completed")


async def prepared(
    session: ImapSession, asked: Asked, keys: Sequence[Key], charset: str | None
) -> Query:
    """The keys, ready to be asked.  Raises RefusedError."""
    if _no_interval(keys):
        raise asked.refused(replies.SEARCH_INTERVAL)
    wanted = query(session, asked, keys, charset)
    if asks_modseq(keys):
        await use_modseqs(session)
    return wanted


def _no_interval(keys: Sequence[object]) -> bool:
    """Whether OLDER or YOUNGER has 0 seconds (RFC 5032 §4, nz-number)."""
    return any(
        isinstance(key, Key)
        and (
            (key.name in ("OLDER", "YOUNGER") and 0 in key.arguments) or _no_interval(key.arguments)
        )
        for key in keys
    )


def asks_modseq(keys: Sequence[object]) -> bool:
    """Whether MODSEQ is among the keys: then the result tells one (RFC 7162 §3.1.5)."""
    return any(
        isinstance(key, Key) and (key.name == "MODSEQ" or asks_modseq(key.arguments))
        for key in keys
    )


async def tell_found(
    session: ImapSession, results: Results, returns: Returns, *, modseq: bool
) -> None:
    """The result, in the form that is asked for; SAVE alone asks for none (RFC 5182 §2.1)."""
    if returns.options is None and not session.rev2:
        await session.put(results.plain(modseq=modseq))
    elif returns.told or returns.partial or "UPDATE" in returns or "CONTEXT" in returns:
        await session.put(results.extended(returns, modseq=modseq))


# --- searches that are kept up to date -----------------------------------------------------------


@dataclass
class Context:
    """A search whose result the client is told the changes of (RFC 5267 §4.3)."""

    asked: Asked
    wanted: Query
    uids: list[int]


def check_update(session: ImapSession, asked: Asked, returns: Returns) -> None:
    """Raise RefusedError where the tag stands for another search already."""
    if "UPDATE" not in returns:
        return
    if asked.tag in session.contexts:
        raise asked.refused(replies.DUPLICATE_UPDATE)


def keep(
    session: ImapSession, asked: Asked, returns: Returns, wanted: Query, results: Results
) -> None:
    """Remember what was found, as SAVE and UPDATE ask."""
    view = session.selected
    if "SAVE" in returns:
        view.saved = results.saved(returns)
    if "UPDATE" in returns and asked.name.endswith("SEARCH") and len(session.contexts) < _CONTEXTS:
        uids = [one.uid for one in results.messages]
        session.contexts[asked.tag] = Context(asked, wanted, uids)


def removed(view: View, context: Context, *, expunges: bool) -> bytes:
    """REMOVEFROM: what no longer matches, before its number moves."""
    known = [uid for uid in context.uids if expunges or not view.is_gone(uid)]
    still = {one.uid for one in matching(view, context.wanted, known)}
    gone = [uid for uid in known if uid not in still]
    if not gone:
        return b""
    context.uids = [uid for uid in context.uids if uid not in set(gone)]
    return esearch(context.asked, [f"REMOVEFROM (0 {_numbers(view, context, gone)})"])


def added(view: View, context: Context) -> bytes:
    """ADDTO: what matches now."""
    known = set(context.uids)
    others = [uid for uid in view.uids if uid not in known and not view.is_gone(uid)]
    new = [one.uid for one in matching(view, context.wanted, others)]
    if not new:
        return b""
    context.uids = sorted([*context.uids, *new])
    return esearch(context.asked, [f"ADDTO (0 {_numbers(view, context, new)})"])


def _numbers(view: View, context: Context, uids: list[int]) -> str:
    return written(uids if context.asked.uid else [view.number(uid) for uid in uids])


async def cancel_update(session: ImapSession, asked: Asked) -> Reply:
    """cancelupdate = "CANCELUPDATE" 1*(SP quoted)   ; RFC 5267 §4.3.5"""
    tags = [word.astring for word in asked.words]
    named = [tag.decode("utf-8", "replace") for tag in tags if tag is not None]
    if not named or len(named) != len(tags):
        raise asked.refused(replies.NO_UPDATES)
    if any(tag not in session.contexts for tag in named):
        return replies.UNKNOWN_TAG
    for tag in named:
        session.contexts.pop(tag, None)
    return replies.UPDATES_CANCELLED
