"""STORE and EXPUNGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsim.servers.imap import replies
from mailsim.servers.imap.access import use_modseqs
from mailsim.servers.imap.command import Asked, RefusedError
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.sets import chosen
from mailsim.servers.imap.words import Kind, Word
from mailsim.servers.store.flags import SYSTEM_FLAGS
from mailsim.servers.store.uidset import written
from mailsim.wire.imap import tokens
from mailsim.wire.imap.sequence import SequenceSet

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.servers.store.opened import How

_ACTIONS: Final[dict[str, How]] = {"FLAGS": "=", "+FLAGS": "+", "-FLAGS": "-"}
_SYSTEM: Final = frozenset(flag.upper() for flag in SYSTEM_FLAGS)
_SILENT: Final = ".SILENT"


def read_flags(asked: Asked, words: tuple[Word, ...]) -> tuple[str, ...]:
    """flag-list / (flag *(SP flag)), as APPEND and STORE take it.  Raises RefusedError."""
    if len(words) == 1 and words[0].kind is Kind.LIST:
        words = words[0].words
    found = []
    for word in words:
        upper = word.atom
        if upper is None:
            raise asked.refused(replies.NO_FLAGS)
        if upper.startswith("\\") and upper not in _SYSTEM:
            raise asked.refused(replies.BAD_FLAG.format(flag=upper))
        flag = word.raw.decode("ascii", "replace")
        if not tokens.FLAG.fullmatch(word.raw):
            raise RefusedError(replies.BAD_KEYWORD)
        found.append(flag)
    return tuple(found)


async def store(session: ImapSession, asked: Asked) -> Reply:
    """store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags   ; RFC 3501 §6.4.6"""
    uids = chosen(session, asked)
    words = asked.words[1:]
    unchanged_since = None
    if words and words[0].kind is Kind.LIST:
        unchanged_since, words = _modifiers(asked, words[0]), words[1:]
    action = (words[0].atom or "") if words else ""
    how = _ACTIONS.get(action.removesuffix(_SILENT))
    # No flags at all are a list of none.
    if how is None or not words:
        raise asked.refused(replies.INVALID)
    flags = read_flags(asked, words[1:])
    if unchanged_since is not None:
        await use_modseqs(session)
    view = session.selected
    if view.read_only:
        return replies.STORE_READ_ONLY if unchanged_since is None else replies.CONDSTORE_READ_ONLY
    before = view.untold
    changed, failed = view.box.change_flags(uids, flags, how, unchanged_since=unchanged_since)
    if action.endswith(_SILENT):
        view.quiet(changed, before)
    if "\\Deleted" in flags and how != "-":
        session.counted["deleted"] += len(changed)
    return _stored(session, asked, failed)


def _stored(session: ImapSession, asked: Asked, failed: tuple[int, ...]) -> Reply:
    if not failed:
        return ok("Store completed")
    # RFC 7162 §3.1.3: which messages were left alone, by number or by UID as they were named.
    numbers = failed if asked.uid else [session.selected.number(uid) for uid in failed]
    return ok("Conditional store failed").coded("MODIFIED", SequenceSet(written(numbers)))


def _modifiers(asked: Asked, word: Word) -> int | None:
    """store-modifier = "UNCHANGEDSINCE" SP mod-sequence-valzer   ; RFC 7162 §7"""
    words = word.words
    if not words:
        return None
    if words[0].atom != "UNCHANGEDSINCE":
        raise asked.refused(replies.STORE_MODIFIERS)
    value = (words[1].atom or "") if len(words) == 2 else ""
    if not value.isdecimal() or len(value) > 19:
        raise asked.refused(replies.BAD_MODSEQ)
    return int(value)


async def expunge(session: ImapSession, asked: Asked) -> Reply:
    """expunge = "EXPUNGE"; uid-expunge = "UID" SP "EXPUNGE" SP sequence-set   ; RFC 4315 §2.1"""
    if asked.uid and not asked.words:
        raise asked.refused(replies.MISSING)
    view = session.selected
    uids = frozenset(chosen(session, asked) if asked.uid else view.uids)
    if view.read_only:
        return ok("Expunge completed")
    gone = view.box.expunge(uid for uid in view.box.with_flag("\\Deleted") if uid in uids)
    session.counted["expunged"] += len(gone)
    return ok("Expunge completed")
