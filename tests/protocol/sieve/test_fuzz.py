"""Whatever octets come: a script or its errors, and a run that ends within its bounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.protocol.sieve import (
    EVERYTHING,
    Alone,
    Envelope,
    Limits,
    Refused,
    Scanner,
    Script,
    compile_script,
    run,
)
from mailsim.protocol.sieve.commands import COMMANDS
from mailsim.render.sieve import action_lines, complaint_lines, result_document, trace_lines

pytestmark = pytest.mark.fuzz

SETTINGS = replace(
    EVERYTHING,
    limits=Limits(steps=3000, work=3_000_000, trace=50),
    spamtest=Scanner("score", "Subject: (.+)", max_value=10),
    virustest=Scanner("strlen", "Subject", max_value=5),
)
EXAMPLES = [one.read_bytes() for one in sorted(Path(__file__).parent.glob("examples/*.sieve"))]
REQUIRE = (
    b'require ["' + b'", "'.join(sorted(one.encode() for one in EVERYTHING.extensions)) + b'"];'
)
WORDS = [
    *COMMANDS,
    *(f":{option.name}" for spec in COMMANDS.values() for option in spec.options),
    "(", ")", "{", "}", "[", "]", ",", ";", '"', "text:\n", ".\n", "#", "/*", "*/", "1", "2K",
    '"a"', '"a@b.c"', '"subject"', '"from"', '"${1}"', '"${a}"', '"*"', '"(a|b)*"', '["a", "b"]',
    '"gt"', '"i;octet"', '"i;ascii-numeric"', '"date"', '"year"', '"+0100"', "\\", "\x00", "é",
]  # fmt: skip

soup = st.lists(st.sampled_from(WORDS), max_size=40).map(lambda words: " ".join(words).encode())
anything = st.binary(max_size=300)


@st.composite
def broken_examples(draw: st.DrawFn) -> bytes:
    """An example with a piece cut out, or another's put in."""
    one, other = draw(st.sampled_from(EXAMPLES)), draw(st.sampled_from(EXAMPLES))
    start = draw(st.integers(0, len(one)))
    end = draw(st.integers(start, len(one)))
    begin = draw(st.integers(0, len(other)))
    return one[:start] + draw(st.sampled_from([b"", other[begin:]])) + one[end:]


@st.composite
def slips(draw: st.DrawFn) -> bytes:
    """A right script with a few words left out, doubled or changed."""
    words = draw(right)[len(REQUIRE) :].split(b" ")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(words) - 1)) if words else 0
        slip = draw(st.sampled_from(("left out", "doubled", "other")))
        word = draw(st.sampled_from([one for one in WORDS if one.isprintable()])).encode()
        words[at : at + 1] = {
            "left out": [],
            "doubled": [*words[at : at + 1]] * 2,
            "other": [word],
        }[slip]
    return REQUIRE + b" ".join(words)


# --- scripts that are right, of every kind of value

_value = st.sampled_from(
    [
        "",
        "a",
        "hello",
        "*",
        "?*",
        "${1}",
        "${a}",
        "a@b.c",
        "x@y.z",
        "${hex:41}",
        "3",
        "2020",
        "é",
        "+0100",
    ]
).map(lambda text: '"' + text + '"')
_values = st.lists(_value, min_size=1, max_size=3).map(lambda ones: "[" + ", ".join(ones) + "]")
_match = st.sampled_from(
    ["", ":is", ":contains", ":matches", ":regex", ':count "ge"', ':value "lt"', ':comparator "i;octet"',
     ':value "ge" :comparator "i;ascii-numeric"']
)  # fmt: skip
_field = st.sampled_from(['"subject"', '"from"', '"to"', '["x-a", "subject"]', '"nope"', '"date"'])
_address = st.sampled_from(['"from"', '"to"', '["to", "from"]'])
_part = st.sampled_from([":all", ":localpart", ":domain", ":user", ":detail", ""])


