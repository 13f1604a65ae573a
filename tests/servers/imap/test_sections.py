from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.servers.imap.sections import UndecodableError, binary, binary_size, content, find
from mailsim.wire.imap.section import Section
from mailsim.wire.mime import parse
from tests.servers.imap.corpus import corpus, with_crlf

MESSAGE = (
    b"Subject: dehors\r\nX: y\r\n z\r\nsans deux-points\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=\r\n=00b\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: dedans\r\nContent-Transfer-Encoding: base64\r\n\r\nw6k=\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("part", "text", "expected"),
    [
        ((), "", MESSAGE),
        ((), "HEADER", MESSAGE[: MESSAGE.index(b"--b")]),
        ((), "TEXT", MESSAGE[MESSAGE.index(b"--b") :]),
        ((1,), "", b"a=\r\n=00b"),
        ((1,), "MIME", b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"),
        ((1,), "HEADER", b""),
        ((1, 1), "", b"a=\r\n=00b"),
        ((1, 2), "", b""),
        ((2,), "HEADER", b"Subject: dedans\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
        ((2,), "TEXT", b"w6k="),
        ((2, 1), "", b"w6k="),
        ((2, 2), "", b""),
        ((3,), "", b""),
    ],
)  # fmt: skip
def test_sections(part: tuple[int, ...], text: str, expected: bytes) -> None:
    assert content(MESSAGE, Section(part, text)) == expected


def test_fields() -> None:
    names = ("SUBJECT", "x", "nulle-part")
    assert content(MESSAGE, Section((), "HEADER.FIELDS", names)) == (
        b"Subject: dehors\r\nX: y\r\n z\r\n\r\n"
    )
    assert content(MESSAGE, Section((), "HEADER.FIELDS.NOT", names)) == (
        b"sans deux-points\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    )
    assert content(b"Subject: x", Section((), "HEADER.FIELDS", names)) == b"Subject: x\r\n\r\n"
    assert content(b"", Section((), "HEADER.FIELDS", names)) == b"\r\n"
    # A name is text, no pattern.
    assert content(b"ab: c\r\n\r\n", Section((), "HEADER.FIELDS", ("a.",))) == b"\r\n"


@pytest.mark.parametrize(
    ("partial", "expected"),
    [
        ((0, 7), b"Subject"),
        ((9, 6), b"dehors"),
        ((5, 0), b""),
        ((10**6, 5), b""),
        ((0, 2**32), MESSAGE),
    ],
)
def test_partial(partial: tuple[int, int], expected: bytes) -> None:
    assert content(MESSAGE, Section(), partial) == expected


def test_nul_is_no_octet_of_a_literal() -> None:
    assert content(b"a: b\r\n\r\n\0", Section()) == b"a: b\r\n\r\n\x80"
    assert binary(b"a: b\r\n\r\n\0", (1,)) == (b"\0", True)


def test_binary() -> None:
    assert binary(MESSAGE, (1,)) == (b"a\0b", True)
    assert binary(MESSAGE, (1,), (1, 1)) == (b"\0", True)
    assert binary(MESSAGE, (2, 1)) == ("é".encode(), True)
    assert binary(MESSAGE, (9,)) == (b"", False)
    whole, coded = binary(MESSAGE, ())
    assert coded
    assert whole == MESSAGE.replace(b"quoted-printable", b"binary").replace(b"base64", b"binary").replace(
        b"a=\r\n=00b", b"a\0b"
    ).replace(b"w6k=", "é".encode())  # fmt: skip
    assert binary_size(MESSAGE, ()) == len(whole)
    assert (binary_size(MESSAGE, (1,)), binary_size(MESSAGE, (9,))) == (3, 0)
    assert binary(b"a: b\r\n\r\nx", ()) == (b"a: b\r\n\r\nx", False)


@pytest.mark.parametrize(
    ("encoding", "body", "code"),
    [
        ("x-uuencode", "x", "UNKNOWN-CTE"),
        ("", "x", "UNKNOWN-CTE"),
        ("base64 x", "w6k=", "UNKNOWN-CTE"),
        ("base64", "w6*k", "PARSE"),
        ("base64", "w6k", "PARSE"),
        ("quoted-printable", "a=zz", "PARSE"),
    ],
)
def test_what_binary_cannot_decode(encoding: str, body: str, code: str) -> None:
    message = f"Content-Transfer-Encoding: {encoding}\r\n\r\n{body}".encode()
    with pytest.raises(UndecodableError, match=code):
        binary(message, (1,))
    with pytest.raises(UndecodableError, match=code):
        binary_size(message, (1,))


def test_the_size_of_a_part_needs_all_parts() -> None:
    """Dovecot decodes the whole message for one BINARY.SIZE."""
    message = MESSAGE.replace(b"base64", b"x-rien")
    assert binary(message, (1,)) == (b"a\0b", True)
    with pytest.raises(UndecodableError, match="UNKNOWN-CTE"):
        binary_size(message, (1,))


@given(
    st.sampled_from([with_crlf(case.content) for case in corpus()]),
    st.lists(st.integers(1, 4), max_size=4).map(tuple),
)
def test_a_part_is_in_its_message(message: bytes, numbers: tuple[int, ...]) -> None:
    part = find(parse(message), numbers)
    body = content(message, Section(numbers)) if numbers else message
    assert body.replace(b"\x80", b"\0") in message.replace(b"\x80", b"\0")
    assert (part is None) <= (body == b"")
    if part and numbers:
        assert len(content(message, Section(numbers, "MIME"))) == part.body_start - part.start
