"""HELO, EHLO and STARTTLS: who speaks, what is offered, and whether it is covered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers.smtp import replies
from mailsim.servers.smtp.names import neutered
from mailsim.servers.smtp.state import ESMTP, SMTP
from mailsim.wire.smtp import Reply

if TYPE_CHECKING:
    from mailsim.servers.smtp.channel import Channel
    from mailsim.servers.smtp.words import Word

XCLIENT_ATTRIBUTES = "NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT"


async def helo(session: Channel, words: list[Word]) -> bool:
    """HELO: the older greeting, which offers nothing."""
    if not await _introduced(session, words, "HELO"):
        return False
    if session.state.protocol != ESMTP:
        session.state.protocol = SMTP
    await session.say(replies.HELO(host=session.config.myhostname))
    return True


async def ehlo(session: Channel, words: list[Word]) -> bool:
    """EHLO: the offers, a line each."""
    if not await _introduced(session, words, "EHLO"):
        return False
    session.state.protocol = ESMTP
    await session.say(Reply(250, (session.config.myhostname, *_offers(session))))
    return True


async def _introduced(session: Channel, words: list[Word], verb: str) -> bool:
    """Take the name; as RSET, the greeting ends a transaction (RFC 5321 §4.1.4)."""
    state = session.state
    if len(words) == 1:
        return await session.refuse(replies.HELO_SYNTAX(verb=verb))
    name = " ".join(word.text for word in words[1:])
    before, state.helo = state.helo, name
    refusal = None if session.config.smtpd_delay_reject else session.restrictions.helo(name)
    state.helo = before
    if refusal:
        return await session.refuse(refusal)
    state.reset()
    state.helo = neutered(name)
    return True


def _offers(session: Channel) -> list[str]:
    config, state = session.config, session.state
    limit = config.message_size_limit
    found = ["PIPELINING", f"SIZE {limit}" if limit else "SIZE"]
    found += [] if config.disable_vrfy_command else ["VRFY"]
    found.append("ETRN")
    if config.smtpd_tls_security_level in ("may", "encrypt") and not state.tls:
        found.append("STARTTLS")
    if state.sasl_active:
        found.append(f"AUTH {' '.join(config.smtpd_sasl_mechanisms)}")
    if state.xclient_allowed:
        found.append(f"XCLIENT {XCLIENT_ATTRIBUTES}")
    return [*found, "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING"]


async def starttls(session: Channel, words: list[Word]) -> bool:
    """STARTTLS: what was said in the clear counts no more (RFC 3207 §4.2)."""
    state, context = session.state, session.context()
    refusal = None
    if len(words) > 1:
        refusal = replies.STARTTLS_SYNTAX()
    elif state.tls:
        refusal = replies.TLS_ACTIVE()
    elif session.config.smtpd_tls_security_level not in ("may", "encrypt"):
        refusal = replies.NOT_IMPLEMENTED()
    elif context is None:
        refusal = replies.TLS_UNAVAILABLE()
    if refusal or context is None:
        return await session.refuse(refusal or replies.TLS_UNAVAILABLE())
    # Injected behind the command, in the clear: thrown away unread.
    session.core.unread()
    session.peer.take()
    await session.say(replies.TLS_READY())
    state.reset()
    state.helo = None
    await session.start_tls(context)
    return True
