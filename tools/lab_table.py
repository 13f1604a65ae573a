"""Write docs/labs.md: which row of the inventory is taught where, and what tests it.

`--check` writes nothing and fails when the file differs from what would be written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import nbformat

from mailsim import knowledge
from mailsim.checks import LABS

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "labs.md"
NOTEBOOKS: Final = ROOT / "labs" / "src" / "en"

HEAD: Final = """\
# What the labs teach

Made by `make labs` from the notebooks' cells and the exercises: one row of the thesis's inventory
a line (`mailsim explain` knows them all; F… are its faults). A **cell** is compared with its stored
output on the embedded lab (nbval in French, `tools/store_labs.py --check` in English); an
**exercise** must fail before its solution and pass after it (`tests/labs/test_exercises.py`), on the
embedded lab and, by `tests/labs/test_container.py`, on the real system.

| row | what | lab | cells | exercises | backends |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Taught:
    """A row in one lab: the cells that show it, the exercises that ask for it."""

    row: str
    lab: str
    cells: tuple[str, ...]
    exercises: tuple[str, ...]


def taught() -> Iterator[Taught]:
    """Every row of every notebook, by lab and then in the inventory's order."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        cells = cells_of(path)
        asked = {one.id: one.rows for one in LABS.get(path.name[:2], ())}
        rows = {*cells, *(row for ones in asked.values() for row in ones)}
        for row in sorted(rows, key=_order):
            exercises = tuple(name for name, ones in asked.items() if row in ones)
            yield Taught(row, path.stem, cells.get(row, ()), exercises)


def cells_of(path: Path) -> dict[str, tuple[str, ...]]:
    """Row → the ids of the code cells that declare it."""
    found: dict[str, tuple[str, ...]] = {}
    for cell in nbformat.read(path, as_version=4).cells:
        for row in cell.metadata.get("mailsim", {}).get("rows", ()):
            found[row] = (*found.get(row, ()), cell.id)
    return found


def entry(row: str) -> knowledge.Entry | None:
    """What the row is."""
    table = "thesis.fault" if row.startswith("F") and row[1:].isdigit() else "thesis.inventory"
    return knowledge.find(table, row)


def _order(row: str) -> tuple[int, int, str]:
    for table_number, table in enumerate(("thesis.inventory", "thesis.fault")):
        names = [one.name for one in knowledge.table(table)]
        if row in names:
            return table_number, names.index(row), row
    return 2, 0, row


def page() -> str:
    """The text of docs/labs.md."""
    lines = []
    for one in taught():
        known = entry(one.row)
        what = known.short("en").replace("|", "\\|") if known else "?"
        cells = ", ".join(f"`{cell}`" for cell in one.cells) or "–"
        exercises = ", ".join(one.exercises) or "–"
        lines.append(
            f"| {one.row} | {what} | {one.lab} | {cells} | {exercises} | embedded, container |"
        )
    return HEAD + "\n".join(lines) + "\n"


def main(*, check: bool) -> None:
    """Write the page, or with `check` exit 1 when it is not what would be written."""
    text = page()
    standing = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    if check and text != standing:
        sys.exit(f"{PAGE.name} is not what the labs give. Run: make labs")
    if text != standing:
        PAGE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(check="--check" in sys.argv[1:])
