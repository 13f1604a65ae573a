from __future__ import annotations

import email
import email.policy
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.wire.mime import MAX_DEPTH, MAX_PARTS, Part, outline, parse
from mailsim.wire.mime.parser import _MOST_SCANNED, _Parser
from mailsim.wire.mime.part import Kind
from tests.servers.imap.corpus import Case, corpus, with_crlf

PIECES = st.lists(
    st.sampled_from(
        [
            b"Content-Type: multipart/mixed; boundary=a\r\n",
            b"Content-Type: multipart/digest; boundary=ab\r\n",
            b"Content-Type: message/rfc822\r\n",
            b"Content-Type: text/plain\r\n",
            b"Subject: x\r\n",
            b"\r\n",
            b"\n",
            b"--a\r\n",
            b"--ab\r\n",
            b"--a--\r\n",
            b"--ab--\n",
            b"--",
            b"a",
            b"text\r\n",
            b"\x00\xff",
        ]
    ),
    max_size=40,
).map(b"".join)


def holds(part: Part) -> None:
    assert 0 <= part.start <= part.body_start <= part.end <= len(part.content)
    assert part.header + part.body == part.content[part.start : part.end]
    at = part.body_start
    for child in part.children:
        assert child.parent is part
        assert at <= child.start
        at = child.end
    assert at <= part.end


@given(st.one_of(PIECES, st.binary()))
def test_any_octets_are_a_message_whose_parts_nest(content: bytes) -> None:
    root = parse(content)
    assert (root.start, root.end) == (0, len(content))
    for part in root.walk():
        holds(part)
        # Whatever it is, it can be asked for all of it.
        part.text()
        assert isinstance(part.filename, str | None)
        assert isinstance(part.media_type, str)
        part.get("subject")


@given(st.one_of(PIECES, st.binary()))
def test_the_outline_is_the_message_without_its_parts(content: bytes) -> None:
    whole, alone = parse(content), outline(content)
    assert (alone.start, alone.body_start, alone.end) == (0, whole.body_start, whole.end)
    assert (alone.kind, alone.children) == (whole.kind, [])


def shape(part: Part) -> object:
    return [shape(child) for child in part.children] or part.body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"--a\r\n\r\n1\r\n--a\r\n\r\n2\r\n--a--\r\n", [b"1", b"2"]),
        (b"preamble\r\n--a\r\n\r\n1\r\n--a--\r\nepilogue\r\n", [b"1"]),
        (b"--a\r\n\r\n1\r\n--a\r\n", [b"1", b""]),
        (b"--a\r\n\r\n1", [b"1"]),
        # RFC 2046 §5.1.1: whatever follows the boundary, the line delimits.
        (b"--a  \r\n\r\n1\r\n--abc\r\n\r\n2\r\n--a--x\r\n--a\r\n\r\n3", [b"1", b"2"]),
        (b"--a\r\n--a\r\n\r\n\r\n--a--", [b"", b""]),
        (b"-a\r\n --a\r\n", b"-a\r\n --a\r\n"),
    ],
)
def test_boundaries(body: bytes, expected: object) -> None:
    assert shape(parse(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + body)) == expected


def test_of_boundaries_that_begin_alike_the_longest_is_meant() -> None:
    content = (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
        b"Content-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\r\n1\r\n--ab\r\n\r\n2\r\n--ab--\r\n"
        b"--a\r\n\r\n3\r\n--a--\r\n"
    )
    assert shape(parse(content)) == [[b"1", b"2"], b"3"]


def test_a_delimiter_takes_the_line_end_before_it() -> None:
    [cut, empty] = parse(
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n"
        b"--a\r\nContent-Type: text/html\r\n--a\r\nContent-ID: x\r\n\r\n--a--\r\n"
    ).children
    assert (cut.header, cut.body) == (b"Content-Type: text/html", b"")
    assert (empty.header, empty.body) == (b"Content-ID: x\r\n", b"")


def test_a_long_boundary_is_cut() -> None:
    content = b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n\r\n1\r\n" % (
        b"L" * 100,
        b"L" * 80,
    )
    assert shape(parse(content)) == [b"1\r\n"]


def test_a_digest_holds_messages() -> None:
    content = (
        b"Content-Type: multipart/digest; boundary=a\r\n\r\n"
        b"--a\r\n\r\nSubject: 1\r\n\r\nx\r\n--a\r\nContent-Type: text/plain\r\n\r\ny\r\n--a--\r\n"
    )
    first, second = parse(content).children
    assert (first.kind, second.kind) == (Kind.MESSAGE, Kind.TEXT)
    assert first.children[0].get("subject") == "1"


# --- Bounds --------------------------------------------------------------------------------------


def test_depth_is_bounded() -> None:
    content = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d-\r\n\r\n--b%d-\r\n" % (n, n)
        for n in range(1000)
    )
    parts = list(parse(content).walk())
    assert len(parts) == max(part.depth for part in parts) == MAX_DEPTH
    assert parts[-1].kind is Kind.TOO_MUCH
    assert parts[-1].media_type == "application/octet-stream"


def test_messages_in_messages_are_bounded() -> None:
    parts = list(parse(b"Content-Type: message/rfc822\r\n\r\n" * 1000).walk())
    assert [part.kind for part in parts] == [Kind.MESSAGE] * (MAX_DEPTH - 1) + [Kind.TOO_MUCH]


def test_the_number_of_parts_is_bounded() -> None:
    content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 20_000
    root = parse(content)
    assert len(root.children) == MAX_PARTS - 1
    # The last has all the rest.
    assert root.children[-1].body.count(b"--b") == 20_000 - len(root.children)


def test_lines_that_are_nearly_boundaries_cost_little() -> None:
    """Each open boundary is looked for once over the message, not once a line."""
    head = b"".join(
        b'Content-Type: multipart/mixed; boundary="%dq"\r\n\r\n--%dq\r\n' % (n, n)
        for n in range(98)
    )
    assert len(list(parse(head + b"\r\n" + b"--9\r\n" * 300_000).walk())) == 99


# --- As the standard library reads it ------------------------------------------------------------


def well_formed() -> list[Case]:
    """Those of the corpus about which there is but one opinion."""
    names = {
        "header-plain", "header-utf8", "header-folded", "part-mixed", "part-alternative", "part-digest",
        "part-message", "part-message-root", "part-prefixes", "part-encoding-upper", "part-latin1",
        "part-html-only", "part-boundary-2231", "part-boundary-in-text", "part-many-parts", "part-deep-20",
        "part-messages-20", "part-preamble",
    }  # fmt: skip
    return [case for case in corpus() if case.name in names]


@pytest.mark.parametrize("case", well_formed(), ids=lambda case: case.name)
def test_the_standard_library_agrees(case: Case) -> None:
    content = with_crlf(case.content)
    theirs: list[Message] = list(email.message_from_bytes(content).walk())
    ours = list(parse(content).walk())
    assert [part.media_type for part in ours] == [one.get_content_type() for one in theirs]
    for part, one in zip(ours, theirs, strict=True):
        assert part.filename == one.get_filename()
        assert [name.decode("latin-1") for name, *_ in part.fields] == list(one.keys())
        if not one.is_multipart():
            assert part.decoded() == one.get_payload(decode=True)


def test_boundaries_that_open_again_and_again_are_looked_for_within_bounds() -> None:
    nested = (
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(30_000)
    )
    content = b"Subject: x\r\n" + b"".join(nested)
    parser = _Parser(content)
    root = parser.parse()
    assert root.end == len(content)
    assert parser._scanned <= _MOST_SCANNED + len(content)
