"""SCRAM against an implementation that is not ours, in both roles."""

from __future__ import annotations

import pytest
import scramp
from hypothesis import given, settings
from hypothesis import strategies as st

from mailsim import sasl
from mailsim.errors import UsageError
from mailsim.secret import Secret

NAMES = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS")
BINDING = sasl.ChannelBinding("tls-server-end-point", b"\x00\x01hash")  # scramp has no tls-exporter
# RFC 5802 §2.2 names U+00BD and U+00B4, whose NFC and NFKC differ.
USERS = ("user", "a=b,c", "é\u00bd", "us\u00ader")
PASSWORDS = ("minfo", "p=,\u00bd\u00b4", "mot de passe\u00a0secret", "\u0635\u0628")


def bound(name: str) -> sasl.ChannelBinding | None:
    return BINDING if name.endswith("-PLUS") else None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("user", "password"), list(zip(USERS, PASSWORDS, strict=True)))
def test_our_client_logs_in_at_scramps_server(name: str, user: str, password: str) -> None:
    mechanism = scramp.ScramMechanism(name)
    info = mechanism.make_auth_info(password, iteration_count=4096)
    binding = bound(name)
    pair = (binding.kind, binding.data) if binding else None
    asked: list[str] = []

    def lookup(username: str) -> object:
        asked.append(username)
        return info

    theirs = mechanism.make_server(lookup, channel_binding=pair)
    ours = sasl.client(
        name, user=user, password=password, nonce="abcdefghijkl", channel_binding=binding
    )
    theirs.set_client_first(ours.respond(None).data.decode())
    theirs.set_client_final(ours.respond(theirs.get_server_first().encode()).data.decode())
    assert ours.respond(theirs.get_server_final().encode()).data == b""

    assert ours.done
    assert asked == [sasl.saslprep(user, stored=False)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("user", "password"), list(zip(USERS, PASSWORDS, strict=True)))
def test_scramps_client_logs_in_at_our_server(name: str, user: str, password: str) -> None:
    binding = bound(name)
    pair = (binding.kind, binding.data) if binding else None
    theirs = scramp.ScramClient([name], user, password, channel_binding=pair, c_nonce="cnonce")
    prepared = sasl.saslprep(user, stored=False)
    accounts = sasl.Accounts(passwords={prepared: Secret(password)}, pepper=Secret("pepper"))
    ours = sasl.server(
        name,
        credentials=accounts,
        nonce="snonce",
        channel_bindings=(binding,) if binding else (),
    )
    first = ours.challenge(theirs.get_client_first().encode())
    assert isinstance(first, sasl.Challenge)
    theirs.set_server_first(first.data.decode())
    last = ours.challenge(theirs.get_client_final().encode())
    assert isinstance(last, sasl.Challenge)
    assert last.final
    theirs.set_server_final(last.data.decode())  # raises when our signature is wrong
    assert ours.challenge(b"") == sasl.Success(prepared, prepared, last.parts[1:])


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.characters(exclude_characters="\u200b"), max_size=12)
    | st.text("aé1 \u00ad\u00bd\u0627\u0628\u0661\u0301\u2168", max_size=5)
)
def test_saslprep_agrees_with_scramp(text: str) -> None:
    # U+200B is left out: RFC 4013 §2.1 maps it twice, and scramp takes the second.
    try:
        ours: str | None = sasl.saslprep(text, stored=True)
    except UsageError:
        ours = None
    try:
        theirs = scramp.core.saslprep(text)
    except scramp.ScramException:
        theirs = None
    assert ours == theirs
