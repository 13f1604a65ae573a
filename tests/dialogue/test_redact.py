from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mailsim.dialogue import Dialogue, Exchange, Line, Note, Side
from mailsim.dialogue.redact import Redactor, redact
from mailsim.dialogue.text import read_text
from mailsim.model import Endpoint, Protocol
from mailsim.secret import MASK

NAME = b"user"


def shown(text: str) -> list[str]:
    """The rows of the redacted dialogue."""
    return [line.text for line in redact(read_text(text).dialogue).lines()]


def b64(raw: bytes) -> bytes:
    return b64encode(raw)


# --- Every mechanism in every form: the secret and its token are in no line ----------------------


def quoted(value: bytes) -> bytes:
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def literal(value: bytes, plus: bytes) -> list[bytes]:
    return [b"{%d%s}\r\n" % (len(value), plus), value]


def messages(mechanism: str, secret: bytes) -> list[bytes]:
    """What a client says, before base64."""
    return {
        "PLAIN": [b"\0" + NAME + b"\0" + secret],
        "LOGIN": [NAME, secret],
        "CRAM-MD5": [NAME + b" " + secret.hex().rjust(32, b"0".decode())[-32:].encode()],
        "SCRAM-SHA-256": [b"n,,n=user,r=abc", b"c=biws,r=abcdef,p=" + b64(secret * 4)],
        "XOAUTH2": [b"user=user\x01auth=Bearer " + secret + b"\x01\x01"],
        "OAUTHBEARER": [b"n,a=user,\x01host=h\x01auth=Bearer " + secret + b"\x01\x01"],
        "X-UNKNOWN": [secret],
    }[mechanism]


C, S = Side.CLIENT, Side.SERVER
Said = list[tuple[Side, bytes]]
MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER", "X-UNKNOWN"]


def authenticate(protocol: Protocol, mechanism: str, secret: bytes, *, initial: bool) -> Said:
    """A whole authentication, each message in turn, the last answered as refused."""
    tokens = [b64(one) for one in messages(mechanism, secret)]
    name = mechanism.lower().encode()
    ask = {
        Protocol.SMTP: b"auth " + name,
        Protocol.POP3: b"Auth  " + name,
        Protocol.IMAP: b"a1 authenticate " + name,
        Protocol.MANAGESIEVE: b'Authenticate "' + name + b'"',
    }[protocol]
    wrap = quoted if protocol is Protocol.MANAGESIEVE else bytes
    challenge = {Protocol.SMTP: b"334 \r\n", Protocol.MANAGESIEVE: b'""\r\n'}.get(
        protocol, b"+ \r\n"
    )
    final = {
        Protocol.SMTP: b"535 no\r\n",
        Protocol.POP3: b"-ERR no\r\n",
        Protocol.IMAP: b"a1 NO no\r\n",
        Protocol.MANAGESIEVE: b"NO no\r\n",
    }[protocol]
    said: Said = [(C, ask + (b" " + wrap(tokens.pop(0)) if initial else b"") + b"\r\n")]
    for token in tokens:
        said += [(S, challenge), (C, wrap(token) + b"\r\n")]
    return [*said, (S, final)]


def login(secret: bytes, form: str) -> Said:
    if form == "quoted":
        return [(C, b"a1 Login user " + quoted(secret) + b"\r\n")]
    plus = {"literal": b"", "literal+": b"+", "literal-": b"-"}[form]
    head, body = literal(secret, plus)
    first, name = literal(NAME, plus)
    go: Said = [] if plus else [(S, b"+ go\r\n")]
    return [
        (C, b"a1 LOGIN " + first),
        *go,
        (C, name),
        (C, b" " + head),
        *go,
        (C, body),
        (C, b"\r\n"),
        (S, b"a1 NO no\r\n"),
    ]


def sieve_literal(secret: bytes) -> Said:
    head, body = literal(b64(b"\0user\0" + secret), b"+")
    return [(C, b'AUTHENTICATE "PLAIN" ' + head), (C, body), (C, b"\r\n"), (S, b"NO\r\n")]


def dialogue_of(protocol: Protocol, said: Iterable[tuple[Side, bytes]]) -> Dialogue:
    lines = tuple(Line(side, raw) for side, raw in said)
    endpoint = Endpoint("lab", protocol, "mail.example.org", 1)
    return Dialogue(endpoint, (Exchange(lines),))


