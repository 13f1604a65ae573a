"""SELECT and EXAMINE, and the ways out of a mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.model.stage import Release
from mailsim.servers.dovecot.wording import V24
from mailsim.servers.imap import replies
from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.names import checked, decoded, opened
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.view import View
from mailsim.servers.imap.words import Kind, Word
from mailsim.servers.store.uidset import written
from mailsim.wire.imap.codes import Code
from mailsim.wire.imap.responses import MailboxList
from mailsim.wire.imap.sequence import SequenceSet

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.servers.store.opened import OpenMailbox


class _Resync:
    """What the client knew when it was here last (RFC 7162 §3.2.5)."""

    def __init__(self, words: tuple[Word, ...], asked: Asked) -> None:
        numbers = [word.atom or "" for word in words[:2]]
        if len(numbers) < 2 or not all(one.isdecimal() and len(one) < 20 for one in numbers):
            raise asked.refused(replies.QRESYNC_INVALID)
        self.uid_validity, self.modseq = map(int, numbers)
        self.known: SequenceSet | None = None
        rest = words[2:]
        if rest and rest[0].kind is not Kind.LIST:
            self.known = _set(rest[0], asked)
            rest = rest[1:]
        if rest and (rest[0].kind is not Kind.LIST or len(rest[0].words) != 2):
            raise asked.refused(replies.QRESYNC_INVALID)
        # The third argument only spares the server's memory: all expunged UIDs are known here.
        for word in rest[0].words if rest else ():
            _set(word, asked)


def _set(word: Word, asked: Asked) -> SequenceSet:
    try:
        return SequenceSet(word.atom or "")
    except ValueError:
        raise asked.refused(replies.QRESYNC_INVALID) from None


async def select(session: ImapSession, asked: Asked) -> Reply:
    """select = "SELECT" SP mailbox [SP "(" select-param … ")"]   ; RFC 4466 §2.1"""
    words = asked.words
    name = words[0].astring if words else None
    if name is None:
        raise asked.refused(replies.INVALID)
    decoded(session, name)
    read_only = asked.name == "EXAMINE"
    was_open = session.view is not None
    # "if a mailbox is selected and a SELECT command that fails is attempted, no mailbox is
    # selected" (RFC 3501 §6.3.1).
    session.leave()
    if was_open:
        await session.untagged(replies.CLOSED, Code("CLOSED"))
    checked(session, name)
    resync = await _parameters(session, asked, words[1:2])
    # RFC 5530 §3: 2.4 says NONEXISTENT here too.
    box = opened(session, name, "NONEXISTENT" if session.config.release.dovecot >= V24 else "")
    await _open(session, box, read_only=read_only)
    if resync is not None and resync.uid_validity == box.info.uid_validity:
        await _resynchronize(session, resync)
    if session.rev2:
        await session.data(MailboxList((), "/", box.info.name))
    verb = "Examine" if read_only else "Select"
    return ok(f"{verb} completed", "READ-ONLY" if read_only else "READ-WRITE")


async def _parameters(
    session: ImapSession, asked: Asked, words: tuple[Word, ...]
) -> _Resync | None:
    """select-param *(SP select-param)"""
    given = words[0].words if words and words[0].kind is Kind.LIST else ()
    resync, at = None, 0
    while at < len(given):
        name = given[at].atom
        at += 1
        if name == "CONDSTORE":
            session.enabled.add("CONDSTORE")
        elif name == "QRESYNC":
            if "QRESYNC" not in session.enabled:
                raise asked.refused(replies.NO_QRESYNC)
            if at >= len(given) or given[at].kind is not Kind.LIST:
                raise asked.refused(replies.QRESYNC_MISSING)
            resync = _Resync(given[at].words, asked)
            at += 1
        else:
            raise asked.refused(replies.FETCH_MODIFIER)
    return resync


async def _open(session: ImapSession, box: OpenMailbox, *, read_only: bool) -> None:
    view = View(box, read_only=read_only, rev2=session.rev2)
    # RFC 7162 §3.1.2.1 wants HIGHESTMODSEQ at each SELECT; Dovecot tells it once a client has
    # ever asked for the mailbox's mod-sequences.
    full = session.config.release is Release.FULL
    view.condstore = "CONDSTORE" in session.enabled
    view.qresync = "QRESYNC" in session.enabled
    session.select(view)
    info = box.info
    lines = [view.flags_lines(), b"* %d EXISTS\r\n" % len(view.uids)]
    if not session.rev2:
        lines.append(b"* %d RECENT\r\n" % view.recent)
        if unseen := view.number(box.first_unseen):
            lines.append(f"* OK [UNSEEN {unseen}] {replies.FIRST_UNSEEN}\r\n".encode())
    lines.append(
        f"* OK [UIDVALIDITY {info.uid_validity}] {replies.UID_VALIDITY}\r\n"
        f"* OK [UIDNEXT {info.uid_next}] {replies.UID_NEXT}\r\n".encode()
    )
    if view.condstore:
        box.use_modseqs()
    if box.modseqs_used or full:
        modseq = max(1, info.highest_modseq)
        lines.append(f"* OK [HIGHESTMODSEQ {modseq}] {replies.HIGHEST}\r\n".encode())
    await session.put(b"".join(lines))


async def _resynchronize(session: ImapSession, resync: _Resync) -> None:
    """What has vanished and what has changed since (RFC 7162 §3.2.5.1)."""
    view = session.selected
    known = resync.known
    gone = view.box.vanished_since(resync.modseq)
    largest = view.box.info.uid_next - 1
    if known is not None:
        gone = tuple(uid for uid in gone if known.contains(uid, largest))
    if gone:
        await session.put(b"* VANISHED (EARLIER) %b\r\n" % written(gone).encode())
    changed = view.box.changed_since(resync.modseq)
    if known is not None:
        changed = tuple(uid for uid in changed if known.contains(uid, largest))
    await session.lines(
        b"* %d FETCH (UID %d FLAGS %b MODSEQ (%d))\r\n"
        % (view.number(one.uid), one.uid, view.flags(one.uid, one.flags), one.modseq)
        for one in view.box.messages(changed)
    )


async def close(session: ImapSession, _: Asked) -> Reply:
    """close = "CLOSE": what is \\Deleted goes, silently (RFC 3501 §6.4.2)."""
    view = session.selected
    if not view.read_only:
        gone = [uid for uid in view.box.with_flag("\\Deleted") if view.number(uid)]
        session.counted["expunged"] += len(view.box.expunge(gone))
    session.leave()
    return ok("Close completed")


async def unselect(session: ImapSession, _: Asked) -> Reply:
    """unselect = "UNSELECT"   ; RFC 3691 §2"""
    session.leave()
    return ok("Unselect completed")


async def check(_: ImapSession, __: Asked) -> Reply:
    """check = "CHECK" """
    return ok("Check completed")
