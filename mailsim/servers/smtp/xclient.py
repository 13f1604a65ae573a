"""XCLIENT: the client says whom it is to be taken for (Postfix's XCLIENT_README)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailsim.servers import replies
from mailsim.servers.envelope import Client
from mailsim.servers.log import printable
from mailsim.servers.networks import valid_ipv4
from mailsim.servers.queue.refused import Refused
from mailsim.servers.smtp.channel import GreetAgain
from mailsim.servers.smtp.names import neutered, valid_hostname, xtext
from mailsim.servers.smtp.state import ESMTP, SMTP

if TYPE_CHECKING:
    from mailsim.servers.smtp.channel import Channel
    from mailsim.servers.smtp.words import Word
    from mailsim.wire.smtp import Reply

_LONGEST = 255
_UNKNOWN = "unknown"
_UNAVAILABLE = ("[UNAVAILABLE]", "[TEMPUNAVAIL]")


@dataclass(slots=True)
class _Claim:
    """What the attributes have said so far."""

    client: Client
    helo: str | None = None
    protocol: str = ""
    login: str = ""


async def xclient(session: Channel, words: list[Word]) -> bool:
    """XCLIENT NAME=… ADDR=…: the session begins anew with another client."""
    if refusal := _not_now(session, words):
        raise Refused(refusal)
    claim = _Claim(session.state.client)
    try:
        for word in words[1:]:
            _attribute(claim, word.text)
    except Refused:
        # What came before the bad attribute is taken over all the same.
        session.state.client = claim.client
        raise
    _take(session, claim)
    raise GreetAgain


async def xforward(session: Channel, words: list[Word]) -> bool:
    """XFORWARD: smtpd_authorized_xforward_hosts is empty here."""
    if session.state.mail is not None:
        raise Refused(replies.IN_TRANSACTION())
    if len(words) == 1:
        raise Refused(replies.XCLIENT_SYNTAX(verb="XFORWARD"))
    raise Refused(replies.UNAUTHORIZED())


def _not_now(session: Channel, words: list[Word]) -> Reply | None:
    if session.state.mail is not None:
        return replies.IN_TRANSACTION()
    if len(words) == 1:
        return replies.XCLIENT_SYNTAX(verb="XCLIENT")
    return None if session.state.xclient_allowed else replies.UNAUTHORIZED()


def _attribute(claim: _Claim, word: str) -> None:
    name, _, raw = word.partition("=")
    if not raw:
        raise Refused(replies.XCLIENT_PAIR())
    if len(raw.encode()) > _LONGEST:
        raise Refused(replies.XCLIENT_LONG())
    found = xtext(raw)
    value = printable(raw if found is None else found)
    reader = _READERS.get(name.upper())
    if reader is None:
        raise Refused(replies.XCLIENT_NAME(name=name))
    reader(claim, value)


def _bad(attribute: str, value: str) -> Refused:
    return Refused(replies.XCLIENT_VALUE(attribute=attribute, value=value))


def _name(claim: _Claim, value: str) -> None:
    if value.upper() in _UNAVAILABLE:
        claim.client = replace(claim.client, name=_UNKNOWN)
    elif valid_hostname(value):
        claim.client = replace(claim.client, name=value, reverse_name=value)
    else:
        raise _bad("NAME", value)


def _reverse_name(claim: _Claim, value: str) -> None:
    if value.upper() in _UNAVAILABLE:
        value = _UNKNOWN
    elif not valid_hostname(value):
        raise _bad("REVERSE_NAME", value)
    claim.client = replace(claim.client, reverse_name=value)


def _addr(claim: _Claim, value: str) -> None:
    if value.upper() == _UNAVAILABLE[0]:
        value = _UNKNOWN
    elif not valid_ipv4(value):
        raise _bad("ADDR", neutered(value))
    claim.client = replace(claim.client, address=value)


def _is_port(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= len("65535")


def _port(claim: _Claim, value: str) -> None:
    if value.upper() == _UNAVAILABLE[0]:
        value = "0"
    elif not _is_port(value):
        raise _bad("PORT", value)
    claim.client = replace(claim.client, port=int(value))


def _helo(claim: _Claim, value: str) -> None:
    if value.upper() == _UNAVAILABLE[0]:
        # CLIENT_HELO_UNKNOWN is no name at all.
        claim.helo = ""
        return
    claim.helo = neutered(value)


def _proto(claim: _Claim, value: str) -> None:
    if value.upper() not in (SMTP, ESMTP):
        raise _bad("PROTO", value)
    claim.protocol = value.upper()


def _login(claim: _Claim, value: str) -> None:
    if value.upper() != _UNAVAILABLE[0]:
        claim.login = value


def _destaddr(_: _Claim, value: str) -> None:
    if value.upper() != _UNAVAILABLE[0] and not valid_ipv4(value):
        raise _bad("DESTADDR", neutered(value))


def _destport(_: _Claim, value: str) -> None:
    if value.upper() != _UNAVAILABLE[0] and not _is_port(value):
        raise _bad("DESTPORT", value)


# In the order in which EHLO offers them.
_READERS: dict[str, Callable[[_Claim, str], None]] = {
    "NAME": _name,
    "ADDR": _addr,
    "PROTO": _proto,
    "HELO": _helo,
    "REVERSE_NAME": _reverse_name,
    "PORT": _port,
    "LOGIN": _login,
    "DESTADDR": _destaddr,
    "DESTPORT": _destport,
}
ATTRIBUTES = " ".join(_READERS)


def _take(session: Channel, claim: _Claim) -> None:
    """The client is another now: what it said before is forgotten, and who was logged in; TLS
    stays."""
    state = session.state
    state.helo = claim.helo or None
    state.protocol = claim.protocol or SMTP
    state.reset()
    state.sasl_username = claim.login
    state.sasl_method = "XCLIENT" if claim.login else ""
    session.become(claim.client)
