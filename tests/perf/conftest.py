from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

Report = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, what it came to, what is allowed."""

    what: str
    measured: str
    bound: str


ROWS = pytest.StashKey[list[Row]]()


@pytest.fixture
def report(pytestconfig: pytest.Config) -> Report:
    """`report(what, measured, bound="")` puts a line in the table at the end."""

    def add(what: str, measured: str, bound: str = "") -> None:
        pytestconfig.stash.setdefault(ROWS, []).append(Row(what, measured, bound))

    return add


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    terminalreporter.section("benchmarks")
    wide = [max(len(getattr(row, name)) for row in rows) for name in ("what", "measured")]
    for row in rows:
        line = f"{row.what:<{wide[0]}}  {row.measured:>{wide[1]}}  {row.bound}"
        terminalreporter.write_line(line.rstrip())
