"""The AUTHORIZATION state: what may be said before the login (RFC 1939 §4, RFC 5034)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from mailsim.servers.dovecot import wording
from mailsim.servers.dovecot.channel import ClosedError
from mailsim.servers.dovecot.login import Kind, RefusedError
from mailsim.servers.pop3 import replies
from mailsim.wire.pop3 import Auth, Capa, Quit, Reply, SaslAnswer, Stls
from mailsim.wire.pop3.commands import apop_digest

if TYPE_CHECKING:
    from mailsim.servers.pop3.session import Pop3Session

AUTH_LIMIT: Final = 8192  # LOGIN_MAX_AUTH_BUF_SIZE
TOO_LARGE: Final = "Authentication response too large"
_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")
_DIGEST = re.compile(r"[0-9a-fA-F]{32}")
_DIGEST_LENGTH: Final = 32

_REFUSALS: Final = {Kind.ABORTED: replies.AUTH_ABORTED, Kind.TOO_MANY: replies.IN_USE}


class AnsweredError(Exception):
    """A disturbance has answered in the middle of the exchange."""


async def capa(session: Pop3Session, argument: str) -> None:
    """CAPA   ; RFC 2449 §5: the capabilities of this state"""
    del argument
    session.core.read_as(Capa())
    lines = list(replies.CAPABILITIES)
    if session.offers_tls:
        lines.append("STLS")
    if session.login.cleartext:
        lines.append("USER")
    lines.append(" ".join(("SASL", *session.login.mechanisms)))
    await session.say(replies.OK(lines=tuple(lines)))


async def user(session: Pop3Session, argument: str) -> None:
    """USER name   ; RFC 1939 §7: any name is taken, so that nobody learns which ones exist"""
    try:
        session.login.check_cleartext(argument)
    except RefusedError as refused:
        await session.say(_refusal(refused))
        return
    session.user = argument
    await session.say(replies.OK())


async def pass_(session: Pop3Session, argument: str) -> None:
    """PASS string   ; RFC 1939 §7"""
    name, session.user = session.user, None
    if name is None:
        await _without_user(session)
        return
    raw = [one.encode("utf-8", "surrogateescape") for one in (name, argument)]
    await _log_in(session, session.login.password(*raw))


async def _without_user(session: Pop3Session) -> None:
    try:
        session.login.check_cleartext()
    except RefusedError as refused:
        await session.say(_refusal(refused))
    else:
        await session.say(replies.NO_USERNAME())


async def auth(session: Pop3Session, argument: str) -> None:
    """AUTH mechanism [initial-response]   ; RFC 5034 §4"""
    mechanism, _, initial = argument.partition(" ")
    if not mechanism:
        # No RFC has it; Outlook asks so which mechanisms there are.
        session.core.read_as(Auth())
        await session.say(replies.OK(lines=session.login.mechanisms))
        return
    session.journal.mechanism = mechanism
    if len(initial) > AUTH_LIMIT:
        raise ClosedError(TOO_LARGE)
    if _MECHANISM.fullmatch(mechanism.upper()):
        session.core.read_as(Auth(mechanism.upper()))
    asked = session.login.authenticate(mechanism, initial or None, lambda one: _ask(session, one))
    await _log_in(session, asked)


async def _ask(session: Pop3Session, challenge: str) -> str | None:
    await session.say(replies.CHALLENGE(challenge=challenge))
    answer = (await session.event()).value
    if await session.disturbed("RESPONSE"):
        raise AnsweredError
    token = answer.token.reveal() if isinstance(answer, SaslAnswer) else b""
    return None if token == b"*" else token.split(b"\0", 1)[0].decode("latin-1")


async def _log_in(session: Pop3Session, asked: Awaitable[str]) -> None:
    try:
        name = await asked
    except RefusedError as refused:
        await session.say(_refusal(refused))
        if refused.kind is Kind.TOO_MANY:
            raise ClosedError(refused.text) from None
    except AnsweredError:
        return
    else:
        await session.open(name)


def _refusal(refused: RefusedError) -> Reply:
    return _REFUSALS.get(refused.kind, replies.AUTH_REFUSED)(text=refused.text)


async def apop(session: Pop3Session, argument: str) -> None:
    """APOP name digest   ; RFC 1939 §7, where the greeting has a timestamp"""
    name, _, digest = argument.partition(" ")
    if not session.timestamp:
        await session.say(replies.APOP_DISABLED())
    elif len(digest) != _DIGEST_LENGTH:
        await session.say(replies.APOP_PARAMETERS())
    elif not _DIGEST.fullmatch(digest):
        await session.say(replies.APOP_DIGEST())
    else:
        password = session.world.accounts.get(name)
        wanted = apop_digest(session.timestamp, password) if password else ""
        right = hmac.compare_digest(wanted, digest.lower())
        await _log_in(session, session.login.prove("APOP", name, right=right))


async def stls(session: Pop3Session, argument: str) -> None:
    """STLS   ; RFC 2595 §4"""
    del argument
    if session.journal.tls:
        await session.say(replies.TLS_REFUSED(text=wording.TLS_ACTIVE))
        return
    context = session.context() if session.offers_tls else None
    if context is None:
        await session.say(replies.TLS_REFUSED(text=wording.TLS_DISABLED))
        return
    session.core.read_as(Stls())
    await session.say(replies.TLS_BEGIN(text=wording.TLS_BEGIN))
    await session.start_tls(context)


async def quit_(session: Pop3Session, argument: str) -> None:
    """QUIT   ; RFC 1939 §4"""
    del argument
    session.core.read_as(Quit())
    await session.say(replies.LOGIN_BYE())
    session.over = True


async def xclient(session: Pop3Session, argument: str) -> None:
    """XCLIENT, XOIP: Dovecot's own, for proxies that login_trusted_networks names; here there are none."""
    del argument
    await session.say(replies.NOT_TRUSTED())


COMMANDS: Final[dict[str, Callable[[Pop3Session, str], Awaitable[None]]]] = {
    "CAPA": capa,
    "USER": user,
    "PASS": pass_,
    "APOP": apop,
    "AUTH": auth,
    "STLS": stls,
    "QUIT": quit_,
    "XCLIENT": xclient,
    "XOIP": xclient,
}
