"""No rendering shows a secret; every id is worded; base64 by groups."""

from __future__ import annotations

import base64
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim import sasl
from mailsim.language import word
from mailsim.secret import MASK, Secret

PASSWORD = "tr0ub4dor"


def zeros(count: int) -> bytes:
    return bytes(count)


def spellings(secret: str) -> set[str]:
    """The secret in the clear, in hexadecimal, and in base64 at each of three offsets."""
    raw = secret.encode()
    coded = {base64.b64encode(b"\0" * n + raw).decode()[4:-4] for n in range(3)}
    return {secret, raw.hex(), *coded}


def assert_hidden(rendered: str, secret: str) -> None:
    for spelling in spellings(secret):
        assert spelling not in rendered


@pytest.mark.parametrize("name", sasl.MECHANISMS)
def test_no_step_shows_the_password(name: str) -> None:
    for step in sasl.exchange(name, "user", PASSWORD, random=zeros):
        for text in (repr(step), str(step), f"{step}", step.shown(), step.token()):
            assert_hidden(text, PASSWORD)
        for part in step.parts:
            assert_hidden(repr(part) + part.shown(), PASSWORD)


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"])
def test_a_secret_that_travels_is_masked_and_revealed_on_request(name: str) -> None:
    step = sasl.exchange(name, "user", PASSWORD, random=zeros)[-1]
    assert step.secret
    assert step.token() == step.shown() == MASK
    assert PASSWORD in step.shown(reveal=True)
    assert base64.b64decode(step.token(reveal=True)) == step.data


def test_a_step_without_secret_is_shown() -> None:
    prompt = sasl.exchange("LOGIN", "user", PASSWORD, random=zeros)[0]
    assert (prompt.shown(), prompt.token()) == ("Username:", "VXNlcm5hbWU6")


@pytest.mark.parametrize("name", sasl.MECHANISMS)
def test_no_object_on_the_way_shows_the_password(name: str) -> None:
    binding = sasl.ChannelBinding("tls-exporter", b"exported")
    accounts = sasl.Accounts({"user": Secret(PASSWORD)}, {"user": Secret(PASSWORD)})
    ours = sasl.client(
        name,
        user="user",
        password=PASSWORD,
        token=PASSWORD,
        nonce="c",
        channel_binding=binding if name.endswith("-PLUS") else None,
    )
    theirs = sasl.server(
        name,
        credentials=accounts,
        nonce="s",
        challenge=b"<1@h>",
        channel_bindings=(binding,) if name.endswith("-PLUS") else (),
        external="user",
    )
    said = sasl.converse(ours, theirs)
    for one in (ours, theirs, accounts, said, said.outcome, binding, ours._given, theirs._given):
        assert_hidden(repr(one), PASSWORD)


def test_the_keys_of_scram_are_secret_and_its_proofs_are_not() -> None:
    steps = sasl.exchange("SCRAM-SHA-256", "user", PASSWORD, random=zeros)
    secret = {part.name for step in steps for part in step.parts if part.secret}
    assert secret == {"SaltedPassword", "ClientKey", "StoredKey", "ClientSignature", "ServerKey"}
    assert not any(part.sent for step in steps for part in step.parts if part.secret)


def test_control_characters_do_not_reach_the_terminal() -> None:
    part = sasl.Part("trace", b"\x1b[2Jx\xff\n")
    assert part.shown() == "\\x1b[2Jx\\xff\\n"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_id_that_steps_carry_is_worded(lang: str) -> None:
    for name in sasl.MECHANISMS:
        for step in sasl.exchange(name, "user", PASSWORD, random=zeros):
            assert step.name(lang)
            assert step.learnt(lang)
            assert all(part.note(lang) for part in step.parts)


def test_leaks_of_plain_and_scram_are_worded_apart() -> None:
    assert "password themselves" in word("sasl.leak.password", "en")
    assert "hors ligne" in word("sasl.leak.scram", "fr")


# --- base64 by groups of six bits ----------------------------------------------------------------


def test_the_groups_of_the_thesis_token() -> None:
    groups = sasl.base64_groups(b"\0user\0minfo")
    assert "".join(group.characters for group in groups) == "AHVzZXIAbWluZm8="
    first, last = groups[0], groups[-1]
    assert first.bytes_ == b"\0us"
    assert first.bits == "000000000111010101110011"
    assert first.sixes == ("000000", "000111", "010101", "110011")
    assert first.indexes == (0, 7, 21, 51)
    assert (last.bytes_, last.padding, last.sixes[-1]) == (b"fo", 1, "111100")


@given(st.binary(max_size=40))
def test_groups_are_base64(data: bytes) -> None:
    groups = sasl.base64_groups(data)
    assert "".join(group.characters for group in groups) == base64.b64encode(data).decode()
    assert b"".join(group.bytes_ for group in groups) == data
    for group in groups:
        letters = "".join(sasl.ALPHABET[index] for index in group.indexes)
        assert letters + "=" * group.padding == group.characters


def test_values_are_frozen() -> None:
    step = sasl.exchange("PLAIN", "user", PASSWORD, random=zeros)[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.data = b""  # type: ignore[misc]
