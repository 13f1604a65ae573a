"""NOOP, VRFY, ETRN, HELP and QUIT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers import replies
from mailsim.servers.queue.refused import Refused
from mailsim.servers.smtp.names import valid_hostname, valid_literal
from mailsim.servers.smtp.parsing import BadAddressError, extract

if TYPE_CHECKING:
    from mailsim.servers.smtp.channel import Channel
    from mailsim.servers.smtp.words import Word

_ETRN_WORDS = 2


async def noop(session: Channel, _: list[Word]) -> bool:
    """NOOP, with or without words behind it."""
    await session.say(replies.OK())
    return True


async def bye(session: Channel, _: list[Word]) -> bool:
    """QUIT."""
    await session.say(replies.BYE())
    return True


async def help_(session: Channel, _: list[Word]) -> bool:
    """HELP, new in Postfix 3.9."""
    await session.say(replies.COMMANDS(commands=" ".join(sorted(session.commands))))
    return True


async def vrfy(session: Channel, words: list[Word]) -> bool:
    """VRFY: what RCPT would answer, 252 where it would accept (RFC 5321 §3.5.3)."""
    if session.config.disable_vrfy_command:
        raise Refused(replies.VRFY_DISABLED())
    utf8 = len(words) > 1 and words[-1].text.upper() == "SMTPUTF8"
    given = " ".join(word.text for word in (words[1:-1] if utf8 else words[1:]))
    if not given:
        raise Refused(replies.VRFY_SYNTAX())
    try:
        resolve = session.restrictions.resolve
        address = extract(given, resolve, empty=False, strict=False, utf8=utf8)
    except BadAddressError:
        session.journal.bad_address(session.state, given)
        raise Refused(replies.BAD_RECIPIENT()) from None
    if refusal := session.restrictions.recipient(address):
        raise Refused(refusal)
    await session.say(replies.VRFY_OK(address=given))
    return True


async def etrn(session: Channel, words: list[Word]) -> bool:
    """ETRN: fast_flush_domains is empty here, so that no domain's queue may be asked for
    (RFC 1985 §5.1 has 459 for that)."""
    state = session.state
    if session.config.smtpd_helo_required and state.helo is None:
        raise Refused(replies.ETRN_HELO_FIRST())
    if state.mail is not None:
        raise Refused(replies.ETRN_IN_TRANSACTION())
    if len(words) != _ETRN_WORDS:
        raise Refused(replies.ETRN_SYNTAX())
    domain = words[1].text
    domain = domain[1:] if domain[:1] in ("@", "#") else domain
    if not valid_hostname(domain) and not valid_literal(domain):
        raise Refused(replies.ETRN_PARAMETER())
    if refusal := session.restrictions.etrn():
        raise Refused(refusal)
    session.journal.warn(f"reject: ETRN {domain[:100]}... from {state.client}")
    raise Refused(replies.ETRN_DENIED(domain=domain))