def cut(said: Said, at: int) -> Said:
    """Every unit of the client in pieces of `at` octets, as send_raw may send them."""
    return [
        (side, raw[start : start + at])
        for side, raw in said
        for start in range(0, len(raw), at if side is C else len(raw))
    ]


def echoes(secret: bytes, tokens: Iterable[bytes]) -> Said:
    forms = [secret, b64(secret), quoted(secret), *tokens]
    return [(S, b"* OK you said " + one + b" then\r\n") for one in forms]


SECRETS = st.one_of(
    st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=5),
    st.text(st.sampled_from("pass wörd\\\"'"), min_size=5),
).map(str.encode)


def leaks(dialogue: Dialogue, wanted: Iterable[bytes]) -> list[bytes]:
    streams = [b"".join(x.raw for x in dialogue.lines() if x.side is side) for side in Side]
    return [one for one in wanted for stream in streams if one in stream]


def proper(secret: bytes) -> bytes:
    # What the dialogue says of itself would be masked too, and is no leak where it is left.
    assume(secret == secret.strip() and len(set(secret)) > 2)
    assume(
        not any(
            secret in one for one in (b"* OK you said then", MASK.encode(), b"mail.example.org")
        )
    )
    return secret


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(
    "protocol", [Protocol.SMTP, Protocol.POP3, Protocol.IMAP, Protocol.MANAGESIEVE]
)
@given(secret=SECRETS, initial=st.booleans(), size=st.sampled_from([1, 2, 7, 1000]))
def test_no_mechanism_shows_its_secret(
    protocol: Protocol, mechanism: str, secret: bytes, *, initial: bool, size: int
) -> None:
    secret = proper(secret)
    tokens = [b64(one) for one in messages(mechanism, secret)][-1:]
    said = authenticate(protocol, mechanism, secret, initial=initial)
    whole = [*echoes(secret, tokens), *cut(said, size), *echoes(secret, tokens)]
    if mechanism in {"CRAM-MD5", "SCRAM-SHA-256"}:
        # The password itself is not sent.
        whole, secret = [*cut(said, size), *echoes(b"-", tokens)], tokens[0]
    assert leaks(redact(dialogue_of(protocol, whole)), [secret, *tokens]) == []


@pytest.mark.parametrize("form", ["quoted", "literal", "literal+", "literal-"])
@given(secret=SECRETS, size=st.sampled_from([1, 3, 1000]))
def test_no_form_of_imap_login_shows_the_password(form: str, secret: bytes, size: int) -> None:
    secret = proper(secret)
    said = [*echoes(secret, []), *cut(login(secret, form), size), *echoes(secret, [])]
    forms = [secret, quoted(secret)[1:-1], b64(secret)]
    assert leaks(redact(dialogue_of(Protocol.IMAP, said)), forms) == []


@given(secret=SECRETS, size=st.sampled_from([1, 3, 1000]))
def test_pass_and_sieve_literals_are_masked(secret: bytes, size: int) -> None:
    secret = proper(secret)
    said: Said = [(C, b"pass " + secret + b"\r\n"), (S, b"-ERR no\r\n"), *echoes(secret, [])]
    assert leaks(redact(dialogue_of(Protocol.POP3, cut(said, size))), [secret]) == []
    token = b64(b"\0user\0" + secret)
    said = [*cut(sieve_literal(secret), size), *echoes(secret, [token])]
    assert leaks(redact(dialogue_of(Protocol.MANAGESIEVE, said)), [secret, token]) == []


@given(secret=SECRETS, size=st.sampled_from([1, 3, 1000]))
def test_a_live_redactor_shows_nothing_from_the_secret_on(secret: bytes, size: int) -> None:
    secret = proper(secret)
    said = cut(login(secret, "literal"), size) + echoes(secret, [])
    redactor = Redactor(Endpoint("lab", Protocol.IMAP, "mail.example.org", 143))
    fed = [redactor.feed(Exchange((Line(side, raw),))) for side, raw in said]
    whole = Dialogue(Endpoint("lab", Protocol.IMAP, "mail.example.org", 143), tuple(fed))
    assert leaks(whole, [secret, b64(secret)]) == []


# --- What is masked, and what is left ------------------------------------------------------------


