"""Two dialogues side by side: step by step, each difference by its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from enum import Enum
from itertools import groupby, zip_longest
from typing import Any, Final

from mailsim.dialogue.answers import Answer, answer, command
from mailsim.dialogue.redact import redact
from mailsim.dialogue.values import Dialogue, Exchange
from mailsim.dialogue.volatile import VOLATILE
from mailsim.language import language, word

VERSION: Final = 1
KEY: Final = "mailsim-compare"


class Kind(Enum):
    """In what two dialogues differ."""

    CODE = "code"
    """A reply code or status."""
    ENHANCED_CODE = "enhanced-code"
    """An enhanced code, or the response code of POP3, IMAP or ManageSieve."""
    CAPABILITY = "capability"
    """A capability that one side alone offers; their order says nothing."""
    DATA = "data"
    """What was asked for: a message's lines, a mailbox's figures, a list."""
    WORDING = "wording"
    """A text for people."""
    LINES = "lines"
    """How many lines there are, capabilities apart."""
    COMMAND = "command"
    """The client said something else."""
    MISSING = "missing"
    """A step that one dialogue alone has."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: at which step (from 0, in the aligned order), under which command.

    `a` and `b` are what either dialogue has, "" for nothing.
    """

    kind: Kind
    step: int
    command: str
    a: str
    b: str


class Verdict(Enum):
    """How the two answers to one command stand to each other."""

    EQUAL = "equal"
    """Nothing differs but what is volatile."""
    WORDING = "wording"
    """The same codes in other words for people."""
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Step:
    """One aligned step: what the client said ("" for a greeting), and what came back, in short."""

    command: str
    verdict: Verdict
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two dialogues differ in, step by step in the aligned order; secrets are masked."""

    rows: tuple[Step, ...]
    differences: tuple[Difference, ...]
    names: tuple[str, str] = ("A", "B")

    @property
    def steps(self) -> int:
        """How many there are."""
        return len(self.rows)

    @property
    def equal(self) -> bool:
        """Whether they differ in nothing but what is volatile."""
        return not self.differences

    @property
    def agrees(self) -> bool:
        """Whether they differ in words for people at most."""
        return all(one.verdict is not Verdict.DIFFERENT for one in self.rows)

    def text(self, lang: str | None = None) -> str:
        """A line for each step that differs, and under it a line for each difference."""
        chosen = language(lang)
        head = "dialogue.compare-equal" if self.equal else "dialogue.compare-different"
        rows = [word(head, chosen, steps=self.steps, count=len(self.differences))]
        for (_, said), differences in groupby(
            self.differences, lambda one: (one.step, one.command)
        ):
            rows.append(f"C: {said}" if said else word("dialogue.compare-greeting", chosen))
            rows += (row for one in differences for row in self._rows(one, chosen))
        return "\n".join(rows)

    def _rows(self, one: Difference, lang: str) -> Iterator[str]:
        nothing = word("dialogue.compare-nothing", lang)
        yield f"  {word(f'dialogue.compare-{one.kind.value}', lang)}"
        for name, text in zip(self.names, (one.a, one.b), strict=True):
            yield f"    {name}: {text or nothing}"

    def to_json(self) -> dict[str, Any]:
        """A stable document."""
        return {
            KEY: VERSION,
            "equal": self.equal,
            "agrees": self.agrees,
            "steps": self.steps,
            "names": list(self.names),
            "rows": [{**asdict(one), "verdict": one.verdict.value} for one in self.rows],
            "differences": [{**asdict(one), "kind": one.kind.value} for one in self.differences],
        }


def compare(
    a: Dialogue,
    b: Dialogue,
    *,
    names: tuple[str, str] = ("A", "B"),
    volatile: Mapping[str, re.Pattern[str]] = VOLATILE,
) -> Comparison:
    """Align two dialogues by what the client said and list in what the answers differ.

    `volatile` names what is left out of account (queue ids, dates, nonces …).
    """
    left, right = redact(a), redact(b)
    rows: list[Step] = []
    found: list[Difference] = []
    for step, (x, y) in enumerate(_aligned(left, right)):
        differences = tuple(_step(step, x, y, left, right, volatile))
        rows.append(_row(x, y, left, right, volatile, differences))
        found += differences
    return Comparison(tuple(rows), tuple(found), names)


