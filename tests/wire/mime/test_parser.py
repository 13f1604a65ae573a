from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailsim.wire.mime import Part, parse

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


def shape(part: Part) -> object:
    return [shape(child) for child in part.children] or part.body


def test_boundaries_that_begin_alike() -> None:
    content = (
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n"
        b"Content-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n\r\n1\r\n--ab\r\n\r\n2\r\n--ab--\r\n"
        b"--a\r\n\r\n3\r\n--a--\r\n"
    )
    assert shape(parse(content)) == [[b"1", b"2"], b"3"]