def test_the_thesis_password_stays_where_it_is_part_of_a_known_name() -> None:
    rows = shown(
        "S: 220 mail.minfo.sn ESMTP Postfix (minfo)\n"
        "C: EHLO poste.minfo.sn\nS: 250 mail.minfo.sn\n"
        "C: AUTH PLAIN AHVzZXIAbWluZm8=\nS: 235 2.7.0 Authentication successful\n"
        "C: MAIL FROM:<user@minfo.sn>\nS: 250 2.1.0 Ok\n"
        "C: RCPT TO:<minfo@ugb.sn>\nS: 550 <minfo@ugb.sn>: not minfo.sn, nor minfo.sn.evil\n"
        "C: RCPT TO:<a@minfo.org>\nS: 250 bWluZm8= AHVzZXIAbWluZm8= for xminfo.sn\n"
    )
    assert rows == [
        f"220 mail.minfo.sn ESMTP Postfix ({MASK})",
        "EHLO poste.minfo.sn",
        "250 mail.minfo.sn",
        f"AUTH PLAIN {MASK}",
        "235 2.7.0 Authentication successful",
        "MAIL FROM:<user@minfo.sn>",
        "250 2.1.0 Ok",
        f"RCPT TO:<{MASK}@ugb.sn>",
        f"550 <{MASK}@ugb.sn>: not minfo.sn, nor {MASK}.sn.evil",
        f"RCPT TO:<a@{MASK}.org>",
        f"250 {MASK} {MASK} for x{MASK}.sn",
    ]


def test_a_name_that_only_comes_after_the_secret_is_masked() -> None:
    rows = shown("S: +OK hello\nC: USER user\nS: +OK\nC: PASS ecole\nS: +OK on ecole.sn\n")
    assert rows[-2:] == [f"PASS {MASK}", f"+OK on {MASK}.sn"]


def test_a_password_that_is_a_name_does_not_vouch_for_itself() -> None:
    rows = shown("S: * OK hi\nC: a LOGIN user minfo.sn\nS: a NO minfo.sn is wrong\n")
    assert rows[1:] == [f"a LOGIN user {MASK}", f"a NO {MASK} is wrong"]


def test_short_secrets_are_masked_in_their_own_place_alone() -> None:
    rows = shown("S: +OK hello\nC: PASS ok\nS: -ERR ok ok\n")
    assert rows == ["+OK hello", f"PASS {MASK}", "-ERR ok ok"]


def test_user_names_are_shown_and_a_cancelled_exchange_too() -> None:
    assert shown("S: * OK\nC: a LOGIN bob secret\nS: a OK bob\n")[1:] == [
        f"a LOGIN bob {MASK}",
        "a OK bob",
    ]
    assert shown("S: 220 x\nC: AUTH PLAIN\nS: 334 \nC: *\nS: 501 no\n")[3] == "*"
    login_name = shown(
        "S: 220 x\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 334 UGFzc3dvcmQ6\n"
        "C: bWluZm8=\nS: 535 user failed\nC: MAIL FROM:<user@x.sn>\n"
    )
    assert login_name[3] == login_name[5] == MASK
    assert login_name[6:] == ["535 user failed", "MAIL FROM:<user@x.sn>"]


def test_apop_digest_and_mistyped_commands_are_masked() -> None:
    digest = "c4c9334bac560ecc979e58001b3e22fb"
    assert shown(f"S: +OK <1@x>\nC: APOP mrose {digest}\nS: -ERR {digest}\n")[1:] == [
        f"APOP mrose {MASK}",
        f"-ERR {MASK}",
    ]
    assert shown("S: 220 x\nC: AUHT PLAIN AHVzZXIAbWluZm8=\nS: 500 minfo?\n")[1:] == [
        f"AUHT PLAIN {MASK}",
        f"500 {MASK}?",
    ]
    assert shown("S: * OK\nC: LOGIN bob secret\nS: LOGIN BAD\n")[1] == f"LOGIN bob {MASK}"


def test_message_content_is_no_command() -> None:
    content = "S: 220 x\nC: DATA\nS: 354 go\nC: AUTH is a word\nC: PASS too\nC: .\nS: 250 ok\n"
    assert MASK not in "".join(shown(content))
    chunk = "S: 220 x\nC: BDAT 12 LAST\nC: AUTH PLAIN\nC: MAIL FROM:<a@b>\nS: 250 ok\n"
    assert MASK not in "".join(shown(chunk))
    literal_text = "S: * OK\nC: a APPEND x {14}\nS: + go\nC: b LOGIN u pw\nC:\nS: a OK\n"
    assert MASK not in "".join(shown(literal_text))