def words(*parts: str | st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    given = [st.just(one) if isinstance(one, str) else one for one in parts]
    return st.tuples(*given).map(" ".join)


_tests = st.recursive(
    st.one_of(
        st.sampled_from(["true", "false", "duplicate", 'ihave "copy"', "size :over 10"]),
        words("exists", _values),
        words("header", _match, _field, _values),
        words("address", _match, _part, _address, _values),
        words("envelope", _match, _part, _address, _values),
        words("body", _match, st.sampled_from([":raw", ":text", ':content "text"', ""]), _values),
        words("string", _match, _values, _values),
        words("hasflag", _match, _values),
        words("date", _match, '"date"', st.sampled_from(['"year"', '"std11"', '"nope"']), _values),
        words("currentdate", _match, '"hour"', _values),
        words("environment", _match, '"name"', _values),
        words("mailboxexists", _values),
        words("duplicate :uniqueid", _value),
        words("spamtest", _match, _value),
        words("virustest", _match, _value),
    ),
    lambda inner: st.one_of(
        words("not", inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda ones: f"anyof ({', '.join(ones)})"),
        st.lists(inner, min_size=1, max_size=3).map(lambda ones: f"allof ({', '.join(ones)})"),
    ),
    max_leaves=4,
)
_commands = st.recursive(
    st.one_of(
        st.sampled_from(["keep;", "discard;", "stop;", "return;", 'error "x";', 'reject "no";']),
        words("fileinto", _value, ";"),
        words("fileinto :copy :create :flags", _values, _value, ";"),
        words("redirect", _value, ";"),
        words("addflag", _values, ";"),
        words("setflag", '"v"', _values, ";"),
        words("set", st.sampled_from(["", ":upper", ":length", ":quotewildcard :lowerfirst"]), '"a"', _value, ";"),
        words("addheader", '"X-A"', _value, ";"),
        words("deleteheader", _match, '"subject"', _values, ";"),
        words("vacation", st.sampled_from(["", ":mime", ":days 2", ':handle "h"']), _value, ";"),
    ),
    lambda inner: st.tuples(_tests, st.lists(inner, max_size=3), st.lists(inner, max_size=2)).map(
        lambda one: f"if {one[0]} {{ {' '.join(one[1])} }} else {{ {' '.join(one[2])} }}"
    ),
    max_leaves=6,
)  # fmt: skip
right = st.lists(_commands, max_size=5).map(lambda ones: REQUIRE + "\n".join(ones).encode())

messages = st.one_of(
    st.just(
        b"From: a@b.c\r\nTo: d+e@f.g\r\nSubject: hello 7\r\nDate: Tue, 3 Mar 2020 10:11:12 +0200\r\n\r\nbody"
    ),
    st.binary(max_size=200),
)


def tried(script: bytes, content: bytes) -> None:
    compiled = compile_script(script, settings=SETTINGS, includes=lambda _name, _shared: script)
    if isinstance(compiled, Refused):
        assert compiled.errors
        told = list(complaint_lines(compiled.complaints, "main script", script, "fr"))
        assert all(printable(one) for one in told)
        for one in compiled.complaints:
            assert one.line <= script.count(b"\n") + 1
            assert one.pigeonhole.isprintable()
        return
    followed(compiled, content)


def printable(line: str) -> bool:
    return line.replace("\N{NO-BREAK SPACE}", " ").isprintable()


def followed(script: Script, content: bytes) -> None:
    result = run(script, content, Envelope("a@b.c", "d+e@f.g"), Alone(time=1e9), trace=True)
    assert result.steps <= SETTINGS.limits.steps + 1
    assert result.ok or result.implicit_keep
    for lang in ("en", "fr"):
        assert len(list(action_lines(result, lang))) == len(result.actions)
        assert all(printable(one) for one in trace_lines(result.trace, lang))
        assert result_document(result, lang)
    again = run(script, content, Envelope("a@b.c", "d+e@f.g"), Alone(time=1e9))
    assert (again.actions, again.steps) == (result.actions, result.steps)


@given(anything, messages)
def test_any_octets_are_a_script_or_errors(script: bytes, content: bytes) -> None:
    tried(script, content)


@given(soup, messages)
def test_any_words_are_a_script_or_errors(script: bytes, content: bytes) -> None:
    tried(script, content)
    tried(REQUIRE + script, content)


@given(broken_examples(), messages)
def test_broken_examples_are_a_script_or_errors(script: bytes, content: bytes) -> None:
    tried(script, content)


@given(st.deferred(slips), messages)
def test_right_scripts_with_slips_are_scripts_or_errors(script: bytes, content: bytes) -> None:
    tried(script, content)


@given(right, messages)
def test_any_right_script_ends(script: bytes, content: bytes) -> None:
    tried(script, content)
