"""CRAM-MD5: a hash of the server's challenge, keyed with the password (RFC 2195)."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass

from mailsim.errors import RemoteProtocolError
from mailsim.sasl.mechanism import (
    Mechanism,
    Outcome,
    Quirk,
    ServerMechanism,
    encoded,
    malformed,
    needed,
    utf8,
)
from mailsim.sasl.message import Challenge, Failure, Kind, Message, Response, computed, part
from mailsim.secret import Secret

_MSG_ID = re.compile(rb"<[^<>\s]+@[^<>\s]+>")
_RESPONSE = re.compile(rb"(.*) ([0-9a-f]{32})", re.DOTALL)


def make_challenge(random: Callable[[int], bytes], host: str, timestamp: int) -> bytes:
    """A challenge of random digits, a timestamp (seconds) and the server's name (RFC 2195 §2)."""
    digits = int.from_bytes(random(8), "big")
    return f"<{digits}.{timestamp}@{host}>".encode()


def digest(password: Secret, challenge: bytes) -> str:
    """HMAC-MD5 of the challenge, 32 lower-case hexadecimal digits (RFC 2195 §2)."""
    return hmac.digest(password.reveal(), challenge, "md5").hex()


@dataclass(frozen=True, slots=True)
class CramResponse:
    """The client's answer."""

    user: str
    digest: str

    @property
    def data(self) -> bytes:
        return encoded(self.user) + b" " + self.digest.encode()

    @classmethod
    def parse(cls, data: bytes) -> CramResponse:
        """Read the answer.  RFC 2195 §2, in words there:

            response = username SP digest
            digest   = 32(DIGIT / %x61-66)     ; lower-case hexadecimal

        The user name may hold spaces; the last one separates.  Raises RemoteProtocolError.
        """
        found = _RESPONSE.fullmatch(data)
        if not found:
            raise malformed("CRAM-MD5", "username SP 32 lower-case hexadecimal digits")
        return cls(utf8(found[1], "CRAM-MD5"), found[2].decode())


def challenge_message(data: bytes) -> Message:
    """The server's challenge taken apart.  Raises RemoteProtocolError unless it is a msg-id."""
    # RFC 2195 §2: its syntax "must correspond to that of an RFC 822 'msg-id'".
    if not _MSG_ID.fullmatch(data):
        raise malformed("CRAM-MD5", '"<" random "." timestamp "@" host ">"')
    return _challenge(data)


def _challenge(data: bytes) -> Message:
    parts = (part("challenge", data, Kind.NONCE),)
    return Message(data, parts, "sasl.message.cram-challenge", "sasl.leak.challenge")


def response_message(data: bytes) -> Message:
    """The client's answer taken apart.  Raises RemoteProtocolError."""
    response = CramResponse.parse(data)
    parts = (
        part("authcid", response.user),
        part("SP", b" ", Kind.SEPARATOR),
        part("digest", response.digest, Kind.NONCE),
    )
    return Message(data, parts, "sasl.message.cram-response", "sasl.leak.keyed-hash")


class CramClient(Mechanism):
    """Proves the password without sending it; the server must know it in the clear."""

    initial = False

    def _dialogue(self, challenge: bytes) -> Generator[Response, bytes, None]:
        given = self._given
        needed(given.user, "user", self.name)
        if Quirk.LOOSE_CRAM_CHALLENGE not in given.quirks:
            challenge_message(challenge)
        answer = CramResponse(given.user, digest(given.password, challenge))
        self.done = True
        yield Response.of(
            response_message(answer.data),
            computed("password", given.password.reveal(), secret=True, kind=Kind.TEXT),
            computed("challenge", challenge, kind=Kind.NONCE),
        )


class CramServer(ServerMechanism):
    """Computes the same hash from the stored password and compares."""

    initial = False

    def _dialogue(self, response: bytes | None) -> Generator[Outcome, bytes, None]:
        if response is not None:
            raise RemoteProtocolError("sasl.no-initial-response", mechanism=self.name)
        challenge = self._given.challenge
        answer = CramResponse.parse((yield Challenge.of(_challenge(challenge))))
        stored = self._password(answer.user)
        expected = digest(stored or Secret(""), challenge)
        if stored is None:
            yield Failure("sasl.failure.user", answer.user)
        elif not hmac.compare_digest(expected, answer.digest):
            yield Failure("sasl.failure.password", answer.user)
        else:
            yield self._admit(answer.user, "", (part("digest", expected, Kind.NONCE),))
