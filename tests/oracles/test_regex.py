"""Regular expressions against the C library's, which Pigeonhole uses."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from random import Random

import pytest

from mailsim.protocol.sieve.regex import Regex, RegexError

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the C library is glibc"),
]

_EXTENDED, _FOLD = 1, 2
_GROUPS = 10
PATTERNS = (
    "a*b", "(a|ab)(c|bcd)(d*)", "(a|ab)(bc|c)?", "^(.*)@([^@]+)$", "a{2,3}", "(a{1,2}){2}", "a{0}b",
    "x|", "|x", "()", "(a*)*", "(a*)+b", "(a|b)*c", "((a)|(b))*", "[[:alpha:]]+", "[^a-c]+",
    "[]x]+", "[a-]+", "^$", "$", "^", "a$", "^a", "(^a|b$)", "\\<foo\\>", "\\bfoo", "o\\B",
    "\\w+\\W\\w+", "\\s\\S", "a.c", "(a)(b)?(c)?", "(foo|foobar)(bar)?", "([ab]+)([bc]+)",
    "x{2}", "x{,2}y", "a\\.b", "a\\*b", "(a+|b+)*", "[[.a.]]b", "[[=a=]]b", "[A-C]", ")", "a)",
    "(a*)(a|b)*", "(ab|a)(bcd|c)(d)?", "(a?)(ab)?", "(aa|a)(a|aa)", "(a|b|ab)*",
)  # fmt: skip
WRONG = (
    "(",
    "[",
    "[a",
    "a{1",
    "a{2,1}",
    "*a",
    "a|*b",
    "+",
    "(*a)",
    "a{x}",
    "[b-a]",
    "[[:foo:]]",
    "\\",
    "(?a)",
)
VALUES = (
    "", "a", "ab", "abc", "abcd", "aab", "aaab", "foo bar", "foobar", "user@host.org", "x.y", "a.b",
    "a*b", "ABC", "bca", "xx", "xy", "xxy", "cab", "a-b]x", "abab", "baab", "a b\tc", ")", "foo-bar_baz",
)  # fmt: skip


Spans = tuple[tuple[int, int], ...]


class _Match(ctypes.Structure):
    _fields_ = [("start", ctypes.c_int), ("end", ctypes.c_int)]


def libc(pattern: bytes, values: list[bytes], *, fold: bool) -> list[Spans | None] | None:
    """The spans for each value, or None for no expression."""
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    compiled = ctypes.create_string_buffer(256)
    if library.regcomp(compiled, pattern, _EXTENDED | (_FOLD if fold else 0)):
        return None
    found: list[Spans | None] = []
    for value in values:
        matches = (_Match * _GROUPS)()
        failed = library.regexec(compiled, value, _GROUPS, matches, 0)
        found.append(None if failed else tuple((one.start, one.end) for one in matches))
    library.regfree(compiled)
    return found


def texts(value: bytes, spans: Spans | None) -> list[bytes] | None:
    """What a script sees in ${0} to ${9}: a group without a match is empty."""
    if spans is None:
        return None
    found = [value[start:end] if start >= 0 else b"" for start, end in spans]
    return (found + [b""] * _GROUPS)[:_GROUPS]


def ours(regex: Regex, value: bytes) -> Spans | None:
    return regex.search(value, lambda _: None)


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_finds_what_the_c_librarys_does(pattern: str, *, fold: bool) -> None:
    values = [value.encode() for value in VALUES]
    regex = Regex(pattern.encode(), fold=fold)
    theirs = libc(pattern.encode(), values, fold=fold)
    assert theirs is not None
    for value, found in zip(values, theirs, strict=True):
        mine = ours(regex, value)
        assert (mine and mine[0]) == (found and found[0]), value
        assert texts(value, mine) == texts(value, found), value


@pytest.mark.parametrize("pattern", WRONG)
def test_what_the_c_library_refuses_is_refused(pattern: str) -> None:
    assert libc(pattern.encode(), [], fold=False) is None
    with pytest.raises(RegexError):
        Regex(pattern.encode(), fold=False)


def test_the_match_of_many_random_patterns_is_the_c_librarys() -> None:
    random = Random(7)
    atoms = ["a", "b", "[ab]", ".", "(a|b)", "(ab)", "(a|ab)", "(b*)", "x"]
    values = ["".join(random.choices("abx", k=size)).encode() for size in range(9)]
    compared = 0
    for _ in range(400):
        pattern = "".join(
            random.choice(atoms) + random.choice(["", "", "*", "+", "?", "{1,2}"])
            for _ in range(random.randint(1, 4))
        ).encode()
        regex = Regex(pattern, fold=False)
        for value, found in zip(values, libc(pattern, values, fold=False) or [], strict=True):
            mine = ours(regex, value)
            assert (mine and mine[0]) == (found and found[0]), (pattern, value)
            compared += 1
    assert compared == 400 * 9
