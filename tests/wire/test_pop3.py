from __future__ import annotations

import io
import poplib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.secret import Secret
from mailsim.wire import pop3
from mailsim.wire.outcome import Outcome
from mailsim.wire.pop3 import Form, Reply, ReplyReader, Status
from mailsim.wire.quirk import Quirk

TIMESTAMP = "<1896.697170952@dbc.mtview.ca.us>"


def _reader(
    *, line: int = 2000, block: int = 10**6, quirks: frozenset[Quirk] = frozenset()
) -> ReplyReader:
    return ReplyReader(line, block, lambda _: None, quirks)


def _read(raw: bytes, form: Form, **limits: Any) -> tuple[Reply, tuple[bytes, ...]]:
    reader = _reader(**limits)
    reader.feed(raw)
    found = reader.next(form)
    assert found is not None
    assert not reader.begun
    return found


# Each line is the RFC's own, with the command that it stands for.
COMMANDS = [
    # RFC 1939
    (b"QUIT\r\n", pop3.Quit()),
    (b"STAT\r\n", pop3.Stat()),
    (b"LIST\r\n", pop3.List()),
    (b"LIST 2\r\n", pop3.List(2)),
    (b"RETR 1\r\n", pop3.Retr(1)),
    (b"DELE 1\r\n", pop3.Dele(1)),
    (b"NOOP\r\n", pop3.Noop()),
    (b"RSET\r\n", pop3.Rset()),
    (b"TOP 1 10\r\n", pop3.Top(1, 10)),
    (b"UIDL\r\n", pop3.Uidl()),
    (b"UIDL 2\r\n", pop3.Uidl(2)),
    (b"USER frated\r\n", pop3.User("frated")),
    (b"PASS secret\r\n", pop3.Pass(Secret("secret"))),
    (b"PASS two words\r\n", pop3.Pass(Secret("two words"))),
    (
        b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n",
        pop3.Apop("mrose", "c4c9334bac560ecc979e58001b3e22fb"),
    ),
    # RFC 2449, 2595, 5034, 6856
    (b"CAPA\r\n", pop3.Capa()),
    (b"STLS\r\n", pop3.Stls()),
    (b"AUTH DIGEST-MD5\r\n", pop3.Auth("DIGEST-MD5")),
    (b"AUTH PLAIN =\r\n", pop3.Auth("PLAIN", Secret("="))),
    (b"AUTH PLAIN AHVzZXIAbWluZm8=\r\n", pop3.Auth("PLAIN", Secret("AHVzZXIAbWluZm8="))),
    (b"AUTH\r\n", pop3.Auth()),
    (b"UTF8\r\n", pop3.Utf8()),
    (b"LANG\r\n", pop3.Lang()),
    (b"LANG MUL\r\n", pop3.Lang("MUL")),
    (b"LANG *\r\n", pop3.Lang("*")),
    ("USER zoë\r\n".encode(), pop3.User("zoë")),
]


@pytest.mark.parametrize(("raw", "command"), COMMANDS, ids=lambda value: str(value)[:30])
def test_a_command_is_read_and_written(raw: bytes, command: pop3.Command) -> None:
    assert pop3.parse_command(raw) == command
    assert command.units() == (raw,)


def test_keywords_are_read_in_any_case() -> None:
    assert pop3.parse_command(b"retr 1\r\n") == pop3.Retr(1)
    assert pop3.parse_command(b"auth plain\r\n") == pop3.Auth("PLAIN")


@pytest.mark.parametrize(
    "raw",
    [
        *(b"RETR", b"RETR ", b"RETR x", b"RETR 0", b"RETR -1", b"RETR 1 2", b"RETR \xb2"),
        *(b"RETR " + b"9" * 30, b"LIST ", b"STAT now", b"TOP 1", b"TOP 1 x", b"USER", b"USER a b"),
        *(b"PASS", b"PASS ", b"APOP mrose", b"APOP mrose C4C9334BAC560ECC979E58001B3E22FB"),
        *(b"AUTH PLAIN ", b"AUTH @"),
    ],
)
def test_wrong_arguments_make_a_malformed_command(raw: bytes) -> None:
    found = pop3.parse_command(raw + b"\r\n")
    assert isinstance(found, pop3.Malformed)
    assert found.name == raw.split(b" ")[0].decode()


@pytest.mark.parametrize("raw", [b"", b"XYZZY", b"XYZZY plugh", b" QUIT", b"\xff\xfe\x00"])
def test_what_is_no_command_is_unknown_and_comes_out_as_it_came(raw: bytes) -> None:
    found = pop3.parse_command(raw + b"\r\n")
    assert isinstance(found, pop3.Unknown)
    assert found.units() == (raw + b"\r\n",)


