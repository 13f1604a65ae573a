"""The state diagrams: each transition is drawn, each state can be left, the pages are up to date."""

from __future__ import annotations

import re
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from mailsim.protocol import imap, managesieve, pop3, smtp
from mailsim.protocol.table import Table
from mailsim.wire.outcome import Outcome

ROOT = Path(__file__).parents[2]
TABLES = {
    "smtp": smtp.TABLE,
    "pop3": pop3.TABLE,
    "imap": imap.TABLE,
    "managesieve": managesieve.TABLE,
}
ENDS = {"CLOSED", "LOGOUT", "UPDATE"}

_ARROW = re.compile(r"    (\w+) --> (\w+): (.+)")


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_each_transition_is_an_arrow_s_label_and_each_label_a_transition(table: Table[Any]) -> None:
    first, start, *rest = table.mermaid().rstrip("\n").split("\n")
    assert (first, start) == ("stateDiagram-v2", f"    [*] --> {table.initial.name}")
    drawn = []
    for row in rest:
        found = _ARROW.fullmatch(row)
        assert found, row
        drawn += [(found[1], found[2], label) for label in found[3].split(", ")]
    wanted = {
        (
            row.state.name,
            row.target.name,
            row.verb if row.outcome is Outcome.SUCCESS else f"{row.verb} ({row.outcome.value})",
        )
        for row in table.rows
    }
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == wanted


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_each_state_is_reached_and_left_but_the_ends(table: Table[Any]) -> None:
    kind: type[Enum] = type(table.initial)
    states = set(kind)
    reached: set[Enum] = {table.initial}
    while more := {row.target for row in table.rows if row.state in reached} - reached:
        reached |= more
    assert reached == states
    assert {one.name for one in states if not table.legal(one)} <= ENDS


def test_the_pages_are_what_the_tables_give() -> None:
    ran = subprocess.run(
        [sys.executable, ROOT / "tools" / "state_diagrams.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("name", TABLES)
def test_the_readmes_lead_to_the_pages(name: str) -> None:
    assert (ROOT / "docs" / "states" / f"{name}.md").is_file()
    for readme in ("README.md", "README.fr.md"):
        assert f"(docs/states/{name}.md)" in (ROOT / readme).read_text(encoding="utf-8")
