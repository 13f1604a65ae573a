"""Match types, comparators, patterns and regular expressions, against plainer ways of doing them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.protocol.sieve.comparing import Pattern, contains, order, same
from mailsim.protocol.sieve.regex import Regex, RegexError

texts = st.binary(max_size=12).map(lambda one: bytes(b"abAB*?\\."[octet % 8] for octet in one))


def plainly(pattern: bytes, value: bytes) -> bool:
    """A pattern as a regular expression of the standard library."""
    out, at = b"", 0
    while at < len(pattern):
        one = pattern[at : at + 1]
        if one == b"\\" and at + 1 < len(pattern):
            at += 1
            out += re.escape(pattern[at : at + 1])
        elif one != b"\\":
            out += {b"*": b".*", b"?": b"."}.get(one, re.escape(one))
        at += 1
    return re.fullmatch(out, value, re.DOTALL | re.IGNORECASE) is not None


@given(texts, texts)
def test_a_pattern_matches_what_the_same_regular_expression_does(
    pattern: bytes, value: bytes
) -> None:
    found = Pattern(pattern, fold=True).match(value)
    assert (found is not None) is plainly(pattern, value)
    if found is not None:
        wild = re.findall(rb"\\.|[*?]", pattern, re.DOTALL)
        assert len(found) == 1 + sum(one in (b"*", b"?") for one in wild)


@given(texts)
def test_wildcards_take_what_the_pattern_leaves(value: bytes) -> None:
    assert Pattern(b"*", fold=False).match(value) == (value, value)
    assert Pattern(b"?*", fold=False).match(b"x" + value) == (b"x" + value, b"x", value)


def test_each_star_takes_as_little_as_it_can() -> None:
    assert Pattern(b"[*] *", fold=True).match(b"[a] b] c") == (b"[a] b] c", b"a", b"b] c")
    assert Pattern(b"*b*", fold=True).match(b"abab") == (b"abab", b"a", b"ab")
    assert Pattern(b"*ab", fold=True).match(b"abab") == (b"abab", b"ab")


def test_a_hostile_pattern_takes_no_years() -> None:
    assert Pattern(b"*a" * 2000 + b"b", fold=True).match(b"a" * 20_000) is None
    assert Pattern(b"*a?" * 200 + b"b", fold=True).match(b"a" * 5_000) is None


@pytest.mark.parametrize(
    ("comparator", "left", "right", "expected"),
    [
        ("i;octet", b"a", b"A", 1),
        ("i;ascii-casemap", b"a", b"A", 0),
        ("i;ascii-casemap", "é".encode(), "É".encode(), 1),
        ("i;ascii-casemap", b"a", b"_", -1),
        ("i;ascii-numeric", b"4294967298", b"04294967298", 0),
        ("i;ascii-numeric", b"4294967298", b"4294967298b", 0),
        ("i;ascii-numeric", b"04294967298", b"", -1),
        ("i;ascii-numeric", b"x", b"y", 0),
        ("i;ascii-numeric", b"10", b"9", 1),
        ("i;ascii-numeric", b"0", b"1", -1),
        ("i;ascii-numeric", b"9" * 50_000, b"9" * 49_999, 1),
    ],
)
def test_comparators(comparator: str, left: bytes, right: bytes, expected: int) -> None:
    assert order(comparator, left, right) == expected
    assert order(comparator, right, left) == -expected
    assert same(comparator, left, right) is (expected == 0)


def test_substrings() -> None:
    assert contains("i;ascii-casemap", b"Hello", b"ELL")
    assert not contains("i;octet", b"Hello", b"ELL")
    assert contains("i;octet", b"", b"")


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Expressions that ERE and the standard library read alike."""
    atoms = ["a", "b", ".", "[ab]", "[^a]", "(a|b)", "(ab)", "(a*)", "x", "^", "$"]
    pieces = st.tuples(
        st.sampled_from(atoms), st.sampled_from(["", "*", "+", "?", "{1,2}", "{2}"])
    ).map(lambda one: one[0] + (one[1] if one[0] not in "^$" else ""))
    return "|".join(
        draw(st.lists(st.lists(pieces, max_size=4).map("".join), min_size=1, max_size=2))
    )


@given(expressions(), st.text("abx\n", max_size=8))
def test_an_expression_matches_where_the_standard_librarys_does(source: str, text: str) -> None:
    value = text.encode()
    theirs = re.search(source.replace("$", r"\Z").encode(), value, re.DOTALL)
    regex = Regex(source.encode(), fold=False)
    spans = regex.search(value, lambda _: None)
    assert regex.test(value, lambda _: None) is (theirs is not None)
    assert (spans is not None) is (theirs is not None)
    if spans and theirs:
        # Leftmost for both; ERE takes the longest, the other the first alternative.
        assert spans[0][0] == theirs.start()
        assert spans[0][1] >= theirs.end()


@given(st.binary(max_size=40), st.binary(max_size=20))
def test_any_octets_are_an_expression_or_none(source: bytes, value: bytes) -> None:
    try:
        regex = Regex(source, fold=True)
    except RegexError:
        return
    spans = regex.search(value, lambda _: None)
    assert (spans is not None) is regex.test(value, lambda _: None)


def test_a_hostile_expression_takes_no_years() -> None:
    work = 0

    def charge(steps: int) -> None:
        nonlocal work
        work += steps

    assert not Regex(b"(x+x+)+y", fold=False).test(b"x" * 20_000, charge)
    assert Regex(b"(x*)*(x*)*y?$", fold=False).search(b"x" * 500, charge)
    assert work < 100_000
    for huge in (b"((x{1,100}){1,100}){1,100}", b"(" * 1000, b"a" * 5000, b"x{1001}"):
        with pytest.raises(RegexError):
            Regex(huge, fold=False)
