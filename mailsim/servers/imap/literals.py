"""Whether a literal that waits to be asked for is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsim.servers.imap import appending
from mailsim.servers.imap.command import Asked, RefusedError
from mailsim.servers.imap.words import read_line

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession

LIMIT: Final = 65_536
"""The longest literal of any command but APPEND (imap_max_line_length)."""
_BEFORE_LOGIN: Final = 4096
_MESSAGES: Final = ("APPEND", "REPLACE", "UID REPLACE")


def admits(session: ImapSession, units: tuple[bytes, ...], size: int) -> bool:
    """What is refused anyway is not asked for: the answer comes in place of "+"."""
    line = read_line(units[0])
    if session.user and line.name in _MESSAGES:
        asked = Asked(line.tag, line.name, units, line.rest, None)
        try:
            return appending.admits(session, asked, size)
        except RefusedError:
            return False
    return bool(line.name) and size <= (LIMIT if session.user else _BEFORE_LOGIN)