def test_content_that_was_refused_hides_no_command() -> None:
    assert MASK in shown("S: 220 x\nC: BDAT 9999\nS: 502 no\nC: AUTH PLAIN AHVzZXIAbWluZm8=\n")[-1]
    assert MASK in shown("S: 220 x\nC: DATA\nS: 503 no\nC: AUTH PLAIN AHVzZXIAbWluZm8=\n")[-1]
    refused = "S: * OK\nC: a APPEND x {900}\nS: a NO\nC: b LOGIN bob secret\n"
    assert shown(refused)[-1] == f"b LOGIN bob {MASK}"


def test_pipelined_commands_do_not_end_an_authentication_early() -> None:
    smtp = (
        "S: 220 x\nC: EHLO x\nC: AUTH PLAIN\nS: 250-x\nS: 250 AUTH PLAIN\nS: 334 \n"
        "C: AHVzZXIAbWluZm8=\nC: MAIL FROM:<a@b>\nS: 235 ok\n"
    )
    assert shown(smtp)[6:8] == [MASK, "MAIL FROM:<a@b>"]
    ahead = "S: 220 x\nC: EHLO x\nC: AUTH X\nC: c2VjcmV0\nS: 250 x\nS: 334 \nS: 235 ok\n"
    assert shown(ahead)[3] == MASK
    imap = "S: * OK\nC: x NOOP\nC: a AUTHENTICATE X\nS: x OK\nS: + \nC: c2VjcmV0\nS: a OK\n"
    assert shown(imap)[5] == MASK
    login_literal = (
        "S: * OK\nC: x NOOP\nC: a LOGIN {3}\nS: x OK\nS: + \nC: bob {6}\nS: + \nC: secret\n"
    )
    assert shown(login_literal)[-1] == MASK


def test_a_client_that_does_not_wait_is_followed_all_the_same() -> None:
    smtp = "S: 220 x\nC: EHLO x\nC: AUTH X\nS: 250 x\nC: c2VjcmV0\nS: 334 \nS: 235 ok\n"
    assert shown(smtp)[4] == MASK
    imap = "S: * OK\nC: x NOOP\nC: a LOGIN {3}\nS: x OK\nC: bob {6}\nC: secret\n"
    assert shown(imap)[-1] == MASK


def test_notes_are_masked_too() -> None:
    line = Line(Side.CLIENT, b"PASS secret\r\n")
    exchange = Exchange((line,), (Note("note.raw", {"text": "PASS secret"}),))
    endpoint = Endpoint("pop3", Protocol.POP3, "x.example", 110)
    found = redact(Dialogue(endpoint, (exchange,)))
    assert found.exchanges[0].notes == (Note("note.raw", {"text": f"PASS {MASK}"}),)


def test_what_is_no_secret_stays_as_it_is() -> None:
    text = (
        "S: 220 x\nC: EHLO x\nS: 250-x\nS: 250 AUTH PLAIN LOGIN\nC: MAIL FROM:<a@b.c>\nS: 250 ok\n"
    )
    dialogue = read_text(text).dialogue
    assert redact(dialogue) == dialogue


def test_redaction_keeps_times_and_line_ends() -> None:
    exchange = Exchange((Line(Side.CLIENT, b"PASS secret\r\n", secure=True, at=1.5),))
    endpoint = Endpoint("pop3", Protocol.POP3, "x.example", 110)
    (line,) = redact(Dialogue(endpoint, (exchange,))).lines()
    assert line == Line(Side.CLIENT, f"PASS {MASK}\r\n".encode(), secure=True, at=1.5)


def test_the_lab_s_domain_is_left_though_nobody_has_said_it() -> None:
    text = (
        "# protocol: imap\nS: * OK Dovecot ready.\n\nC: a1 LOGIN user minfo\nS: a1 OK Logged in\n\n"
        "C: a2 FETCH 1 BODY[HEADER.FIELDS (TO)]\nS: * NO <user@minfo.sn> on poste.minfo.sn: minfo.\n"
    )
    lines = [line.text for line in redact(read_text(text).dialogue).lines()]
    assert lines[1] == "a1 LOGIN user […]"
    assert lines[-1] == "* NO <user@minfo.sn> on poste.minfo.sn: […]."
