from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.secret import Secret
from mailsim.wire import managesieve as ms
from mailsim.wire.managesieve import (
    Atom,
    Form,
    FrameReader,
    Literal,
    Response,
    ResponseReader,
    Status,
)
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import NONE, Quirk

SCRIPT = (
    b'require ["fileinto"];\r\n\r\nif envelope :contains "to" "tmartin+sent" {\r\n'
    b'  fileinto "INBOX.sent";\r\n}\r\n'
)


def _ignore(_: int) -> None:
    pass


def _responses(
    *, line: int = 5000, block: int = 10**6, quirks: frozenset[Quirk] = NONE
) -> ResponseReader:
    return ResponseReader(line, block, _ignore, quirks)


def _commands(
    *, line: int = 5000, block: int = 10**6, quirks: frozenset[Quirk] = NONE
) -> FrameReader:
    return FrameReader(line, block, _ignore, plus=True, quirks=quirks)


def _read(raw: bytes, form: Form, **limits: Any) -> ms.Response | ms.Challenge:
    reader = _responses(**limits)
    reader.feed(raw)
    found = reader.next(form)
    assert found is not None
    assert b"".join(found[1]) == raw
    assert not reader.begun
    return found[0]


def _response(raw: bytes, form: Form = Form.DATA) -> Response:
    found = _read(raw, form)
    assert isinstance(found, Response)
    return found


def _parse(raw: bytes) -> ms.Command:
    reader = _commands()
    reader.feed(raw)
    frame = reader.next()
    assert frame is not None
    assert b"".join(frame.units) == raw
    assert len(reader) == 0
    return ms.parse_command(frame.parts)


# RFC 5804 §2.1 to §2.14, as printed but for the folding; some write keywords in mixed case.
COMMANDS: list[tuple[bytes, ms.Command]] = [
    (b'AUTHENTICATE "DIGEST-MD5"\r\n', ms.Auth("DIGEST-MD5")),
    (
        b'AUTHENTICATE "PLAIN" "QJIrweAPyo6Q1T9xu"\r\n',
        ms.Auth("PLAIN", Secret("QJIrweAPyo6Q1T9xu")),
    ),
    (b'AUTHENTICATE "EXTERNAL" ""\r\n', ms.Auth("EXTERNAL", Secret(""))),
    (b"STARTTLS\r\n", ms.StartTls()),
    (b"LOGOUT\r\n", ms.Logout()),
    (b"CAPABILITY\r\n", ms.Capability()),
    (b'HAVESPACE "myscript" 999999\r\n', ms.HaveSpace("myscript", 999_999)),
    (
        b'PUTSCRIPT "foo" {31+}\r\n#comment\r\nInvalidSieveCommand\r\n\r\n',
        ms.PutScript("foo", b"#comment\r\nInvalidSieveCommand\r\n"),
    ),
    (
        b'PUTSCRIPT "mysievescript" {%d+}\r\n%s\r\n' % (len(SCRIPT), SCRIPT),
        ms.PutScript("mysievescript", SCRIPT),
    ),
    (b"LISTSCRIPTS\r\n", ms.ListScripts()),
    (b'SETACTIVE "vacationscript"\r\n', ms.SetActive("vacationscript")),
    (b'SETACTIVE ""\r\n', ms.SetActive("")),
    (b'GETSCRIPT "myscript"\r\n', ms.GetScript("myscript")),
    (b'DELETESCRIPT "foo"\r\n', ms.DeleteScript("foo")),
    (b'RENAMESCRIPT "foo" "bar"\r\n', ms.RenameScript("foo", "bar")),
    (
        b"CHECKSCRIPT {31+}\r\n#comment\r\nInvalidSieveCommand\r\n\r\n",
        ms.CheckScript(b"#comment\r\nInvalidSieveCommand\r\n"),
    ),
    (b"NOOP\r\n", ms.Noop()),
    (b'NOOP "STARTTLS-SYNC-42"\r\n', ms.Noop("STARTTLS-SYNC-42")),
    (b"UNAUTHENTICATE\r\n", ms.Unauthenticate()),
    (b'GETSCRIPT "quote \\" and \\\\"\r\n', ms.GetScript('quote " and \\')),
    ('GETSCRIPT "été"\r\n'.encode(), ms.GetScript("été")),
    (b"CHECKSCRIPT {0+}\r\n\r\n", ms.CheckScript(b"")),
]


