"""Mailboxes made, deleted, renamed, subscribed to, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsim.model.stage import Release
from mailsim.servers.imap import replies
from mailsim.servers.imap.access import use_modseqs
from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.names import absent, checked, decoded
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.words import Kind, Word
from mailsim.servers.store.values import INBOX, SEPARATOR, MailboxExistsError, NoSuchMailboxError
from mailsim.wire.imap.responses import MailboxStatus, Namespace, NamespaceEntry

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession

STATUS_ITEMS: Final = (
    "MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "HIGHESTMODSEQ", "SIZE",
)  # fmt: skip
_REV2_ITEMS: Final = (
    "MESSAGES",
    "UIDNEXT",
    "UIDVALIDITY",
    "UNSEEN",
    "HIGHESTMODSEQ",
    "SIZE",
    "DELETED",
)


async def create(session: ImapSession, asked: Asked) -> Reply:
    """create = "CREATE" SP mailbox   ; RFC 3501 §6.3.3"""
    name = checked(session, asked.strings(1)[0], made=True)
    made = name != INBOX and session.world.store.create(session.user, name)
    return ok("Create completed") if made else replies.EXISTS


async def delete(session: ImapSession, asked: Asked) -> Reply:
    """delete = "DELETE" SP mailbox   ; RFC 3501 §6.3.4"""
    raw = asked.strings(1)[0]
    if not raw:
        return replies.DELETE_ROOT
    name = checked(session, raw)
    if name == INBOX:
        return replies.DELETE_INBOX
    view = session.view
    if view is not None and not view.deleted and view.box.info.name == name:
        session.leave()
    try:
        session.world.store.delete(session.user, name)
    except NoSuchMailboxError:
        raise absent(name, "NONEXISTENT") from None
    return ok("Delete completed")


async def rename(session: ImapSession, asked: Asked) -> Reply:
    """rename = "RENAME" SP mailbox SP mailbox   ; RFC 3501 §6.3.5"""
    old, new = (checked(session, raw) for raw in asked.strings(2))
    if refusal := _not_renamed(session, old, new):
        return refusal
    try:
        session.world.store.rename(session.user, old, new)
    except NoSuchMailboxError:
        raise absent(old, "NONEXISTENT") from None
    except MailboxExistsError:
        return replies.TARGET_EXISTS
    return ok("Rename completed")


def _not_renamed(session: ImapSession, old: str, new: str) -> Reply | None:
    if old == new:
        return replies.TO_ITSELF
    if old == INBOX and session.config.release is not Release.FULL:
        return replies.RENAME_INBOX
    if new.startswith(old + SEPARATOR) and old != INBOX:
        return replies.UNDER_ITSELF
    names = {one.name for one in session.world.store.list(session.user)}
    if new in names:
        return replies.TARGET_EXISTS
    return None


async def subscribe(session: ImapSession, asked: Asked) -> Reply:
    """subscribe = "SUBSCRIBE" SP mailbox   ; RFC 3501 §6.3.6"""
    name = decoded(session, asked.strings(1)[0])
    if name not in {one.name for one in session.world.store.list(session.user)}:
        raise absent(name)
    session.world.store.subscribe(session.user, name)
    return ok("Subscribe completed")


async def unsubscribe(session: ImapSession, asked: Asked) -> Reply:
    """unsubscribe = "UNSUBSCRIBE" SP mailbox"""
    name = checked(session, asked.strings(1)[0])
    session.world.store.unsubscribe(session.user, name)
    return ok("Unsubscribe completed")


async def namespace(session: ImapSession, _: Asked) -> Reply:
    """namespace = "NAMESPACE"   ; RFC 2342 §5"""
    await session.data(Namespace((NamespaceEntry("", SEPARATOR),), (), ()))
    return ok("Namespace completed")


async def status(session: ImapSession, asked: Asked) -> Reply:
    """status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"   ; RFC 3501 §6.3.10"""
    raw = asked.strings(1)[0]
    if len(asked.words) < 2:
        raise asked.refused(replies.MISSING)
    items = asked.words[1]
    if items.kind is not Kind.LIST:
        raise asked.refused(replies.INVALID)
    wanted = status_items(session, asked, items)
    name = checked(session, raw)
    try:
        await tell_status(session, name, wanted)
    except NoSuchMailboxError:
        raise absent(name) from None
    view = session.view
    if view is not None and not view.deleted and view.box.info.name == name:
        # RFC 3501 §6.3.10: STATUS is not for the mailbox that is selected.
        return ok("Status on selected mailbox completed", "" if session.rev2 else "CLIENTBUG")
    return ok("Status completed")


def status_items(session: ImapSession, asked: Asked, items: Word) -> tuple[str, ...]:
    """The items of a list.  Raises RefusedError for none, or one that is not known."""
    if not items.words:
        raise asked.refused(replies.STATUS_EMPTY)
    known = _REV2_ITEMS if session.rev2 else STATUS_ITEMS
    names = []
    for word in items.words:
        name = word.atom
        if name is None:
            raise asked.refused(replies.INVALID)
        if name not in known:
            raise asked.refused(replies.STATUS_ITEM.format(item=name))
        names.append(name)
    return tuple(dict.fromkeys(names))


async def tell_status(session: ImapSession, name: str, wanted: tuple[str, ...]) -> None:
    """STATUS of one mailbox.  Raises NoSuchMailboxError."""
    store = session.world.store
    if "HIGHESTMODSEQ" in wanted:
        await use_modseqs(session)
    found = store.status(session.user, name)
    values = {
        "MESSAGES": found.messages,
        "RECENT": found.recent,
        "UIDNEXT": found.uid_next,
        "UIDVALIDITY": found.uid_validity,
        "UNSEEN": found.unseen,
        "HIGHESTMODSEQ": max(1, found.highest_modseq),
        "SIZE": found.size,
    }
    if "DELETED" in wanted:
        box = store.open(session.user, name)
        values["DELETED"] = len(box.with_flag("\\Deleted"))
    order = _REV2_ITEMS if session.rev2 else STATUS_ITEMS
    items = tuple((item, values[item]) for item in order if item in wanted)
    await session.data(MailboxStatus(name, items))
