"""What is wrong in a script: where, in a person's words and in Pigeonhole's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from mailsim.protocol.sieve import (
    EVERYTHING,
    SITE,
    Complaint,
    Limits,
    Refused,
    Script,
    Settings,
    Severity,
    compile_script,
)
from mailsim.protocol.sieve.lexer import Lexer, Token
from mailsim.protocol.sieve.regex import MAX_SIZE
from mailsim.protocol.sieve.regex.automaton import _Builder


def complaints(source: str | bytes, settings: Settings = EVERYTHING) -> tuple[Complaint, ...]:
    octets = source.encode() if isinstance(source, str) else source
    compiled = compile_script(octets, settings=settings)
    return compiled.complaints if isinstance(compiled, Refused) else compiled.warnings


def first(source: str | bytes, settings: Settings = EVERYTHING) -> Complaint:
    return complaints(source, settings)[0]


def test_a_capability_with_a_space_is_refused_as_pigeonhole_refuses_it() -> None:
    refused = compile_script(b'require "fileinto ";\r\nfileinto "x";\r\n', name="userscript")
    assert isinstance(refused, Refused)
    one = refused.errors[0]
    assert (one.line, one.column) == (1, 9)
    assert one.pigeonhole == (
        "userscript: line 1: error: require command: unknown Sieve capability `fileinto '."
    )
    assert "“fileinto”, without space" in one.worded("en")
    assert "«\u00a0fileinto\u00a0», sans espace" in one.worded("fr")
    assert refused.pigeonhole.endswith("userscript: error: validation failed.\n")


def test_an_unknown_command_is_told_of_once() -> None:
    found = complaints("keep;\n  foo;\nfoo;\nbar 3;")
    assert [(one.line, one.column, one.message_id) for one in found] == [
        (2, 3, "sieve.unknown-command"),
        (4, 1, "sieve.unknown-command"),
        (0, 0, "sieve.validation-failed"),
    ]
    assert found[0].pigeonhole == (
        "main script: line 2: error: unknown command 'foo' (only reported once at first occurrence)."
    )


@pytest.mark.parametrize(
    ("source", "place", "message_id"),
    [
        ("keep", (1, 5), "sieve.no-end-of-command"),
        ("keep;\n\tif (", (2, 6), "sieve.no-first-test"),
        ('if anyof(true,\n  "x") {}', (2, 3), "sieve.no-next-test"),
        ('require ["a",\n];', (2, 1), "sieve.no-next-string"),
        ("require [;", (1, 10), "sieve.no-first-string"),
        ('require ["a" "b"];', (1, 14), "sieve.no-end-of-list"),
        ("if true { keep;", (1, 16), "sieve.no-end-of-block"),
        ("keep; }", (1, 7), "sieve.stray-brace"),
        ("keep; )", (1, 7), "sieve.not-the-end"),
        ("@", (1, 1), "sieve.odd-character"),
        ('redirect "a', (1, 10), "sieve.open-string"),
        ("/* x", (1, 1), "sieve.open-comment"),
        ("redirect text:\nx\n", (1, 10), "sieve.open-text"),
        ("redirect text: x\n.\n;", (1, 16), "sieve.after-text"),
        ("if size :over 99999999999G {}", (1, 15), "sieve.number-too-large"),
        ('redirect "\0";', (1, 11), "sieve.nul-in-string"),
        ("# \0\nkeep;", (1, 3), "sieve.nul-in-comment"),
        ("/* \0 */ keep;", (1, 4), "sieve.nul-in-bracket-comment"),
        ('redirect "a\rb";', (1, 12), "sieve.lone-cr"),
        ("redirect text:\na\rb\n.\n;", (2, 2), "sieve.lone-cr-in-text"),
        (f"{'x' * 33};", (1, 1), "sieve.name-too-long"),
        ("keep" + " 1" * 33 + ";", (1, 70), "sieve.too-many-arguments"),
        ("if true {" * 33, (1, 289), "sieve.blocks-too-deep"),
        ("if " + "not " * 32 + "true {}", (1, 128), "sieve.tests-too-deep"),
    ],
)
def test_what_is_no_sieve_is_told_with_its_place(
    source: str, place: tuple[int, int], message_id: str
) -> None:
    found = first(source)
    assert (found.place, found.message_id) == (place, message_id)
    assert complaints(source)[-1].message_id == "sieve.parse-failed"


@pytest.mark.parametrize(
    ("source", "place", "message_id"),
    [
        ("true;", (1, 1), "sieve.test-as-command"),
        ("if keep {}", (1, 4), "sieve.command-as-test"),
        ("else { keep; }", (1, 1), "sieve.no-if"),
        ("keep; if true { require []; }".replace("[]", '"copy"'), (1, 17), "sieve.require-late"),
        ('keep; require "copy";', (1, 7), "sieve.require-late"),
        ('require "header";', (1, 9), "sieve.base-test"),
        ('require "keep";', (1, 9), "sieve.base-command"),
        ('foo "x";', (1, 1), "sieve.unknown-command"),
        ('if foo "from" "x" {}', (1, 4), "sieve.unknown-test"),
        ('if header :foo "a" "b" {}', (1, 11), "sieve.unknown-tag"),
        ('redirect :foo "a@b.c";', (1, 10), "sieve.unknown-tag"),
        ('if header "a" :is "b" {}', (1, 15), "sieve.tag-behind-arguments"),
        ('if header :is :is "a" "b" {}', (1, 15), "sieve.duplicate-tag"),
        ("if header {}", (1, 4), "sieve.argument-count"),
        ('if header 1 "b" {}', (1, 11), "sieve.argument-type"),
        ('if header comparator "a" "b" {}', (1, 4), "sieve.argument-count"),
        ("if true keep;", (1, 8), "sieve.block-missing"),
        ("keep {}", (1, 1), "sieve.block-not-taken"),
        ("stop keep;", (1, 5), "sieve.semicolon-missing"),
        ("keep true;", (1, 1), "sieve.tests-not-taken"),
        ("if not (true) {}", (1, 4), "sieve.tests-for-test"),
        ("if anyof true {}", (1, 4), "sieve.test-for-tests"),
        ("if {}", (1, 1), "sieve.no-test-given"),
        ('redirect "x";', (1, 10), "sieve.redirect-address"),
        ('if address "subject" "x" {}', (1, 12), "sieve.not-an-address-field"),
        ("if size 3 {}", (1, 4), "sieve.size-without"),
        ('require "variables"; set "1x" "";', (1, 26), "sieve.bad-variable"),
        ('require "variables"; set "a" "${33}";', (1, 30), "sieve.match-value-beyond"),
        ('require "variables"; set "a" "${b.c}";', (1, 30), "sieve.unknown-namespace"),
        ('require "regex"; if header :regex "a" "(" {}', (1, 39), "sieve.bad-regex"),
        ('require "editheader"; addheader "a b" "c";', (1, 33), "sieve.addheader-name"),
        ('require "include"; include "a";', (1, 28), "sieve.include-missing"),
        ('require "include"; global "a";', (1, 20), "sieve.global-without"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    source: str, place: tuple[int, int], message_id: str
) -> None:
    found = first(source)
    assert (found.place, found.message_id, found.severity) == (place, message_id, Severity.ERROR)
    for lang in ("en", "fr"):
        assert found.worded(lang)
    assert found.pigeonhole.startswith(f"main script: line {place[0]}: error: ")


def test_an_error_leaves_the_other_commands_to_be_checked() -> None:
    found = complaints('if size 1 { foo; }\nredirect "x";\nif true { bar; } else { baz; }')
    # What stands behind a test that is always true is not looked at: nothing can reach it.
    assert [one.message_id for one in found] == [
        "sieve.size-without",
        "sieve.unknown-command",
        "sieve.redirect-address",
        "sieve.unknown-command",
        "sieve.validation-failed",
    ]


def test_errors_are_bounded() -> None:
    found = complaints('redirect "x";\n' * 500)
    assert len(found) == Limits().errors + 1


def test_an_extension_that_the_site_leaves_out_is_named_as_such() -> None:
    assert first('require "editheader";', SITE).message_id == "sieve.capability-off"
    assert not complaints('require "editheader";')


def test_warnings_do_not_refuse() -> None:
    compiled = compile_script(b'require "vacation"; vacation :days 0 "x"; if header "a b" "c" {}')
    assert isinstance(compiled, Script)
    assert [one.message_id for one in compiled.warnings] == [
        "sieve.period-under",
        "sieve.odd-field-name",
    ]
    assert compiled.warnings[0].pigeonhole == (
        "main script: line 1: warning: specified :days value '0' is under the minimum."
    )


def test_identifiers_and_tags_are_read_in_any_case() -> None:
    assert not complaints('REQUIRE "fileinto"; If Header :Is "a" "b" { FileInto "x"; }')


def test_strings_may_go_over_lines_and_hold_dots() -> None:
    source = (
        b'require "variables";\nset "a" text: # comment\r\n.x\r\n..\r\n...y\n.\n;\nset "b" "1\n2";'
    )
    compiled = compile_script(source)
    assert isinstance(compiled, Script)
    assert compiled.unit.calls[1].args[1] == b".x\r\n.\r\n..y\r\n"
    assert compiled.unit.calls[2].args[1] == b"1\r\n2"


def test_numbers_have_quantifiers() -> None:
    compiled = compile_script(b"if size :over 2k {} if size :over 3M {} if size :over 1G {}")
    assert isinstance(compiled, Script)
    assert [call.tests[0].args for call in compiled.unit.calls] == [[2048], [3 << 20], [1 << 30]]


def test_a_script_beyond_the_sites_size_is_refused() -> None:
    small = replace(SITE, limits=Limits(script_size=10))
    assert first("keep;      ", small).message_id == "sieve.script-too-large"
    assert not complaints("keep;     ", small)


def test_a_script_of_too_many_commands_is_refused() -> None:
    small = replace(SITE, limits=Limits(nodes=3))
    assert not complaints("if not true {} ", small)
    assert first("if not true {} keep;", small).message_id == "sieve.too-complex"
    assert first("if not not not true {}", small).message_id == "sieve.too-complex"


def test_expressions_that_are_too_large_together_are_refused() -> None:
    keys = ",\n".join(f'"{number}(a{{20}}|b{{30}}|x.*y){{10}}"' for number in range(1000))
    script = f'require "regex";\nif header :regex "subject" [\n{keys}] {{ keep; }}'
    with counted_states() as made:
        found = first(script)
    assert (found.message_id, found.place.column) == ("sieve.bad-regex", 1)
    assert "more than 50000 states" in found.worded("en")
    assert "plus de 50000 états" in found.worded("fr")
    assert "memory exhausted" in found.pigeonhole
    # The first is made that is too much, and none behind it, whatever was kept from before.
    assert sum(made) <= Limits().regex_states + MAX_SIZE
    assert f'"{found.line - 3}(a{{20}}' in script.split("\n")[found.line - 1]


def test_expressions_that_are_wrong_count_as_the_largest() -> None:
    rules = 'if header :regex "subject" "((((x{9}){9}){9}){9}){9}" { keep; }\n' * 100
    with counted_states() as made:
        found = complaints('require "regex";\n' + rules)
    assert [one.message_id for one in found[:-1]] == ["sieve.bad-regex"] * 100
    assert "too large" in found[0].worded("en")
    assert "states" in found[-2].worded("en")
    assert 0 < sum(made) <= Limits().regex_states + MAX_SIZE


def test_a_bracket_of_thousands_of_ranges_is_too_big() -> None:
    found = first(b'require "regex"; if header :regex "a" ["b", "[' + b"!-\xff" * 3001 + b']"] {}')
    assert (found.message_id, found.place) == ("sieve.bad-regex", (1, 45))


def test_scripts_share_one_budget_with_what_they_include() -> None:
    script = b'require ["include", "regex"];\n' + b'include "a";\ninclude "b";\n'
    inner = b'require "regex";\nif header :regex "subject" "(a|b){9}" { keep; }\n' + b"keep;\n" * 20
    for limits, message_id in (
        (Limits(tokens=110), "sieve.too-many-tokens"),
        (Limits(regex_states=100), "sieve.bad-regex"),
    ):
        settings = replace(EVERYTHING, limits=limits)
        alone = compile_script(inner, settings=settings)
        assert isinstance(alone, Script)
        both = compile_script(script, settings=settings, includes=lambda *_: inner)
        assert isinstance(both, Refused)
        assert (both.errors[0].message_id, both.errors[0].script) == (message_id, "b")


def test_a_megabyte_of_commands_is_read_no_further_than_its_bound() -> None:
    found = complaints("keep;\n" * 170_000)
    assert [one.message_id for one in found] == ["sieve.too-many-tokens", "sieve.parse-failed"]
    assert found[0].place == (Limits().tokens // 2 + 1, 1)
    assert "25000" in found[0].worded("en")
    assert "25000" in found[0].worded("fr")


@pytest.mark.parametrize(
    "garbage", ["if true {", "a ", "keep 1 ", "if not(", "1 ", "[", "require [;", "@ ", '";"']
)
def test_a_megabyte_of_garbage_is_read_no_further_than_its_bound(garbage: str) -> None:
    source = (garbage * (1_000_000 // len(garbage))).encode()
    with counted_tokens() as read:
        assert isinstance(compile_script(source), Refused)
    assert 0 < len(read) <= Limits().tokens + 1


def test_references_in_strings_count_as_tokens() -> None:
    def said(times: int) -> str:
        reference = "${b}" * times
        return first(f'require "variables";\nset "a" "{reference}"; foo;').message_id

    assert said(20_000) == "sieve.unknown-command"
    assert said(200_000) == "sieve.too-many-tokens"


def test_a_megabyte_of_text_is_a_script_still() -> None:
    text, comment = "Absent.\r\n" * 80_000, "# Absent.\r\n" * 25_000
    source = f'require "vacation";\nvacation text:\n{text}.\n;\n{comment}'
    assert 900_000 < len(source) <= Limits().script_size
    assert isinstance(compile_script(source.encode()), Script)


@contextmanager
def counted_states() -> Iterator[list[int]]:
    """How many states each automaton begun meanwhile got."""
    made: list[int] = []
    build = _Builder.state

    def state(self: _Builder, **what: Any) -> Any:
        made.append(1)
        return build(self, **what)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Builder, "state", state)
        yield made


@contextmanager
def counted_tokens() -> Iterator[list[Token]]:
    """The tokens that are read meanwhile."""
    read: list[Token] = []
    following = Lexer.next

    def next_token(self: Lexer) -> Token:
        read.append(following(self))
        return read[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lexer, "next", next_token)
        yield read


def test_upload_forgives_what_is_not_there_yet() -> None:
    script = b'require "include"; include "later";'
    assert isinstance(compile_script(script), Refused)
    assert isinstance(compile_script(script, upload=True), Script)


def test_json_has_all_of_a_complaint() -> None:
    assert first("foo;").to_json("en") == {
        "id": "sieve.unknown-command",
        "severity": "error",
        "script": "main script",
        "line": 1,
        "column": 1,
        "text": first("foo;").worded("en"),
        "pigeonhole": first("foo;").pigeonhole,
    }


def test_what_a_script_says_cannot_command_a_terminal() -> None:
    found = first(b'require "a\x1b[31m\xff";')
    assert "\x1b" not in found.worded("en") + found.pigeonhole
