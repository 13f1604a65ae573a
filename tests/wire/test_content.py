from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mailsim.wire.content import crlf, dot_stuff, dot_unstuff


@given(st.text(st.sampled_from("ab.\r\n"), max_size=40))
def test_content_is_stuffed_and_comes_back(text: str) -> None:
    content = crlf(text)
    stuffed = dot_stuff(content)
    assert b"\r\n.\r\n" not in b"\r\n" + stuffed
    assert dot_unstuff(stuffed) == content
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
