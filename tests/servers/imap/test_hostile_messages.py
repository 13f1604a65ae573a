"""Whatever octets a message is made of, all that can be asked of it is answered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailsim.servers.imap import describe, sections
from mailsim.servers.imap.matching import Around, Candidate, Query
from mailsim.servers.imap.sorting import ORDERS, in_order
from mailsim.servers.imap.threads import ALGORITHMS, threads
from mailsim.servers.store.values import Message
from mailsim.wire.imap.scanner import Scanner
from mailsim.wire.imap.search_keys import Key, read_keys
from mailsim.wire.imap.section import Section
from mailsim.wire.imap.structure_codec import read_body, read_envelope
from mailsim.wire.mime import parse
from tests.servers.imap.corpus import with_crlf
from tests.servers.imap.test_describe import units

PIECES = (
    b"Content-Type: ", b"multipart/mixed", b"multipart/digest", b"message/rfc822", b"text/plain", b"; boundary=", b"a",
    b'"', b"\\", b"(", b")", b"<", b">", b"@", b",", b":", b";", b"=", b"=?utf-8?Q?=C3=A9?=", b"\r\n", b"\r\n ",
    b"\r\n\t", b"\n", b"\r", b"--a", b"--", b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable", b"Subject: ",
    b"Re: ", b"[x] ", b"From: ", b"To: ", b"Date: ", b"1 Jan 2024 10:00", b"References: ", b"<a@b>", b"Message-ID: ",
    b"Content-Disposition: ", b"charset=utf-8", b"filename*0*=utf-8''%e9", b"MIME-Version: 1.0", b"\0", b"\xff", b" ",
)  # fmt: skip
MESSAGES = st.one_of(st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join), st.binary()).map(
    with_crlf
)
KEYS = 'OR (SUBJECT "é" FROM a) OR TEXT x NOT OR (BODY "a b" SENTSINCE 1-Jan-2024) HEADER X ""'


@given(MESSAGES)
def test_descriptions(content: bytes) -> None:
    message = parse(content)
    scanner = Scanner(units(describe.envelope(message)))
    read_envelope(scanner)
    scanner.end()
    for describer in (describe.body, describe.body_structure):
        scanner = Scanner(units(describer(message)))
        read_body(scanner)
        scanner.end()


@given(
    MESSAGES,
    st.lists(st.integers(1, 3), max_size=3).map(tuple),
    st.sampled_from(["", "MIME", "HEADER", "TEXT", "HEADER.FIELDS", "HEADER.FIELDS.NOT"]),
)
def test_sections(content: bytes, part: tuple[int, ...], text: str) -> None:
    fields = ("Subject", "X") if "FIELDS" in text else ()
    found = sections.content(content, Section(part, text, fields))
    assert len(found) <= len(content) + 4
    assert b"\0" not in found


@given(MESSAGES, st.lists(st.integers(1, 3), max_size=3).map(tuple))
def test_binary(content: bytes, part: tuple[int, ...]) -> None:
    try:
        octets, coded = sections.binary(content, part)
    except sections.UndecodableError:
        return
    assert coded or b"\0" not in octets


@given(st.lists(MESSAGES, max_size=5))
def test_searches_and_orders(contents: list[bytes]) -> None:
    mailbox = [candidate(number, content) for number, content in enumerate(contents, 1)]
    query = Query(read_keys(Scanner((KEYS.encode() + b"\r\n",))), Around(0, 9, 9))
    numbers = list(range(1, len(contents) + 1))
    assert {one.number for one in mailbox if query.matches(one)} <= set(numbers)
    for order in ORDERS:
        assert sorted(one.number for one in in_order(mailbox, (order,))) == numbers
    for algorithm in ALGORITHMS:
        told = threads(mailbox, algorithm, lambda one: one.number)
        assert sorted(map(int, told.replace("(", " ").replace(")", " ").split())) == numbers


@given(MESSAGES, st.sampled_from(["a", "Re", "1", "plain", "utf", "x", "A"]))
def test_the_quick_look_finds_no_less(content: bytes, word: str) -> None:
    """What `may_hold` rules out is in no text."""
    text = candidate(1, content).text
    needle = word.upper()
    if not text.may_hold(needle.encode()):
        assert not any(needle in one for one in text.texts)
    if not text.header_may_hold(needle.encode()):
        assert not any(
            needle in one for name in text.header.fields for one in text.header.values(name)
        )
        assert not any(needle in one for one in text.header.packed(b"subject"))
    assert Query([Key("TEXT", (word,))], Around(0, 9, 9)).matches(candidate(1, content)) == any(
        needle in one for one in text.texts
    )


def candidate(number: int, content: bytes) -> Candidate:
    message = Message(number, frozenset(), 1, 0.0, len(content), "", saved=0.0)
    return Candidate(number, message, lambda: content)