_Pair = tuple[Exchange | None, Exchange | None]


def _row(
    x: Exchange | None,
    y: Exchange | None,
    a: Dialogue,
    b: Dialogue,
    volatile: Mapping[str, re.Pattern[str]],
    differences: tuple[Difference, ...],
) -> Step:
    said = command(x or y or Exchange(()), a.endpoint.protocol)
    verdict = Verdict.WORDING if differences else Verdict.EQUAL
    if any(one.kind is not Kind.WORDING for one in differences):
        verdict = Verdict.DIFFERENT
    first, second = (
        _summary(answer(one, there.endpoint.protocol, volatile)) if one else ""
        for one, there in ((x, a), (y, b))
    )
    return Step(said, verdict, first, second)


def _aligned(a: Dialogue, b: Dialogue) -> Iterator[_Pair]:
    """Pairs of exchanges, None where a dialogue has none."""
    left = [command(x, a.endpoint.protocol) for x in a.exchanges]
    right = [command(x, b.endpoint.protocol) for x in b.exchanges]
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for tag, start, end, other, stop in matcher.get_opcodes():
        xs, ys = list(a.exchanges[start:end]), list(b.exchanges[other:stop])
        if tag == "replace":
            yield from _by_verb(xs, ys, left[start:end], right[other:stop])
        else:
            yield from zip_longest(xs, ys)


def _by_verb(
    xs: list[Exchange], ys: list[Exchange], left: list[str], right: list[str]
) -> Iterator[_Pair]:
    """Steps whose commands differ belong together if their verbs are the same."""
    verbs = [[one.partition(" ")[0].upper() for one in side] for side in (left, right)]
    matcher = SequenceMatcher(None, verbs[0], verbs[1], autojunk=False)
    for _, start, end, other, stop in matcher.get_opcodes():
        if end - start == stop - other and verbs[0][start:end] == verbs[1][other:stop]:
            yield from zip(xs[start:end], ys[other:stop], strict=True)
        else:
            yield from ((x, None) for x in xs[start:end])
            yield from ((None, y) for y in ys[other:stop])


def _step(
    step: int,
    x: Exchange | None,
    y: Exchange | None,
    a: Dialogue,
    b: Dialogue,
    volatile: Mapping[str, re.Pattern[str]],
) -> Iterator[Difference]:
    said = command(x, a.endpoint.protocol) if x else ""
    other = command(y, b.endpoint.protocol) if y else ""
    if x is None or y is None:
        shown = said or other
        here = _summary(answer(x or y or Exchange(()), a.endpoint.protocol, volatile))
        yield Difference(Kind.MISSING, step, shown, here if x else "", here if y else "")
        return
    if said != other:
        yield Difference(Kind.COMMAND, step, said, said, other)
    first = answer(x, a.endpoint.protocol, volatile)
    second = answer(y, b.endpoint.protocol, volatile)
    yield from _answers(step, said, first, second)


def _answers(step: int, said: str, a: Answer, b: Answer) -> Iterator[Difference]:
    if a.codes != b.codes:
        yield Difference(Kind.CODE, step, said, " ".join(a.codes), " ".join(b.codes))
    if a.details != b.details:
        yield Difference(Kind.ENHANCED_CODE, step, said, ", ".join(a.details), ", ".join(b.details))
    for one in sorted(a.capabilities - b.capabilities):
        yield Difference(Kind.CAPABILITY, step, said, one, "")
    for one in sorted(b.capabilities - a.capabilities):
        yield Difference(Kind.CAPABILITY, step, said, "", one)
    if a.lines != b.lines:
        yield Difference(Kind.LINES, step, said, str(a.lines), str(b.lines))
    for kind, left, right in ((Kind.DATA, a.data, b.data), (Kind.WORDING, a.texts, b.texts)):
        for one, other in _unlike(left, right):
            yield Difference(kind, step, said, one, other)


def _unlike(a: tuple[str, ...], b: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The runs of lines in which they differ."""
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    for tag, start, end, other, stop in matcher.get_opcodes():
        if tag != "equal":
            yield " / ".join(a[start:end]), " / ".join(b[other:stop])


def _summary(one: Answer) -> str:
    """The last line's code, which decides, and its words."""
    return " ".join([*one.codes[-1:], *one.details[-1:], *one.texts[-1:]]) or "-"
