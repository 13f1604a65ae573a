"""The contract's results: row by inventory row, a column for each backend and release."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

# Of a test's phases the last of these counts; of its cases the first in the other order.
_PHASES = ("passed", "skipped", "failed")
_CASES = ("failed", "passed", "skipped")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one test in one lab; `case` is its name with its parameters."""

    test: str
    case: str
    rows: tuple[str, ...]
    backend: str
    release: str
    stage: str
    outcome: str
    reason: str = ""

    @classmethod
    def of(cls, report: pytest.TestReport, where: list[Any]) -> Result:
        """From a phase's report; `where` is backend, release, stage and the rows."""
        backend, release, stage, *rows = map(str, where)
        test, _, case = report.nodeid.partition("[")
        reason = _reason(report)
        return cls(test, case, tuple(rows), backend, release, stage, report.outcome, reason)


def _reason(report: pytest.TestReport) -> str:
    if report.outcome == "skipped" and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(getattr(crash, "message", "")).partition("\n")[0][:200]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows whose test has no sense in some labs of a backend and release, and why."""

    rows: tuple[str, ...]
    backend: str
    release: str
    reason: str

    @classmethod
    def of(cls, value: dict[str, Any]) -> LeftOut:
        """From JSON's value."""
        return cls(**{**value, "rows": tuple(value["rows"])})

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "rows": list(self.rows)}


@dataclass(slots=True)
class Results:
    """Everything that this run found."""

    found: dict[tuple[str, str], Result] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def add(self, new: Result) -> None:
        """Take a phase's result."""
        key = (new.test, new.case)
        old = self.found.get(key)
        if old is None or _PHASES.index(new.outcome) > _PHASES.index(old.outcome):
            self.found[key] = new

    def document(self) -> dict[str, Any]:
        """As JSON: a test's result in each lab; what was left out where anything was run."""
        whole: dict[tuple[str, ...], Result] = {}
        for one in self.found.values():
            key = (one.test, one.backend, one.release, one.stage)
            whole[key] = min(whole.get(key, one), one, key=_place)
        ran = {(one.backend, one.release) for one in self.found.values()}
        left = dict.fromkeys(one for one in self.left_out if (one.backend, one.release) in ran)
        return {
            "results": [_plain(one) for one in whole.values()],
            "left out": [one.plain() for one in left],
        }


def _place(one: Result) -> int:
    return _CASES.index(one.outcome)


def _plain(one: Result) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if name != "case"}


def save(results: Results, path: Path) -> None:
    """Write them to the file; what it holds of other labs stays, so that runs come together."""
    new = results.document()
    ran = {_lab(one) for one in new["results"]}
    old = json.loads(path.read_text("utf-8")) if path.is_file() else {"results": [], "left out": []}
    kept = [one for one in old["results"] if _lab(one) not in ran]
    others = {(one["backend"], one["release"]) for one in kept}
    left = [
        one
        for one in old["left out"]
        if (one["backend"], one["release"]) in others and one not in new["left out"]
    ]
    document = {"results": kept + new["results"], "left out": left + new["left out"]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _lab(one: dict[str, Any]) -> tuple[str, str, str]:
    return one["backend"], one["release"], one["stage"]
