"""The words: modified UTF-7, sets, dates, frames, commands that are refused."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.secret import Secret
from mailsim.wire.imap import commands as c
from mailsim.wire.imap import utf7
from mailsim.wire.imap.command_reader import (
    read_client_response,
    read_command,
    read_done,
    read_fetch_items,
    read_search_keys,
)
from mailsim.wire.imap.command_writer import write_client_response, write_command
from mailsim.wire.imap.dates import Date, DateTime
from mailsim.wire.imap.frames import FrameReader
from mailsim.wire.imap.response_reader import read_response
from mailsim.wire.imap.response_writer import write_response
from mailsim.wire.imap.responses import MailboxList
from mailsim.wire.imap.search_keys import Key, ModSeq
from mailsim.wire.imap.section import Section
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.tokens import Atom, Literal
from mailsim.wire.imap.writer import Literals

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


# modified UTF-7


@given(TEXTS)
def test_modified_utf7_round_trip(name: str) -> None:
    raw = utf7.encode(name)
    assert all(0x20 <= octet <= 0x7E for octet in raw)
    assert utf7.decode(raw) == name


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("☺!", b"&Jjo-!"),
        ("台北日本語", b"&U,BTF2XlZyyKng-"),
        ("a&b", b"a&-b"),
        ("\U0001f600", b"&2D3eAA-"),
    ],
)
def test_the_examples_of_the_rfc(name: str, raw: bytes) -> None:
    assert utf7.encode(name) == raw
    assert utf7.decode(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        b"&Jjo!",
        b"&U,BTFw-&ZeVnLIqe-",
        b"&AGE-",
        b"&",
        b"&!-",
        b"&A-",
        b"&2D0-",
        b"\xc3\xa9",
        b"&Jjp-",
    ],
)
def test_what_is_no_modified_utf7(raw: bytes) -> None:
    with pytest.raises(ValueError):
        utf7.decode(raw)


@given(st.binary(max_size=20))
def test_one_form_a_name(raw: bytes) -> None:
    with suppress(ValueError):
        assert utf7.encode(utf7.decode(raw)) == raw


@given(TEXTS, st.booleans())
def test_mailbox_names_round_trip(name: str, utf8: bool) -> None:  # noqa: FBT001
    value = MailboxList((), "/", "INBOX" if name.upper() == "INBOX" else name)
    assert read_response(write_response(value, utf8=utf8), utf8=utf8) == value


# sets and dates


def test_sets() -> None:
    numbers = SequenceSet("2,4:7,9,12:*")
    assert [n for n in range(1, 16) if numbers.contains(n, 15)] == [
        2,
        4,
        5,
        6,
        7,
        9,
        12,
        13,
        14,
        15,
    ]
    assert SequenceSet("3291:*").contains(3000, 3000)
    assert list(SequenceSet("4:2").ranges(9)) == [(2, 4)]
    assert list(SequenceSet("$").ranges(9)) == []
    assert SequenceSet.of([3, 5]) == SequenceSet("3,5")
    assert SequenceSet.of(3) == SequenceSet.of("3") == SequenceSet.of(SequenceSet("3"))


@pytest.mark.parametrize(
    "text", ["", "0", "1,", "1:2:3", "4294967296", "1 2", "a", "-1", "1\n", "٣"]
)
def test_what_is_no_set(text: str) -> None:
    with pytest.raises(UsageError):
        SequenceSet(text)


def test_dates() -> None:
    assert str(Date.parse("01-feb-1994")) == "1-Feb-1994"
    assert str(DateTime.parse(" 1-Jul-1996 02:44:25 -0730")) == " 1-Jul-1996 02:44:25 -0730"


@pytest.mark.parametrize(
    "text", ["1-Fev-1994", "32-Feb-1994", "0-Feb-1994", "1-Feb-94", "1-Feb-1994 "]
)
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(UsageError):
        Date.parse(text)


@pytest.mark.parametrize(
    "text", ["1-Jul-1996 02:44:25 -0700", "17-Jul-1996 24:44:25 -0700", "17-Jul-1996 02:44:25"]
)
def test_what_is_no_date_time(text: str) -> None:
    with pytest.raises(UsageError):
        DateTime.parse(text)


# frames


STREAM = b"* OK {3}\r\n* X {3}\r\nabc {0}\r\n end\r\n+ {4}\r\n* X ~{2}\r\n\r\n\r\na1 NO {9}\r\n* Y {a}\r\n"
FRAMES = [
    (b"* OK {3}\r\n",),
    (b"* X {3}\r\n", b"abc", b" {0}\r\n", b"", b" end\r\n"),
    (b"+ {4}\r\n",),
    (b"* X ~{2}\r\n", b"\r\n", b"\r\n"),
    (b"a1 NO {9}\r\n",),
    (b"* Y {a}\r\n",),
]


def frames(pieces: list[bytes], *, commands: bool = False) -> list[tuple[bytes, ...]]:
    reader = FrameReader(line=1000, block=1000, frame=10_000, commands=commands)
    found = []
    for piece in pieces:
        reader.feed(piece)
        while (units := reader.next()) is not None:
            found.append(units)
    assert len(reader) == 0
    return found


@given(st.lists(st.integers(1, len(STREAM))))
def test_frames_at_any_cut(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(STREAM)]
    assert frames([STREAM[a:b] for a, b in pairwise(ends)]) == FRAMES


def test_frames_byte_by_byte() -> None:
    assert frames([STREAM[i : i + 1] for i in range(len(STREAM))]) == FRAMES


def test_in_commands_every_literal_counts() -> None:
    assert frames([b"a NO {3+}\r\nabc\r\n"], commands=True) == [(b"a NO {3+}\r\n", b"abc", b"\r\n")]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"* X {1001}\r\n", "imap.literal-too-long"),
        (b"* X {99999999999999999999999}\r\n", "imap.literal-too-long"),
        (b"* " + b"x" * 999, "wire.line-too-long"),
        (b"* " + b"x" * 600 + b"{1}\r\ny" + b"x" * 600 + b"\r\n", "imap.response-too-long"),
        (b"* X {0}\r\n" + b"{0}\r\n" * 30, "imap.response-too-long"),
        (b"* X\n", "wire.bare-lf"),
    ],
)
def test_frames_have_limits(data: bytes, error: str) -> None:
    reader = FrameReader(line=1000, block=1000, frame=10_000)
    reader.feed(data)
    with pytest.raises(RemoteProtocolError) as caught:
        reader.next()
    assert caught.value.message_id == error


# commands


@pytest.mark.parametrize(
    ("literals", "sizes", "waits"),
    [
        (Literals.SYNC, [b"{1}", b"{5000}"], [True, True]),
        (Literals.MINUS, [b"{1+}", b"{5000}"], [False, True]),
        (Literals.PLUS, [b"{1+}", b"{5000+}"], [False, False]),
    ],
)
def test_how_literals_are_announced(
    literals: Literals, sizes: list[bytes], waits: list[bool]
) -> None:
    command = c.Command("X", (Literal(b"a"), Literal(b"b" * 5000)))
    written = write_command("a", command, literals=literals)
    announced = [fragment for fragment in written if fragment.data.endswith(b"}\r\n")]
    assert [one.data.split()[-1] for one in announced] == sizes
    assert [one.waits for one in announced] == waits
    assert read_command([one.data for one in written]) == ("a", command)


def test_what_a_server_can_do_says_how() -> None:
    assert Literals.allowed_by(()) is Literals.SYNC
    assert Literals.allowed_by(("LITERAL-", "LITERAL+")) is Literals.PLUS
    assert Literals.allowed_by(("IMAP4REV2",)) is Literals.MINUS


SEARCHES = [
    Key(
        "OR", (Key("NOT", (Key("SEEN"),)), Key("AND", (Key("FROM", ("é\r",)), Key("LARGER", (7,)))))
    ),
    Key("HEADER", ("X-Spam", "")),
    Key("SET", (SequenceSet("1,3:*"),)),
    Key("UID", (SequenceSet("$"),)),
    Key("SENTBEFORE", (Date(2025, 2, 1),)),
    Key("KEYWORD", ("$Junk",)),
    Key("MODSEQ", (ModSeq(9, "/flags/\\seen", "priv"),)),
    Key("MODSEQ", (ModSeq(9),)),
]


def test_search_keys_round_trip() -> None:
    search = c.Search(tuple(SEARCHES), "UTF-8", (Atom("MIN"),), uid=True)
    written = write_command("a", search)
    assert read_command([one.data for one in written]) == ("a", search)
    assert read_search_keys("UNSEEN from cheikh") == (Key("UNSEEN"), Key("FROM", ("cheikh",)))


@given(TEXTS, TEXTS, TEXTS.map(str.encode))
def test_strings_of_any_kind_round_trip(user: str, password: str, message: bytes) -> None:
    said: list[c.Request] = [
        c.Login(user, Secret(password)),
        c.Id(((user, password), ("x", None))),
        c.Append("x", message, ("\\Seen",)),
        c.Search((Key("SUBJECT", (user,)),)),
        c.Command("X", ((Literal(message),),)),
    ]
    for command in said:
        written = write_command("a", command)
        assert read_command([one.data for one in written]) == ("a", command)


@pytest.mark.parametrize(
    "line",
    [
        b"\r\n",
        b"a\r\n",
        b"a  NOOP\r\n",
        b"+ NOOP\r\n",
        b"a LOGIN user\r\n",
        b"a LOGIN user pass word\r\n",
        b"a FETCH 0 FLAGS\r\n",
        b"a FETCH 1 ()\r\n",
        b"a FETCH 1 BODY[<0.1>\r\n",
        b"a STORE 1 FLAG (x)\r\n",
        b"a SEARCH\r\n",
        b"a SEARCH NONSENSE\r\n",
        b"a SEARCH OR ALL\r\n",
        b'a APPEND INBOX "x"\r\n',
        b'a LIST ""\r\n',
        b"a ENABLE\r\n",
        b"a UID EXPUNGE\r\n",
        b"a IDLE x\r\n",
    ],
)
def test_commands_refused(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read_command((line,))


def test_search_keys_nest_64_deep_at_most() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_command((b"a SEARCH " + b"NOT " * 5000 + b"ALL\r\n",))
    assert caught.value.message_id == "imap.too-deep"


@pytest.mark.parametrize("text", ["", "FLAGS)", "BODY[", "é", "FLAGS\r\nx LOGOUT"])
def test_ones_own_items_are_ones_own_mistake(text: str) -> None:
    with pytest.raises(UsageError):
        read_fetch_items(text)


def test_the_lines_within_commands() -> None:
    for value in (c.Response(Secret(b"\0user\0minfo")), c.Response(Secret(b"")), c.Response(None)):
        assert read_client_response(write_client_response(value)) == value
    assert read_done(b"done\r\n") == c.Done()
    with pytest.raises(RemoteProtocolError):
        read_done(b"DONE \r\n")
    with pytest.raises(RemoteProtocolError):
        read_client_response(b"AHVz*\r\n")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Atom("a b"),
        lambda: Atom("a\r\nb"),
        lambda: Atom(""),
        lambda: c.Command("NOOP\r\n"),
        lambda: c.Authenticate("PLAIN x"),
        lambda: c.OnMailbox("FETCH", "x"),
        lambda: c.Append("x", b"", ("a b",)),
        lambda: c.Store(SequenceSet("1"), "+FLAGS", ("a)",)),
        lambda: c.FetchItem("BODY PEEK"),
        lambda: c.List("", ()),
        lambda: Section(text="HEADER.FIELDS", fields=("a b",)),
        lambda: Key("FROM"),
        lambda: Key("FROM", (3,)),
        lambda: Key("XYZ"),
    ],
)
def test_values_validate(make: object) -> None:
    assert callable(make)
    with pytest.raises(UsageError) as caught:
        make()
    assert str(caught.value)


def test_secrets_do_not_show() -> None:
    command = c.Login("user", Secret("minfo"))
    assert "minfo" not in repr(command)
    assert "minfo" not in repr(c.Authenticate("PLAIN", Secret(b"\0user\0minfo")))
    assert "bonjour" not in repr(c.Append("x", b"bonjour"))
    assert "bonjour" not in repr(Literal(b"bonjour"))


@pytest.mark.parametrize("command", [c.Login("a\0", Secret("x")), c.Login("a", Secret("\0"))])
def test_no_string_holds_nul(command: c.Request) -> None:
    with pytest.raises(UsageError):
        write_command("a", command)


# fuzz

PIECES = st.sampled_from(
    [b"a ", b"* ", b"+ ", b"OK ", b"1 ", b"FETCH ", b"(", b")", b" ", b'"', b"{3}\r\n", b"{3+}\r\n", b"~{3}\r\n",
     b"abc", b"\r\n", b"BODY[", b"]", b"HEADER.FIELDS ", b"ENVELOPE ", b"BODYSTRUCTURE ", b"NIL",
     b"FLAGS ", b"\\", b"SEARCH ", b"NOT ", b"OR ", b"LIST ", b"STATUS ", b"ESEARCH ", b"THREAD ",
     b"NAMESPACE ", b"METADATA ", b"QUOTA ", b"LOGIN ", b"STORE ", b"APPEND ", b"UID ", b"SORT ",
     b"[", b"UIDNEXT ", b"COPYUID ", b"<0.1>", b"1:*", b",", b"=", b"&AOk-", b"\xc3\xa9", b"\xff"]
)  # fmt: skip


@pytest.mark.fuzz
@given(st.lists(st.one_of(PIECES, st.binary(max_size=4)), max_size=40).map(b"".join))
def test_any_octets_raise_nothing_else(data: bytes) -> None:
    for commands in (False, True):
        reader = FrameReader(line=1000, block=1000, frame=10_000, commands=commands)
        reader.feed(data)
        with suppress(RemoteProtocolError):
            while (units := reader.next()) is not None:
                with suppress(RemoteProtocolError):
                    if commands:
                        again(units)
                    else:
                        value = read_response(units)
                        assert read_response(write_response(value)) == value
        reader.rest()


def again(units: tuple[bytes, ...]) -> None:
    """What was read is written, and read the same."""
    tag, command = read_command(units)
    written = write_command(tag, command)
    assert read_command([one.data for one in written]) == (tag, command)
