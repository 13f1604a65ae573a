"""What the roles of the real system set, release by release and stage by stage, as data.

settings.json is written from provision/ by tools/settings.py.  A row of it: section, name, value
(null: a fault takes it away), the reason's number, {"noble resolute": "mail-tls sieve"} (the
stages at which these releases have it; "all" are all four), and the fault that sets it so.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Final

from mailsim.language import language
from mailsim.model.stage import Release, Stage

Key = tuple[str, str, str]
"""File, section, name."""
Place = tuple[Release, Stage]

_STAGES: Final = tuple(Stage)
_RELEASES: Final = tuple(one for one in Release if one is not Release.FULL)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is set; `ids`: rows of the thesis's inventory, faults, or "lab"."""

    ids: tuple[str, ...]
    english: str
    french: str

    def text(self, lang: str | None = None) -> str:
        """The sentence."""
        return self.french if language(lang) == "fr" else self.english


@dataclass(frozen=True, slots=True)
class Line:
    """A setting in its file, `section` being the blocks around it, outermost first."""

    file: str
    section: str
    name: str
    value: str | None
    reason: Reason
    fault: str = ""

    @property
    def key(self) -> Key:
        """What no two settings of a place have in common."""
        return (self.file, self.section, self.name)


def lines(stage: Stage, release: Release, faults: Collection[str] = ()) -> Mapping[Key, Line]:
    """All that is set there, in the files' order; a fault's line in the place of the right one."""
    # The simulator's own profile is noble's, and more.
    place = (Release.NOBLE if release is Release.FULL else release, stage)
    there = [one for one, places in _known() if place in places and _shown(one, faults)]
    changed = {one.key: one for one in there if one.fault}
    found = {one.key: changed.get(one.key, one) for one in there}
    return {key: one for key, one in found.items() if one.value is not None}


def taken_away(stage: Stage, release: Release, faults: Collection[str]) -> list[Line]:
    """What is set there without these faults, and not with them: the faults' lines, no value."""
    place = (Release.NOBLE if release is Release.FULL else release, stage)
    return [
        one
        for one, places in _known()
        if one.value is None and place in places and _shown(one, faults)
    ]


def known_faults() -> frozenset[str]:
    """Those that change a setting of some stage."""
    return frozenset(one.fault for one, _ in _known()) - {""}


def _shown(line: Line, faults: Collection[str]) -> bool:
    return not line.fault or line.fault in faults


@cache
def _known() -> tuple[tuple[Line, frozenset[Place]], ...]:
    text = files("mailsim.lab").joinpath("settings.json").read_text(encoding="utf-8")
    document = json.loads(text)
    reasons = [Reason(tuple(ids.split()), *texts) for ids, *texts in document["reasons"]]
    return tuple(
        (Line(file, section, name, value, reasons[why], *fault), frozenset(_places(where)))
        for file, rows in document["files"].items()
        for section, name, value, why, where, *fault in rows
    )


def _places(where: Mapping[str, str]) -> Iterator[Place]:
    for releases, ranges in where.items():
        for one in ranges.split():
            first, _, last = one.partition("-")
            begin, end = (_STAGES.index(Stage(name)) for name in (first, last or first))
            known = _RELEASES if releases == "all" else map(Release, releases.split())
            yield from product(known, _STAGES[begin : end + 1])
