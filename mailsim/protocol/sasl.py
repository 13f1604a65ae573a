"""SASL inside a protocol: a mechanism's bytes as the base64 tokens that travel.

    initial-response = base64 / "="      ; "=" stands for no octets (RFC 4954, RFC 5034, RFC 4959 §3)
    challenge        = [base64]
    response         = [base64] / "*"    ; "*" gives the exchange up

The four protocols frame the tokens differently (`334 `, `+ `, a string of its
own); what the tokens hold is the same, and stands here.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final, Protocol

from mailsim.errors import ProtocolError, RemoteProtocolError

CANCEL: Final = b"*"
EMPTY_INITIAL: Final = b"="


class Response(Protocol):
    """What a mechanism answers."""

    @property
    def data(self) -> bytes:
        """The octets to send, before base64."""


class Mechanism(Protocol):
    """A mechanism as a stepper, client side: what `mailsim.sasl` offers, as far as used here."""

    @property
    def name(self) -> str:
        """Its registered name, such as `SCRAM-SHA-256`."""

    @property
    def initial(self) -> bool:
        """Whether the client speaks first."""

    def respond(self, challenge: bytes | None) -> Response:
        """The answer to `challenge`; None asks for the initial response."""

    def succeed(self, data: bytes | None = None) -> None:
        """Take note of success, with the additional data that came with it."""


def encode(data: bytes) -> bytes:
    """The base64 token of `data`, without line breaks."""
    return base64.b64encode(data)


def encode_initial(data: bytes) -> bytes:
    """The initial response's token: "=" when there are no octets to send."""
    return encode(data) or EMPTY_INITIAL


def decode(token: bytes) -> bytes:
    """The octets of a base64 token.  Raises RemoteProtocolError if it is not one."""
    try:
        return base64.b64decode(token, validate=True)
    except binascii.Error:
        raise RemoteProtocolError("challenge.not-base64") from None


def decode_initial(token: bytes) -> bytes:
    """The octets of an initial response's token."""
    return b"" if token == EMPTY_INITIAL else decode(token)


class SaslClient:
    """Takes one mechanism through one exchange, token by token.

    A challenge that is not base64, or that the mechanism refuses, is answered
    with "*"; `failure` then says why.  So it does when the server reports success
    before it has proved what the mechanism asks of it.
    """

    def __init__(self, mechanism: Mechanism) -> None:
        self.mechanism = mechanism
        self.failure: ProtocolError | None = None
        self._postponed: bytes | None = None

    def initial(self) -> bytes | None:
        """The octets to send with the command itself; None when the server speaks first.

        Not to be called when the protocol has no room for them: the server then
        asks by an empty challenge, and `answer` gives them.
        """
        return self.mechanism.respond(None).data if self.mechanism.initial else None

    def postpone(self, first: bytes) -> None:
        """Keep what `initial` gave, too long for the command's line, for the empty challenge."""
        self._postponed = first

    def answer(self, token: bytes) -> bytes:
        """The token that answers the challenge `token`, or "*"."""
        try:
            return encode(self._respond(decode(token)))
        except ProtocolError as error:
            self.failure = error
            return CANCEL

    def _respond(self, challenge: bytes) -> bytes:
        if self._postponed is None or challenge:
            return self.mechanism.respond(challenge).data
        first, self._postponed = self._postponed, None
        return first

    def succeed(self, token: bytes | None = None) -> None:
        """The server reported success, with the additional data `token` perhaps."""
        try:
            self.mechanism.succeed(None if token is None else decode(token))
        except ProtocolError as error:
            self.failure = error