@pytest.mark.parametrize(("raw", "command"), COMMANDS, ids=lambda value: str(value)[:30])
def test_a_command_is_read_and_written(raw: bytes, command: ms.Command) -> None:
    assert _parse(raw) == command
    assert b"".join(command.units()) == raw


def test_a_literal_is_a_unit_of_its_own() -> None:
    assert ms.PutScript("a", b"keep;\r\n").units() == (
        b'PUTSCRIPT "a" {7+}\r\n',
        b"keep;\r\n",
        b"\r\n",
    )


@pytest.mark.parametrize(
    ("raw", "command"),
    [
        (b'Putscript "foo" "keep;"\r\n', ms.PutScript("foo", b"keep;")),
        (b"Setactive {3+}\r\nbaz\r\n", ms.SetActive("baz")),
        (b'authenticate "plain"\r\n', ms.Auth("PLAIN")),
        (b"renamescript {3+}\r\nold {3+}\r\nnew\r\n", ms.RenameScript("old", "new")),
    ],
)
def test_any_case_and_either_string_is_read(raw: bytes, command: ms.Command) -> None:
    assert _parse(raw) == command


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"PUTSCRIPT",
            b'PUTSCRIPT "a"',
            b'PUTSCRIPT a "keep;"',
            b'PUTSCRIPT "" "keep;"',
            b"GETSCRIPT",
        ),
        *(b'HAVESPACE "a"', b'HAVESPACE "a" "5"', b'HAVESPACE "a" 9999999999', b'HAVESPACE "a" 05'),
        *(
            b"LOGOUT now",
            b'NOOP "a" "b"',
            b"NOOP a",
            b'GETSCRIPT  "a"',
            b'GETSCRIPT "a" ',
            b'GETSCRIPT "a',
        ),
        *(
            b'GETSCRIPT "a\\b"',
            b'GETSCRIPT "a"b',
            b'GETSCRIPT ("a"',
            b"AUTHENTICATE PLAIN",
            b'GETSCRIPT "\x01"',
        ),
    ],
)
def test_wrong_arguments_make_a_malformed_command(raw: bytes) -> None:
    found = _parse(raw + b"\r\n")
    assert isinstance(found, ms.Malformed)
    assert found.name == raw.split(b" ")[0].decode()
    assert b"".join(found.units()) == raw + b"\r\n"


@pytest.mark.parametrize("raw", [b"XYZZY", b'XYZZY "plugh" {3+}\r\nabc', b'xyzzy {0+}\r\n "a"'])
def test_what_is_no_command_is_unknown_and_comes_out_as_it_came(raw: bytes) -> None:
    found = _parse(raw + b"\r\n")
    assert isinstance(found, ms.Unknown)
    assert b"".join(found.units()) == raw + b"\r\n"


@pytest.mark.parametrize("raw", [b"", b'"GETSCRIPT"', b"5", b"(a)"])
def test_what_does_not_begin_with_a_verb_is_malformed(raw: bytes) -> None:
    found = _parse(raw + b"\r\n")
    assert isinstance(found, ms.Malformed)
    assert found.name == ""


