from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import UsageError
from mailsim.secret import Secret
from mailsim.wire.quirk import Quirk
from mailsim.wire.smtp import (
    Auth,
    Bdat,
    Command,
    Data,
    Ehlo,
    Etrn,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Malformed,
    Noop,
    Parameter,
    Path,
    Problem,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Unknown,
    Vrfy,
    Xclient,
    Xforward,
    parse_command,
    xtext_decode,
    xtext_encode,
)
from mailsim.wire.smtp.params import parameters

CANONICAL: list[tuple[bytes, Command]] = [
    (b"HELO bar.com\r\n", Helo("bar.com")),
    (b"EHLO [192.168.10.50]\r\n", Ehlo("[192.168.10.50]")),
    (b"EHLO [IPv6:2001:db8::1]\r\n", Ehlo("[IPv6:2001:db8::1]")),
    (b"LHLO foo.edu\r\n", Lhlo("foo.edu")),
    (b"MAIL FROM:<>\r\n", Mail(Path(""))),
    (b"MAIL FROM:<Smith@bar.com>\r\n", Mail(Path("Smith@bar.com"))),
    (
        b"MAIL FROM:<a@b.sn> SIZE=500 BODY=8BITMIME SMTPUTF8\r\n",
        Mail(
            Path("a@b.sn"),
            (Parameter("SIZE", "500"), Parameter("BODY", "8BITMIME"), Parameter("SMTPUTF8")),
        ),
    ),
    (b"RCPT TO:<Jones@foo.com>\r\n", Rcpt(Path("Jones@foo.com"))),
    (b"RCPT TO:<Postmaster>\r\n", Rcpt(Path("Postmaster"))),
    (b'RCPT TO:<"a>b c"@x.sn>\r\n', Rcpt(Path('"a>b c"@x.sn'))),
    (b"RCPT TO:<@a.org,@b.org:c@d.org>\r\n", Rcpt(Path("c@d.org", "@a.org,@b.org"))),
    (
        b"RCPT TO:<a@b.sn> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+2Bb@b.sn\r\n",
        Rcpt(
            Path("a@b.sn"),
            (Parameter("NOTIFY", "SUCCESS,FAILURE"), Parameter("ORCPT", "rfc822;a+2Bb@b.sn")),
        ),
    ),
    (
        "MAIL FROM:<élève@école.sn> SMTPUTF8\r\n".encode(),
        Mail(Path("élève@école.sn"), (Parameter("SMTPUTF8"),)),
    ),
    (b"DATA\r\n", Data()),
    (b"RSET\r\n", Rset()),
    (b"QUIT\r\n", Quit()),
    (b"STARTTLS\r\n", StartTls()),
    (b"NOOP\r\n", Noop()),
    (b"NOOP anyone there?\r\n", Noop("anyone there?")),
    (b"HELP MAIL\r\n", Help("MAIL")),
    (b"VRFY Crispin\r\n", Vrfy("Crispin")),
    (b"EXPN Example-People\r\n", Expn("Example-People")),
    (b"ETRN @ugb.sn\r\n", Etrn("@ugb.sn")),
    (b"AUTH LOGIN\r\n", Auth("LOGIN")),
    (b"AUTH PLAIN AHVzZXIAbWluZm8=\r\n", Auth("PLAIN", Secret("AHVzZXIAbWluZm8="))),
    (b"AUTH EXTERNAL =\r\n", Auth("EXTERNAL", Secret("="))),
    (b"BDAT 86 LAST\r\n", Bdat(b"", last=True, size=86)),
    (b"BDAT 0\r\n", Bdat(b"", size=0)),
    (
        b"XCLIENT NAME=mx.ugb.sn ADDR=192.168.20.1\r\n",
        Xclient((("NAME", "mx.ugb.sn"), ("ADDR", "192.168.20.1"))),
    ),
    (b"XFORWARD HELO=a+20b\r\n", Xforward((("HELO", "a b"),))),
    (b"FOO bar\r\n", Unknown("FOO", "bar")),
]


@pytest.mark.parametrize(("raw", "value"), CANONICAL, ids=lambda one: str(one)[:40])
def test_a_canonical_line_and_its_value_are_one(raw: bytes, value: Command) -> None:
    assert parse_command(raw) == value
    assert b"".join(value.units()) == raw


