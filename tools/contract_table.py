"""Write docs/contract.md from the contract's results, as the tests of tests/contract leave them.

    MAILSIM_CONTRACT_RESULTS=build/contract.json pytest tests/contract
    python tools/contract_table.py build/contract.json

A row is a row of the inventory, a column a backend and a release; a cell has a sign for each stage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from mailsim import knowledge
from mailsim.model.stage import Stage

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "contract.md"
PASSED, FAILED, SKIPPED, ABSENT = "✓", "✗", "?", "·"
_SIGNS: Final = {"passed": PASSED, "skipped": SKIPPED, "failed": FAILED}
_WIDTH: Final = 48

Lab = tuple[str, str]
"""Backend and release."""


class Table:
    """The results, by inventory row and lab."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.results: list[Mapping[str, Any]] = list(document["results"])
        self.left_out: list[Mapping[str, Any]] = list(document["left out"])
        self.labs: list[Lab] = sorted({_lab(one) for one in self.results}, key=_place)
        self.stages = sorted({Stage.of(one["stage"]) for one in self.results})
        self.rows = [one.name for one in knowledge.table("thesis.inventory")]

    def cell(self, row: str, lab: Lab) -> str:
        """A sign for each stage; "" where the row has no test there."""
        found = [one for one in self.results if _lab(one) == lab and row in one["rows"]]
        return "".join(self._sign(found, stage) for stage in self.stages) if found else ""

    @staticmethod
    def _sign(found: Iterable[Mapping[str, Any]], stage: Stage) -> str:
        signs = {_SIGNS[one["outcome"]] for one in found if one["stage"] == stage.value}
        return next((one for one in (FAILED, PASSED, SKIPPED) if one in signs), ABSENT)

    def reasons(self, row: str, lab: Lab) -> list[str]:
        """Why the row has no test in the lab at all."""
        found = [one for one in self.left_out if _lab(one) == lab and row in one["rows"]]
        return sorted({str(one["reason"]) for one in found})

    def shown(self) -> Iterable[tuple[str, list[str]]]:
        """Each row that has a result somewhere, with its cells."""
        for row in self.rows:
            cells = [self.cell(row, lab) for lab in self.labs]
            if any(cells):
                yield row, [one or ABSENT * len(self.stages) for one in cells]

    def notes(self) -> Iterable[tuple[str, str, list[str]]]:
        """What is not applicable: the lab's backend, why, and which rows."""
        found: dict[tuple[str, str], list[str]] = {}
        for row, _ in self.shown():
            for lab in self.labs:
                if not self.cell(row, lab):
                    for reason in self.reasons(row, lab):
                        rows = found.setdefault((lab[0], reason), [])
                        rows.extend([row] if row not in rows else [])
        for (backend, reason), rows in sorted(found.items()):
            yield backend, reason, rows

    def failures(self) -> list[Mapping[str, Any]]:
        """The tests that failed or could not be run."""
        return [one for one in self.results if one["outcome"] != "passed"]

    def count(self, outcome: str) -> int:
        """How many tests ended so."""
        return sum(one["outcome"] == outcome for one in self.results)


def _lab(one: Mapping[str, Any]) -> Lab:
    return str(one["backend"]), str(one["release"])


def _place(lab: Lab) -> tuple[bool, Lab]:
    return lab[0] != "embedded", lab


def text(document: Mapping[str, Any]) -> str:
    """The table for a terminal."""
    table = Table(document)
    heads = [f"{backend} {release}" for backend, release in table.labs]
    widths = [max(len(one), len(table.stages)) for one in heads]
    lines = [f"{'':<6} {'':<{_WIDTH}} " + "  ".join(heads)]
    for row, cells in table.shown():
        padded = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        lines.append(f"{row:<6} {_short(row)[:_WIDTH]:<{_WIDTH}} {padded}".rstrip())
    lines += ["", _legend(table)]
    lines += [f"{ABSENT} on {one}: {why}: {' '.join(rows)}" for one, why, rows in table.notes()]
    for one in table.failures():
        where = f"{one['backend']} {one['release']} {one['stage']}"
        lines.append(f"{_SIGNS[one['outcome']]} {one['test']} [{where}] {one['reason']}")
    return "\n".join(lines)


def _legend(table: Table) -> str:
    stages = " ".join(one.value for one in table.stages)
    counted = ", ".join(f"{table.count(one)} {one}" for one in _SIGNS)
    return (
        f"A sign for each stage: {stages}.  {PASSED} holds, {FAILED} does not, {SKIPPED} could not "
        f"be tried, {ABSENT} nothing to see there.  Tests: {counted}."
    )


def _short(row: str) -> str:
    return knowledge.entry(f"thesis.inventory.{row}").short("en")


def page(document: Mapping[str, Any]) -> str:
    """The table as a page of the documentation."""
    table = Table(document)
    heads = [f"{backend}, {release}" for backend, release in table.labs]
    lines = [
        "# The contract: what every lab keeps, row by inventory row",
        "",
        "*Written by `tools/contract_table.py` from the results of `tests/contract`: the same tests",
        "against the simulator and against the real system.*",
        "",
        _legend(table),
        "",
        f"| row | what it is | {' | '.join(heads)} |",
        f"|---|---|{'---|' * len(heads)}",
    ]
    lines += [f"| {row} | {_short(row)} | {' | '.join(cells)} |" for row, cells in table.shown()]
    lines += ["", "## Where a row has no test", ""]
    lines += [f"- {one}: {why}: {', '.join(rows)}" for one, why, rows in table.notes()]
    lines += ["", "## Which tests show a row", ""]
    lines += [f"- {row}: {', '.join(f'`{one}`' for one in tests)}" for row, tests in _tests(table)]
    return "\n".join([*lines, ""])


def _tests(table: Table) -> Iterable[tuple[str, list[str]]]:
    for row, _ in table.shown():
        found = {str(one["test"]).split("::")[-1] for one in table.results if row in one["rows"]}
        yield row, sorted(found)


def main() -> None:
    """Read the file named on the command line, write the page."""
    document = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    PAGE.write_text(page(document), encoding="utf-8")
    print(text(document))


if __name__ == "__main__":
    main()
