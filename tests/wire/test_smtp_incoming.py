"""Content as it arrives: wherever it is cut, and whatever its line ends are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import RemoteProtocolError
from mailsim.wire.quirk import NONE, Quirk
from mailsim.wire.smtp import Content
from mailsim.wire.smtp.incoming import Incoming

LENIENT = frozenset({Quirk.BARE_LF})
TOLERANT = frozenset({Quirk.BARE_LF_LINE})
Result = tuple[Content, tuple[bytes, ...], bytes] | None


def taken(raw: bytes, quirks: frozenset[Quirk] = NONE, *, limit: int = 0, step: int = 0) -> Result:
    incoming = Incoming(quirks, limit)
    step = step or len(raw) or 1
    for at in range(0, len(raw), step):
        found = incoming.feed(raw[at : at + step])
        if found:
            content, units, rest = found
            return content, units, rest + raw[at + step :]
    return None


def data(raw: bytes, quirks: frozenset[Quirk] = NONE) -> bytes:
    found = taken(raw, quirks)
    assert found is not None
    return found[0].data


@pytest.mark.parametrize("step", range(1, 40))
@pytest.mark.parametrize("quirks", [NONE, LENIENT, TOLERANT])
def test_the_end_is_found_wherever_the_bytes_are_cut(step: int, quirks: frozenset[Quirk]) -> None:
    raw = b"Subject: x\r\n\r\n..point\r\nlonger text\r\n.\r\nRSET\r\n"
    found = taken(raw, quirks, step=step)
    assert found is not None
    content, units, rest = found
    assert content == Content(b"Subject: x\r\n\r\n.point\r\nlonger text\r\n")
    assert units == (raw[:-9], b".\r\n")
    assert rest == b"RSET\r\n"


@pytest.mark.parametrize("quirks", [NONE, LENIENT, TOLERANT])
def test_the_dot_may_be_all_there_is(quirks: frozenset[Quirk]) -> None:
    assert taken(b".\r\n", quirks) == (Content(b""), (b".\r\n",), b"")


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\n.\r\r\n"], ids=repr)
def test_only_the_lenient_take_another_end(end: bytes) -> None:
    raw = b"x" + end + b"MAIL FROM:<a@b.sn>\r\n"
    found = taken(raw, LENIENT)
    assert found is not None
    assert found[0] == Content(b"x\r\n", bare_lf=end[:1] == b"\n")
    assert found[2] == b"MAIL FROM:<a@b.sn>\r\n"
    assert taken(raw, TOLERANT) is None
    with pytest.raises(RemoteProtocolError) as caught:
        taken(raw)
    assert caught.value.message_id == "wire.bare-lf"


def test_bare_line_feeds_become_line_ends_and_lone_dots_near_them_go() -> None:
    assert data(b"a\nb\r\n.c\n\r\n.\r\n", LENIENT) == b"a\r\nb\r\nc\r\n\r\n"
    assert data(b"a\n.\nb\r\n.\n..c\r\nd\r\n.\r\n", TOLERANT) == b"a\r\nb\r\n.c\r\nd\r\n"
    # Runs of CR: all of them before LF go where Postfix looks for no bare LF, else one.
    assert data(b"a\r\r\n.\r\n", LENIENT) == b"a\r\n"
    assert data(b"a\r\r\n.\r\n", TOLERANT) == b"a\r\r\n"


def test_a_bare_carriage_return_and_nul_stay() -> None:
    assert data(b"a\rb\0c\r\n.\r\n") == b"a\rb\0c\r\n"


@pytest.mark.parametrize("step", [1, 7, 100, 5000])
@pytest.mark.parametrize("line", [b"x" * 60 + b"\r\n", b"x" * 7, b"\r", b"..\r\n"])
def test_of_too_much_content_nothing_is_kept_but_its_size(step: int, line: bytes) -> None:
    raw = line * 400 + b"\r\n"
    incoming = Incoming(LENIENT, 200)
    for at in range(0, len(raw), step):
        assert incoming.feed(raw[at : at + step]) is None
        assert len(incoming._data) <= 2 * 200 + step + 80
    found = incoming.feed(b".\r\nNOOP\r\n")
    assert found is not None
    assert found[0] == Content(b"", len(raw), bare_lf=False)
    assert found[1:] == ((b".\r\n",), b"NOOP\r\n")


def test_what_is_as_long_as_the_limit_is_kept() -> None:
    assert taken(b"12345678\r\n.\r\n", limit=10) == (
        Content(b"12345678\r\n"),
        (b"12345678\r\n", b".\r\n"),
        b"",
    )
    over = taken(b"123456789\r\n.\r\n", limit=10)
    assert over is not None
    assert over[0] == Content(b"", 11)


lines = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"x", b"..", b"\r\n.\r\n"]))


@given(lines.map(b"".join), st.sampled_from([LENIENT, TOLERANT]), st.integers(1, 5))
def test_cuts_change_nothing(raw: bytes, quirks: frozenset[Quirk], step: int) -> None:
    assert taken(raw, quirks, step=step) == taken(raw, quirks)
