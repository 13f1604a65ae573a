"""COPY and MOVE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers.imap import replies
from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.names import opened
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.sets import chosen
from mailsim.servers.store.uidset import written
from mailsim.servers.store.values import SPECIAL_USE, OverQuotaError
from mailsim.wire.imap.codes import Code, CopyUid
from mailsim.wire.imap.sequence import SequenceSet

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.servers.store.opened import OpenMailbox

Pairs = list[tuple[int, int]]


async def copy(session: ImapSession, asked: Asked) -> Reply:
    """copy = "COPY" SP sequence-set SP mailbox   ; RFC 3501 §6.4.7"""
    raw = asked.strings(2)[1]
    uids = list(chosen(session, asked))
    if not uids:
        return replies.NO_MESSAGES
    target = opened(session, raw, "TRYCREATE")
    view = session.selected
    if not asked.uid and any(map(view.is_gone, uids)):
        return replies.NO_LONGER_EXIST  # all or none: RFC 3501 §6.4.7
    try:
        pairs = view.box.copy(uids, target, saved=session.world.clock.now())
    except OverQuotaError:
        return replies.OVER_QUOTA
    if not pairs:
        return replies.NO_LONGER_EXIST
    _count_trashed(session, target, pairs)
    return Reply("OK", "Copy completed", _copy_uid(target, pairs))


async def move(session: ImapSession, asked: Asked) -> Reply:
    """move = "MOVE" SP sequence-set SP mailbox   ; RFC 6851 §4.1"""
    raw = asked.strings(2)[1]
    uids = list(chosen(session, asked))
    if not uids:
        return replies.NO_MESSAGES
    target = opened(session, raw, "TRYCREATE")
    view = session.selected
    if view.read_only:
        return replies.READ_ONLY_BOX
    try:
        pairs = view.box.move(uids, target, saved=session.world.clock.now())
    except OverQuotaError:
        return replies.OVER_QUOTA
    if not pairs:
        return replies.NO_LONGER_EXIST
    # RFC 6851 §4.3: COPYUID comes untagged, before the first EXPUNGE.
    await session.untagged(replies.MOVED, _copy_uid(target, pairs))
    session.counted["expunged"] += len(pairs)
    _count_trashed(session, target, pairs)
    return ok("Move completed")


def _count_trashed(session: ImapSession, target: OpenMailbox, pairs: Pairs) -> None:
    if SPECIAL_USE.get(target.info.name) == "\\Trash":
        session.counted["trashed"] += len(pairs)


def _copy_uid(target: OpenMailbox, pairs: Pairs) -> Code:
    source, made = (SequenceSet(written(uids)) for uids in zip(*pairs, strict=True))
    return Code("COPYUID", CopyUid(target.info.uid_validity, source, made))
