from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailsim.dialogue.json import KEY, VERSION, read_json, write_json
from mailsim.errors import UsageError

WHOLE = {
    KEY: VERSION,
    "endpoint": {
        "name": "smtp",
        "protocol": "smtp",
        "server": "mail.minfo.sn",
        "port": 25,
        "security": "none",
    },
    "exchanges": [
        {
            "lines": [
                {"side": "C", "text": "NOOP\r\n", "secure": False, "at": 0.25},
                {"side": "S", "base64": "/w0K", "secure": True, "at": 1},
            ],
            "notes": [{"id": "note.raw", "params": {"octets": "6"}}],
        }
    ],
}
AT = ("exchanges", 0, "lines", 0, "at")


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value of the document stands."""
    keys = node.keys() if isinstance(node, dict) else range(len(node))
    found = [path]
    for key in keys:
        below = node[key]
        found += places(below, (*path, key)) if isinstance(below, (dict, list)) else [(*path, key)]
    return found


def with_other(path: tuple[Any, ...], value: object) -> Any:
    document = json.loads(json.dumps(WHOLE))
    if not path:
        return value
    node = document
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return document


# The words that the document's shape is made of come up more often than chance would have them.
WORDS = st.sampled_from(["S", "imap", "implicit", "/w==", "=", "text", "\ud800", "é\n"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3) | st.sampled_from(["text", "base64", "id"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    "value",
    [10**400, math.nan, -math.inf, "0", True],
    ids=["huge", "NaN", "-Infinity", "text", "true"],
)
def test_a_time_is_a_finite_number(value: object) -> None:
    with pytest.raises(UsageError) as caught:
        read_json(json.dumps(with_other(AT, value)))
    assert "exchanges[0].lines[0].at" in str(caught.value)


@pytest.mark.fuzz
@given(st.sampled_from(places(WHOLE)), VALUES)
@example(AT, 10**400)
@example(AT, math.nan)
def test_a_document_with_another_value_is_read_or_refused(
    path: tuple[Any, ...], value: object
) -> None:
    with suppress(UsageError):
        dialogue = read_json(json.dumps(with_other(path, value)))
        assert read_json(write_json(dialogue)) == dialogue


def test_the_document_that_is_changed_is_good_itself() -> None:
    dialogue = read_json(json.dumps(WHOLE))
    assert [line.raw for line in dialogue.lines()] == [b"NOOP\r\n", b"\xff\r\n"]
