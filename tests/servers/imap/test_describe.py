from __future__ import annotations

import re

import pytest

from mailsim.servers.imap import describe
from mailsim.servers.imap.strings import human, nstring, string
from mailsim.wire.imap.scanner import MAX_DEPTH, Scanner
from mailsim.wire.imap.structure import Multipart, numbered
from mailsim.wire.imap.structure import Part as ToldPart
from mailsim.wire.imap.structure_codec import read_body, read_envelope
from mailsim.wire.mime import Part, parse
from tests.servers.imap.corpus import Case, corpus, with_crlf

# RFC 3501 §8
EXAMPLE = (
    b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
    b"From: Terry Gray <gray@cac.washington.edu>\r\n"
    b"Subject: IMAP4rev1 WG mtg summary and minutes\r\n"
    b"To: imap@cac.washington.edu\r\n"
    b"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
    b"Message-Id: <B27397-0100000@cac.washington.edu>\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n"
    + b"x" * 31
    + b"\r\n"
    + b"y" * 30
    + b"\r\n" * 91
)


def test_the_example_of_rfc_3501() -> None:
    message = parse(EXAMPLE)
    assert describe.envelope(message).decode() == (
        '("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" '
        '(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        '(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        '(("Terry Gray" NIL "gray" "cac.washington.edu")) '
        '((NIL NIL "imap" "cac.washington.edu")) '
        '((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) '
        'NIL NIL "<B27397-0100000@cac.washington.edu>")'
    )
    # In small letters, as Dovecot writes what is nothing but plain text.
    size = len(message.body)
    expected = f'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" {size} 92'
    assert describe.body(message).decode() == expected + ")"
    assert describe.body_structure(message).decode() == expected + " NIL NIL NIL NIL)"


def test_of_fields_that_stand_twice() -> None:
    message = parse(b"Subject: 1\r\nSubject: 2\r\nTo: a@b\r\nTo: c@d\r\nDate: x\r\nDate: y\r\n\r\n")
    assert describe.envelope(message) == (
        b'("y" "2" NIL NIL NIL ((NIL NIL "a" "b")(NIL NIL "c" "d")) NIL NIL NIL NIL)'
    )


def units(octets: bytes) -> tuple[bytes, ...]:
    """Lines and literals in turn, as they come over the wire."""
    found = []
    while match := re.search(rb"\{([0-9]+)\}\r\n", octets):
        end = match.end() + int(match[1])
        found += [octets[: match.end()], octets[match.end() : end]]
        octets = octets[end:]
    return (*found, octets + b"\r\n")


def leaves(part: Part) -> list[Part]:
    return [one for one in part.walk() if not one.children or one.media_type == "message/rfc822"]


def told(octets: bytes) -> list[ToldPart]:
    """The parts that our own client reads of a description."""
    scanner = Scanner(units(octets))
    body = read_body(scanner)
    scanner.end()
    return [part for _, part in numbered(body)]


@pytest.mark.parametrize("case", corpus(), ids=lambda case: case.name)
def test_our_client_reads_it(case: Case) -> None:
    message = parse(with_crlf(case.content))
    scanner = Scanner(units(describe.envelope(message)))
    read_envelope(scanner)
    scanner.end()
    if any(part.depth >= MAX_DEPTH for part in message.walk()):
        return
    for describer in (describe.body, describe.body_structure):
        found = told(describer(message))
        parts = leaves(message)
        # A multipart without parts is told with one that is empty.
        assert [part.size for part in found] == [
            0 if part.media_type.startswith("multipart/") else part.size for part in parts
        ]
        assert all(part.lines in (None, one.lines) for part, one in zip(found, parts, strict=True)
                   if part.size)  # fmt: skip


def test_values() -> None:
    message = parse(
        b"From: A <a@b>\r\nSender:\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: application/pdf; name=f\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''%C3%A9\r\n"
        b"Content-Language: fr, en\r\nContent-ID: <i>\r\n\r\nAAAA\r\n--x--\r\n"
    )
    envelope = read_envelope(Scanner(units(describe.envelope(message))))
    assert [one.email for one in envelope.sender] == ["a@b"]
    assert envelope.subject is None
    body = read_body(Scanner(units(describe.body_structure(message))))
    assert isinstance(body, Multipart)
    [part] = body.parts
    assert isinstance(part, ToldPart)
    assert (part.media_type, part.encoding, part.size) == ("application/pdf", "base64", 4)
    assert part.extension.disposition is not None
    assert part.extension.disposition.params == (("filename*", "utf-8''%C3%A9"),)
    assert part.extension.language == ("fr", "en")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", b'""'),
        (b"a b", b'"a b"'),
        (b'a"b\\', b'"a\\"b\\\\"'),
        (b'"""""', b'{5}\r\n"""""'),
        (b"\xe9", b"{1}\r\n\xe9"),
        (b"a\r\nb", b"{4}\r\na\r\nb"),
    ],
)
def test_strings(value: bytes, expected: bytes) -> None:
    assert string(value) == expected


def test_strings_that_may_be_absent_are_unfolded() -> None:
    assert nstring(None) == human(None) == b"NIL"
    assert nstring(b"a\n b") == b'"a b"'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a b", b'"a b"'),
        (b" a  b\n\tc ", b"{5}\r\na b c"),
        (b'"a"', b'{3}\r\n"a"'),
        (b"  ", b'""'),
        (b"a\0b", b"{3}\r\na\x80b"),
    ],
)
def test_strings_for_humans(value: bytes, expected: bytes) -> None:
    assert human(value) == expected


# --- Bombs ---------------------------------------------------------------------------------------


def test_a_hundred_thousand_fields() -> None:
    message = parse(b"X: y\r\n" * 100_000 + b"Subject: x\r\n\r\n")
    assert describe.envelope(message) == b'(NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL)'


def test_ten_thousand_parts() -> None:
    message = parse(
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 10_000
    )
    assert describe.body_structure(message).count(b'"text"') == 9_999


def test_a_thousand_messages_in_each_other() -> None:
    message = parse(b"Content-Type: message/rfc822\r\n\r\n" * 1000)
    assert describe.body_structure(message).count(b'"rfc822"') == 99
