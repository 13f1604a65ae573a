"""What may be said before the login (RFC 5804 §2)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from mailsim.secret import Secret
from mailsim.servers.dovecot import wording
from mailsim.servers.dovecot.channel import ClosedError
from mailsim.servers.dovecot.login import Kind as Why
from mailsim.servers.dovecot.login import RefusedError
from mailsim.servers.managesieve import parsing, replies
from mailsim.servers.managesieve.parsing import Argument, Line, LineError
from mailsim.wire.managesieve import (
    Auth,
    Capability,
    Challenge,
    Logout,
    Response,
    SaslAnswer,
    StartTls,
)

if TYPE_CHECKING:
    from mailsim.servers.managesieve.session import ManageSieveSession

AUTH_LIMIT: Final = 8192  # LOGIN_MAX_AUTH_BUF_SIZE
TOO_LARGE: Final = "Authentication response too large"
_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")


class InvalidError(Exception):
    """The command's arguments are not what it takes."""


class AnsweredError(Exception):
    """A disturbance has answered in the middle of the exchange."""


async def capability(session: ManageSieveSession, line: Line) -> None:
    """CAPABILITY   ; RFC 5804 §2.4"""
    _nothing(line)
    session.core.read_as(Capability())
    await session.say(replies.CAPABILITY(data=session.capabilities()))


async def starttls(session: ManageSieveSession, line: Line) -> None:
    """STARTTLS   ; RFC 5804 §2.2: the capabilities are told again behind the handshake"""
    _nothing(line)
    if session.journal.tls:
        await session.say(replies.REFUSED(text=wording.TLS_ACTIVE))
        return
    context = session.context() if session.offers_tls else None
    if context is None:
        await session.say(replies.REFUSED(text=wording.TLS_DISABLED))
        return
    session.core.read_as(StartTls())
    await session.say(replies.TLS_BEGIN(text=wording.TLS_BEGIN))
    await session.start_tls(context)
    await session.say(replies.TLS_SUCCESSFUL(data=session.capabilities()))


async def noop(session: ManageSieveSession, line: Line) -> None:
    """NOOP [tag]   ; RFC 5804 §2.13"""
    given = line.all()
    if len(given) > 1:
        raise InvalidError
    await session.say(echo(given))


def echo(given: list[Argument]) -> Response:
    """What NOOP answers to these arguments."""
    if not given:
        return replies.NOOP()
    if not given[0].is_string:
        return replies.BAD_TAG()
    return replies.TAG(arguments=(bytes(given[0].value),))


async def logout(session: ManageSieveSession, line: Line) -> None:
    """LOGOUT   ; RFC 5804 §2.3"""
    _nothing(line)
    session.core.read_as(Logout())
    await session.say(replies.LOGOUT())
    session.over = True


async def authenticate(session: ManageSieveSession, line: Line) -> None:
    """AUTHENTICATE mechanism [initial-response]   ; RFC 5804 §2.1"""
    given = line.arguments
    if not given:
        raise InvalidError
    parsing.check(given[0])
    if not given[0].is_string or not given[0].value:
        raise InvalidError
    name = session.journal.mechanism = given[0].value.decode()
    initial = _initial(given[1:])
    if initial is not None:
        # What an AUTHENTICATE before TLS brought is still in Dovecot's buffer (2.3 and 2.4 alike).
        initial, session.unread_initial = session.unread_initial + initial, ""
    if _MECHANISM.fullmatch(name.upper()):
        session.core.read_as(Auth(name.upper()))
    try:
        user = await session.login.authenticate(name, initial, lambda one: _ask(session, one))
    except RefusedError as refused:
        if refused.kind is Why.TLS_REQUIRED:
            session.unread_initial = (initial or "")[:AUTH_LIMIT]
        await _refuse(session, refused)
    except AnsweredError:
        return
    else:
        await session.open(user)


async def _refuse(session: ManageSieveSession, refused: RefusedError) -> None:
    needs_tls = refused.kind is Why.TLS_REQUIRED
    said = replies.NEEDS_TLS if needs_tls else replies.REFUSED
    await session.say(said(text=refused.text))
    if refused.kind is Why.TOO_MANY:
        raise ClosedError(refused.text) from None


def _initial(given: list[Argument]) -> str | None:
    if not given:
        return None
    parsing.check(given[0], script=True)
    if not given[0].is_string:
        raise LineError(replies.BAD_INITIAL)
    return _token(given[0]) or "="


async def _ask(session: ManageSieveSession, challenge: str) -> str | None:
    await session.say(Challenge(challenge.encode()))
    await session.event()
    session.core.read_as(SaslAnswer(Secret(b"")))
    if await session.disturbed("RESPONSE"):
        raise AnsweredError
    try:
        token = _answer(parsing.arguments(session.core.parts).arguments)
    except LineError as error:
        raise RefusedError(Why.FAILED, error.text) from None
    return None if token == "*" else token


def _answer(given: list[Argument]) -> str:
    if not given:
        raise LineError(replies.EMPTY_ANSWER)
    parsing.check(given[0], script=True)
    if not given[0].is_string or len(given) > 1:
        raise LineError(replies.BAD_ANSWER)
    return _token(given[0])


def _token(argument: Argument) -> str:
    if argument.size > AUTH_LIMIT:
        raise ClosedError(TOO_LARGE)
    return argument.value.decode("latin-1")


def _nothing(line: Line) -> None:
    if line.all():
        raise InvalidError


COMMANDS: Final[dict[str, Callable[[ManageSieveSession, Line], Awaitable[None]]]] = {
    "AUTHENTICATE": authenticate,
    "CAPABILITY": capability,
    "STARTTLS": starttls,
    "NOOP": noop,
    "LOGOUT": logout,
}
