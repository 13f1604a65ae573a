"""DATA and BDAT: the message, and its way into the queue."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from mailsim.servers import replies
from mailsim.servers.envelope import Recipient, Submission
from mailsim.servers.queue.refused import Refused
from mailsim.servers.smtp.channel import SETTLING
from mailsim.servers.smtp.parsing import external
from mailsim.servers.smtp.state import (
    BDAT_CONTENT,
    DATA_CONTENT,
    END_OF_MESSAGE,
    Transaction,
)
from mailsim.wire.smtp import Bdat, Content, Reply

if TYPE_CHECKING:
    from mailsim.servers.smtp.channel import Channel
    from mailsim.servers.smtp.words import Word

_LINE_END = re.compile(rb"\r*\n")
_FROM_LINE = re.compile(rb"(?:>*From [^\r\n]*\r\n)+")


async def data(session: Channel, words: list[Word]) -> bool:
    """DATA: 354, the content, and the answer to it (RFC 5321 §4.1.1.4)."""
    mail = session.state.mail
    if refusal := _no_data(session, mail, words):
        raise Refused(refusal)
    await session.say(replies.DATA_OK())
    session.state.where = DATA_CONTENT
    content = (await session.event()).value
    session.state.where = END_OF_MESSAGE
    if not isinstance(content, Content) or mail is None:
        return False
    if await session.disturbed("."):
        session.state.reset()
        return False
    session.state.reset()
    if content.bare_lf and session.rejects_bare_lf:
        await session.reject_bare_lf()
        return False
    if content.size >= 0:
        session.journal.warn(f"{session.state.queue_id}: queue file size limit exceeded")
        raise Refused(replies.TOO_BIG())
    return await _submit(session, mail, content.data)


def _no_data(session: Channel, mail: Transaction | None, words: list[Word]) -> Reply | None:
    """Why DATA may not come now."""
    if session.state.broken_chunks or (mail and mail.chunks is not None):
        return replies.AFTER_BDAT(verb="DATA")
    if mail is None:
        return replies.NEED_RCPT()
    # A client that pipelines sends DATA before it knows that all recipients were refused.
    if not mail.recipients:
        return replies.NO_RECIPIENTS()
    if len(words) > 1:
        return replies.DATA_SYNTAX()
    return session.restrictions.data()


async def bdat(session: Channel, words: list[Word]) -> bool:
    """BDAT count [LAST]: a chunk of the content, whatever octets it has (RFC 3030 §2)."""
    state, chunk = session.state, session.chunk
    if chunk is None or not _well_formed(words):
        shown = " ".join(word.text for word in words)[:100]
        client = state.client
        session.journal.warn(
            f"{session.state.queue_id}: malformed BDAT command syntax from {client}: {shown}"
        )
        raise Refused(replies.BDAT_SYNTAX())
    if refusal := _no_chunk(session, chunk):
        # After an error chunks are thrown away, up to the last one (RFC 3030 §2).
        if chunk.last:
            state.reset()
        else:
            state.broken_chunks = True
        raise Refused(refusal)
    mail = state.mail
    if mail is None:
        return False
    state.where = BDAT_CONTENT
    if mail.chunks is None:
        mail.chunks = []
    mail.chunks.append(chunk.data)
    mail.size += chunk.octets
    if not chunk.last:
        await session.say(replies.BDAT_OK(size=chunk.octets))
        return True
    return await _last_chunk(session, mail)


async def _last_chunk(session: Channel, mail: Transaction) -> bool:
    session.state.where = END_OF_MESSAGE
    raw = b"".join(mail.chunks or [])
    bare = raw.count(b"\n") != raw.count(b"\r\n")
    if await session.disturbed("."):
        session.state.reset()
        return False
    session.state.reset()
    if bare and session.rejects_bare_lf:
        await session.reject_bare_lf()
        return False
    content = _LINE_END.sub(b"\r\n", raw) if bare or b"\r\r\n" in raw else raw
    if content and not content.endswith(b"\r\n"):
        content += b"\r\n"
    return await _submit(session, mail, content, chunked=True)


def _well_formed(words: list[Word]) -> bool:
    arguments = [word.text for word in words[1:]]
    number = arguments[0] if arguments else ""
    last = [one.upper() for one in arguments[1:]]
    return number.isascii() and number.isdecimal() and last in ([], ["LAST"])


def _no_chunk(session: Channel, chunk: Bdat) -> Reply | None:
    """Why the chunk, which has been read, is thrown away."""
    state, limit = session.state, session.config.message_size_limit
    if chunk.octets == 0 and not chunk.last:
        session.journal.warn(f"{state.queue_id}: null BDAT request from {state.client}")
        return replies.BDAT_NULL()
    if state.broken_chunks:
        return replies.BDAT_DISCARDED(size=chunk.octets)
    mail = state.mail
    if mail is None:
        return replies.NEED_RCPT()
    if mail.chunks is None:
        if not mail.recipients:
            return replies.NO_RECIPIENTS()
        if refusal := session.restrictions.data():
            return refusal
    if mail.size > limit - chunk.octets and limit:
        text = f"{state.queue_id}: BDAT request from {state.client} exceeds message size limit"
        session.journal.warn(text)
        return replies.BDAT_TOO_BIG()
    return None


async def _submit(
    session: Channel, mail: Transaction, content: bytes, *, chunked: bool = False
) -> bool:
    """Give the message to the queue; what is answered 250 is kept."""
    world, state = session.world, session.state
    queue_id = world.queue.accept(_submission(session, mail, _as_message(content)))
    state.errors = state.junk = 0
    size = len(content)
    queued = replies.BDAT_QUEUED if chunked else replies.QUEUED
    await session.say(queued(size=size, queue_id=queue_id))
    if world.clock.fixed:
        # So that the next message finds this one delivered, each time it is run.
        await session.flush()
        try:
            async with asyncio.timeout(SETTLING):
                await world.queue.settled(queue_id)
        except TimeoutError:
            pass
    return True


def _as_message(content: bytes) -> bytes:
    """As smtpd hands it on: a UNIX "From " line is no header field, a text that begins with a
    space none either."""
    if content[:1] not in b"F> \t" or not content:
        return content
    if found := _FROM_LINE.match(content):
        marked = re.sub(rb"(?m)^(?=>*From )", b"X-Mailbox-Line: ", found[0])
        return marked + content[found.end() :]
    return b"\r\n" + content if content[:1] in b" \t" else content


def _outwards(recipient: Recipient) -> Recipient:
    address = external(recipient.address)
    return recipient if address == recipient.address else replace(recipient, address=address)


def _submission(session: Channel, mail: Transaction, content: bytes) -> Submission:
    state = session.state
    protocol = state.with_protocol
    if mail.smtputf8:
        protocol = protocol.replace(state.protocol, "UTF8SMTP", 1)
    return Submission(
        sender=external(mail.sender),
        recipients=tuple(_outwards(one) for one in mail.recipients),
        content=content,
        client=state.client,
        helo=state.helo or "",
        protocol=protocol,
        tls=state.tls,
        body=mail.body,
        smtputf8=mail.smtputf8,
        envid=mail.envid,
        ret=mail.ret,
        service=session.service,
        queue_id=mail.queue_id,
    )
