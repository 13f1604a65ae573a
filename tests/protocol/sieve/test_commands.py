"""Edges of single commands and tests that no RFC's example shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailsim.protocol.sieve import (
    EVERYTHING,
    Alone,
    Envelope,
    Includes,
    Scanner,
    Script,
    compile_script,
    run,
)
from tests.protocol.sieve.described import described

MESSAGE = (
    b"From: a@b.c\r\nTo: d@e.f\r\nReceived: first\r\nReceived: second\r\nReceived: third\r\n"
    b"X-Score: 3.37\r\nX-Verdict: spam\r\nX-Stars: *****\r\n\r\nbody\r\n"
)
REQUIRE = 'require ["' + '", "'.join(sorted(EVERYTHING.extensions - {"spamtest"})) + '"];\n'


def filed(
    source: str,
    content: bytes = MESSAGE,
    *,
    spam: Scanner | None = None,
    includes: Includes | None = None,
) -> list[str]:
    settings = replace(EVERYTHING, spamtest=spam or Scanner())
    script = compile_script(
        (REQUIRE + source).encode(), settings=settings,
        includes=includes or (lambda _name, _shared: None),
    )  # fmt: skip
    assert isinstance(script, Script), script.pigeonhole
    result = run(script, content, Envelope("a@b.c", "d@e.f"), Alone())
    return [one.removeprefix("fileinto ") for one in described(result)]


@pytest.mark.parametrize("test", ["size :over", "size :under"])
def test_a_message_of_the_size_is_neither_over_nor_under_it(test: str) -> None:
    size = len(MESSAGE)
    near = size - 1 if "over" in test else size + 1
    assert filed(f'if {test} {size} {{ fileinto "x"; }}') == ["implicit keep"]
    assert filed(f'if {test} {near} {{ fileinto "x"; }}') == ["x"]


def test_bare_line_ends_count_as_they_travel() -> None:
    assert filed('if size :over 13 { fileinto "x"; }', b"A: b\n\nbody\n") == ["x"]
    assert filed('if size :over 14 { fileinto "x"; }', b"A: b\n\nbody\n") == ["implicit keep"]


def test_a_pattern_s_ends_do_not_overlap() -> None:
    assert filed('if string :matches "aba" "ab*ba" { fileinto "x"; }') == ["implicit keep"]
    assert filed('if string :matches "abba" "ab*ba" { fileinto "[${1}]"; }') == ["[]"]


def test_an_index_counts_from_either_end() -> None:
    script = "".join(
        f'if header {tags} "received" "{value}" {{ fileinto "{tags} {value}"; }}\n'
        for tags in (":index 1", ":index 3", ":index 4", ":last :index 1", ":index 3 :last")
        for value in ("first", "second", "third")
    )
    assert filed(script) == [
        ":index 1 first", ":index 3 third", ":last :index 1 third", ":index 3 :last first",
    ]  # fmt: skip


def test_once_includes_once() -> None:
    script = b'require ["include", "variables"]; global "n"; set "n" "${n}i";'
    once = 'global "n"; include :once "a"; include :once "a"; fileinto "${n}";'
    twice = 'global "n"; include "a"; include "a"; include :once "a"; fileinto "${n}";'
    assert filed(once, includes=lambda _name, _shared: script) == ["i"]
    assert filed(twice, includes=lambda _name, _shared: script) == ["ii"]


def test_personal_and_global_scripts_are_two() -> None:
    found = filed(
        'include :once "a"; include :once :global "a";',
        includes=lambda _name, shared: b'require "fileinto"; fileinto "%d";' % shared,
    )
    assert found == ["0", "1"]


def test_stop_in_an_included_script_stops_all() -> None:
    assert filed('include "a"; fileinto "x";', includes=lambda _name, _shared: b"stop;") == [
        "implicit keep"
    ]


def test_ihave_wants_all_that_it_names() -> None:
    script = 'if ihave ["fileinto", "nonesuch"] { fileinto "both"; } else { fileinto "not both"; }'
    assert filed(script) == ["not both"]


def test_an_empty_string_does_not_count() -> None:
    script = 'if string :count "eq" ["a", "", "${unset}", "b"] "2" { fileinto "x"; }'
    assert filed(script) == ["x"]


def test_an_unknown_item_of_the_environment_fails_every_test() -> None:
    script = 'if anyof (environment "x" "", environment :count "eq" "x" "0") { fileinto "x"; }'
    assert filed(script) == ["implicit keep"]


VALUES = 'if spamtest :matches "*" { fileinto "${1}"; } if spamtest :percent :matches "*" { fileinto "p${1}"; }'


@pytest.mark.parametrize(
    ("scanner", "found"),
    [
        (Scanner("score", "X-Score", max_value=10), ["4", "p33"]),
        (Scanner("score", "X-Score: ^([0-9]+)", max_value=10), ["3", "p30"]),
        (Scanner("score", "X-Score", "X-Score: [.](.*)"), ["1", "p9"]),
        (Scanner("score", "X-Score", max_value=1), ["10", "p100"]),
        (Scanner("score", "X-Score"), ["0", "p0"]),
        (Scanner("score", "X-Verdict", max_value=10), ["0", "p0"]),
        (Scanner("strlen", "X-Stars", max_value=10), ["5", "p50"]),
        (Scanner("strlen", "X-Score", max_value=10), ["0", "p0"]),
        (Scanner("text", "X-Verdict", texts={"spam": 10}), ["10", "p100"]),
        (Scanner("text", "X-Verdict", texts={"ham": 1}), ["0", "p0"]),
        (Scanner("score", "X-None", max_value=10), ["0", "p0"]),
        (Scanner("score", "X-Score: (", max_value=10), ["0", "p0"]),
    ],
)
def test_a_scanners_verdict(scanner: Scanner, found: list[str]) -> None:
    assert filed(VALUES, spam=scanner) == found


def test_untested_is_counted_as_none() -> None:
    count = 'if spamtest :count "eq" "{}" {{ fileinto "{}"; }}'
    script = count.format(0, "untested") + count.format(1, "tested")
    assert filed(script) == ["untested"]
    assert filed(script, spam=Scanner("score", "X-Score", max_value=10)) == ["tested"]


@pytest.mark.parametrize(
    ("date", "year"), [("1 Jan 1899 00:00 +0000", ""), ("1 Jan 1900 00:00 +0000", "1900")]
)
def test_dates_begin_with_1900(date: str, year: str) -> None:
    script = 'if date :matches "date" "year" "*" { fileinto "${1}"; }'
    assert filed(script, f"Date: {date}\r\n\r\n".encode()) == [year or "implicit keep"]


def test_flags_of_variables_and_the_flags_of_the_message_are_two() -> None:
    script = (
        'setflag "v" "a"; addflag "b"; fileinto :flags "${v}" "1"; fileinto "2"; keep :flags "";'
    )
    assert filed(script) == ["1 a", "2 b", "keep"]


def test_recent_and_wrong_keywords_are_no_flags() -> None:
    script = 'setflag "x"; addflag ["\\\\Recent", "a(b", "é", "\\\\SEEN"]; fileinto "1";'
    assert filed(script) == ["1 \\seen x"]


def test_html_is_read_as_text() -> None:
    content = (
        b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n"
        b"<style>none</style><p>caf\xe9 &amp; <b>th\xe9</b></p><!-- none -->"
    )
    for key, found in (("café & thé", True), ("none", False), ("<b>", False)):
        script = f'if body :contains "{key}" {{ fileinto "x"; }}'
        assert (filed(script, content) == ["x"]) is found
    assert filed('if body :content "text" :contains "<b>thé" { fileinto "x"; }', content) == ["x"]


def test_a_header_alone_has_no_body() -> None:
    for content, found in ((b"A: b\r\n", "0"), (b"A: b\r\n\r\n", "1")):
        script = 'if body :raw :count "eq" "{0}" {{ fileinto "{0}"; }}'
        assert filed(script.format(found), content) == [found]
