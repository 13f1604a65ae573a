"""IMAPClient's parser reads the same bytes, and the values agree."""

from __future__ import annotations

from typing import Any

import pytest
from imapclient import imap_utf7, response_parser
from imapclient.response_types import Address as TheirAddress
from imapclient.response_types import Envelope as TheirEnvelope

from mailsim.wire.imap import responses as r
from mailsim.wire.imap import utf7
from mailsim.wire.imap.frames import FrameReader
from mailsim.wire.imap.response_reader import read_response
from mailsim.wire.imap.structure import Address, Body, Envelope, Multipart, Params

ENVELOPE = (
    b'("Wed, 17 Jul 1996 02:23:25 -0700" "IMAP4rev1 \\"WG\\"" '
    b'(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "x")) NIL '
    b'((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")'
    b'("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>")'
)
FETCHES = [
    b"* 12 FETCH (FLAGS (\\Seen \\Answered $Junk) UID 7 RFC822.SIZE 44827 MODSEQ (65402))\r\n",
    b"* 1 FETCH (BODY[HEADER.FIELDS (DATE FROM)]<0> {9}\r\nDate: x\r\n BODY[] NIL UID 3)\r\n",
    b'* 1 FETCH (BODY[1.2] "a \\"b\\" \\\\" UID 3)\r\n',
    b"* 12 FETCH (UID 9 ENVELOPE " + ENVELOPE + b")\r\n",
    b'* 2 FETCH (UID 9 ENVELOPE (NIL {5}\r\n\xe9\r\n() NIL NIL NIL NIL NIL NIL NIL "<1@x>"))\r\n',
]
TWO_TEXTS = (
    b'(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)("TEXT" "PLAIN" ("CHARSET"'
    b' "US-ASCII" "NAME" "cc.diff") "<960723163407.20117h@cac.washington.edu>" "Compiler diff"'
    b' "BASE64" 4554 73) "MIXED")'
)
NESTED = (
    b'((("TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1)("TEXT" "HTML" NIL NIL NIL "7BIT" 1 1) "ALTERNATIVE"'
    b' ("BOUNDARY" "b2") NIL NIL NIL)("IMAGE" "PNG" ("NAME" "a") NIL NIL "BASE64" 5 NIL'
    b' ("ATTACHMENT" ("FILENAME" "a")) NIL NIL) "MIXED" ("BOUNDARY" "b1") NIL ("fr") NIL)'
)
BODIES = [
    b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)',
    b'("APPLICATION" "PDF" NIL "<id>" {4}\r\ndesc "BASE64" 99 "md5" NIL NIL NIL)',
    TWO_TEXTS,
    NESTED,
]


def ours(data: bytes) -> r.Response:
    reader = FrameReader(line=10_000, block=10_000, frame=10_000)
    reader.feed(data)
    units = reader.next()
    assert units is not None
    assert len(reader) == 0
    return read_response(units)


def theirs(data: bytes) -> list[Any]:
    """The response as imaplib hands it on: (line with its literal sign, literal) pairs and lines."""
    reader = FrameReader(line=10_000, block=10_000, frame=10_000)
    reader.feed(data)
    units = reader.next()
    assert units is not None
    lines, literals = [unit.rstrip(b"\r\n") for unit in units[::2]], units[1::2]
    parts: list[Any] = [*zip(lines, literals, strict=False), lines[-1]]
    # imaplib has taken "* " and, of numbered data, the name away.
    first = parts[0][0] if isinstance(parts[0], tuple) else parts[0]
    stripped = first.removeprefix(b"* ").replace(b" FETCH ", b" ", 1)
    parts[0] = (stripped, parts[0][1]) if isinstance(parts[0], tuple) else stripped
    return parts


