from __future__ import annotations

import pytest

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.wire.imap import responses as r
from mailsim.wire.imap.codes import AppendUid, Code, CodeValue, CopyUid
from mailsim.wire.imap.dates import DateTime
from mailsim.wire.imap.response_reader import read_response
from mailsim.wire.imap.response_writer import write_response
from mailsim.wire.imap.section import Section
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.structure import Address, Envelope, Group, Multipart, Part, groups, numbered
from mailsim.wire.imap.tokens import Atom, Literal, Quoted
from mailsim.wire.outcome import Outcome


def read(text: str, *more: bytes, utf8: bool = False) -> r.Response:
    return read_response((text.encode() + b"\r\n", *more), utf8=utf8)


def both_ways(text: str, value: r.Response, *more: bytes) -> None:
    """`text` is the canonical form of `value`."""
    assert read(text, *more) == value
    assert write_response(value) == (text.encode() + b"\r\n", *more)


def bad(text: bytes, *more: bytes) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        read_response((text, *more))
    assert str(caught.value)
    return caught.value.message_id


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("UIDVALIDITY 3857529045", 3857529045),
        ("UIDNEXT 4392", 4392),
        ("UNSEEN 12", 12),
        ("HIGHESTMODSEQ 9223372036854775807", 2**63 - 1),
        ("PERMANENTFLAGS (\\Deleted \\Seen \\*)", ("\\Deleted", "\\Seen", "\\*")),
        ("CAPABILITY IMAP4rev1 AUTH=PLAIN", ("IMAP4rev1", "AUTH=PLAIN")),
        ("BADCHARSET (UTF-8 US-ASCII)", ("UTF-8", "US-ASCII")),
        ("APPENDUID 38505 3955", AppendUid(38505, SequenceSet("3955"))),
        (
            "COPYUID 38505 304,319:320 3956:3958",
            CopyUid(38505, SequenceSet("304,319:320"), SequenceSet("3956:3958")),
        ),
        ("MODIFIED 7,9", SequenceSet("7,9")),
        ("READ-WRITE", None),
        ("REFERRAL imap://x/", "imap://x/"),
        ("BADCHARSET UTF-8", "UTF-8"),
        ("UIDVALIDITY 0", "0"),
    ],
)
def test_codes(text: str, code: CodeValue) -> None:
    name = text.split(" ", maxsplit=1)[0]
    both_ways(f"a1 OK [{text}] Fait", r.Status("OK", "Fait", Code(name, code), "a1"))


def test_what_only_looks_like_a_code_is_text() -> None:
    both_ways("* OK [HIGHESTMODSEQ 1234]", r.Status("OK", "[HIGHESTMODSEQ 1234]"))
    both_ways("* OK [à demain", r.Status("OK", "[à demain"))


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("a OK done", Outcome.SUCCESS),
        ("* PREAUTH hello", Outcome.SUCCESS),
        ("a NO no", Outcome.PERMANENT),
        ("a NO [UNAVAILABLE] later", Outcome.TEMPORARY),
        ("a NO [INUSE] later", Outcome.TEMPORARY),
        ("a NO [LIMIT] too many", Outcome.PERMANENT),
        ("a NO [AUTHENTICATIONFAILED] no", Outcome.PERMANENT),
        ("a BAD what", Outcome.PERMANENT),
        ("* BYE bye", Outcome.CLOSING),
        ("+ go on", Outcome.INTERMEDIATE),
    ],
)
def test_outcomes(text: str, outcome: Outcome) -> None:
    value = read(text)
    assert isinstance(value, (r.Status, r.Continuation))
    assert value.outcome is outcome


def test_continuations() -> None:
    both_ways("+ ", r.Continuation())
    both_ways(
        "+ PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+",
        r.Continuation("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2U+"),
    )


def test_a_literal_sign_at_the_end_of_text_is_text() -> None:
    both_ways("* OK see {5}", r.Status("OK", "see {5}"))


