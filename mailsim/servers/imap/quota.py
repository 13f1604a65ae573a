"""Quotas (RFC 9208, RFC 2087): one root for all of a user's mailboxes, as Dovecot's quota plugin has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsim.servers.imap import replies
from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.names import decoded
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.words import Kind
from mailsim.wire.imap.responses import Quota, QuotaRoot, Resource

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession

ROOT: Final = "User quota"
_UNIT: Final = 1024  # RFC 9208 §5.1: STORAGE is counted in units of 1024 octets


def _limited(session: ImapSession, asked: Asked) -> None:
    """Without a quota there are no such commands."""
    found = session.world.store.quota(session.user)
    if not (found.octets_limit or found.messages_limit):
        raise asked.refused(replies.UNKNOWN)


async def _tell(session: ImapSession) -> None:
    found = session.world.store.quota(session.user)
    resources = []
    if found.octets_limit:
        used = -(-found.octets // _UNIT)
        resources.append(Resource("STORAGE", used, found.octets_limit // _UNIT))
    if found.messages_limit:
        resources.append(Resource("MESSAGE", found.messages, found.messages_limit))
    await session.data(Quota(ROOT, tuple(resources)))


async def get_quota(session: ImapSession, asked: Asked) -> Reply:
    """getquota = "GETQUOTA" SP quota-root-name"""
    _limited(session, asked)
    if asked.strings(1)[0].decode("utf-8", "replace") != ROOT:
        return replies.NO_QUOTA_ROOT
    await _tell(session)
    return ok("Getquota completed")


async def get_quota_root(session: ImapSession, asked: Asked) -> Reply:
    """getquotaroot = "GETQUOTAROOT" SP mailbox"""
    _limited(session, asked)
    name = decoded(session, asked.strings(1)[0])
    await session.data(QuotaRoot(name, (ROOT,)))
    await _tell(session)
    return ok("Getquotaroot completed")


async def set_quota(session: ImapSession, asked: Asked) -> Reply:
    """setquota = "SETQUOTA" SP quota-root-name SP setquota-list"""
    _limited(session, asked)
    asked.strings(1)
    if len(asked.words) < 2:
        raise asked.refused(replies.MISSING)
    if asked.words[1].kind is not Kind.LIST:
        raise asked.refused(replies.INVALID)
    return replies.QUOTA_ADMIN