def octets(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def address(value: Address) -> TheirAddress:
    return TheirAddress(*map(octets, (value.name, value.route, value.mailbox, value.host)))


def envelope(value: Envelope) -> tuple[Any, ...]:
    lists = (value.sent_from, value.sender, value.reply_to, value.to, value.cc, value.bcc)
    people = [tuple(map(address, one)) or None for one in lists]
    return (octets(value.subject), *people, octets(value.in_reply_to), octets(value.message_id))


def params(value: Params | None) -> Any:
    return tuple(octets(word) for pair in value for word in pair) if value else None


def body(value: Body) -> tuple[Any, ...]:
    if isinstance(value, Multipart):
        return ([body(part) for part in value.parts], octets(value.subtype), params(value.params))
    texts = (octets(value.id), octets(value.description), octets(value.encoding))
    return (octets(value.type), octets(value.subtype), params(value.params), *texts, value.size)


def same_body(mine: Any, other: Any) -> None:
    if isinstance(mine[0], list):
        assert len(mine[0]) == len(other[0])
        for one, two in zip(mine[0], other[0], strict=True):
            same_body(one, two)
        assert mine[1] == other[1]
        assert mine[2] == (other[2] if len(other) > 2 else None)
    else:
        assert mine == tuple(other[:7])


@pytest.mark.parametrize("data", FETCHES)
def test_fetch(data: bytes) -> None:
    value = ours(data)
    assert isinstance(value, r.Fetch)
    [found] = response_parser.parse_fetch_response(theirs(data), uid_is_key=False).values()
    assert len(found) == len(value.items) + 1  # SEQ besides
    for item in value.items:
        other = found[item.label.encode()]
        match item.value:
            case Envelope():
                assert isinstance(other, TheirEnvelope)
                assert envelope(item.value) == (
                    *(other.subject, other.from_, other.sender, other.reply_to, other.to),
                    *(other.cc, other.bcc, other.in_reply_to, other.message_id),
                )
            case tuple():
                assert tuple(octets(str(word)) for word in item.value) == other
            case int() if item.name == "MODSEQ":
                assert (item.value,) == other
            case _:
                assert item.value == other


@pytest.mark.parametrize("data", BODIES)
@pytest.mark.parametrize("name", [b"BODY", b"BODYSTRUCTURE"])
def test_body_structure(name: bytes, data: bytes) -> None:
    line = b"* 1 FETCH (UID 3 " + name + b" " + data + b")\r\n"
    value = ours(line)
    assert isinstance(value, r.Fetch)
    mine = value.get(name.decode())
    assert not isinstance(mine, (int, str, bytes, tuple))
    [found] = response_parser.parse_fetch_response(theirs(line), uid_is_key=False).values()
    same_body(body(mine), found[name])  # type: ignore[arg-type]


@pytest.mark.parametrize("numbers", [b"", b" 1 5 23", b" 4294967295"])
def test_search(numbers: bytes) -> None:
    value = ours(b"* SEARCH" + numbers + b"\r\n")
    assert isinstance(value, r.Search)
    assert list(value.numbers) == response_parser.parse_message_list([numbers.strip()])


@pytest.mark.parametrize(
    "data",
    [
        b'* LIST (\\HasNoChildren \\Sent) "/" Envoy&AOk-s\r\n',
        b'* LIST () NIL "a \\"b\\" c"\r\n',
        b'* LIST (\\Noselect) "." {11}\r\nfoo bar {5}\r\n',
        b'* LIST () "\\\\" INBOX\r\n',
    ],
)
def test_list(data: bytes) -> None:
    value = ours(data)
    assert isinstance(value, r.MailboxList)
    parts = theirs(data)
    first = parts[0][0] if isinstance(parts[0], tuple) else parts[0]
    stripped = first.removeprefix(b"LIST ")
    parts[0] = (stripped, parts[0][1]) if isinstance(parts[0], tuple) else stripped
    flags, delimiter, name = response_parser.parse_response(parts)
    assert flags == tuple(octets(flag) for flag in value.flags)
    assert delimiter == octets(value.delimiter)
    assert imap_utf7.decode(name) == value.mailbox


@pytest.mark.parametrize("name", ["Envoyés", "a&b", "台北/日本語", "~peter", "\U0001f600!", "é&é"])
def test_modified_utf7(name: str) -> None:
    assert utf7.encode(name) == imap_utf7.encode(name)
    assert utf7.decode(imap_utf7.encode(name)) == name
