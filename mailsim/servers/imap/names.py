"""Names of mailboxes as they travel and as Dovecot judges them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.model.stage import Release
from mailsim.servers.imap import replies
from mailsim.servers.imap.command import RefusedError
from mailsim.servers.imap.replies import no
from mailsim.servers.store.values import INBOX, SEPARATOR, NoSuchMailboxError
from mailsim.wire.imap import utf7

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.servers.store.opened import OpenMailbox

_LONGEST = 255


def decoded(session: ImapSession, raw: bytes) -> str:
    """The name that travels as `raw`.  Raises RefusedError where it is not in the encoding in
    force (RFC 3501 §5.1.3, RFC 9051 §5.1)."""
    try:
        name = raw.decode() if session.core.utf8 else utf7.decode(raw)
    except ValueError:
        raise RefusedError(replies.NOT_UTF7) from None
    first, slash, rest = name.partition(SEPARATOR)
    return f"{INBOX}{slash}{rest}" if first.upper() == INBOX else name


def checked(session: ImapSession, raw: bytes, *, made: bool = False) -> str:
    """The same, where it can be a mailbox's name; to be `made`, it may end with "/" (RFC 3501
    §6.3.3).  Raises RefusedError."""
    name = decoded(session, raw)
    if made:
        name = name.removesuffix(SEPARATOR)
    if why := _wrong(name) or (made and _too_long(name)):
        raise RefusedError(no(replies.NAME_ERROR.format(why=why), "CANNOT"))
    # Maildir++ keeps a hierarchy as names with dots.
    if "." in name and session.config.release is not Release.FULL:
        raise RefusedError(no(replies.NAME_CHARACTER.format(character="."), "CANNOT"))
    return name


def _wrong(name: str) -> str:
    if not name:
        return replies.NAME_EMPTY
    if name.endswith(SEPARATOR):
        return replies.NAME_ENDS
    if name.startswith(SEPARATOR):
        return replies.NAME_BEGINS
    if SEPARATOR * 2 in name:
        return replies.NAME_ADJACENT
    if name.startswith("~"):
        return replies.NAME_TILDE
    if not name.isprintable() and any(ord(one) < 32 or 127 <= ord(one) < 160 for one in name):
        return replies.NAME_CONTROL
    return ""


def _too_long(name: str) -> str:
    """What is not to be made may have any length: there is no such mailbox."""
    return replies.NAME_LONG if len(name.encode("utf-8", "surrogateescape")) > _LONGEST else ""


def absent(name: str, code: str = "") -> RefusedError:
    """There is no mailbox of that name."""
    return RefusedError(no(f"Mailbox doesn't exist: {name}", code))


def opened(session: ImapSession, raw: bytes, code: str = "") -> OpenMailbox:
    """The mailbox of that name.  Raises RefusedError, with `code` where there is none."""
    name = checked(session, raw)
    try:
        return session.world.store.open(session.user, name)
    except NoSuchMailboxError:
        raise absent(name, code) from None
