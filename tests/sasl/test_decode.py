"""A captured token: its mechanism, its parts, what it leaks; and arbitrary bytes."""

from __future__ import annotations

import base64
import contextlib
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailsim import sasl
from mailsim.errors import LocalProtocolError, RemoteProtocolError, UsageError
from mailsim.secret import Secret


def zeros(count: int) -> bytes:
    return bytes(count)


def token(data: bytes) -> str:
    return base64.b64encode(data).decode()


def values(decoded: sasl.Decoded) -> dict[str, str]:
    return {part.name: part.shown(reveal=True) for part in decoded.parts}


def test_the_thesis_token_is_user_and_minfo() -> None:
    decoded = sasl.decode("AHVzZXIAbWluZm8=")
    assert decoded.mechanism == "PLAIN"
    assert decoded.side is sasl.Side.CLIENT
    assert values(decoded)["authcid"] == "user"
    assert values(decoded)["password"] == "minfo"
    assert decoded.leak == "sasl.leak.password"
    assert "minfo" not in repr(decoded)


@pytest.mark.parametrize("name", [name for name in sasl.MECHANISMS if name != "LOGIN"])
def test_every_message_of_every_mechanism_is_named(name: str) -> None:
    for step in sasl.exchange(name, "user", "minfo", random=zeros):
        line = step.token_base64
        if name in ("EXTERNAL", "ANONYMOUS"):  # which say nothing of themselves
            line = f"AUTH {name} {line or '='}"
        decoded = sasl.decode(line)
        assert decoded.what == step.what
        assert decoded.leak == step.leak
        if step.data:
            sent = [part for part in step.parts if part.sent]
            assert list(decoded.parts) == sent
            assert decoded.side is step.side
            assert any(name.removesuffix("-PLUS") in one for one in decoded.candidates)


def test_login_is_told_by_the_prompt_before() -> None:
    context: bytes | None = None
    for step in sasl.exchange("LOGIN", "user", "minfo", random=zeros):
        decoded = sasl.decode(step.token_base64, context=context)
        assert (decoded.mechanism, decoded.what, decoded.side) == ("LOGIN", step.what, step.side)
        assert decoded.parts == step.parts
        context = step.data


def test_a_prompt_is_no_answer_to_the_prompt_before() -> None:
    decoded = sasl.decode("334 UGFzc3dvcmQ6", context=b"Username:")
    assert decoded.what == "sasl.message.login-password-prompt"


def test_what_a_client_alone_may_say_is_not_read_from_a_server() -> None:
    decoded = sasl.decode("S: AHVzZXIAbWluZm8=")
    assert (decoded.mechanism, decoded.side) == ("", sasl.Side.SERVER)
    assert decoded.secret


def test_the_failed_example_of_rfc7628_breaks_its_own_grammar() -> None:
    # §4.4 prints "n,user=someuser@example.com,", where §3.1's gs2-header has "a=".
    decoded = sasl.decode(
        "C: AUTH OAUTHBEARER bix1c2VyPXNvbWV1c2VyQGV4YW1wbGUuY29tLAFhdXRoPUJlYXJl"
        "ciB2RjlkZnQ0cW1UYzJOdmIzUmxja0JoZEhSaGRtbHpkR0V1WTI5dENnPT0BAQ=="
    )
    assert (decoded.mechanism, decoded.what) == ("OAUTHBEARER", "sasl.message.malformed")
    assert decoded.secret


def test_an_answer_without_its_prompt_is_kept_secret() -> None:
    decoded = sasl.decode("bWluZm8=")
    assert decoded.candidates == ("LOGIN", "EXTERNAL", "ANONYMOUS")
    assert decoded.secret
    assert "minfo" not in repr(decoded) + decoded.shown()