@pytest.mark.parametrize(
    ("make", "message_id"),
    [
        (lambda: ms.GetScript(""), "managesieve.bad-name"),
        (lambda: ms.GetScript("a\nb"), "managesieve.bad-name"),
        (lambda: ms.PutScript("a\u2028b", b""), "managesieve.bad-name"),
        (lambda: ms.SetActive("\x7f"), "managesieve.bad-name"),
        (lambda: ms.RenameScript("a", "\x85"), "managesieve.bad-name"),
        (lambda: ms.DeleteScript("\ud800"), "managesieve.bad-name"),
        (lambda: ms.HaveSpace("a", -1), "managesieve.bad-size"),
        (lambda: ms.HaveSpace("a", 2**32), "managesieve.bad-size"),
        (lambda: ms.Auth('PLAIN" "x'), "managesieve.bad-mechanism"),
        (lambda: Response(Status.NO, code="two words"), "managesieve.bad-atom"),
        (lambda: Response(Status.NO, arguments=(b"x",)), "managesieve.arguments-without-code"),
    ],
)
def test_values_are_checked_when_they_are_made(make: Callable[[], object], message_id: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert caught.value.message_id == message_id


def test_secrets_do_not_show() -> None:
    raw = (b'AUTHENTICATE "PLAIN" "aHVudGVyMg==" "too many"', b'xauth "aHVudGVyMg=="')
    values = [*(_parse(line + b"\r\n") for line in raw), ms.SaslAnswer(Secret("aHVudGVyMg=="))]
    assert "aHVudGVyMg" not in repr((values, ms.Auth("PLAIN", Secret("aHVudGVyMg=="))))


# RFC 5804 §1.7 and §2.

CAPABILITIES = (
    b'"IMPlemENTATION" "Example1 ManageSieved v001"\r\n"SASl" "DIGEST-MD5 GSSAPI"\r\n'
    b'"SIeVE" "fileinto vacation"\r\n"StaRTTLS"\r\n"NOTIFY" "xmpp mailto"\r\n'
    b'"MAXREdIRECTS" "5"\r\n"VERSION" "1.0"\r\nOK\r\n'
)
RESPONSES: list[tuple[bytes, Response]] = [
    (
        CAPABILITIES,
        Response(
            Status.OK,
            data=(
                (b"IMPlemENTATION", b"Example1 ManageSieved v001"),
                (b"SASl", b"DIGEST-MD5 GSSAPI"),
                (b"SIeVE", b"fileinto vacation"),
                (b"StaRTTLS",),
                (b"NOTIFY", b"xmpp mailto"),
                (b"MAXREdIRECTS", b"5"),
                (b"VERSION", b"1.0"),
            ),
        ),
    ),
    (
        b'NO (QUOTA/MAXSIZE) "Quota exceeded"\r\n',
        Response(Status.NO, "Quota exceeded", "QUOTA/MAXSIZE"),
    ),
    (b'NO "line 2: Syntax error"\r\n', Response(Status.NO, "line 2: Syntax error")),
    (
        b'OK (WARNINGS) "line 8: server redirect action limit is 2, this redirect might be ignored"\r\n',
        Response(
            Status.OK,
            "line 8: server redirect action limit is 2, this redirect might be ignored",
            "WARNINGS",
        ),
    ),
    (
        b'"summer_script"\r\n"vacation_script"\r\n{13}\r\nclever"script\r\n"main_script" ACTIVE\r\nOK\r\n',
        Response(
            Status.OK,
            data=(
                (b"summer_script",),
                (b"vacation_script",),
                (b'clever"script',),
                (b"main_script", Atom("ACTIVE")),
            ),
        ),
    ),
    (
        b'{54}\r\n#this is my wonderful script\r\nreject "I reject all";\r\n\r\nOK\r\n',
        Response(
            Status.OK, data=((b'#this is my wonderful script\r\nreject "I reject all";\r\n',),)
        ),
    ),
    (b'OK "NOOP completed"\r\n', Response(Status.OK, "NOOP completed")),
    (
        b'OK (TAG {16}\r\nSTARTTLS-SYNC-42) "Done"\r\n',
        Response(Status.OK, "Done", "TAG", (b"STARTTLS-SYNC-42",)),
    ),
    (
        b'OK (SASL "cnNwYXV0aD1lYTQwZjYwMzM1YzQyN2I1NTI3Yjg0ZGJhYmNkZmZmZA==")\r\n',
        Response(
            Status.OK,
            code="SASL",
            arguments=(b"cnNwYXV0aD1lYTQwZjYwMzM1YzQyN2I1NTI3Yjg0ZGJhYmNkZmZmZA==",),
        ),
    ),
    (
        b'BYE "Too many failed authentication attempts"\r\n',
        Response(Status.BYE, "Too many failed authentication attempts"),
    ),
    (b"OK\r\n", Response(Status.OK)),
    (b"NO\r\n", Response(Status.NO)),
    (
        b'BYE (REFERRAL sieve://sieve.example.com) "Try there"\r\n',
        Response(Status.BYE, "Try there", "REFERRAL", (Atom("sieve://sieve.example.com"),)),
    ),
]


@pytest.mark.parametrize(("raw", "response"), RESPONSES, ids=lambda value: str(value)[:30])
def test_a_response_is_read_and_written(raw: bytes, response: Response) -> None:
    found = _response(raw)
    assert found == response
    # A literal stays one, so that what was read is written byte for byte.
    assert b"".join(found.units()) == raw


@pytest.mark.parametrize(("raw", "response"), RESPONSES, ids=lambda value: str(value)[:30])
def test_a_response_is_the_same_fed_byte_by_byte(raw: bytes, response: Response) -> None:
    reader, found = _responses(), []
    for at in range(len(raw)):
        reader.feed(raw[at : at + 1])
        if read := reader.next(Form.DATA):
            found.append(read[0])
    assert found == [response]


@pytest.mark.parametrize(
    ("raw", "response"),
    [
        (b"oK\r\n", Response(Status.OK)),
        (b'No (nonexistent) "There is no script by that name"\r\n', None),
        (b"No (NONEXISTENT) {31}\r\nThere is no script by that name\r\n", None),
    ],
)
def test_any_case_and_either_text_is_read(raw: bytes, response: Response | None) -> None:
    gone = Response(Status.NO, "There is no script by that name", "NONEXISTENT")
    assert _response(raw, Form.PLAIN) == (response or gone)


@pytest.mark.parametrize(
    ("raw", "token"),
    [
        (b'"cmVhbG09"\r\n', b"cmVhbG09"),
        (b"{8}\r\ncmVhbG09\r\n", b"cmVhbG09"),
        (b'""\r\n', b""),
        (b"{0}\r\n\r\n", b""),
    ],
)
def test_a_challenge_is_a_string(raw: bytes, token: bytes) -> None:
    found = _read(raw, Form.SASL)
    assert found == ms.Challenge(token)
    assert found.outcome is Outcome.INTERMEDIATE
    assert b"".join(found.units()) in (raw, b'"%s"\r\n' % token)


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (Response(Status.OK), Outcome.SUCCESS),
        (Response(Status.NO), Outcome.PERMANENT),
        (Response(Status.NO, code="QUOTA"), Outcome.PERMANENT),
        (Response(Status.NO, code="TRYLATER"), Outcome.TEMPORARY),
        (Response(Status.NO, code="TRYLATER/DB"), Outcome.TEMPORARY),
        (Response(Status.BYE), Outcome.CLOSING),
        (Response(Status.BYE, code="TRYLATER"), Outcome.CLOSING),
    ],
)
def test_the_outcome(response: Response, outcome: Outcome) -> None:
    assert response.outcome is outcome


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        *(
            (raw, Form.DATA)
            for raw in (b"", b"MAYBE", b"+OK", b"OK text", b'OK ("x")', b'OK "a" "b"', b"5")
        ),
        *(
            (raw, Form.DATA)
            for raw in (
                b"OK ()  x",
                b"OK (A )",
                b"OK (A",
                b"OK A)",
                b'OK  "a"',
                b'"unfinished',
                b"\xff",
                b"(a)",
            )
        ),
        *((raw, Form.PLAIN) for raw in (b'"data"', b"{3}\r\nabc")),
        *((raw, Form.SASL) for raw in (b'"a" "b"', b'"a" b')),
    ],
)
def test_a_broken_response_is_refused(raw: bytes, form: Form) -> None:
    reader = _responses()
    reader.feed(raw + b"\r\n")
    with pytest.raises(RemoteProtocolError) as caught:
        reader.next(form)
    assert caught.value.message_id in ("managesieve.bad-response", "managesieve.bad-line")
    assert caught.value.worded("fr")