def test_mailboxes() -> None:
    both_ways(
        '* LIST (\\HasNoChildren) "/" Envoy&AOk-s',
        r.MailboxList(("\\HasNoChildren",), "/", "Envoyés"),
    )
    both_ways('* LIST (\\Noselect) "\\\\" "a b"', r.MailboxList(("\\Noselect",), "\\", "a b"))
    both_ways('* LIST () NIL "NIL"', r.MailboxList((), None, "NIL"))
    both_ways(
        '* LIST () "/" Foo ("CHILDINFO" ("SUBSCRIBED"))',
        r.MailboxList((), "/", "Foo", (("CHILDINFO", (Quoted("SUBSCRIBED"),)),)),
    )
    assert read('* LIST () "/" {4}', b"a\xc3\xa9b", b"\r\n", utf8=True) == r.MailboxList(
        (), "/", "aéb"
    )
    assert read('* LSUB () "/" inBOX') == r.MailboxList((), "/", "INBOX", name="LSUB")
    assert bad('* LIST () "/" "é"\r\n'.encode()) == "imap.mailbox-name"
    assert bad(b'* LIST () "/" &Jjo!\r\n') == "imap.mailbox-name"


def test_status_items_that_are_no_number() -> None:
    value = read("* STATUS blurdybloop (MESSAGES 231 MAILBOXID (F22))")
    assert isinstance(value, r.MailboxStatus)
    assert value.get("MESSAGES") == 231
    assert value.get("MAILBOXID") == (Atom("F22"),)
    assert value.get("UNSEEN") is None


def test_search() -> None:
    both_ways("* SEARCH", r.Search(()))
    both_ways("* SEARCH 2 3 6 (MODSEQ 917162500)", r.Search((2, 3, 6), 917162500))
    both_ways("* SORT 5 3 4", r.Search((5, 3, 4), name="SORT"))
    esearch = r.Esearch("A285", uid=True, items=(("MIN", 2), ("ALL", SequenceSet("2,10:11"))))
    both_ways('* ESEARCH (TAG "A285") UID MIN 2 ALL 2,10:11', esearch)
    assert esearch.get("MIN") == 2
    assert bad(b"* SEARCH 0\r\n") == "imap.syntax"
    assert bad(b"* SEARCH 12345678901\r\n") == "imap.syntax"


def test_threads() -> None:
    both_ways("* THREAD (2)(3 6 (4 23)(44 7 96))", r.Thread(((2,), (3, 6, (4, 23), (44, 7, 96)))))
    both_ways("* THREAD ((3)(5))", r.Thread((((3,), (5,)),)))


def test_vanished() -> None:
    both_ways("* VANISHED (EARLIER) 41,43:116", r.Vanished(SequenceSet("41,43:116"), earlier=True))
    assert SequenceSet("1:4294967295").count() == 2**32 - 1


def test_the_extensions() -> None:
    entry = r.NamespaceEntry("#mh/", "/", (("X-PARAM", ("FLAG1", "FLAG2")),))
    both_ways(
        '* NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))) NIL NIL',
        r.Namespace((r.NamespaceEntry("", "/"), entry), (), ()),
    )
    both_ways('* ID ("name" "Cyrus" "date" NIL)', r.Id((("name", "Cyrus"), ("date", None))))
    both_ways("* ID NIL", r.Id(None))
    both_ways("* ENABLED UTF8=ACCEPT", r.Enabled(("UTF8=ACCEPT",)))
    both_ways('* QUOTA "" (STORAGE 10 512)', r.Quota("", (r.Resource("STORAGE", 10, 512),)))
    both_ways('* QUOTAROOT INBOX ""', r.QuotaRoot("INBOX", ("",)))
    both_ways("* ACL INBOX Fred rwipslda", r.Acl("INBOX", (("Fred", "rwipslda"),)))
    both_ways("* LISTRIGHTS ~/Mail smith la r", r.ListRights("~/Mail", "smith", ("la", "r")))
    both_ways("* MYRIGHTS INBOX rwipsldaet", r.MyRights("INBOX", "rwipsldaet"))
    both_ways('* METADATA "" /shared/x', r.Metadata("", (("/shared/x", None),), valued=False))


def test_what_is_not_known_is_kept() -> None:
    value = read('* 7 XFOO a (b "c \\" d") {3}', b"xyz", b"\r\n")
    assert value == r.Unknown(
        "XFOO",
        (Atom("7"), Atom("XFOO"), Atom("a"), (Atom("b"), Quoted('c " d')), Literal(b"xyz")),
    )
    assert isinstance(value, r.Unknown)
    assert value.raw == b'7 XFOO a (b "c \\" d") {3}\r\nxyz'
    assert write_response(value) == (b'* 7 XFOO a (b "c \\" d") {3}\r\n', b"xyz", b"\r\n")