@pytest.mark.parametrize(
    ("data", "candidates"),
    [
        (b"n,,n=user,r=abc", ("SCRAM-SHA-256", "SCRAM-SHA-1")),
        (
            b"p=tls-exporter,,n=user,r=abc",
            ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"),
        ),
        (b"c=biws,r=abc,p=" + base64.b64encode(bytes(32)), ("SCRAM-SHA-256",)),
        (b"c=biws,r=abc,p=" + base64.b64encode(bytes(20)), ("SCRAM-SHA-1",)),
        (
            b"c=" + base64.b64encode(b"p=tls-unique,,x") + b",r=a,p=" + base64.b64encode(bytes(20)),
            ("SCRAM-SHA-1-PLUS",),
        ),
        (b"v=" + base64.b64encode(bytes(20)), ("SCRAM-SHA-1",)),
        (b"e=invalid-proof", ("SCRAM-SHA-256", "SCRAM-SHA-1")),
        (b'{"status":"401","schemes":"bearer"}', ("OAUTHBEARER", "XOAUTH2")),
        (b"\x01", ("OAUTHBEARER",)),
        (b"User Name\0", ("LOGIN",)),
        (b"Password\0", ("LOGIN",)),
        (b'realm="x",nonce="abc",qop="auth",algorithm=md5-sess', ("DIGEST-MD5",)),
        (b'username="u",nonce="a",cnonce="b",nc=00000001,response=0123', ("DIGEST-MD5",)),
        (bytes.fromhex("600f06092a864886f712010202") + b"xxxx", ("GSSAPI", "GSS-SPNEGO")),
        (b"\xff\xfe\x00", ()),
    ],
)
def test_forms(data: bytes, candidates: tuple[str, ...]) -> None:
    decoded = sasl.decode(token(data))
    assert decoded.candidates == candidates
    assert decoded.mechanism == (candidates[0] if candidates else "")
    assert decoded.name("en")
    assert decoded.learnt("fr")


def ntlm_authenticate() -> bytes:
    """Type 3 with Unicode strings, laid out as [MS-NLMP] says."""
    fields = [b"l" * 24, b"n" * 24]
    fields += [text.encode("utf-16-le") for text in ("UGB", "user", "POSTE")]
    offset, buffers = 64, b""
    for field in fields:
        buffers += struct.pack("<HHI", len(field), len(field), offset)
        offset += len(field)
    head = b"NTLMSSP\0" + struct.pack("<I", 3) + buffers + struct.pack("<HHI", 0, 0, 0)
    return head + struct.pack("<I", 1) + b"".join(fields)


def test_ntlm_is_named_by_its_signature() -> None:
    first = sasl.decode("TlRMTVNTUAABAAAABoIIAAAAAAAAAAAAAAAAAAAAAAA=")
    assert (first.mechanism, first.what) == ("NTLM", "sasl.message.ntlm-negotiate")

    challenge = b"NTLMSSP\0" + struct.pack("<IHHII", 2, 6, 6, 40, 1) + b"12345678" + bytes(8)
    second = sasl.decode("+ " + token(challenge + "UGB".encode("utf-16-le")))
    assert second.side is sasl.Side.SERVER
    assert values(second) == {"target": "UGB", "challenge": b"12345678".hex()}

    third = sasl.decode(token(ntlm_authenticate()))
    assert values(third) == {
        "domain": "UGB",
        "user": "user",
        "workstation": "POSTE",
        "lm-response": (b"l" * 24).hex(),
        "nt-response": (b"n" * 24).hex(),
    }


@pytest.mark.parametrize(
    "line",
    [
        "AUTH PLAIN AHVzZXIAbWluZm8=",
        "auth plain AHVzZXIAbWluZm8=",
        "C: AUTH PLAIN AHVzZXIAbWluZm8=\r\n",
        "a1 AUTHENTICATE PLAIN AHVzZXIAbWluZm8=",
        'AUTHENTICATE "PLAIN" "AHVzZXIAbWluZm8="',
        '"AHVzZXIAbWluZm8="',
        "C: AHVzZXIAbWluZm8=",
        "  AHVzZXIA\r\n  bWluZm8=  ",
    ],
)
def test_the_whole_line_may_be_given(line: str) -> None:
    decoded = sasl.decode(line)
    assert decoded.mechanism == "PLAIN"
    assert values(decoded)["password"] == "minfo"


@pytest.mark.parametrize("line", ["334 VXNlcm5hbWU6", "+ VXNlcm5hbWU6", "S: + VXNlcm5hbWU6"])
def test_a_servers_line_is_its_challenge(line: str) -> None:
    decoded = sasl.decode(line)
    assert (decoded.side, decoded.what) == (sasl.Side.SERVER, "sasl.message.login-user-prompt")


