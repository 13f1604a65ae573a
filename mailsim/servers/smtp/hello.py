"""HELO, EHLO and STARTTLS: who speaks, what is offered, and whether it is covered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers import replies
from mailsim.servers.queue.refused import Refused
from mailsim.servers.smtp.names import neutered
from mailsim.servers.smtp.state import ESMTP, SMTP
from mailsim.servers.smtp.xclient import ATTRIBUTES
from mailsim.wire.smtp import Reply

if TYPE_CHECKING:
    from mailsim.servers.smtp.channel import Channel
    from mailsim.servers.smtp.words import Word


async def helo(session: Channel, words: list[Word]) -> bool:
    """HELO: the older greeting, which offers nothing."""
    _introduce(session, words, "HELO")
    if session.state.protocol != ESMTP:
        session.state.protocol = SMTP
    await session.say(replies.HELO(host=session.config.myhostname))
    return True


async def ehlo(session: Channel, words: list[Word]) -> bool:
    """EHLO: the offers, a line each."""
    _introduce(session, words, "EHLO")
    session.state.protocol = ESMTP
    await session.say(Reply(250, (session.config.myhostname, *_offers(session))))
    return True


def _introduce(session: Channel, words: list[Word], verb: str) -> None:
    """Take the name; as RSET, the greeting ends a transaction (RFC 5321 §4.1.4)."""
    state = session.state
    if len(words) == 1:
        raise Refused(replies.HELO_SYNTAX(verb=verb))
    name = " ".join(word.text for word in words[1:])
    before, state.helo = state.helo, name
    refusal = None if session.config.smtpd_delay_reject else session.restrictions.helo(name)
    state.helo = before
    if refusal:
        raise Refused(refusal)
    state.reset()
    state.helo = neutered(name)


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
        found.append(f"XCLIENT {ATTRIBUTES}")
    return [*found, "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING"]


async def starttls(session: Channel, words: list[Word]) -> bool:
    """STARTTLS: what was said in the clear counts no more (RFC 3207 §4.2)."""
    state, context = session.state, session.context()
    if len(words) > 1:
        raise Refused(replies.STARTTLS_SYNTAX())
    if state.tls:
        raise Refused(replies.TLS_ACTIVE())
    if session.config.smtpd_tls_security_level not in ("may", "encrypt"):
        raise Refused(replies.NOT_IMPLEMENTED())
    if context is None:
        raise Refused(replies.TLS_UNAVAILABLE())
    # Injected behind the command, in the clear: thrown away unread.
    session.core.unread()
    session.peer.take()
    await session.say(replies.TLS_READY())
    state.reset()
    state.helo = None
    await session.start_tls(context)
    return True
