"""Search keys and fetch items that a student writes as text."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.errors import UsageError
from mailsim.wire.imap.command_reader import read_fetch_items, read_search_keys

WORDS = st.sampled_from(
    ["FLAGS", "(", ")", " ", "BODY", "[", "]", "HEADER.FIELDS", "<0.1>", "1:*", "UID ", "OR ",
     "NOT ", "SINCE ", "1-Feb-1994", '"', "{3}", "\r\n", "\\", "*", ",", "é", "MODSEQ ", "TEXT ",
     "BINARY.PEEK", "KEYWORD ", "SEEN", "a", "$"]
)  # fmt: skip
TEXTS = st.lists(WORDS | st.text(st.characters(codec="utf-8"), max_size=3), max_size=14)


@pytest.mark.fuzz
@given(TEXTS.map("".join), st.sampled_from([read_fetch_items, read_search_keys]))
def test_any_text_is_read_or_refused(text: str, read: Callable[[str], tuple[object, ...]]) -> None:
    found: tuple[object, ...] | None = None
    try:
        found = read(text)
    except UsageError as error:
        assert error.worded("fr")  # noqa: PT017 - the point is that it is one
    assert found is None or found