@pytest.mark.parametrize(
    ("line", "what", "mechanism"),
    [
        ("=", "sasl.message.empty", ""),
        ("AUTH EXTERNAL =", "sasl.message.external", "EXTERNAL"),
        ("AUTH XOAUTH2 =", "sasl.message.empty", "XOAUTH2"),
        ("", "sasl.message.empty", ""),
        ("334 ", "sasl.message.empty", ""),
        ("+", "sasl.message.empty", ""),
        ("*", "sasl.message.cancel", ""),
        ("AUTH LOGIN", "sasl.message.start", "LOGIN"),
        ("AUTH LOGIN dXNlcg==", "sasl.message.login-user", "LOGIN"),
        ("AUTH EXTERNAL dXNlcg==", "sasl.message.external", "EXTERNAL"),
        ("AUTH ANONYMOUS dXNlcg==", "sasl.message.anonymous", "ANONYMOUS"),
        ("AUTH PLAIN dXNlcg==", "sasl.message.malformed", "PLAIN"),
        ("AUTH KERBEROS_V4 dXNlcg==", "sasl.message.unknown", "KERBEROS_V4"),
        ("334 aGVsbG8=", "sasl.message.unknown", ""),
    ],
)
def test_lines_without_a_whole_message(line: str, what: str, mechanism: str) -> None:
    decoded = sasl.decode(line)
    assert (decoded.what, decoded.mechanism) == (what, mechanism)


@pytest.mark.parametrize(
    "line", ["hello", "AHVzZXIAbWluZm8", "AHVz===", "A===", "é", "AUTH PLAIN *x"]
)
def test_what_is_not_base64_is_refused_and_not_repeated(line: str) -> None:
    with pytest.raises(UsageError) as refused:
        sasl.decode(line)
    assert refused.value.message_id == "sasl.not-base64"
    assert "AUTH PLAIN xxx" in str(refused.value)


# --- Arbitrary input -----------------------------------------------------------------------------

# What makes parsers go deep rather than stop at the first byte.
_HEADS = (
    b"",
    b"NTLMSSP\0\1\0\0\0",
    b"NTLMSSP\0\2\0\0\0",
    b"NTLMSSP\0\3\0\0\0",
    b"\x60\x82",
    b"n,,n=u,r=c",
    b"n,a=",
    b"r=cs,s=",
    b"c=biws,r=cs,p=",
    b"v=",
    b"user=u\x01auth=Bearer ",
    b'{"status":',
    b"realm=",
    b"\0u\0",
)
messages = st.builds(bytes.__add__, st.sampled_from(_HEADS), st.binary(max_size=60))


@pytest.mark.fuzz
@given(messages, st.none() | st.sampled_from([b"Username:", b"Password:"]))
@example(b"[" * 100_000, None)
@example(b'{"status":' + b"[" * 100_000, None)
@example(b'{"status":' + b"9" * 5000 + b"}", None)
@example(b'{"status":"\\ud800"}', None)
@example(b'{"status":"x","\x1b[2J":1,"\\ud800":[]}', None)
@example(b'nonce="' + b"\\" * 40_000, None)
def test_any_bytes_decode(data: bytes, context: bytes | None) -> None:
    decoded = sasl.decode(token(data), context=context)
    assert decoded.data == data
    assert decoded.name()
    assert decoded.learnt()
    assert repr(decoded).isprintable()


@pytest.mark.fuzz
@given(
    st.text(max_size=60)
    | st.builds(
        str.__add__, st.sampled_from(["AUTH PLAIN ", "334 ", "+ ", "C: "]), st.text(max_size=20)
    )
)
def test_any_text_is_decoded_or_refused(line: str) -> None:
    with contextlib.suppress(UsageError):
        assert sasl.decode(line).name()


@pytest.mark.fuzz
@pytest.mark.parametrize("name", sasl.MECHANISMS)
@given(st.lists(st.none() | messages, max_size=4))
def test_any_responses_end_inside_the_tree(name: str, responses: list[bytes | None]) -> None:
    binding = (sasl.ChannelBinding("tls-exporter", b"x"),) if name.endswith("PLUS") else ()
    theirs = sasl.server(
        name,
        credentials=sasl.Accounts({"u": Secret("p")}, {"u": Secret("p")}, iterations=1),
        nonce="s",
        challenge=b"<1@h>",
        channel_bindings=binding,
        external="u",
    )
    with contextlib.suppress(RemoteProtocolError, LocalProtocolError):
        for response in responses:
            theirs.challenge(response)


@pytest.mark.fuzz
@pytest.mark.parametrize("name", sasl.MECHANISMS)
@given(st.lists(messages, max_size=3))
def test_any_challenges_end_inside_the_tree(name: str, challenges: list[bytes]) -> None:
    binding = sasl.ChannelBinding("tls-exporter", b"x") if name.endswith("PLUS") else None
    ours = sasl.client(name, user="u", password="p", token="t", nonce="c", channel_binding=binding)
    with contextlib.suppress(RemoteProtocolError):
        if ours.initial:
            ours.respond(None)
        for challenge in challenges:
            ours.respond(challenge)
