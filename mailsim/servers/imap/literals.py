"""Whether a literal that a command has announced may come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsim.errors import RemoteProtocolError
from mailsim.servers.imap import appending
from mailsim.servers.imap.command import Asked, RefusedError
from mailsim.servers.imap.commands import entry_of
from mailsim.servers.imap.words import read_line
from mailsim.wire.imap.frames import Announced

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession

LIMIT: Final = 65_536
"""The longest literal of any command but APPEND (imap_max_line_length)."""
_BEFORE_LOGIN: Final = 4096
_MESSAGES: Final = ("APPEND", "REPLACE", "UID REPLACE")
# Of a command in so many pieces only the sizes are looked at: reading it anew for each would
# take a time that grows with their square.
_MANY: Final = 64


def admits(session: ImapSession, units: tuple[bytes, ...], literal: Announced) -> bool:
    """What is refused anyway is not asked for: the answer comes in place of "+".

    Raises RemoteProtocolError for one that ends the connection.
    """
    line = read_line(units[0])
    known = entry_of(line.name, session.config.release, logged_in=bool(session.user))
    if known and known.selected and session.view is None:
        return not literal.synchronizing
    if known and line.name in _MESSAGES:
        if not literal.synchronizing or len(units) > _MANY:
            return True
        asked = Asked(line.tag, line.name, units, line.rest, None)
        try:
            return appending.admits(session, asked, literal.size)
        except RefusedError:
            return False
    if session.user and known is None and literal.synchronizing:
        return False
    limit = LIMIT if session.user else _BEFORE_LOGIN
    if literal.size > limit:
        raise RemoteProtocolError("imap.literal-too-long", size=str(literal.size), limit=limit)
    return True
