"""Which messages a command is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailsim.servers.imap import replies
from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.view import BadSetError
from mailsim.wire.imap.sequence import SequenceSet

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession

_LONGEST = 60_000


def chosen(session: ImapSession, asked: Asked) -> Sequence[int]:
    """The UIDs that the command's first argument names.  Raises RefusedError."""
    words = asked.words
    text = words[0].atom if words else None
    if text is None:
        raise asked.refused(replies.INVALID)
    try:
        if len(text) > _LONGEST:
            raise BadSetError
        # Dovecot does not mind a comma at the end.
        return session.selected.chosen(SequenceSet(text.removesuffix(",")), uid=asked.uid)
    except (BadSetError, ValueError):
        raise asked.refused(replies.BAD_UIDS if asked.uid else replies.BAD_SEQUENCE) from None