@pytest.mark.parametrize(
    ("make", "message_id"),
    [
        (lambda: pop3.User("a b"), "pop3.bad-argument"),
        (lambda: pop3.User(""), "pop3.bad-argument"),
        (lambda: pop3.User("a\r\nDELE 1"), "pop3.bad-argument"),
        (lambda: pop3.Lang("\r"), "pop3.bad-argument"),
        (lambda: pop3.Pass(Secret("a\r\nDELE 1")), "pop3.bad-password"),
        (lambda: pop3.Pass(Secret("")), "pop3.bad-password"),
        (lambda: pop3.Retr(0), "pop3.bad-number"),
        (lambda: pop3.Dele(-1), "pop3.bad-number"),
        (lambda: pop3.List(0), "pop3.bad-number"),
        (lambda: pop3.Top(1, -1), "pop3.bad-number"),
        (lambda: pop3.Apop("mrose", "c4c9"), "pop3.bad-digest"),
        (lambda: pop3.Auth("PLAIN\r\n"), "pop3.bad-mechanism"),
        (lambda: pop3.Auth(None, Secret("=")), "pop3.bad-mechanism"),
        (lambda: pop3.Auth("PLAIN", Secret("a b")), "pop3.bad-token"),
        (lambda: pop3.User("x" * 300).units(), "pop3.command-too-long"),
        (lambda: Reply(Status.OK, "a\r\nb"), "pop3.line-break"),
        (lambda: Reply(Status.OK, lines=("a", "b\n")), "pop3.line-break"),
        (lambda: Reply(Status.ERR, code="IN USE"), "pop3.bad-code"),
        (lambda: Reply(Status.OK, content=b"no end"), "pop3.content-without-line-end"),
    ],
)
def test_values_are_checked_when_they_are_made(make: Callable[[], object], message_id: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert caught.value.message_id == message_id


def test_the_apop_digest_is_the_rfc_s() -> None:
    command = pop3.Apop.of("mrose", Secret("tanstaaf"), TIMESTAMP)
    assert command.digest == "c4c9334bac560ecc979e58001b3e22fb"


def test_secrets_do_not_show() -> None:
    shown = repr(
        (
            pop3.Pass(Secret("hunter2")),
            pop3.Auth("PLAIN", Secret("aHVudGVyMg==")),
            pop3.SaslAnswer(Secret("aHVudGVyMg==")),
        )
    )
    assert "hunter2" not in shown
    assert "aHVudGVyMg" not in shown


REPLIES = [
    # RFC 1939
    (Form.LINE, [b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"]),
    (Form.LINE, [b"+OK\r\n"]),
    (Form.LINE, [b"-ERR\r\n"]),
    (Form.LINE, [b"+OK 2 320\r\n"]),
    (Form.LISTING, [b"+OK 2 messages (320 octets)\r\n", b"1 120\r\n", b"2 200\r\n", b".\r\n"]),
    (Form.LISTING, [b"+OK\r\n", b".\r\n"]),
    (Form.LISTING, [b"-ERR no such message, only 2 messages in maildrop\r\n"]),
    (Form.CONTENT, [b"+OK 120 octets\r\n", b"Subject: x\r\n\r\nhello\r\n..dots\r\n", b".\r\n"]),
    (Form.CONTENT, [b"+OK\r\n", b"..\r\n", b".\r\n"]),
    (Form.CONTENT, [b"+OK\r\n", b"\r\n", b".\r\n"]),
    (Form.CONTENT, [b"+OK\r\n", b".\r\n"]),
    (Form.CONTENT, [b"-ERR message 2 already deleted\r\n"]),
    # RFC 2449 §5, §8
    (
        Form.LISTING,
        [
            b"+OK Capability list follows\r\n",
            b"TOP\r\n",
            b"USER\r\n",
            b"SASL CRAM-MD5 KERBEROS_V4\r\n",
            b"RESP-CODES\r\n",
            b"LOGIN-DELAY 900\r\n",
            b"PIPELINING\r\n",
            b"EXPIRE 60\r\n",
            b"UIDL\r\n",
            b"IMPLEMENTATION Shlemazle-Plotz-v302\r\n",
            b".\r\n",
        ],
    ),
    (Form.LINE, [b"-ERR [IN-USE] Do you have another POP session running?\r\n"]),
    (Form.LINE, [b"-ERR [SYS/TEMP] later\r\n"]),
    # RFC 5034
    (Form.SASL, [b"+ \r\n"]),
    (Form.SASL, [b"+ cnNwYXV0aD1lYTQwZjYwMzM1YzQyN2I1NTI3Yjg0ZGJhYmNkZmZmZA==\r\n"]),
    (Form.SASL, [b"+OK maildrop locked and ready\r\n"]),
    # RFC 6856 §3.3
    (
        Form.LISTING,
        [
            b"+OK Language listing follows:\r\n",
            b"en English\r\n",
            b"en-boont English Boontling dialect\r\n",
            b"de Deutsch\r\n",
            b".\r\n",
        ],
    ),
]


@pytest.mark.parametrize(("form", "units"), REPLIES)
def test_a_reply_is_read_and_written(form: Form, units: list[bytes]) -> None:
    raw = b"".join(units)
    reply, read = _read(raw, form)
    assert list(read) == units
    assert b"".join(reply.units()) == raw


@pytest.mark.parametrize(("form", "units"), REPLIES)
def test_a_reply_is_the_same_fed_byte_by_byte(form: Form, units: list[bytes]) -> None:
    raw = b"".join(units)
    reader, found = _reader(), []
    for at in range(len(raw)):
        reader.feed(raw[at : at + 1])
        if reply := reader.next(form):
            found.append(reply)
    assert found == [_read(raw, form)]


def test_a_message_is_unstuffed() -> None:
    reply, _ = _read(b"+OK\r\n..a\r\n.b\r\nc.\r\n..\r\n.\r\n", Form.CONTENT)
    assert reply.content == b".a\r\nb\r\nc.\r\n.\r\n"


def test_a_listing_is_unstuffed() -> None:
    assert _read(b"+OK\r\n..a\r\n.b\r\n.\r\n", Form.LISTING)[0].lines == (".a", "b")


@pytest.mark.parametrize(
    ("line", "outcome", "code", "text"),
    [
        (b"+OK done", Outcome.SUCCESS, "", "done"),
        (b"-ERR [IN-USE] busy", Outcome.TEMPORARY, "IN-USE", "busy"),
        (b"-ERR [in-use]busy", Outcome.TEMPORARY, "in-use", "busy"),
        (b"-ERR [LOGIN-DELAY] wait", Outcome.TEMPORARY, "LOGIN-DELAY", "wait"),
        (b"-ERR [SYS/TEMP] later", Outcome.TEMPORARY, "SYS/TEMP", "later"),
        (b"-ERR [SYS/PERM] never", Outcome.PERMANENT, "SYS/PERM", "never"),
        (b"-ERR [AUTH] wrong", Outcome.PERMANENT, "AUTH", "wrong"),
        (b"-ERR [two words] x", Outcome.PERMANENT, "", "[two words] x"),
        (b"-ERR", Outcome.PERMANENT, "", ""),
    ],
)
def test_the_code_and_the_outcome(line: bytes, outcome: Outcome, code: str, text: str) -> None:
    reply = pop3.parse_status(line + b"\r\n", Form.LINE)
    assert (reply.outcome, reply.code, reply.text) == (outcome, code, text)


@pytest.mark.parametrize(
    "line",
    [b"", b"+ok", b"+OKAY", b"250 OK", b"+ ", b"+ challenge", b"-err", b" +OK", b"+OK a\rb", b"."],
)
def test_a_broken_status_line_is_refused(line: bytes) -> None:
    reader = _reader()
    reader.feed(line + b"\r\nnext")
    with pytest.raises(RemoteProtocolError) as caught:
        reader.next(Form.LINE)
    assert caught.value.message_id == "pop3.bad-status"
    assert reader.unread() == line + b"\r\nnext"


def test_the_thesis_s_spaced_reply_is_a_quirk() -> None:
    raw = b"+ OK Dovecot Ready.\r\n"
    with pytest.raises(RemoteProtocolError):
        pop3.parse_status(raw, Form.LINE)
    assert pop3.parse_status(raw, Form.LINE, frozenset({Quirk.SPACED_REPLY})) == Reply(
        Status.OK, "Dovecot Ready."
    )


def test_bare_line_feeds_are_a_quirk() -> None:
    raw = b"+OK\n..a\nb\n.\n"
    lenient = frozenset({Quirk.BARE_LF})
    assert _read(raw, Form.CONTENT, quirks=lenient)[0].content == b".a\nb\n"
    assert _read(raw, Form.LISTING, quirks=lenient)[0].lines == (".a", "b")
    assert _read(b"+OK\n.\n", Form.CONTENT, quirks=lenient)[0].content == b""
    with pytest.raises(RemoteProtocolError):
        _read(raw, Form.CONTENT)


def test_limits_stop_what_is_endless() -> None:
    for raw, form, message_id in [
        (b"+OK " + b"x" * 3000, Form.LINE, "wire.line-too-long"),
        (b"+OK\r\n" + b"x" * 3000, Form.LISTING, "wire.line-too-long"),
        (b"+OK\r\n" + b"x" * 3000, Form.CONTENT, "pop3.message-too-long"),
        (b"+OK\r\n" + b"x\r\n" * 1000 + b".\r\n", Form.CONTENT, "pop3.message-too-long"),
    ]:
        with pytest.raises(RemoteProtocolError) as caught:
            _read(raw, form, line=2000, block=2000)
        assert caught.value.message_id == message_id


def test_a_message_of_the_limit_s_size_passes_whatever_follows() -> None:
    reader = _reader(block=2000)
    reader.feed(b"+OK\r\n" + b"x" * 1998 + b"\r\n.\r\n" + b"+OK\r\n" * 1000)
    found = reader.next(Form.CONTENT)
    assert found is not None
    assert found[0].content == b"x" * 1998 + b"\r\n"
    assert reader.next(Form.LINE) == (Reply(Status.OK), (b"+OK\r\n",))


def test_each_unit_is_counted() -> None:
    spent: list[int] = []
    reader = ReplyReader(100, 100, spent.append)
    reader.feed(b"+OK\r\nabc\r\n.\r\n")
    assert reader.next(Form.CONTENT) is not None
    assert spent == [10, 10, 6]  # twice: the octets, and what is read from them


def test_views_read_numbers_and_names() -> None:
    assert pop3.drop_listing(Reply(Status.OK, "2 320")) == pop3.DropListing(2, 320)
    assert pop3.drop_listing(Reply(Status.OK, "2 320 and more")) == pop3.DropListing(2, 320)
    listing = Reply(Status.OK, lines=("1 120", "2 200 more"))
    assert pop3.scan_listings(listing) == (pop3.ScanListing(1, 120), pop3.ScanListing(2, 200))
    assert pop3.scan_listings(Reply(Status.OK, "2 200")) == (pop3.ScanListing(2, 200),)
    uids = Reply(Status.OK, lines=("1 whqtswO00WBw418f9t5JxYwZ", "2 QhdPYR:00WBw1Ph7x7"))
    assert pop3.unique_ids(uids)[1] == pop3.UniqueId(2, "QhdPYR:00WBw1Ph7x7")
    capa = Reply(Status.OK, lines=("top", "SASL CRAM-MD5 KERBEROS_V4"))
    assert pop3.capabilities(capa) == {"TOP": (), "SASL": ("CRAM-MD5", "KERBEROS_V4")}
    tongues = Reply(Status.OK, lines=("en-boont English Boontling dialect", "x"))
    assert pop3.languages(tongues) == (
        pop3.Language("en-boont", "English Boontling dialect"),
        pop3.Language("x", ""),
    )


@pytest.mark.parametrize(
    ("view", "text"),
    [
        (pop3.drop_listing, "two 320"),
        (pop3.drop_listing, "2"),
        (pop3.drop_listing, "2  320"),
        (pop3.scan_listings, "1 -3"),
        (pop3.scan_listings, "1 " + "9" * 5000),
        (pop3.unique_ids, "1 " + "u" * 71),
        (pop3.unique_ids, "1 a b"),
        (pop3.unique_ids, "1 \udcff"),
    ],
)
def test_views_refuse_what_the_grammar_lacks(view: Callable[[Reply], object], text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        view(Reply(Status.OK, text))
    assert caught.value.message_id == "pop3.bad-listing"
    assert caught.value.worded("fr")


def test_a_view_of_a_refusal_is_a_wrong_use() -> None:
    with pytest.raises(UsageError):
        pop3.drop_listing(Reply(Status.ERR, "2 320"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"POP3 server ready {TIMESTAMP}", TIMESTAMP),
        (f"{TIMESTAMP} ready", TIMESTAMP),
        ("ready", None),
        ("<no at sign> ready", None),
        ("<> ready", None),
    ],
)
def test_the_greeting_s_timestamp(text: str, found: str | None) -> None:
    assert pop3.timestamp(Reply(Status.OK, text)) == found


# poplib is the oracle: what it makes of the same bytes.  (It strays from RFC 1939 §3 in one
# thing: a line that begins with a single dot keeps it, so no such line is here.)

ORACLE = [
    b"+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n",
    b"+OK\r\n.\r\n",
    b"+OK\r\n..\r\n.\r\n",
    b"+OK 120 octets\r\nSubject: x\r\n\r\n..a\r\n\r\n.\r\n",
    "+OK é\r\nçà\r\n.\r\n".encode(),
]


class _Poplib(poplib.POP3):
    """poplib on bytes in place of a socket."""

    def __init__(self, raw: bytes) -> None:
        self.file = io.BytesIO(raw)
        self._debugging = 0
        self.encoding = "UTF-8"

    def long(self) -> tuple[bytes, list[bytes], int]:
        answer: tuple[bytes, list[bytes], int] = self._getlongresp()  # type: ignore[attr-defined]
        return answer


@pytest.mark.parametrize("raw", ORACLE)
def test_poplib_reads_the_same(raw: bytes) -> None:
    head, lines, _ = _Poplib(raw).long()
    listing = _read(raw, Form.LISTING)[0]
    content = _read(raw, Form.CONTENT)[0].content
    assert str(listing).encode() == head
    assert [entry.encode() for entry in listing.lines or ()] == lines
    assert content == b"".join(line + b"\r\n" for line in lines)


@given(
    st.lists(
        st.sampled_from([b"", b".", b"..", b".a", b"a.", b"abc", b"\xff", b"-ERR"]), max_size=8
    )
)
def test_poplib_reads_what_we_write(entries: list[bytes]) -> None:
    content = b"".join(entry + b"\r\n" for entry in entries)
    reply = Reply(Status.OK, "follows", content=content)
    raw = b"".join(reply.units())
    assert _Poplib(raw).long()[1] == entries
    assert _read(raw, Form.CONTENT)[0] == reply


# Robustness.


@given(
    st.binary(max_size=200), st.sampled_from(Form), st.sampled_from([frozenset(), frozenset(Quirk)])
)
def test_arbitrary_bytes_raise_only_the_documented_error(
    raw: bytes, form: Form, quirks: frozenset[Quirk]
) -> None:
    for prefix in (b"", b"+OK ", b"+OK\r\n", b"+ ", b"-ERR ["):
        reader = _reader(line=100, block=150, quirks=quirks)
        reader.feed(prefix + raw)
        try:
            while found := reader.next(form):
                again = found[0].units()
                assert _read(b"".join(again), form)[0] == found[0] or quirks
        except RemoteProtocolError:
            pass
        rest = reader.unread()
        assert (prefix + raw).endswith(rest)


@given(st.binary(max_size=80), st.sampled_from([name.encode() for name in pop3.VERBS]))
def test_any_line_is_a_command_that_comes_out_as_it_came(raw: bytes, verb: bytes) -> None:
    for line in (raw, verb + raw, verb + b" " + raw):
        one = line.replace(b"\n", b"").rstrip(b"\r") + b"\r\n"
        command = pop3.parse_command(one)
        if not one.lower().startswith(b"auth"):
            assert b"".join(command.units()).upper() == one.upper() or b" \r\n" in one


def test_a_listing_of_100000_and_a_message_of_24_mb_are_read() -> None:
    listing = b"+OK\r\n" + b"".join(b"%d 120\r\n" % n for n in range(1, 100_001)) + b".\r\n"
    found = _read(listing, Form.LISTING)[0]
    assert found.lines is not None
    assert (len(found.lines), found.lines[-1]) == (100_000, "100000 120")
    body = b"x" * 76 + b"\r\n"
    message = body * 320_000
    reader = _reader(block=25_000_000)
    done = None
    stream = b"+OK\r\n" + message + b".\r\n"
    for at in range(0, len(stream), 65_536):
        reader.feed(stream[at : at + 65_536])
        done = reader.next(Form.CONTENT)
    assert done is not None
    assert done[0].content == message


def test_many_short_messages_in_one_piece_take_time_in_proportion() -> None:
    """Counted in octets copied, not in seconds."""
    copied = 0

    reader = _reader()
    buffer = reader._intake.buffer
    peek = buffer.peek

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return getattr(buffer, name)

        def peek(self, size: int) -> bytes:
            nonlocal copied
            piece = peek(size)
            copied += len(piece)
            return piece

        def __bool__(self) -> bool:
            return bool(len(buffer))

    reader._intake.buffer = Counting()  # type: ignore[assignment]
    one = b"+OK\r\nhello\r\n.\r\n"
    reader.feed(one * 2000)
    for _ in range(2000):
        assert reader.next(Form.CONTENT) is not None
    assert copied <= 2000 * 512
