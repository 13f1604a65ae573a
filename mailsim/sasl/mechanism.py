"""What every mechanism shares: the two roles, what they are given, the credentials.

A mechanism is a generator inside: one `yield` a message, so that its code reads
as the exchange does.  Base64 is the protocol's job; here bytes are decoded.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Protocol

from mailsim.errors import LocalProtocolError, RemoteProtocolError, UsageError
from mailsim.sasl.message import Challenge, Failure, Message, Part, Response, Success
from mailsim.secret import Secret

_BINDING_NAME = re.compile(r"[A-Za-z0-9.-]+")

Outcome = Challenge | Success | Failure


class Quirk(Enum):
    """Leniencies, all off unless asked for."""

    LOW_ITERATIONS = "a SCRAM server may ask for fewer than 4096 iterations"
    LOGIN_INITIAL_RESPONSE = "AUTH LOGIN may bring the user name with it, as Dovecot allows"
    LOOSE_CRAM_CHALLENGE = "a CRAM-MD5 challenge need not be a msg-id"


@dataclass(frozen=True, slots=True)
class ChannelBinding:
    """What ties the login to its TLS connection.

    `kind` is the registered name ("tls-exporter", "tls-server-end-point",
    "tls-unique"); `data` what that name's definition takes from the connection.
    """

    kind: str
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        # RFC 5802 §7: cb-name = 1*(ALPHA / DIGIT / "." / "-"), cbind-data = 1*OCTET
        if not _BINDING_NAME.fullmatch(self.kind) or not self.data:
            raise UsageError("sasl.channel-binding")


@dataclass(frozen=True, slots=True)
class Salting:
    """How a SCRAM server stores one password: the salt, and the iteration count."""

    salt: bytes
    iterations: int


class Credentials(Protocol):
    """What a server knows of its accounts."""

    def get(self, user: str) -> Secret | None:
        """The password of `user`, or None if there is no such user."""

    def owner(self, token: Secret) -> str | None:
        """The user to whom the bearer token was given, or None if it is not valid."""

    def salting(self, user: str, mechanism: str) -> Salting:
        """Salt and count for any name, known or not, the same at each call.

        An unknown name gets one too, or the salt would tell who has an account.
        """

    def authorizes(self, user: str, authzid: str) -> bool:
        """Whether `user` may act as `authzid`."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What a client mechanism is given; each takes what it needs."""

    user: str = ""
    password: Secret = Secret("")
    authzid: str = ""
    token: Secret = Secret("")
    nonce: str = ""
    channel_binding: ChannelBinding | None = None
    host: str = ""
    port: int = 0
    quirks: frozenset[Quirk] = frozenset()


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What a server mechanism is given; each takes what it needs.

    `challenge` is CRAM-MD5's; `external` the name that TLS proved, for EXTERNAL.
    """

    credentials: Credentials
    nonce: str = ""
    challenge: bytes = b""
    channel_bindings: tuple[ChannelBinding, ...] = ()
    external: str = ""
    quirks: frozenset[Quirk] = frozenset()


class Mechanism(ABC):
    """The client's side of one login.

    `initial`: the client speaks first.  `done`: all is said and, where the
    mechanism can, the server is verified.  `failed`: the server said inside the
    mechanism that it refuses (SCRAM's e=, OAuth's JSON); its reply will follow.
    """

    initial: ClassVar[bool] = True

    def __init__(self, name: str, settings: ClientSettings) -> None:
        self.name = name
        self.done = False
        self.failed = False
        self._given = settings
        self._talk: Generator[Response, bytes, None] | None = None

    @abstractmethod
    def _dialogue(self, challenge: bytes) -> Generator[Response, bytes, None]:
        """Answer the first challenge (b"" for a client that speaks first), then the others."""

    def respond(self, challenge: bytes | None) -> Response:
        """The answer to a challenge; None asks for the initial response.

        Raises LocalProtocolError when the mechanism has no initial response,
        RemoteProtocolError for a challenge that is malformed, proves the wrong
        secret, or comes after the end.
        """
        try:
            if self._talk is not None:
                return self._talk.send(self._later(challenge))
            self._talk = self._dialogue(self._first(challenge))
            return next(self._talk)
        except StopIteration:
            raise RemoteProtocolError("sasl.challenge-after-end", mechanism=self.name) from None

    def succeed(self, data: bytes | None = None) -> None:
        """The server reported success, with additional data perhaps.

        Raises RemoteProtocolError when it did so too early: before the client
        had spoken, or before a server that can prove itself had done so.
        """
        if data is not None:
            self.respond(data)
        if not self.done or self.failed:
            raise RemoteProtocolError("sasl.success-too-early", mechanism=self.name)

    def _first(self, challenge: bytes | None) -> bytes:
        if self.initial and challenge:
            raise RemoteProtocolError("sasl.client-speaks-first", mechanism=self.name)
        if not self.initial and challenge is None:
            raise LocalProtocolError("sasl.server-speaks-first", mechanism=self.name)
        return challenge or b""

    def _later(self, challenge: bytes | None) -> bytes:
        if challenge is None:
            raise LocalProtocolError("sasl.initial-twice", mechanism=self.name)
        return challenge

    def __repr__(self) -> str:
        return f"<{self.name} client, user {self._given.user!r}{', done' if self.done else ''}>"


class ServerMechanism(ABC):
    """The server's side of one login."""

    initial: ClassVar[bool] = True

    def __init__(self, name: str, settings: ServerSettings) -> None:
        self.name = name
        self._given = settings
        self._talk: Generator[Outcome, bytes, None] | None = None

    @abstractmethod
    def _dialogue(self, response: bytes | None) -> Generator[Outcome, bytes, None]:
        """Take the first response, None from a client that waits for the server, and go on."""

    def challenge(self, response: bytes | None) -> Outcome:
        """What to send next, or how it ended; None starts without an initial response.

        Raises RemoteProtocolError for a response that the mechanism's grammar
        does not allow, LocalProtocolError after the end.
        """
        if self._talk is None and self.initial and response is None:
            return Challenge(b"")  # RFC 4422: the empty challenge asks for the first response
        try:
            if self._talk is not None:
                return self._talk.send(response or b"")
            self._talk = self._dialogue(response)
            return next(self._talk)
        except StopIteration:
            raise LocalProtocolError("sasl.response-after-end", mechanism=self.name) from None

    @property
    def credentials(self) -> Credentials:
        """What this server knows of its accounts."""
        return self._given.credentials

    def _password(self, user: str) -> Secret | None:
        """The stored password; an empty one lets nobody in, as if there were no account."""
        return self.credentials.get(user) or None

    def _admit(self, user: str, authzid: str, parts: tuple[Part, ...] = ()) -> Success | Failure:
        if authzid and not self.credentials.authorizes(user, authzid):
            return Failure("sasl.failure.authorization", user, parts)
        return Success(user, authzid or user, parts)

    def __repr__(self) -> str:
        return f"<{self.name} server>"


def encoded(text: str) -> bytes:
    """`text` in UTF-8.  Raises UsageError for a lone surrogate, which has no encoding."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UsageError("sasl.not-text") from None


def utf8(raw: bytes, mechanism: str) -> str:
    """`raw` read as UTF-8.  Raises RemoteProtocolError if it is not."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise malformed(mechanism, "UTF-8") from None


def malformed(mechanism: str, grammar: str) -> RemoteProtocolError:
    """The error for a message that is not as `grammar` says."""
    return RemoteProtocolError("sasl.malformed", mechanism=mechanism, grammar=grammar)


def needed(value: object, field_name: str, mechanism: str) -> None:
    """Raise UsageError when `value` is empty and the mechanism cannot do without."""
    if not value:
        raise UsageError("sasl.needed", field=field_name, mechanism=mechanism)


def own(read: Callable[[bytes], Message], data: bytes, mechanism: str) -> Message:
    """A message that we are to send, taken apart by `read`.

    Raises UsageError when what it was built from does not fit the grammar.
    """
    try:
        return read(data)
    except RemoteProtocolError as error:
        grammar = error.params["grammar"]
        raise UsageError("sasl.unfit", mechanism=mechanism, grammar=grammar) from None
