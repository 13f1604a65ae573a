"""PLAIN: user name and password in one message (RFC 4616)."""

from __future__ import annotations

import hmac
from collections.abc import Generator
from dataclasses import dataclass

from mailsim.sasl.mechanism import (
    Mechanism,
    Outcome,
    ServerMechanism,
    encoded,
    malformed,
    needed,
    own,
    utf8,
)
from mailsim.sasl.message import Failure, Kind, Message, Response, part
from mailsim.secret import Secret

_GRAMMAR = "[authzid] NUL authcid NUL passwd"


@dataclass(frozen=True, slots=True)
class Plain:
    """PLAIN's one message."""

    authzid: str
    user: str
    password: Secret

    @property
    def data(self) -> bytes:
        return b"\0".join((encoded(self.authzid), encoded(self.user), self.password.reveal()))

    @classmethod
    def parse(cls, data: bytes) -> Plain:
        """Read PLAIN's message.  RFC 4616 §2:

            message = [authzid] UTF8NUL authcid UTF8NUL passwd
            authcid = 1*SAFE ; MUST accept up to 255 octets
            passwd  = 1*SAFE ; any UTF-8 encoded Unicode character except NUL

        An empty authcid or passwd is read too: verification fails it (RFC 4616 §2).
        Raises RemoteProtocolError.
        """
        fields = data.split(b"\0")
        if len(fields) != 3:
            raise malformed("PLAIN", _GRAMMAR)
        authzid, user, password = (utf8(field, "PLAIN") for field in fields)
        return cls(authzid, user, Secret(password))


def message(data: bytes) -> Message:
    """PLAIN's message taken apart.  Raises RemoteProtocolError."""
    plain = Plain.parse(data)
    parts = (
        part("authzid", plain.authzid),
        part("NUL", b"\0", Kind.SEPARATOR),
        part("authcid", plain.user),
        part("NUL", b"\0", Kind.SEPARATOR),
        part("password", plain.password.reveal(), secret=True),
    )
    return Message(data, parts, "sasl.message.plain", "sasl.leak.password")


class PlainClient(Mechanism):
    """Sends the password itself: for use under TLS alone."""

    def _dialogue(self, challenge: bytes) -> Generator[Response, bytes, None]:  # noqa: ARG002 - always empty here
        given = self._given
        needed(given.user, "user", self.name)
        needed(given.password, "password", self.name)
        plain = Plain(given.authzid, given.user, given.password)
        response = Response.of(own(message, plain.data, self.name))
        self.done = True
        yield response


class PasswordServer(ServerMechanism):
    """A server that is told the password and compares it.

    As it is, with no preparation: RFC 4616 §2 recommends SASLprep and allows none.
    """

    def _check(self, user: str, authzid: str, password: Secret) -> Outcome:
        stored = self._password(user)
        if stored is None:
            return Failure("sasl.failure.user", user)
        if not hmac.compare_digest(stored.reveal(), password.reveal()):
            return Failure("sasl.failure.password", user)
        return self._admit(user, authzid)


class PlainServer(PasswordServer):
    """Takes the one message and compares."""

    def _dialogue(self, response: bytes | None) -> Generator[Outcome, bytes, None]:
        plain = Plain.parse(response or b"")
        yield self._check(plain.user, plain.authzid, plain.password)
