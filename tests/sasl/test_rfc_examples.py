"""Each mechanism against the example that its RFC prints."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import pytest

from mailsim import sasl
from mailsim.errors import RemoteProtocolError
from mailsim.secret import Secret


@dataclass(frozen=True)
class OneUser:
    """A server that knows one user, whose salt the RFC gives."""

    user: str
    password: str
    salt: bytes = b"salt"
    iterations: int = 4096

    def get(self, user: str) -> Secret | None:
        return Secret(self.password) if user == self.user else None

    def owner(self, token: Secret) -> str | None:
        return self.user if token == Secret(self.password) else None

    def salting(self, user: str, mechanism: str) -> sasl.Salting:
        del user, mechanism
        return sasl.Salting(self.salt, self.iterations)

    def authorizes(self, user: str, authzid: str) -> bool:
        return user == authzid


# RFC 5802 §5 and RFC 7677 §3: mechanism, client nonce, server nonce, salt, the four messages.
SCRAM = [
    pytest.param(
        "SCRAM-SHA-1",
        "fyko+d2lbbFgONRv9qkxdawL",
        "3rfcNHYJY1ZVvWVs7j",
        "QSXCR+Q6sek8bf92",
        (
            b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        id="rfc5802",
    ),
    pytest.param(
        "SCRAM-SHA-256",
        "rOprNGfwEbeRWgbNEkqO",
        "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "W22ZaJ0SNY7soEsUEjb6gQ==",
        (
            b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            (
                b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
            ),
            b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
        id="rfc7677",
    ),
]


@pytest.mark.parametrize(("name", "nonce", "server_nonce", "salt", "messages"), SCRAM)
def test_scram_says_what_the_rfc_prints(
    name: str, nonce: str, server_nonce: str, salt: str, messages: tuple[bytes, ...]
) -> None:
    ours = sasl.client(name, user="user", password="pencil", nonce=nonce)
    known = OneUser("user", "pencil", base64.b64decode(salt))
    theirs = sasl.server(name, credentials=known, nonce=server_nonce)

    said = sasl.converse(ours, theirs)

    assert tuple(step.data for step in said.steps) == (*messages, b"")
    assert said.outcome.user == "user"
    assert isinstance(said.outcome, sasl.Success)


def test_scram_shows_every_value_on_request_and_none_unasked() -> None:
    name, nonce, server_nonce, salt, _ = SCRAM[0].values
    ours = sasl.client(str(name), user="user", password="pencil", nonce=str(nonce))
    known = OneUser("user", "pencil", base64.b64decode(str(salt)))
    theirs = sasl.server(str(name), credentials=known, nonce=str(server_nonce))
    final = sasl.converse(ours, theirs).steps[2]
    values = {part.name: part.shown(reveal=True) for part in final.parts}
    # Worked out apart, from the definitions of §3 with HMAC alone, for the RFC's example.
    assert values["SaltedPassword"] == "1d96ee3a529b5a5f9e47c01f229a2cb8a6e15f7d"
    assert values["ClientKey"] == "e234c47bf6c36696dd6d852b99aaa2ba26555728"
    assert values["StoredKey"] == "e9d94660c39d65c38fbad91c358f14da0eef2bd6"
    assert values["ClientSignature"] == "5d7138c486b0bfabdf49e3e2da8bd6e5c79db613"
    assert values["ServerKey"] == "0fe09258b3ac852ba502cc62ba903eaacdbf7d31"
    assert "1d96ee3a" not in repr(final)
    assert "5d7138c4" not in str(final.parts)


def test_cram_md5_answers_as_rfc2195_prints() -> None:
    challenge = base64.b64decode("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+")
    ours = sasl.client("CRAM-MD5", user="tim", password="tanstaaftanstaaf")
    answer = ours.respond(challenge)
    assert answer.token_base64 == "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"

    known = OneUser("tim", "tanstaaftanstaaf")
    theirs = sasl.server("CRAM-MD5", credentials=known, challenge=challenge)
    theirs.challenge(None)
    assert isinstance(theirs.challenge(answer.data), sasl.Success)


def test_plain_sends_as_rfc4616_prints() -> None:
    ours = sasl.client("PLAIN", user="tim", password="tanstaaftanstaaf")
    assert ours.respond(b"").data == b"\0tim\0tanstaaftanstaaf"


def test_plain_refuses_the_other_identity_of_rfc4616() -> None:
    theirs = sasl.server("PLAIN", credentials=OneUser("Kurt", "xipj3plmq"))
    outcome = theirs.challenge(b"Ursel\0Kurt\0xipj3plmq")
    assert isinstance(outcome, sasl.Failure)
    assert outcome.reason == "sasl.failure.authorization"


def test_the_thesis_token() -> None:
    steps = sasl.exchange("plain", "user", "minfo", random=bytes)
    assert steps[-1].token_base64 == "AHVzZXIAbWluZm8="


def test_oauthbearer_sends_as_rfc7628_prints() -> None:
    printed = (
        "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVy"
        "IHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
    )
    ours = sasl.client(
        "OAUTHBEARER",
        user="user@example.com",
        token="vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
        host="server.example.com",
        port=143,
    )
    assert ours.respond(None).token_base64 == printed


def test_xoauth2_sends_as_google_prints() -> None:
    printed = (
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52"
        "YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )
    ours = sasl.client(
        "XOAUTH2",
        user="someuser@example.com",
        token="ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
    )
    assert ours.respond(None).token_base64 == printed
    error = (
        "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoiaHR0cHM6Ly9t"
        "YWlsLmdvb2dsZS5jb20vIn0K"
    )
    assert ours.respond(base64.b64decode(error)).data == b""
    assert ours.failed


def test_oauthbearer_fails_as_rfc7628_prints() -> None:
    error = base64.b64decode(
        "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3Vy"
        "YXRpb24iOiJodHRwczovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
    )
    ours = sasl.client("OAUTHBEARER", user="user@example.com", token="expired")
    ours.respond(None)
    assert ours.respond(error).token_base64 == "AQ=="
    assert ours.failed
    with pytest.raises(RemoteProtocolError, match="success"):
        ours.succeed()


def test_the_empty_authorization_of_rfc7628_asks_for_the_scope() -> None:
    asking = base64.b64decode(
        "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9AQE="
    )
    theirs = sasl.server("OAUTHBEARER", credentials=OneUser("user@example.com", "token"))
    refusal = theirs.challenge(asking)
    assert isinstance(refusal, sasl.Challenge)
    assert b'"status":"invalid_token"' in refusal.data
    assert isinstance(theirs.challenge(b"\x01"), sasl.Failure)


def test_anonymous_sends_as_rfc4505_prints() -> None:
    ours = sasl.client("ANONYMOUS", user="sirhc")
    assert ours.respond(b"").token_base64 == "c2lyaGM="


# RFC 4013 §3, the table of examples.
@pytest.mark.parametrize(
    ("given", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u200bb\u3000c", "a b c"),
    ],
)
def test_saslprep_prepares_as_rfc4013_prints(given: str, prepared: str) -> None:
    assert sasl.saslprep(given, stored=True) == prepared


@pytest.mark.parametrize(
    ("given", "message_id"),
    [
        ("\u0007", "sasl.saslprep-prohibited"),
        ("\u0627\u0031", "sasl.saslprep-bidi"),
        ("\u0221", "sasl.saslprep-unassigned"),
    ],
)
def test_saslprep_refuses(given: str, message_id: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        sasl.saslprep(given, stored=True)
    assert refused.value.message_id == message_id  # type: ignore[attr-defined]


def test_saslprep_lets_a_query_hold_what_unicode_3_2_did_not_assign() -> None:
    assert sasl.saslprep("\u0221", stored=False) == "\u0221"
