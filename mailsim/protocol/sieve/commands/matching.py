"""Comparators, match types and address parts: what tests that compare have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.comparing import (
    CASEMAP,
    COMPARATORS,
    OCTET,
    RELATIONS,
    SUBSTRING,
    contains,
    order,
    pattern,
    same,
)
from mailsim.protocol.sieve.complaint import Term, Wrong, shown
from mailsim.protocol.sieve.program import Call, Value
from mailsim.protocol.sieve.regex import MAX_SIZE, RegexError, compile_regex
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Option, Type, type_of
from mailsim.protocol.sieve.syntax import Argument, Place, Tag, Text, Texts

_NONE: Final = Term("sieve.term-none", "none")
_QUOTED: Final = "sieve.term-quoted"
_SHAPE: Final = "MATCH-TYPE"


def _relation_missing(tag: Tag, value: Argument | None) -> Wrong:
    found = _NONE if value is None else type_of(value).value
    return Wrong("sieve.no-relation", (value or tag).place, tag=tag.name, found=found)


def _relation(_checker: Checker, call: Call, tag: Tag, value: Argument | None) -> None:
    """The relation is one of six, in the script itself (RFC 5231 §4)."""
    given = call.tags[tag.name.lower()]
    word = given.decode("utf-8", "replace") if isinstance(given, bytes) else ""
    if word not in RELATIONS:
        assert isinstance(value, Text)  # noqa: S101 - its type was looked at
        quoted = Term(_QUOTED, '"{text}"', (("text", shown(value.value)),))
        raise Wrong("sieve.no-relation", value.place, tag=tag.name, found=quoted)
    call.tags["relation"] = word


def _comparator(checker: Checker, call: Call, _tag: Tag, value: Argument | None) -> None:
    given = call.tags["comparator"]
    place = value.place if value else call.place
    if not isinstance(given, bytes):
        raise Wrong("sieve.comparator-not-literal", place)
    name = given.decode("utf-8", "replace")
    known = name in (OCTET, CASEMAP) or f"comparator-{name}" in checker.loaded
    if name not in COMPARATORS or not known:
        raise Wrong("sieve.unknown-comparator", place, name=shown(given, 80))
    call.tags["comparator"] = name


COMPARATOR: Final = Option("comparator", Type.STRING, check=_comparator)
MATCH: Final = (
    Option("is", family="match", shown=_SHAPE),
    Option("contains", family="match", shown=_SHAPE),
    Option("matches", family="match", shown=_SHAPE),
    Option(
        "count", Type.STRING, "relational", "match", _SHAPE, _relation, mismatch=_relation_missing
    ),
    Option(
        "value", Type.STRING, "relational", "match", _SHAPE, _relation, mismatch=_relation_missing
    ),
    Option("regex", None, "regex", "match", _SHAPE),
    COMPARATOR,
)
_PART: Final = "ADDRESS-PART"
PARTS: Final = (
    Option("all", family="part", shown=_PART),
    Option("localpart", family="part", shown=_PART),
    Option("domain", family="part", shown=_PART),
    Option("user", extension="subaddress", family="part", shown=_PART),
    Option("detail", extension="subaddress", family="part", shown=_PART),
)


def check_match(
    checker: Checker,
    call: Call,
    keys: Argument,
    values: Iterable[Value],
    default: str = CASEMAP,
) -> None:
    """Whether comparator and match type go together, and regular expressions are some."""
    match = call.tags.setdefault("match", "is")
    comparator = call.tags.setdefault("comparator", default)
    if match in ("contains", "matches") and comparator not in SUBSTRING:
        raise Wrong("sieve.no-substrings", call.place, comparator=comparator, match=match)
    if match != "regex":
        return
    if comparator not in SUBSTRING:
        raise Wrong("sieve.regex-comparator", call.place)
    places = keys.items if isinstance(keys, Texts) else (keys,)
    for one, text in zip(values, places, strict=True):
        if isinstance(one, bytes):
            _within_budget(checker, one, text.place, fold=comparator == CASEMAP)


def _within_budget(checker: Checker, key: bytes, place: Place, *, fold: bool) -> None:
    """Compile an expression of the script; all of them together have a bound.

    What the automata of one message's expressions cost is known here already, kept or not.
    """
    shared, most = checker.shared, checker.limits.regex_states
    try:
        if shared.regex_states >= most:
            raise RegexError("sieve.regex-budget", most=str(most))
        shared.regex_states += compile_regex(key, fold=fold).cost
        if shared.regex_states > most:
            raise RegexError("sieve.regex-budget", most=str(most))
    except RegexError as error:
        shared.regex_states += MAX_SIZE
        raise _bad(key, place, error) from None


def _bad(key: bytes, place: Place, error: RegexError) -> Wrong:
    return Wrong("sieve.bad-regex", place, regex=shown(key), reason=error.reason)


def matched(
    run: Run, call: Call, keys: Iterable[Value], values: Iterable[bytes], *, keep: bool = True
) -> bool:
    """Whether one of the values matches one of the keys; with :count, whether their number does.

    `keep`: wildcards and groups set match variables, if the script has variables.
    """
    matcher = _Matcher(run, call, keys, keep=keep)
    if call.tags["match"] == "count":
        return matcher.one(b"%d" % sum(1 for _ in values))
    return any(matcher.one(value) for value in values)


class _Matcher:
    """Compares values with a test's keys."""

    __slots__ = ("_call", "_comparator", "_how", "_keeping", "_keys", "_run")

    def __init__(self, run: Run, call: Call, keys: Iterable[Value], *, keep: bool) -> None:
        self._run = run
        self._keeping = keep and "variables" in run.frame.unit.loaded
        self._call = call
        self._keys = run.texts(keys)
        self._how: str = call.tags["match"]
        self._comparator: str = call.tags["comparator"]

    def one(self, value: bytes) -> bool:
        """Whether a value matches one of the keys."""
        run, call = self._run, self._call
        for key in self._keys:
            run.step()
            found = self._holds(value, key)
            if run.tracing:
                params = {
                    "value": shown(value), "key": shown(key), "match": self._shown(),
                    "comparator": self._comparator,
                }  # fmt: skip
                run.note(call, "sieve.trace-compare", params, result=found)
            if found:
                return True
        return False

    def _shown(self) -> str:
        relation = self._call.tags.get("relation")
        return f":{self._how} {relation}" if relation else f":{self._how}"

    def _holds(self, value: bytes, key: bytes) -> bool:
        self._run.charge(len(value) + len(key))
        match self._how:
            case "is":
                return same(self._comparator, value, key)
            case "contains":
                return contains(self._comparator, value, key)
            case "matches":
                return self._matches(value, key)
            case "regex":
                return self._regex(value, key)
            case _:
                relation = RELATIONS[self._call.tags["relation"]]
                return relation(order(self._comparator, value, key), 0)

    def _matches(self, value: bytes, key: bytes) -> bool:
        made = pattern(key, fold=self._comparator == CASEMAP)
        # A piece with holes is looked for by steps that cost as much as some fifty octets each.
        self._run.charge(50 * len(value) * made.weight if made.weight > 1 else len(value))
        found = made.match(value)
        if found is not None:
            self._keep(found)
        return found is not None

    def _regex(self, value: bytes, key: bytes) -> bool:
        run = self._run
        try:
            # Making a state costs as much as some thousand octets of a comparison.
            regex = compile_regex(
                key,
                fold=self._comparator == CASEMAP,
                charge=lambda cost: run.charge(1000 * cost),
            )
        except RegexError as error:
            run.complain(_bad(key, self._call.place, error))
            return False
        # An automaton's step costs as much as some hundred octets of a comparison.
        if not self._keeping:
            return bool(regex.test(value, lambda steps: run.charge(100 * steps)))
        spans = regex.search(value, lambda steps: run.charge(100 * steps))
        if spans is not None:
            self._keep(tuple(value[start:end] if start >= 0 else b"" for start, end in spans))
        return spans is not None

    def _keep(self, found: tuple[bytes, ...]) -> None:
        """Match variables keep what the last match found (RFC 5229 §3.2)."""
        if self._keeping:
            self._run.frame.matched = found[: self._run.limits.match_values + 1]