def test_a_code_may_be_empty_of_arguments_but_not_of_a_name() -> None:
    assert _response(b"OK (WARNINGS)\r\n").arguments == ()
    assert _response(b'NO (X-CODE 5 "a" (b (c "d")) e)\r\n').arguments == (
        *(5, b"a", (Atom("b"), (Atom("c"), b"d"))),
        Atom("e"),
    )


@pytest.mark.parametrize(
    ("raw", "message_id"),
    [
        (b"{4294967296}\r\n", "managesieve.literal-too-long"),
        (b"{10001}\r\n", "managesieve.literal-too-long"),
        (b"{" + b"9" * 4500 + b"}\r\n", "managesieve.literal-too-long"),
        (b"{5+}\r\n", "managesieve.literal-form"),
        (b"x" * 5001, "wire.line-too-long"),
        (b"OK\n", "wire.bare-lf"),
    ],
)
def test_limits_are_held_at_once(raw: bytes, message_id: str) -> None:
    reader = _responses(block=10_000)
    reader.feed(raw)
    with pytest.raises(RemoteProtocolError) as caught:
        reader.next(Form.DATA)
    assert caught.value.message_id == message_id
    assert reader.unread() == raw


def test_a_client_s_literal_has_a_plus() -> None:
    reader = _commands()
    reader.feed(b'PUTSCRIPT "a" {5}\r\n')
    with pytest.raises(RemoteProtocolError) as caught:
        reader.next()
    assert caught.value.message_id == "managesieve.literal-form"