def test_verbs_are_taken_in_any_case_and_trailing_space_is_ignored() -> None:
    assert parse_command(b"mAiL from:<a@b.sn>  \r\n") == Mail(Path("a@b.sn"))


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"MAIL\r\n", Problem.ARGUMENT_MISSING),
        (b"MAIL <a@b.sn>\r\n", Problem.KEYWORD),
        (b"MAIL TO:<a@b.sn>\r\n", Problem.KEYWORD),
        (b"MAIL FROM : <a@b.sn>\r\n", Problem.KEYWORD),
        (b"MAIL FROM: <a@b.sn>\r\n", Problem.PATH),
        (b"MAIL FROM:a@b.sn\r\n", Problem.PATH),
        (b"MAIL FROM:<a@b..sn>\r\n", Problem.PATH),
        (b"MAIL FROM:<a b@b.sn>\r\n", Problem.PATH),
        (b"MAIL FROM:<a@b.sn>SIZE=1\r\n", Problem.PATH),
        (b"MAIL FROM:<a@b.sn> SIZE=\r\n", Problem.PARAMETER),
        (b"MAIL FROM:<a@b.sn> S_Z=1\r\n", Problem.PARAMETER),
        (b"MAIL FROM:<\xff@b.sn>\r\n", Problem.ENCODING),
        (b"RCPT TO:<>\r\n", Problem.PATH),
        (b"DATA message\r\n", Problem.ARGUMENT_UNEXPECTED),
        (b"EHLO\r\n", Problem.ARGUMENT_MISSING),
        (b"EHLO a_b\r\n", Problem.DOMAIN),
        (b"VRFY\r\n", Problem.ARGUMENT_MISSING),
        (b"AUTH\r\n", Problem.ARGUMENT_MISSING),
        (b"AUTH PLAIN not*base64\r\n", Problem.ARGUMENT),
        (b"BDAT x\r\n", Problem.ARGUMENT),
        (b"XCLIENT NAME\r\n", Problem.ARGUMENT),
    ],
)
def test_what_the_grammar_does_not_have_is_malformed(raw: bytes, problem: Problem) -> None:
    value = parse_command(raw)
    assert isinstance(value, Malformed)
    assert value.problem is problem


@pytest.mark.parametrize(
    ("raw", "quirks"),
    [
        (b"MAIL FROM : <a@b.sn>", {Quirk.SPACE_BEFORE_COLON, Quirk.SPACE_IN_PATH}),
        (b"MAIL FROM: < a@b.sn>", {Quirk.SPACE_IN_PATH}),
        (b"MAIL FROM:a@b.sn", {Quirk.NO_ANGLE_BRACKETS}),
    ],
)
def test_each_leniency_has_its_name(raw: bytes, quirks: set[Quirk]) -> None:
    assert parse_command(raw, frozenset(quirks)) == Mail(Path("a@b.sn"))
    for missing in quirks:
        assert isinstance(parse_command(raw, frozenset(quirks - {missing})), Malformed)


@given(st.binary(max_size=80))
def test_any_bytes_give_a_command_and_no_exception(raw: bytes) -> None:
    value = parse_command(raw)
    assert value.verb
    again = parse_command(b"".join(value.units()[:1])) if _one_line(raw) else value
    assert again == value


def _one_line(raw: bytes) -> bool:
    """Whether the bytes could stand on one line: no line break but at the end, no NUL."""
    body = raw.removesuffix(b"\n").removesuffix(b"\r")
    return not any(octet in body for octet in b"\r\n\0")


@pytest.mark.parametrize("address", ["no at", "a@b c", "<a@b.sn", "a@", "@b.sn", "a@b.sn>\r\nRSET"])
def test_a_bad_address_is_refused_when_the_value_is_made(address: str) -> None:
    with pytest.raises(UsageError):
        Path.of(address)


def test_a_path_says_its_parts() -> None:
    path = Path.of("<user+tag@minfo.sn>")
    assert (path.local_part, path.domain, str(path)) == (
        "user+tag",
        "minfo.sn",
        "<user+tag@minfo.sn>",
    )


@pytest.mark.parametrize("value", [Noop("a\r\nRSET"), Vrfy("x\nQUIT"), Help("\0")])
def test_no_command_becomes_two(value: Command) -> None:
    with pytest.raises(UsageError) as caught:
        value.units()
    assert caught.value.message_id == "smtp.line-break"


def test_parameters_are_made_from_keywords() -> None:
    made = parameters({"size": 10, "smtputf8": True, "mt_priority": 3, "ret": False})
    assert list(map(str, made)) == ["SIZE=10", "SMTPUTF8", "MT-PRIORITY=3"]


@given(st.text(max_size=30))
def test_xtext_protects_any_text(text: str) -> None:
    coded = xtext_encode(text)
    assert all(33 <= ord(letter) <= 126 and letter != "=" for letter in coded)
    assert xtext_decode(coded) == text


def test_a_secret_is_not_in_the_command_s_repr() -> None:
    assert "AHVz" not in repr(parse_command(b"AUTH PLAIN AHVzZXIAbWluZm8=\r\n"))
