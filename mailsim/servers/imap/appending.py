"""APPEND, with MULTIAPPEND and CATENATE (RFC 3502, RFC 4469), and REPLACE (RFC 8508)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

from mailsim.errors import UsageError
from mailsim.protocol.core import DEFAULT_LIMITS
from mailsim.servers.dovecot.wording import V24
from mailsim.servers.imap import replies
from mailsim.servers.imap.command import Asked, RefusedError
from mailsim.servers.imap.names import opened
from mailsim.servers.imap.replies import Reply
from mailsim.servers.imap.storing import read_flags
from mailsim.servers.imap.urls import read_url
from mailsim.servers.imap.words import Kind, Word
from mailsim.servers.queue.fields import header_of, message_id
from mailsim.servers.store.uidset import written
from mailsim.servers.store.values import OverQuotaError
from mailsim.wire.imap.codes import AppendUid, Code
from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.sequence import SequenceSet

if TYPE_CHECKING:
    from mailsim.servers.imap.session import ImapSession
    from mailsim.servers.store.opened import OpenMailbox

_LONGEST: Final = DEFAULT_LIMITS.block


@dataclass
class _New:
    """A message to be added; `parts` are its octets, or a URL that tells where they are."""

    flags: tuple[str, ...] = ()
    received: float | None = None
    parts: list[bytes | Word] = field(default_factory=list)
    pending: int | None = None
    """The size of a literal that was not asked for yet."""


def admits(session: ImapSession, asked: Asked, size: int) -> bool:
    """Whether the literal that the command has announced is asked for.  May raise RefusedError."""
    _, news = arguments(session, asked, asked.words if asked.name == "APPEND" else asked.words[1:])
    if not news or news[-1].pending is None or size == 0 or size > _LONGEST:
        return False
    return not _over_quota(session, news, size)


def _over_quota(session: ImapSession, news: list[_New], more: int = 0) -> bool:
    found = session.world.store.quota(session.user)
    sizes = [sum(len(part) for part in new.parts if isinstance(part, bytes)) for new in news]
    octets = found.octets + sum(sizes) + more
    messages = found.messages + len(news)
    return 0 < found.octets_limit < octets or 0 < found.messages_limit < messages


async def append(session: ImapSession, asked: Asked) -> Reply:
    """append = "APPEND" SP mailbox 1*append-message   ; RFC 3502 §7"""
    box, news = arguments(session, asked, asked.words)
    for new in news:
        if new.pending is not None:
            return not_asked_for(new.pending)
    contents = contents_of(session, news)
    if not all(contents):
        return replies.EMPTY_MESSAGE
    uids = added(session, box, news, contents)
    if uids is None:
        return replies.OVER_QUOTA
    code = Code("APPENDUID", AppendUid(box.info.uid_validity, SequenceSet(written(uids))))
    return Reply("OK", "Append completed", code)


def added(
    session: ImapSession, box: OpenMailbox, news: list[_New], contents: list[bytes]
) -> list[int] | None:
    """All of them or none (RFC 3502 §6.3.11); None over quota."""
    world = session.world
    world.clock.tick()
    try:
        with world.store.step():
            return [
                box.append(
                    content,
                    flags=new.flags,
                    received=world.clock.now() if new.received is None else new.received,
                    saved=world.clock.now(),
                    message_id=message_id(header_of(content)),
                )
                for new, content in zip(news, contents, strict=True)
            ]
    except OverQuotaError:
        return None


def not_asked_for(size: int) -> Reply:
    """Why a literal was not asked for."""
    if size == 0:
        return replies.EMPTY_MESSAGE
    return replies.TOO_BIG if size > _LONGEST else replies.OVER_QUOTA


def contents_of(session: ImapSession, news: list[_New]) -> list[bytes]:
    """The messages themselves.  Raises RefusedError."""
    return [_content(session, new) for new in news]


def arguments(
    session: ImapSession, asked: Asked, given: tuple[Word, ...]
) -> tuple[OpenMailbox, list[_New]]:
    """Where they are put, and what.  Raises RefusedError."""
    words = list(given)
    name = words.pop(0).astring if words else None
    if name is None:
        raise asked.refused(replies.INVALID)
    news = []
    rest = words
    while rest:
        new, rest = _message(session, asked, rest)
        news.append(new)
    if not news:
        raise asked.refused(replies.MESSAGE_SIZE)
    return opened(session, name, "TRYCREATE"), news


def _message(session: ImapSession, asked: Asked, words: list[Word]) -> tuple[_New, list[Word]]:
    """append-message = [SP flag-list] [SP date-time] SP (literal / literal8 / append-data)"""
    new = _New()
    if words and words[0].kind is Kind.LIST:
        new.flags = read_flags(asked, (words.pop(0),))
    if words and words[0].kind is Kind.QUOTED and len(words) > 1:
        # Before 2.4 a month has as many days as two digits can say.
        any_day = session.config.release.dovecot < V24
        new.received = _moment(asked, words.pop(0), any_day=any_day)
    if not words:
        raise asked.refused(replies.MESSAGE_SIZE)
    first = words.pop(0)
    if first.kind is Kind.LITERAL:
        new.parts.append(first.raw)
    elif first.kind is Kind.ASKED:
        new.pending = first.size
    elif first.atom == "UTF8" and words and words[0].kind is Kind.LIST and words[0].words:
        _utf8(asked, words.pop(0).words[0], new)
    elif first.atom == "CATENATE" and words and words[0].kind is Kind.LIST:
        _catenate(asked, list(words.pop(0).words), new)
    else:
        raise asked.refused(replies.INVALID)
    return new, words


def _utf8(asked: Asked, word: Word, new: _New) -> None:
    """append-data =/ "UTF8" SP "(" literal8 ")"   ; RFC 6855 §4"""
    if word.kind is Kind.ASKED:
        new.pending = word.size
    elif word.kind is Kind.LITERAL:
        new.parts.append(word.raw)
    else:
        raise asked.refused(replies.INVALID)


def _catenate(asked: Asked, words: list[Word], new: _New) -> None:
    """append-data = "CATENATE" SP "(" cat-part *(SP cat-part) ")"   ; RFC 4469 §3"""
    if not words:
        raise asked.refused(replies.EMPTY_CATENATE)
    while words:
        kind = words.pop(0).atom
        value = words.pop(0) if words else None
        if kind == "TEXT" and value is not None and value.kind is Kind.LITERAL:
            new.parts.append(value.raw)
        elif kind == "TEXT" and value is not None and value.kind is Kind.ASKED:
            new.pending = value.size
        elif kind == "URL" and value is not None and value.astring is not None:
            new.parts.append(value)
        else:
            raise asked.refused(replies.INVALID)


def _moment(asked: Asked, word: Word, *, any_day: bool) -> float:
    text = word.raw.decode("ascii", "replace")
    days = int(text[:2]) - 1 if any_day and text[:2].strip().isdecimal() else 0
    try:
        at = DateTime.parse(f"01{text[2:]}" if any_day else text)
        zone = timezone(timedelta(minutes=at.zone))
        second = min(at.second, 59)
        moment = datetime(at.year, at.month, at.day, at.hour, at.minute, second, tzinfo=zone)
        return (moment - datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)).total_seconds()
    except (UsageError, ValueError, OverflowError):
        raise asked.refused(replies.BAD_DATE) from None


def _content(session: ImapSession, new: _New) -> bytes:
    """The octets, with CRLF line ends as the store keeps them."""
    pieces = [
        part if isinstance(part, bytes) else read_url(session, part.raw) for part in new.parts
    ]
    whole = b"".join(pieces)
    if len(whole) > _LONGEST:
        raise RefusedError(replies.TOO_BIG)
    if whole.count(b"\n") == whole.count(b"\r\n"):
        return whole
    return whole.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
