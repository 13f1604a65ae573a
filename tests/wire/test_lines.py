from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import RemoteProtocolError
from mailsim.wire.lines import LineBuffer, weight
from mailsim.wire.quirk import Quirk


def test_a_line_comes_when_it_is_whole() -> None:
    buffer = LineBuffer(100)
    buffer.feed(b"250 ")
    assert buffer.line() is None
    buffer.feed(b"Ok\r\nmore")
    assert buffer.line() == b"250 Ok\r\n"
    assert buffer.line() is None
    assert buffer.rest() == b"more"


@given(
    st.lists(st.binary(max_size=20).map(lambda raw: raw.translate(None, b"\r\n") + b"\r\n")),
    st.data(),
)
def test_any_cut_gives_the_same_lines(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(lines)
    buffer = LineBuffer(100)
    found = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        buffer.feed(stream[:size])
        stream = stream[size:]
        while (line := buffer.line()) is not None:
            found.append(line)
    assert found == lines


@pytest.mark.parametrize("raw", [b"250 Ok\n", b"\n", b"a\r\rb\n"])
def test_bare_lf_is_refused_unless_the_quirk_is_on(raw: bytes) -> None:
    strict, lenient = LineBuffer(100), LineBuffer(100, frozenset({Quirk.BARE_LF}))
    strict.feed(raw)
    lenient.feed(raw)
    with pytest.raises(RemoteProtocolError) as caught:
        strict.line()
    assert caught.value.message_id == "wire.bare-lf"
    assert lenient.line() == raw


@pytest.mark.parametrize("raw", [b"x" * 11, b"x" * 9 + b"\r\n"])
def test_a_line_over_the_limit_is_refused_before_its_end(raw: bytes) -> None:
    buffer = LineBuffer(10)
    buffer.feed(raw)
    with pytest.raises(RemoteProtocolError) as caught:
        buffer.line()
    assert caught.value.message_id == "wire.line-too-long"


def test_blocks_of_known_length_are_taken_between_lines() -> None:
    buffer = LineBuffer(10)
    buffer.feed(b"ab\r\n12")
    assert buffer.line() == b"ab\r\n"
    assert buffer.take(3) is None
    assert buffer.peek(9) == b"12"
    buffer.feed(b"3cd\r\n")
    assert buffer.take(3) == b"123"
    assert buffer.line() == b"cd\r\n"
    assert len(buffer) == 0


@pytest.mark.parametrize(
    ("unit", "octets"),
    [
        (b"250 Ok\r\n", 2 * 8 + 100),
        ("250 é\r\n".encode(), 5 * 8 + 100),
        (b"* THREAD (1)(2)\r\n", 2 * 17 + 4 * 100),
        (b"a block (of two lines)\r\n(x)\r\n", 2 * 29),
        (b"(a literal)", 2 * 11),
        (b" " * 70_000 + b"\n", 2 * 70_001),
        (b"", 0),
    ],
)
def test_what_a_unit_and_its_values_weigh(unit: bytes, octets: int) -> None:
    assert weight(unit) == octets
