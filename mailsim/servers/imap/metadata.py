"""GETMETADATA and SETMETADATA (RFC 5464): there, but with no place to keep anything.

So does a Dovecot without mail_attribute_dict (imap_metadata = no hides the capability alone).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers.imap import replies
from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.names import opened
from mailsim.servers.imap.replies import Reply, ok
from mailsim.servers.imap.words import Kind, Word

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession


async def get_metadata(session: ImapSession, asked: Asked) -> Reply:
    """getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries"""
    words = list(asked.words)
    given = words and words[0].kind is Kind.LIST
    deep = bool(given) and _deep(asked, words.pop(0).words)
    name = words.pop(0).astring if words else None
    if name is None or not words:
        raise asked.refused(replies.INVALID)
    entries = words[0].words if words[0].kind is Kind.LIST else tuple(words)
    _check_entries(asked, entries)
    _find(session, name)
    if deep:  # what stands below an entry is looked for one by one, and there is none
        return ok("Getmetadata completed")
    for _ in entries[1:]:
        await session.put(f"* NO {replies.NO_ATTRIBUTES.text}\r\n".encode())
    return replies.NO_ATTRIBUTES


def _deep(asked: Asked, words: tuple[Word, ...]) -> bool:
    """getmetadata-options: whether what stands below the entries is asked for too."""
    options = {one.atom: two.atom for one, two in zip(words[::2], words[1::2], strict=False)}
    if len(words) % 2 or not options.keys() <= {"DEPTH", "MAXSIZE"}:
        raise asked.refused(replies.METADATA_OPTION)
    return options.get("DEPTH", "0") != "0"


async def set_metadata(session: ImapSession, asked: Asked) -> Reply:
    """setmetadata = "SETMETADATA" SP mailbox SP entry-values"""
    words = asked.words
    name = words[0].astring if words else None
    if name is None or len(words) < 2 or words[1].kind is not Kind.LIST:
        raise asked.refused(replies.INVALID)
    values = words[1].words
    _check_entries(asked, values[::2])
    if len(values) % 2:
        raise asked.refused(replies.ENTRY_VALUE)
    _find(session, name)
    return replies.NO_ATTRIBUTES


def _find(session: ImapSession, name: bytes) -> None:
    """The mailbox; "" is the server itself.  Raises RefusedError."""
    if name:
        opened(session, name)


def _check_entries(asked: Asked, words: tuple[Word, ...]) -> None:
    for word in words:
        if word.kind is Kind.LIST or not (word.astring or b"").startswith(b"/"):
            raise asked.refused(replies.ENTRY_NAME)
