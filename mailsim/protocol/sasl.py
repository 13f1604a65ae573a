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
    """What a mechanism answers: `data` is None while it waits to be asked."""

    @property
    def data(self) -> bytes | None:
        """The octets to send, before base64."""


class Mechanism(Protocol):
    """A mechanism as a stepper, client side (`mailsim.sasl` has them)."""

    @property
    def name(self) -> str:
        """Its registered name, such as `SCRAM-SHA-256`."""

    def respond(self, challenge: bytes | None) -> Response:
        """The answer to `challenge`; None is the start, before any challenge."""


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
    with "*"; `failure` then says why.
    """

    def __init__(self, mechanism: Mechanism) -> None:
        self.mechanism = mechanism
        self.failure: ProtocolError | None = None
        self._first: bytes | None = None
        self._started = False

    def initial(self) -> bytes | None:
        """The octets to send with the command itself; None when the server speaks first."""
        first, self._first = self._start(), None
        return first

    def answer(self, token: bytes) -> bytes:
        """The token that answers the challenge `token`, or "*"."""
        try:
            return encode(self._respond(decode(token)))
        except ProtocolError as error:
            self.failure = error
            return CANCEL

    def _start(self) -> bytes | None:
        if not self._started:
            self._started = True
            self._first = self.mechanism.respond(None).data
        return self._first

    def _respond(self, challenge: bytes) -> bytes:
        # A mechanism that speaks first and could not do so with the command
        # is asked by an empty challenge (RFC 4422).
        first, self._first = self._start(), None
        if first is None:
            return self.mechanism.respond(challenge).data or b""
        if challenge:
            raise RemoteProtocolError("challenge.unexpected", mechanism=self.mechanism.name)
        return first
