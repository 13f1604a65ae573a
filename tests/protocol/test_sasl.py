"""The tokens of a SASL exchange, whatever the protocol around them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import RemoteProtocolError
from mailsim.protocol import sasl


@dataclass
class Said:
    data: bytes


@dataclass
class Scripted:
    """A mechanism that says what it was told to, and remembers what it was asked."""

    says: list[bytes]
    initial: bool = True
    name: str = "SCRIPTED"
    asked: list[bytes | None] = field(default_factory=list)

    def respond(self, challenge: bytes | None) -> Said:
        self.asked.append(challenge)
        return Said(self.says.pop(0))

    def succeed(self, data: bytes | None = None) -> None:
        self.asked.append(data)
        if self.says:
            raise RemoteProtocolError("challenge.not-base64")


@dataclass
class Refusing(Scripted):
    def respond(self, challenge: bytes | None) -> Said:
        self.asked.append(challenge)
        raise RemoteProtocolError("challenge.not-base64")


def test_the_initial_response_goes_with_the_command() -> None:
    client = sasl.SaslClient(Scripted([b"\0user\0minfo", b""]))
    assert client.initial() == b"\0user\0minfo"
    assert client.answer(b"") == b""


def test_a_server_that_speaks_first_is_answered_challenge_by_challenge() -> None:
    mechanism = Scripted([b"user", b"minfo"], initial=False)
    client = sasl.SaslClient(mechanism)
    assert client.initial() is None
    assert client.answer(b"VXNlcm5hbWU6") == b"dXNlcg=="
    assert client.answer(b"UGFzc3dvcmQ6") == b"bWluZm8="
    assert mechanism.asked == [b"Username:", b"Password:"]


def test_a_first_response_held_back_answers_the_empty_challenge() -> None:
    mechanism = Scripted([b"abc"])
    assert sasl.SaslClient(mechanism).answer(b"") == b"YWJj"
    assert mechanism.asked == [b""]


def test_an_initial_response_too_long_for_its_line_waits_for_the_challenge() -> None:
    client = sasl.SaslClient(Scripted([b"long", b"later"]))
    first = client.initial()
    assert first == b"long"
    client.postpone(first)
    assert client.answer(b"") == sasl.encode(b"long")
    assert client.answer(b"") == sasl.encode(b"later")


def test_success_hands_its_data_to_the_mechanism() -> None:
    mechanism = Scripted([])
    client = sasl.SaslClient(mechanism)
    client.succeed(b"dj14")
    assert (mechanism.asked, client.failure) == ([b"v=x"], None)


def test_success_too_early_is_a_failure() -> None:
    client = sasl.SaslClient(Scripted([b"still to say"]))
    client.succeed()
    assert client.failure is not None


@pytest.mark.parametrize("token", [b"!!!!", b"YWJ", b"go ahead", b"YWJj\r\n", b"\xff"])
def test_what_is_not_base64_gives_up(token: bytes) -> None:
    client = sasl.SaslClient(Scripted([b"never"], initial=False))
    assert client.answer(token) == sasl.CANCEL
    assert client.failure is not None
    assert client.failure.message_id == "challenge.not-base64"


def test_what_the_mechanism_refuses_gives_up() -> None:
    client = sasl.SaslClient(Refusing([]))
    assert client.answer(b"eA==") == sasl.CANCEL
    assert client.failure is not None


def test_no_octets_are_an_equals_sign_at_first_and_nothing_later() -> None:
    assert sasl.encode_initial(b"") == b"="
    assert sasl.encode(b"") == b""
    assert sasl.decode_initial(b"=") == b""
    with pytest.raises(RemoteProtocolError):
        sasl.decode(b"=")


@given(st.binary(max_size=60))
def test_tokens_round_trip(data: bytes) -> None:
    assert sasl.decode(sasl.encode(data)) == data
    assert sasl.decode_initial(sasl.encode_initial(data)) == data