def test_fetch() -> None:
    value = r.Fetch(
        12,
        (
            r.Item("UID", 7),
            r.Item("FLAGS", ("\\Seen", "$Junk")),
            r.Item("INTERNALDATE", DateTime(1996, 7, 17, 2, 44, 25, -420)),
            r.Item("RFC822.SIZE", 4286),
            r.Item("MODSEQ", 65402),
            r.Item(
                "BODY",
                b"Date: x\r\n\r\n",
                Section(text="HEADER.FIELDS", fields=("DATE", "FROM")),
                0,
            ),
            r.Item("BODY", None, Section((1, 2), "MIME")),
            r.Item("BINARY.SIZE", 4, Section((1,))),
            r.Item("EMAILID", r.Raw((Atom("M6d99ac3275bb4e"),))),
        ),
    )
    both_ways(
        '* 12 FETCH (UID 7 FLAGS (\\Seen $Junk) INTERNALDATE "17-Jul-1996 02:44:25 -0700"'
        " RFC822.SIZE 4286 MODSEQ (65402) BODY[HEADER.FIELDS (DATE FROM)]<0> {11}",
        value,
        b"Date: x\r\n\r\n",
        b" BODY[1.2.MIME] NIL BINARY.SIZE[1] 4 EMAILID (M6d99ac3275bb4e))\r\n",
    )
    assert value.get("BODY[HEADER.FIELDS (DATE FROM)]<0>") == b"Date: x\r\n\r\n"


def test_fetch_of_octets_that_are_no_text() -> None:
    value = r.Fetch(1, (r.Item("BINARY", b"\0\xff", Section((1,))),))
    both_ways("* 1 FETCH (BINARY[1] ~{2}", value, b"\0\xff", b")\r\n")


def test_header_names_in_quotes_and_literals() -> None:
    value = read('* 1 FETCH (BODY[HEADER.FIELDS ("Date" {4}', b"From", b')] "x")\r\n')
    assert value == r.Fetch(
        1, (r.Item("BODY", b"x", Section(text="HEADER.FIELDS", fields=("Date", "From"))),)
    )


def test_envelope_with_a_group_and_a_literal() -> None:
    text = '* 1 FETCH (ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" {3}'
    rest = (
        b' (("Terry Gray" NIL "gray" "cac.washington.edu")) NIL NIL'
        b' ((NIL NIL "amis" NIL)(NIL NIL "a" "x")(NIL NIL NIL NIL)(NIL NIL "b" "y")) NIL NIL'
        b' NIL "<B27397@cac>"))\r\n'
    )
    value = read(text, b"\xff\r\n", rest)
    assert isinstance(value, r.Fetch)
    envelope = value.get("ENVELOPE")
    assert isinstance(envelope, Envelope)
    assert envelope.subject == "\udcff\r\n"
    assert envelope.sent_from[0].email == "gray@cac.washington.edu"
    assert groups(envelope.to) == (
        Group("amis", (Address(None, None, "a", "x"),)),
        Group("", (Address(None, None, "b", "y"),)),
    )
    assert write_response(value) == (text.encode() + b"\r\n", b"\xff\r\n", rest)


_NESTED = (
    '* 5 FETCH (BODYSTRUCTURE (("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 2279 48 NIL NIL NIL NIL)'
    '("MESSAGE" "RFC822" NIL "<id>" "fwd" "7BIT" 9000'
    ' (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)'
    ' (("TEXT" "HTML" NIL NIL NIL "BASE64" 10 2)("IMAGE" "PNG" ("NAME" "a.png") NIL NIL "BASE64" 1152'
    ' "md5" ("attachment" ("FILENAME" "a.png")) ("fr" "wo") "loc" (1 "x")) "ALTERNATIVE" ("BOUNDARY" "x"))'
    ' 70) "MIXED" ("BOUNDARY" "b1") ("inline" NIL) "fr"))'
)