def test_bare_line_feeds_are_a_quirk() -> None:
    reader = _responses(quirks=frozenset({Quirk.BARE_LF}))
    reader.feed(b"{2}\na\n\nOK\n")
    found = reader.next(Form.DATA)
    assert found is not None
    assert found[0] == Response(Status.OK, data=((b"a\n",),))


def test_each_unit_is_counted() -> None:
    spent: list[int] = []
    reader = ResponseReader(100, 100, spent.append)
    reader.feed(b"{3}\r\nabc\r\nOK\r\n")
    assert reader.next(Form.DATA) is not None
    assert spent == [10, 6, 4, 8]  # twice: the octets, and what is read from them


def test_deep_nesting_is_no_trouble() -> None:
    depth = 2000
    raw = b"OK (" + b"a (" * depth + b"b" + b")" * depth + b")\r\n"
    reader = _responses(line=100_000)
    reader.feed(raw)
    found = reader.next(Form.DATA)
    assert found is not None
    assert isinstance(found[0], Response)
    assert found[0].code == "A"


def test_strings_are_quoted_where_the_grammar_lets_them() -> None:
    assert ms.encode((b"a" * 1024,), plus=False) == (b'"' + b"a" * 1024 + b'"\r\n',)
    assert ms.encode((b"a" * 1025,), plus=False)[0] == b"{1025}\r\n"
    for special in (b"\r", b"\n", b"\0"):
        assert ms.encode((special,), plus=True) == (b"{1+}\r\n", special, b"\r\n")
    assert ms.encode((Literal(b""), b""), plus=True) == (b"{0+}\r\n", b' ""\r\n')


