"""Each exercise: its check fails before the solution and passes after; the terminal says the same."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from nbformat import NotebookNode

from mailsim.checks import LABS as CHECKED
from tests.labs.running import EXERCISE, LABS, code_cells, has_error, run, shown


def with_an_early_check(cells: list[NotebookNode]) -> list[NotebookNode]:
    """The same cells, each exercise's check once more before its solution."""
    checks = {cell.id: cell for cell in cells if cell.id.endswith("-check")}
    made = []
    for cell in cells:
        if cell.id.endswith("-solve"):
            early = copy.deepcopy(checks[cell.id.replace("-solve", "-check")])
            early.id = cell.id.replace("-solve", "-early")
            made.append(early)
        made.append(cell)
    return made


@pytest.mark.parametrize("name", LABS)
def test_an_exercise_has_a_setup_a_solution_and_a_check(name: str) -> None:
    ids = [cell.id for cell in code_cells(name)]
    numbers = {found[1] for one in ids if (found := EXERCISE.fullmatch(one))}
    assert len(numbers) >= 3
    assert numbers == {one.id.partition(".")[2] for one in CHECKED[name[:2]]}
    for number in numbers:
        parts = [ids.index(f"exercise-{number}-{part}") for part in ("begin", "solve", "check")]
        assert parts == sorted(parts)
    tagged = {c.id for c in code_cells(name) if "solution" in c.metadata.get("tags", [])}
    assert {f"exercise-{number}-solve" for number in numbers} <= tagged


@pytest.mark.parametrize("name", LABS)
def test_a_check_fails_before_the_solution_and_passes_after(name: str, tmp_path: Path) -> None:
    cells = with_an_early_check(code_cells(name))
    done = {cell.id: cell for cell in run(cells, "en", tmp_path, MAILSIM_SEED="another")}
    errors = {one: shown(c) for one, c in done.items() if has_error(c)}
    expected = {c.id for c in cells if "raises-exception" in c.metadata.get("tags", [])}
    assert errors.keys() == expected, errors
    for one, cell in done.items():
        found = EXERCISE.fullmatch(one.replace("-early", "-check"))
        if found and found[2] == "check":
            sign = "✘" if one.endswith("-early") else "✔"
            assert shown(cell).startswith(f"{sign} {name[:2]}.{found[1]} "), shown(cell)