def test_body_structure() -> None:
    value = read(_NESTED)
    assert write_response(value) == (_NESTED.encode() + b"\r\n",)
    assert isinstance(value, r.Fetch)
    body = value.get("BODYSTRUCTURE")
    assert isinstance(body, Multipart)
    assert body.media_type == "multipart/mixed"
    message = body.parts[1]
    assert isinstance(message, Part)
    assert (message.lines, message.size, message.description) == (70, 9000, "fwd")
    assert [(path, part.media_type) for path, part in numbered(body)] == [
        ((1,), "text/plain"),
        ((2,), "message/rfc822"),
        ((2, 1), "text/html"),
        ((2, 2), "image/png"),
    ]
    image = dict(numbered(body))[2, 2]
    assert image.md5 == "md5"
    assert image.extension.disposition is not None
    assert image.extension.disposition.params == (("FILENAME", "a.png"),)
    assert image.extension.language == ("fr", "wo")
    assert image.extension.others == ((Atom("1"), Quoted("x")),)


def test_the_part_of_a_message_with_one_part_is_one() -> None:
    value = read('* 1 FETCH (BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1))')
    assert isinstance(value, r.Fetch)
    body = value.get("BODY")
    assert isinstance(body, Part)
    assert [path for path, _ in numbered(body)] == [(1,)]


@pytest.mark.parametrize(
    "line",
    [
        b"\r\n",
        b"*\r\n",
        b"* \r\n",
        b"+\r\n",
        b"a\r\n",
        b"a BYE no\r\n",
        b"a OK\r\n",
        b"*  OK x\r\n",
        b"* OK \0\r\n",
        b"* 0 EXPUNGE\r\n",
        b"* 4294967296 EXISTS\r\n",
        b"* " + b"9" * 5000 + b" EXISTS\r\n",
        b"* 1 FETCH ()\r\n",
        b"* 1 FETCH (UID 0)\r\n",
        b"* 1 FETCH (UID 1 )\r\n",
        b"* 1 FETCH (UID 1) \r\n",
        b"* 1 FETCH (BODY[1.] NIL)\r\n",
        b"* 1 FETCH (BODY[HEADER.FIELDS ()] NIL)\r\n",
        b'* 1 FETCH (INTERNALDATE "17-Foo-1996 02:44:25 -0700")\r\n',
        b"* 1 FETCH (ENVELOPE (NIL NIL () NIL NIL NIL NIL NIL NIL NIL))\r\n",
        b'* LIST () "//" x\r\n',
        b"* LIST (\\a\\b) NIL x\r\n",
        b"* LIST () NIL {1+}\r\n",
        b"* FLAGS (a  b)\r\n",
        b'* ID ("a")\r\n',
        b"* ACL INBOX Fred\r\n",
    ],
)
def test_refused(line: bytes) -> None:
    assert bad(line) == "imap.syntax"


def test_a_server_sends_no_literal_unasked_sign() -> None:
    assert bad(b"* LIST () NIL {1+}\r\n", b"x", b"\r\n") == "imap.syntax"


def test_parentheses_nest_64_deep_at_most() -> None:
    deep = b"* X " + b"(" * 64 + b"a" + b")" * 64 + b"\r\n"
    assert isinstance(read_response((deep,)), r.Unknown)
    assert bad(b"* X " + b"(" * 65 + b"a" + b")" * 65 + b"\r\n") == "imap.too-deep"
    assert bad(b"* THREAD " + b"(" * 5000 + b"1" + b")" * 5000 + b"\r\n") == "imap.too-deep"
    assert bad(b"* 1 FETCH (BODY " + b"(" * 5000 + b"\r\n") == "imap.too-deep"


def test_brackets_are_read_in_linear_time() -> None:
    assert isinstance(read_response((b"* X " + b"[" * 200_000 + b"\r\n",)), r.Unknown)


def test_text_must_be_utf_8() -> None:
    assert bad(b"* OK \xe9\r\n") == "imap.not-utf8"
    assert bad(b'* QUOTA "\xe9" ()\r\n') == "imap.not-utf8"


@pytest.mark.parametrize("text", ["a\r\nb OK", "a\0"])
def test_values_do_not_let_lines_in(text: str) -> None:
    with pytest.raises(UsageError):
        r.Status("OK", text)
    with pytest.raises(UsageError):
        r.Continuation(text)
    with pytest.raises(UsageError):
        Quoted(text)
