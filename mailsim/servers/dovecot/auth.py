"""Dovecot's auth process: a SASL exchange, base64 in and base64 out."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailsim.errors import RemoteProtocolError
from mailsim.sasl import (
    Challenge,
    Quirk,
    ServerMechanism,
    Success,
    make_challenge,
    new_nonce,
    server,
)

if TYPE_CHECKING:
    from mailsim.servers.world import World

_BASE64 = re.compile(r"[A-Za-z0-9+/=]*")
_USERNAME = re.compile(rb"[A-Za-z0-9._-][A-Za-z0-9._@-]*")  # auth_username_chars
_EMPTY = "="
CLEARTEXT = frozenset({"PLAIN", "LOGIN"})
"""The mechanisms that show the password to who listens."""


@dataclass(frozen=True, slots=True)
class Continue:
    """The exchange goes on: `token` is the challenge in base64."""

    token: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The client is `user`; `final` is the mechanism's last word in base64 (SCRAM's v=), or ""."""

    user: str
    final: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The client has proved nothing; `user` is whom it claimed to be, "" if it did not say.

    `base64`: what it sent could not even be decoded.
    """

    user: str = ""
    base64: bool = False


Result = Continue | Accepted | Rejected


class Exchange:
    """One exchange with the mechanism `name`, in capitals, for the world's accounts."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._mechanism = _server(world, name)
        # LOGIN's first answer is the name: Dovecot looks at it before it asks for the password.
        self._names_first = name == "LOGIN"
        self._named = ""

    def begin(self, initial: str | None) -> Result:
        """Take the initial response, None for none, and say what comes next."""
        if initial is None:
            return self._step(None)
        if initial == _EMPTY:  # an initial response of no octets: RFC 4954 §4, RFC 4959 §3
            return self._step(None if self._names_first else b"")
        return self._decoded(initial)

    def go_on(self, token: str) -> Result:
        """Take the answer to a challenge."""
        return self._decoded(token)

    def _decoded(self, token: str) -> Result:
        try:
            if not _BASE64.fullmatch(token):
                return Rejected(self._named, base64=True)
            return self._step(base64.b64decode(token, validate=True))
        except binascii.Error:
            return Rejected(self._named, base64=True)

    def _step(self, response: bytes | None) -> Result:
        if self._names_first and response is not None:
            self._names_first = False
            if not _USERNAME.fullmatch(response):
                return Rejected()
            self._named = self._world.accounts.login(response.decode())
        try:
            outcome = self._mechanism.challenge(response)
        except RemoteProtocolError:
            return Rejected(self._named)
        if isinstance(outcome, Challenge):
            return Continue(base64.b64encode(outcome.data).decode())
        user = self._world.accounts.login(outcome.user)
        return Accepted(user) if isinstance(outcome, Success) else Rejected(user)


def plain(user: bytes, password: bytes) -> str:
    """The initial response of PLAIN for a user and a password, as USER and LOGIN make it."""
    return base64.b64encode(b"\0" + user + b"\0" + password).decode()


def _server(world: World, name: str) -> ServerMechanism:
    """The mechanism, with what is random in it drawn from the lab's seed."""

    def random(size: int) -> bytes:
        return world.ids.bytes("sasl", size)

    challenge = b""
    if name == "CRAM-MD5":
        host, now = world.network.server.name, int(world.clock.now())
        challenge = make_challenge(random, host, now)
    return server(
        name,
        credentials=world.accounts,
        nonce=new_nonce(random) if name.startswith("SCRAM") else "",
        challenge=challenge,
        quirks=frozenset({Quirk.LOGIN_INITIAL_RESPONSE}),
    )
