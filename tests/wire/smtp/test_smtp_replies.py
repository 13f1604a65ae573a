from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import Quirk
from mailsim.wire.smtp import Reply, parse_reply_line


def test_the_enhanced_code_stands_apart_from_the_text() -> None:
    reply = Reply.of(550, "5.1.1", "<x@minfo.sn>: Recipient address rejected", "really")
    assert str(reply.enhanced) == "5.1.1"
    assert reply.texts == ("<x@minfo.sn>: Recipient address rejected", "really")
    assert reply.units() == (
        b"550-5.1.1 <x@minfo.sn>: Recipient address rejected\r\n",
        b"550 5.1.1 really\r\n",
    )


@pytest.mark.parametrize("text", ["2.1.0 class disagrees", "5.1 two parts", "5.1.1x", "no code"])
def test_what_only_looks_like_an_enhanced_code_is_text(text: str) -> None:
    reply = Reply(550, (text,))
    assert reply.enhanced is None
    assert reply.text == text


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (250, Outcome.SUCCESS),
        (354, Outcome.INTERMEDIATE),
        (421, Outcome.CLOSING),
        (450, Outcome.TEMPORARY),
        (550, Outcome.PERMANENT),
    ],
)
def test_the_first_digit_decides_and_421_closes(code: int, outcome: Outcome) -> None:
    assert Reply(code).outcome is outcome


_TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=30)


@given(st.integers(200, 599), st.lists(_TEXT, min_size=1, max_size=4))
def test_a_reply_survives_the_wire(code: int, texts: list[str]) -> None:
    lines = [parse_reply_line(unit) for unit in Reply(code, tuple(texts)).units()]
    assert [line.code for line in lines] == [code] * len(texts)
    assert [line.text for line in lines] == texts
    assert [line.last for line in lines] == [False] * (len(texts) - 1) + [True]


@pytest.mark.parametrize(
    "raw", [b"", b"25\r\n", b"999 x\r\n", b"2a0 x\r\n", b"250x\r\n", b"150 no\r\n"]
)
def test_what_is_no_reply_is_the_server_s_fault(raw: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_reply_line(raw)


def test_the_thesis_s_spaced_replies_need_their_quirk() -> None:
    spaced = frozenset({Quirk.SPACED_REPLY})
    assert parse_reply_line(b"250 -8 BITMIME\r\n", spaced) == (250, False, "8 BITMIME")
    assert parse_reply_line(b"250- PIPELINING\r\n", spaced) == (250, False, "PIPELINING")
    assert parse_reply_line(b"250 -8 BITMIME\r\n") == (250, True, "-8 BITMIME")


def test_a_code_out_of_range_is_refused() -> None:
    with pytest.raises(UsageError):
        Reply(999)