def test_views_read_names_and_values() -> None:
    told = _response(RESPONSES[0][0])
    assert ms.capabilities(told)["SASL"] == "DIGEST-MD5 GSSAPI"
    assert ms.capabilities(told)["STARTTLS"] is None
    lines = ms.capability_data(ms.capabilities(told))
    assert ms.capabilities(Response(Status.OK, data=lines)) == ms.capabilities(told)
    assert ms.scripts(_response(b'"a"\r\n"b" active\r\nOK\r\n')) == (
        ms.Script("a"),
        ms.Script("b", active=True),
    )
    assert ms.script(_response(RESPONSES[5][0])).startswith(b"#this is my wonderful script\r\n")


@pytest.mark.parametrize(
    ("view", "raw"),
    [
        (ms.capabilities, b'"a" "b" "c"\r\nOK\r\n'),
        (ms.capabilities, b'"a" ACTIVE\r\nOK\r\n'),
        (ms.scripts, b'"a" "b"\r\nOK\r\n'),
        (ms.scripts, b'"a" PASSIVE\r\nOK\r\n'),
        (ms.scripts, b'"a" ACTIVE ACTIVE\r\nOK\r\n'),
        (ms.script, b"OK\r\n"),
        (ms.script, b'"a"\r\n"b"\r\nOK\r\n'),
    ],
)
def test_views_refuse_what_the_grammar_lacks(
    view: Callable[[Response], object], raw: bytes
) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        view(_response(raw))
    assert caught.value.message_id == "managesieve.bad-data"


def test_a_view_of_a_refusal_is_a_wrong_use() -> None:
    with pytest.raises(UsageError):
        ms.scripts(Response(Status.NO))


# Robustness.

_NAMES = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=20)
_STRINGS = st.binary(max_size=20)
_ITEMS = st.recursive(
    st.one_of(_STRINGS, _STRINGS.map(Literal), st.integers(0, 2**32 - 1), st.just(Atom("Atom/x"))),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@given(st.lists(_ITEMS, max_size=4), st.booleans())
def test_items_round_trip(items: list[ms.Item], plus: bool) -> None:  # noqa: FBT001 - as drawn
    reader = FrameReader(10**6, 10**6, _ignore, plus=plus)
    reader.feed(b"".join(ms.encode(items, plus=plus)))
    frame = reader.next()
    assert frame is not None
    assert frame.units == ms.encode(items, plus=plus)
    assert ms.parse_items(frame.parts) == tuple(items)


@given(_NAMES, st.binary(max_size=100))
def test_scripts_round_trip(name: str, script: bytes) -> None:
    command = ms.PutScript(name, script)
    assert _parse(b"".join(command.units())) == command
    response = Response(Status.OK, name, data=((script,),))
    assert _response(b"".join(response.units())) == response


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.sampled_from(
                [b"OK", b"NO", b"{3}\r\n", b"{3+}\r\n", b'"', b"(", b")", b" ", b"\r\n", b"BYE"]
            ),
        ),
        max_size=12,
    ),
    st.sampled_from(Form),
    st.sampled_from([NONE, frozenset(Quirk)]),
)
def test_arbitrary_bytes_raise_only_the_documented_error(
    pieces: list[bytes], form: Form, quirks: frozenset[Quirk]
) -> None:
    raw = b"".join(pieces)
    responses = _responses(line=100, block=50, quirks=quirks)
    responses.feed(raw)
    try:
        while found := responses.next(form):
            again = b"".join(found[0].units())
            assert _read(again, form) == found[0]
    except RemoteProtocolError:
        pass
    assert raw.endswith(responses.unread())
    frames = _commands(line=100, block=50, quirks=quirks)
    frames.feed(raw)
    try:
        while frame := frames.next():
            command = ms.parse_command(frame.parts)
            assert b"".join(command.units())
            ms.parse_answer(frame.parts)
    except RemoteProtocolError:
        pass
    assert raw.endswith(frames.unread())
