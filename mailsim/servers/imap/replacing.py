"""REPLACE: a new message in place of an old one, in one step (RFC 8508)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers.imap import replies
from mailsim.servers.imap.appending import added, arguments, contents_of, not_asked_for
from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.sets import chosen
from mailsim.wire.imap.codes import AppendUid, Code
from mailsim.wire.imap.sequence import SequenceSet

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession


async def replace(session: ImapSession, asked: Asked) -> Reply:
    """replace = "REPLACE" SP seq-number SP mailbox append-message   ; RFC 8508 §5"""
    old = chosen(session, asked)
    box, news = arguments(session, asked, asked.words[1:])
    if len(news) != 1 or len(old) > 1:
        raise asked.refused(replies.INVALID)
    if news[0].pending is not None:
        return not_asked_for(news[0].pending)
    if session.selected.read_only:
        return replies.READ_ONLY_BOX
    if not old or session.selected.is_gone(old[0]):
        return replies.NO_LONGER_EXIST
    contents = contents_of(session, news)
    if not all(contents):
        return replies.EMPTY_MESSAGE
    # RFC 8508 §3.4: nothing is expunged unless the new message is stored.
    with session.world.store.step():
        uids = added(session, box, news, contents)
        if uids is None:
            return replies.OVER_QUOTA
        session.selected.box.expunge(old)
    session.counted["expunged"] += 1
    code = Code("APPENDUID", AppendUid(box.info.uid_validity, SequenceSet(str(uids[0]))))
    await session.untagged(replies.REPLACED, code)
    return ok("Replace completed")
