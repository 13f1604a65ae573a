"""Our client against our server, and each against a peer that lies."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailsim import sasl
from mailsim.errors import LocalProtocolError, RemoteProtocolError, UsageError
from mailsim.sasl import Quirk
from mailsim.secret import Secret

BY_PASSWORD = tuple(
    name for name in sasl.MECHANISMS if name not in ("EXTERNAL", "ANONYMOUS", "XOAUTH2")
)
SCRAMS = tuple(name for name in sasl.MECHANISMS if name.startswith("SCRAM"))
# XOAUTH2 and OAUTHBEARER carry a token, ANONYMOUS a trace: their grammars allow less.
FREE = ("PLAIN", "LOGIN", "CRAM-MD5", *SCRAMS)
BINDING = sasl.ChannelBinding("tls-server-end-point", b"hash of the certificate")

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12
)

# What SASLprep accepts: Latin and symbols, some of which it changes, or Arabic alone.
preparable = st.text("aZ09 ,=é\u00aa\u00ad\u00b4\u00bd\u2168€", min_size=1, max_size=12).filter(
    lambda text: text.strip("\u00ad") != ""
) | st.text("\u0627\u0628\u0635", min_size=1, max_size=12)


def zeros(count: int) -> bytes:
    return bytes(count)


def pair(
    name: str,
    user: str = "user",
    *,
    password: str = "minfo",
    known: str = "minfo",
    account: str = "user",
    authzid: str = "",
) -> tuple[sasl.Mechanism, sasl.ServerMechanism]:
    """A client that gives `password`, and a server that knows `known` for `account`."""
    binding = BINDING if name.endswith("-PLUS") else None
    ours = sasl.client(
        name,
        user=user,
        password=password,
        token=password,
        nonce="client",
        authzid=authzid,
        channel_binding=binding,
    )
    theirs = sasl.server(
        name,
        credentials=sasl.Accounts({account: Secret(known)}, {account: Secret(known)}),
        nonce="server",
        challenge=b"<1.2@mail.minfo.sn>",
        channel_bindings=(binding,) if binding else (),
        external="user",
    )
    return ours, theirs


@pytest.mark.parametrize("name", sasl.MECHANISMS)
def test_a_login_succeeds(name: str) -> None:
    said = sasl.converse(*pair(name))
    assert isinstance(said.outcome, sasl.Success)
    assert said.outcome.user == ("anonymous" if name == "ANONYMOUS" else "user")


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "CRAM-MD5"])
@settings(max_examples=12, deadline=None)
@given(user=texts, password=texts)
def test_any_text_logs_in(name: str, user: str, password: str) -> None:
    assert _logs_in(name, user, password)


@pytest.mark.parametrize("name", SCRAMS)
@settings(max_examples=12, deadline=None)
@given(user=preparable, password=preparable)
def test_any_text_that_can_be_prepared_logs_in(name: str, user: str, password: str) -> None:
    assert _logs_in(name, user, password)


def _logs_in(name: str, user: str, password: str) -> bool:
    prepared = sasl.saslprep(user, stored=False) if name in SCRAMS else user
    said = sasl.converse(*pair(name, user, password=password, known=password, account=prepared))
    return isinstance(said.outcome, sasl.Success) and said.outcome.user == prepared


@pytest.mark.parametrize("name", ["XOAUTH2", "OAUTHBEARER"])
@settings(max_examples=12, deadline=None)
@given(
    user=texts.filter(lambda text: "\x01" not in text),
    token=st.from_regex(r"[A-Za-z0-9._~+/-]+=*", fullmatch=True),
)
def test_any_token_logs_in(name: str, user: str, token: str) -> None:
    said = sasl.converse(*pair(name, user, password=token, known=token, account=user))
    assert isinstance(said.outcome, sasl.Success)


@pytest.mark.parametrize("name", [*BY_PASSWORD, "XOAUTH2"])
def test_a_wrong_password_fails(name: str) -> None:
    said = sasl.converse(*pair(name, password="wrong"))
    assert isinstance(said.outcome, sasl.Failure)
    assert said.outcome.reason in ("sasl.failure.password", "sasl.failure.token")


@pytest.mark.parametrize("name", FREE)
def test_an_unknown_user_sees_what_a_wrong_password_sees(name: str) -> None:
    ours, _ = pair(name, password="wrong")
    wrong = sasl.converse(*pair(name, password="wrong"))
    _, theirs = pair(name)
    theirs._given = replace(theirs._given, credentials=sasl.Accounts())
    unknown = sasl.converse(ours, theirs)
    assert isinstance(unknown.outcome, sasl.Failure)
    assert unknown.outcome.reason == "sasl.failure.user"
    assert [step.data for step in unknown.steps] == [step.data for step in wrong.steps]


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256"])
def test_an_account_without_password_lets_nobody_in(name: str) -> None:
    ours, theirs = pair(name, password="x", known="")
    if name == "PLAIN":
        outcome = theirs.challenge(b"\0user\0")
    else:
        ours._given = replace(ours._given, password=Secret(""))
        outcome = sasl.converse(ours, theirs).outcome
    assert isinstance(outcome, sasl.Failure)


@pytest.mark.parametrize("name", ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "EXTERNAL"])
def test_acting_as_another_is_asked_of_the_credentials(name: str) -> None:
    ours, theirs = pair(name, authzid="admin,=")
    refused = sasl.converse(ours, theirs).outcome
    assert isinstance(refused, sasl.Failure)
    assert refused.reason == "sasl.failure.authorization"

    ours, theirs = pair(name, authzid="admin,=")
    acting = replace_acting(theirs, {"user": frozenset({"admin,="})})
    allowed = sasl.converse(ours, acting).outcome
    assert isinstance(allowed, sasl.Success)
    assert (allowed.user, allowed.authzid) == ("user", "admin,=")


def replace_acting(
    theirs: sasl.ServerMechanism, acting: dict[str, frozenset[str]]
) -> sasl.ServerMechanism:
    accounts = theirs.credentials
    assert isinstance(accounts, sasl.Accounts)
    theirs._given = replace(theirs._given, credentials=replace(accounts, acting=acting))
    return theirs


def test_external_needs_a_certificate() -> None:
    theirs = sasl.server("EXTERNAL", credentials=sasl.Accounts())
    outcome = theirs.challenge(b"")
    assert isinstance(outcome, sasl.Failure)
    assert outcome.reason == "sasl.failure.external"


@pytest.mark.parametrize("name", ["XOAUTH2", "OAUTHBEARER"])
def test_an_account_without_token_lets_nobody_in(name: str) -> None:
    header = b"user=user\x01" if name == "XOAUTH2" else b"n,a=user,\x01"
    theirs = sasl.server(name, credentials=sasl.Accounts(tokens={"user": Secret("")}))
    assert isinstance(theirs.challenge(header + b"auth=\x01\x01"), sasl.Challenge)
    assert isinstance(theirs.challenge(b"\x01"), sasl.Failure)


def test_each_name_has_its_own_salt_the_same_each_time() -> None:
    accounts = sasl.Accounts({"user": Secret("minfo")}, pepper=Secret("pepper"), iterations=5000)
    salts = {
        accounts.salting(user, mechanism).salt
        for user in ("user", "nobody")
        for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256")
        for _ in range(2)
    }
    assert len(salts) == 4
    assert accounts.salting("nobody", "SCRAM-SHA-1").iterations == 5000
    assert (
        replace(accounts, pepper=Secret("other")).salting("user", "SCRAM-SHA-1").salt not in salts
    )


# --- A server that lies --------------------------------------------------------------------------


def scram_client(name: str = "SCRAM-SHA-256", *quirks: Quirk) -> sasl.Mechanism:
    ours = sasl.client(
        name, user="user", password="minfo", nonce="client", quirks=frozenset(quirks)
    )
    ours.respond(None)
    return ours


def test_a_wrong_server_signature_is_noticed() -> None:
    ours = scram_client()
    ours.respond(b"r=clientserver,s=c2FsdA==,i=4096")
    wrong = base64.b64encode(bytes(32))
    with pytest.raises(RemoteProtocolError) as refused:
        ours.respond(b"v=" + wrong)
    assert refused.value.message_id == "sasl.scram-signature"
    assert not ours.done


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_success_before_the_server_has_proved_itself_is_refused(steps: int) -> None:
    ours = sasl.client("SCRAM-SHA-256", user="user", password="minfo", nonce="client")
    for challenge in (None, b"r=clientserver,s=c2FsdA==,i=4096")[:steps]:
        ours.respond(challenge)
    with pytest.raises(RemoteProtocolError) as refused:
        ours.succeed()
    assert refused.value.message_id == "sasl.success-too-early"


def test_a_servers_error_is_a_result_and_no_success_after_it() -> None:
    ours = scram_client()
    ours.respond(b"r=clientserver,s=c2FsdA==,i=4096")
    answer = ours.respond(b"e=invalid-proof")
    assert answer.data == b""
    assert answer.parts[0].value == b"invalid-proof"
    assert ours.failed
    with pytest.raises(RemoteProtocolError):
        ours.succeed()


@pytest.mark.parametrize("count", ["1", "4095", "10000001", "9999999999"])
def test_iteration_counts_out_of_bounds_are_refused(count: str) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        scram_client().respond(f"r=clientserver,s=c2FsdA==,i={count}".encode())
    assert refused.value.message_id == "sasl.scram-iterations"
    assert count in str(refused.value)


def test_low_iteration_counts_have_a_quirk() -> None:
    ours = scram_client("SCRAM-SHA-1", Quirk.LOW_ITERATIONS)
    assert ours.respond(b"r=clientserver,s=c2FsdA==,i=1").data.startswith(b"c=biws,")


@pytest.mark.parametrize(
    "first",
    [
        b"r=otherserver,s=c2FsdA==,i=4096",
        b"m=ext,r=clientserver,s=c2FsdA==,i=4096",
        b"r=clientserver,s=c2FsdA==,i=4096,m=ext",
        b"r=clientserver,s=c2Fsd,i=4096",
        b"r=clientserver,s=c2FsdB==,i=4096",
        b"r=clientserver,s=,i=4096",
        b"r=clientserver,s=c2FsdA==,i=0",
        b"r=clientserver,s=c2FsdA==,i=" + b"9" * 5000,
        b"s=c2FsdA==,r=clientserver,i=4096",
        b"r=clientserver,s=c2FsdA==",
        b"r=client\xe9server,s=c2FsdA==,i=4096",
        b"\xff",
        b"",
    ],
)
def test_a_malformed_server_first_is_refused(first: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        scram_client().respond(first)


def test_unknown_optional_extensions_are_ignored() -> None:
    assert scram_client().respond(b"r=clientserver,s=c2FsdA==,i=4096,x=y").data


@pytest.mark.parametrize("name", sasl.MECHANISMS)
def test_a_challenge_after_the_end_is_refused(name: str) -> None:
    ours, theirs = pair(name)
    sasl.converse(ours, theirs)
    with pytest.raises(RemoteProtocolError):
        ours.respond(b"more")
    with pytest.raises(LocalProtocolError):
        theirs.challenge(b"more")


def test_a_challenge_with_content_where_the_client_speaks_first_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        sasl.client("PLAIN", user="user", password="minfo").respond(b"hello")


def test_an_initial_response_where_the_server_speaks_first_is_refused() -> None:
    with pytest.raises(LocalProtocolError):
        sasl.client("CRAM-MD5", user="user", password="minfo").respond(None)
    with pytest.raises(RemoteProtocolError):
        pair("CRAM-MD5")[1].challenge(b"user")
    with pytest.raises(RemoteProtocolError):
        pair("LOGIN")[1].challenge(b"user")


def test_login_may_begin_with_the_user_name_by_a_quirk() -> None:
    accounts = sasl.Accounts({"user": Secret("minfo")})
    quirks = frozenset({Quirk.LOGIN_INITIAL_RESPONSE})
    theirs = sasl.server("LOGIN", credentials=accounts, quirks=quirks)
    prompt = theirs.challenge(b"user")
    assert isinstance(prompt, sasl.Challenge)
    assert prompt.data == b"Password:"
    assert isinstance(theirs.challenge(b"minfo"), sasl.Success)


def test_a_cram_challenge_must_be_a_msg_id_but_for_a_quirk() -> None:
    with pytest.raises(RemoteProtocolError):
        sasl.client("CRAM-MD5", user="u", password="p").respond(b"12345")
    loose = frozenset({Quirk.LOOSE_CRAM_CHALLENGE})
    assert sasl.client("CRAM-MD5", user="u", password="p", quirks=loose).respond(b"12345").data


# --- A client that lies --------------------------------------------------------------------------


def test_a_client_that_could_bind_reveals_a_downgrade() -> None:
    ours = sasl.client(
        "SCRAM-SHA-256", user="user", password="minfo", nonce="c", channel_binding=BINDING
    )
    first = ours.respond(None).data
    assert first.startswith(b"y,,")
    theirs = sasl.server(
        "SCRAM-SHA-256",
        credentials=sasl.Accounts({"user": Secret("minfo")}),
        nonce="s",
        channel_bindings=(BINDING,),
    )
    outcome = theirs.challenge(first)
    assert isinstance(outcome, sasl.Failure)
    assert outcome.reason == "sasl.failure.downgrade"


@pytest.mark.parametrize(
    ("name", "first", "reason"),
    [
        ("SCRAM-SHA-1-PLUS", b"n,,n=user,r=c", "sasl.failure.binding-flag"),
        ("SCRAM-SHA-1", b"p=tls-exporter,,n=user,r=c", "sasl.failure.binding-flag"),
        ("SCRAM-SHA-1-PLUS", b"p=tls-unique,,n=user,r=c", "sasl.failure.binding-type"),
    ],
)
def test_a_binding_flag_that_does_not_fit_fails(name: str, first: bytes, reason: str) -> None:
    outcome = pair(name)[1].challenge(first)
    assert isinstance(outcome, sasl.Failure)
    assert outcome.reason == reason


def test_another_connections_binding_fails() -> None:
    ours, theirs = pair("SCRAM-SHA-256-PLUS")
    other = sasl.ChannelBinding(BINDING.kind, b"hash of the attacker's certificate")
    ours._given = replace(ours._given, channel_binding=other)
    outcome = sasl.converse(ours, theirs).outcome
    assert isinstance(outcome, sasl.Failure)
    assert outcome.reason == "sasl.failure.binding"


def test_another_exchanges_nonce_fails() -> None:
    _, theirs = pair("SCRAM-SHA-256")
    theirs.challenge(b"n,,n=user,r=c")
    outcome = theirs.challenge(b"c=biws,r=cother,p=" + base64.b64encode(bytes(32)))
    assert isinstance(outcome, sasl.Failure)
    assert outcome.reason == "sasl.failure.nonce"


@pytest.mark.parametrize("proof", [b"AAAA", base64.b64encode(bytes(32))])
def test_a_proof_of_any_length_is_judged(proof: bytes) -> None:
    _, theirs = pair("SCRAM-SHA-256")
    theirs.challenge(b"n,,n=user,r=c")
    outcome = theirs.challenge(b"c=biws,r=cserver,p=" + proof)
    assert isinstance(outcome, sasl.Failure)
    assert outcome.reason == "sasl.failure.password"


@pytest.mark.parametrize(
    ("name", "response"),
    [
        ("PLAIN", b"user\0minfo"),
        ("PLAIN", b"\0user\0min\0fo"),
        ("PLAIN", b"\0us\xffer\0minfo"),
        ("CRAM-MD5", b"user"),
        ("CRAM-MD5", b"user " + b"A" * 32),
        ("EXTERNAL", b"us\0er"),
        ("ANONYMOUS", b"\x07"),
        ("ANONYMOUS", b"x" * 256),
        ("XOAUTH2", b"user=user\x01auth=Bearer token\x01"),
        ("XOAUTH2", b"user=user\x01auth=Basic abc\x01\x01"),
        ("OAUTHBEARER", b"n,a=user,\x01auth=Bearer token\x01"),
        ("OAUTHBEARER", b"n,a=user,\x01host=h\x01\x01"),
        ("OAUTHBEARER", b"n,user=x,\x01auth=Bearer token\x01\x01"),
        ("OAUTHBEARER", b"\x01"),
        ("SCRAM-SHA-256", b"n,,n=us=er,r=c"),
        ("SCRAM-SHA-256", b"n,,n=us=2cer,r=c"),
        ("SCRAM-SHA-256", b"x,,n=user,r=c"),
        ("SCRAM-SHA-256", b"n,,n=,r=c"),
        ("SCRAM-SHA-256", b"n,,m=x,n=user,r=c"),
        ("SCRAM-SHA-256", b"n,,n=\xc2\xad,r=c"),
        ("SCRAM-SHA-256", b"n,,n=\x07,r=c"),
    ],
)
def test_a_malformed_response_is_refused(name: str, response: bytes) -> None:
    _, theirs = pair(name)
    if not theirs.initial:
        theirs.challenge(None)
    with pytest.raises(RemoteProtocolError):
        theirs.challenge(response)


# --- What cannot be sent -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given_", "message_id"),
    [
        ("PLAIN", {"user": "us\0er", "password": "minfo"}, "sasl.unfit"),
        ("PLAIN", {"user": "", "password": "minfo"}, "sasl.needed"),
        ("PLAIN", {"user": "user", "password": ""}, "sasl.needed"),
        ("PLAIN", {"user": "us\ud800er", "password": "minfo"}, "sasl.not-text"),
        ("PLAIN", {"user": "user", "password": "\ud800"}, "sasl.not-text"),
        ("PLAIN", {"user": "user", "password": Secret(b"\xff")}, "sasl.unfit"),
        ("LOGIN", {"user": "us\ud800er", "password": "minfo"}, "sasl.not-text"),
        ("EXTERNAL", {"authzid": "us\0er"}, "sasl.unfit"),
        ("ANONYMOUS", {"user": "\x07"}, "sasl.unfit"),
        ("XOAUTH2", {"user": "u", "token": "a b"}, "sasl.unfit"),
        ("XOAUTH2", {"user": "u\x01auth=Bearer x", "token": "t"}, "sasl.unfit"),
        ("XOAUTH2", {"user": "u"}, "sasl.needed"),
        ("XOAUTH2", {"user": "u", "token": Secret(b"\xff")}, "sasl.unfit"),
        ("OAUTHBEARER", {"user": "u", "token": "t", "host": "h\x01x=y"}, "sasl.unfit"),
        ("SCRAM-SHA-1", {"user": "user", "password": "minfo"}, "sasl.needed"),
        ("SCRAM-SHA-1", {"user": "user", "password": "p", "nonce": "a,b"}, "sasl.unfit"),
        ("SCRAM-SHA-1", {"user": "user", "password": "p", "nonce": "é"}, "sasl.unfit"),
        (
            "SCRAM-SHA-1",
            {"user": "u", "password": "\x07", "nonce": "n"},
            "sasl.saslprep-prohibited",
        ),
        ("SCRAM-SHA-1", {"user": "\u00ad", "password": "p", "nonce": "n"}, "sasl.needed"),
        ("SCRAM-SHA-1", {"user": "u", "password": Secret(b"\xff"), "nonce": "n"}, "sasl.not-text"),
        (
            "SCRAM-SHA-1",
            {"user": "u", "password": "p", "nonce": "n", "authzid": "\ud800"},
            "sasl.not-text",
        ),
        ("SCRAM-SHA-1-PLUS", {"user": "u", "password": "p", "nonce": "n"}, "sasl.needed"),
        ("NTLM", {}, "sasl.unknown-mechanism"),
    ],
)
def test_what_cannot_be_sent_is_said(
    name: str, given_: dict[str, str | Secret], message_id: str
) -> None:
    def first() -> sasl.Response:
        ours = sasl.client(name, **given_)  # type: ignore[arg-type]
        return ours.respond(None if ours.initial else b"")

    with pytest.raises(UsageError) as refused:
        first()
    assert refused.value.message_id == message_id
    assert str(refused.value)


@pytest.mark.parametrize(("kind", "data"), [("tls,unique", b"x"), ("", b"x"), ("tls-unique", b"")])
def test_a_channel_binding_has_a_name_and_data(kind: str, data: bytes) -> None:
    with pytest.raises(UsageError):
        sasl.ChannelBinding(kind, data)


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "CRAM-MD5"])
def test_a_server_needs_its_random_value(name: str) -> None:
    with pytest.raises(UsageError):
        sasl.server(name, credentials=sasl.Accounts())


# --- Choosing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "means", "chosen"),
    [
        (("LOGIN", "PLAIN"), {}, "PLAIN"),
        (("plain", "cram-md5"), {}, "CRAM-MD5"),
        (("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), {}, "SCRAM-SHA-256"),
        (sasl.MECHANISMS, {"channel_binding": True}, "SCRAM-SHA-256-PLUS"),
        (("EXTERNAL", "PLAIN"), {"certificate": True}, "EXTERNAL"),
        (("XOAUTH2", "PLAIN"), {"token": True}, "XOAUTH2"),
        (("XOAUTH2", "PLAIN"), {}, "PLAIN"),
    ],
)
def test_the_strongest_that_the_client_can_is_chosen(
    offered: tuple[str, ...], means: dict[str, bool], chosen: str
) -> None:
    assert sasl.choose(offered, **means) == chosen


@pytest.mark.parametrize("offered", [(), ("ANONYMOUS",), ("GSSAPI", "XOAUTH2")])
def test_nothing_in_common_is_said(offered: tuple[str, ...]) -> None:
    with pytest.raises(LocalProtocolError) as refused:
        sasl.choose(offered)
    assert refused.value.message_id == "sasl.none-in-common"


def test_what_the_server_offers_reaches_no_terminal_raw() -> None:
    with pytest.raises(LocalProtocolError) as refused:
        sasl.choose(["\x1b[2J", "\ud800"])
    assert str(refused.value).isprintable()


def test_a_nonce_is_printable_and_comes_from_the_given_source() -> None:
    assert sasl.new_nonce(zeros) == "A" * 24
    assert sasl.make_challenge(zeros, "mail.minfo.sn", 1) == b"<0.1@mail.minfo.sn>"
