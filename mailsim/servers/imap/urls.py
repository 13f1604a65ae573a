"""IMAP URLs that name a message, or a part of it, in a mailbox of the user (RFC 5092 §3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from mailsim.errors import RemoteProtocolError
from mailsim.servers.imap import replies, sections
from mailsim.servers.imap.command import RefusedError
from mailsim.servers.imap.replies import Reply
from mailsim.servers.store.values import NoSuchMailboxError
from mailsim.wire.imap.codes import Code
from mailsim.wire.imap.scanner import Scanner
from mailsim.wire.imap.section import read_section

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession

_URL: Final = re.compile(
    r"(?:imap://[^/]*)?/(?P<box>[^;]+?)(?:;UIDVALIDITY=(?P<validity>[1-9][0-9]{0,9}))?"
    r"/;UID=(?P<uid>[1-9][0-9]{0,9})(?:/;SECTION=(?P<section>[^;]+?))?"
    r"(?:/;PARTIAL=(?P<first>[0-9]{1,19})(?:\.(?P<count>[1-9][0-9]{0,18}))?)?",
    re.IGNORECASE,
)


def read_url(session: ImapSession, raw: bytes) -> bytes:
    """What the URL names.  Raises RefusedError with BADURL (RFC 4469 §4)."""
    url = raw.decode("ascii", "replace")
    match = _URL.fullmatch(url)
    if not match:
        raise _bad(url, replies.URL_INVALID)
    name = unquote_to_bytes(match["box"]).decode("utf-8", "replace")
    try:
        box = session.world.store.open(session.user, name.removesuffix("/"))
    except NoSuchMailboxError:
        raise _bad(url, f"Mailbox doesn't exist: {name}") from None
    if match["validity"] and int(match["validity"]) != box.info.uid_validity:
        raise _bad(url, replies.URL_VALIDITY)
    try:
        content = box.content(int(match["uid"]))
    except KeyError:
        raise _bad(url, replies.URL_MESSAGE) from None
    found = _section(url, content, match["section"])
    first = int(match["first"] or 0)
    last = first + int(match["count"]) if match["count"] else None
    return found[first:last]


def _section(url: str, content: bytes, text: str | None) -> bytes:
    if not text:
        return content
    try:
        line = b"[%b]\r\n" % unquote_to_bytes(text).upper()
        section = read_section(Scanner((line,)))
    except RemoteProtocolError:
        raise _bad(url, replies.URL_SECTION) from None
    return sections.content(content, section)


def _bad(url: str, text: str) -> RefusedError:
    shown = re.sub(r"[^!-Z^-~]", "?", url)[:900]
    return RefusedError(Reply("NO", text, Code("BADURL", shown)))
