"""AUTH: the exchange of a SASL mechanism (RFC 4954 §4), as Dovecot answers it behind Postfix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.servers import replies
from mailsim.servers.dovecot.auth import Accepted, Continue, Exchange
from mailsim.servers.log import printable
from mailsim.servers.queue.refused import Refused
from mailsim.wire.smtp import SaslAnswer

if TYPE_CHECKING:
    from mailsim.servers.smtp.channel import Channel
    from mailsim.servers.smtp.words import Word
    from mailsim.wire.smtp import Reply

_UNAVAILABLE = "(reason unavailable)"
_RESPONSE_LIMIT = 12_288  # smtpd_sasl_response_limit
_WORDS = (2, 3)


class _FailedError(Exception):
    """The login failed; `reason` is what the reply says."""

    def __init__(self, reason: str = _UNAVAILABLE, user: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.user = user


async def auth(session: Channel, words: list[Word]) -> bool:
    """AUTH mechanism [initial-response]   ; RFC 4954 §4"""
    if refusal := _not_now(session, words):
        raise Refused(refusal)
    mechanism = words[1].text
    initial = words[2].text if len(words) > 2 else None
    try:
        user = await _exchange(session, mechanism, initial)
    except _FailedError as failed:
        return await _failed(session, mechanism, failed)
    await session.say(replies.AUTH_OK())
    session.state.sasl_username, session.state.sasl_method = user, printable(mechanism)
    return True


def _not_now(session: Channel, words: list[Word]) -> Reply | None:
    state, config = session.state, session.config
    if config.smtpd_helo_required and state.helo is None:
        return replies.HELO_FIRST()
    if not state.sasl_active:
        return replies.AUTH_DISABLED()
    if state.mail is not None:
        return replies.IN_TRANSACTION()
    if config.smtpd_tls_auth_only and not state.tls:
        return replies.AUTH_NEEDS_TLS()
    if state.sasl_username:
        return replies.AUTH_ALREADY()
    return None if len(words) in _WORDS else replies.AUTH_SYNTAX()


async def _exchange(session: Channel, name: str, initial: str | None) -> str:
    """Challenge and response until there is a result: the user."""
    if name.upper() not in session.config.smtpd_sasl_mechanisms:
        raise _FailedError("Invalid authentication mechanism")
    exchange = Exchange(session.world, name.upper())
    result, which = exchange.begin(initial), "initial"
    while isinstance(result, Continue):
        which = "continued"
        result = exchange.go_on(await _response(session, name, result.token))
    if isinstance(result, Accepted):
        return result.user
    if result.base64:
        raise _FailedError(f"Invalid base64 data in {which} response")
    raise _FailedError(user=result.user)


async def _response(session: Channel, mechanism: str, challenge: str) -> str:
    await session.say(replies.AUTH_CHALLENGE(challenge=challenge))
    event = await session.event()
    answer = event.value
    if await session.disturbed("RESPONSE"):
        raise _FailedError
    raw = event.units[0]
    if not raw.endswith(b"\n") or len(raw) > _RESPONSE_LIMIT:
        raise Refused(replies.AUTH_TOO_LONG())
    text = answer.token.reveal().decode("latin-1") if isinstance(answer, SaslAnswer) else ""
    if text == "*":
        session.journal.warn(f"{session.state.client}: SASL {mechanism} authentication aborted")
        raise Refused(replies.AUTH_ABORTED())
    return text


async def _failed(session: Channel, mechanism: str, failed: _FailedError) -> bool:
    await session.pause(session.config.smtpd_sasl_failure_delay)
    user = printable(failed.user)[:100] or "(unavailable)"
    client = session.state.client
    text = f"{client}: SASL {mechanism[:100]} authentication failed: {failed.reason}"
    session.journal.warn(f"{text}, sasl_username={user}")
    if not session.core.waiting:  # a disturbance has answered
        return False
    return await session.refuse(replies.AUTH_FAILED(reason=failed.reason))
