"""No row of the inventory is forgotten: each is a client's, the inside's, or explained."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from mailsim import knowledge
from tests.contract.rows import CLIENT, EXPLAINED, INSIDE

ROWS = {one.name for one in knowledge.table("thesis.inventory")}
_HERE = Path(__file__).parent


def _named(folder: Path) -> Iterator[tuple[str, str]]:
    """Each test's file, and a row that it says it shows."""
    for file in sorted(folder.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for row in _rows(node):
                    yield file.name, row


def _rows(function: ast.FunctionDef) -> Iterator[str]:
    for one in function.decorator_list:
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "pytest.mark.inventory":
            yield from (ast.literal_eval(row) for row in one.args)


def test_every_row_is_somebody_s() -> None:
    assert set(EXPLAINED) | INSIDE | CLIENT == ROWS
    assert len(EXPLAINED) + len(INSIDE) + len(CLIENT) == len(ROWS)


def test_every_row_that_a_client_sees_has_a_test() -> None:
    shown = {row for file, row in _named(_HERE) if not file.startswith("test_inside")}
    assert CLIENT - shown == set()


def test_every_row_of_the_inside_has_a_test() -> None:
    shown = {row for file, row in _named(_HERE) if file.startswith("test_inside")}
    assert INSIDE - shown == set()


def test_no_test_names_a_row_that_is_none() -> None:
    assert {row for _, row in _named(_HERE)} <= ROWS
