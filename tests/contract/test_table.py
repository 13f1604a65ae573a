"""The results as a table: the signs, what failed, what has no test and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.contract.results import LeftOut, Result, Results, save
from tools.contract_table import page, text


def _result(stage: str, outcome: str, *, test: str = "t.py::a", backend: str = "embedded") -> Result:  # fmt: skip
    reason = "it broke" if outcome == "failed" else ""
    return Result(test, f"{backend}-{stage}]", ("DEM2",), backend, "trixie", stage, outcome, reason)


def _document(*results: Result, left: tuple[LeftOut, ...] = ()) -> dict[str, Any]:
    made = Results(left_out=list(left))
    for one in results:
        made.add(one)
    return made.document()


def test_a_sign_for_each_stage() -> None:
    document = _document(_result("mail", "passed"), _result("tls", "failed"), _result("sieve", "skipped"))  # fmt: skip
    (row,) = [line for line in text(document).splitlines() if line.startswith("DEM2")]
    assert row.endswith("✓✗?")
    assert "✗ t.py::a [embedded trixie tls] it broke" in text(document)
    assert "1 passed, 1 skipped, 1 failed" in text(document)


def test_the_worst_of_a_row_s_tests_is_shown() -> None:
    document = _document(_result("mail", "passed"), _result("mail", "failed", test="t.py::b"))
    assert "✗\n" in text(document)
    assert "DEM2: `a`, `b`" in page(document)


def test_a_phase_that_fails_is_what_counts() -> None:
    document = _document(_result("mail", "passed"), _result("mail", "failed"), _result("mail", "passed"))  # fmt: skip
    assert [one["outcome"] for one in document["results"]] == ["failed"]


def test_what_has_no_test_says_why() -> None:
    left = LeftOut(("WEB10",), "embedded", "trixie", "no web server")
    web = Result("t.py::w", "x]", ("WEB10",), "container", "trixie", "mail", "passed")
    document = _document(_result("mail", "passed"), web, left=(left, left))
    assert len(document["left out"]) == 1
    assert "· on embedded: no web server: WEB10" in text(document)
    assert "| WEB10 | Figures 8 and 9: login page, a user's mailbox | · | ✓ |" in page(document)


def test_runs_of_several_backends_come_together(tmp_path: Path) -> None:
    file = tmp_path / "build" / "contract.json"
    for backend, outcome in (("embedded", "failed"), ("container", "passed"), ("embedded", "passed")):  # fmt: skip
        run = Results()
        run.add(_result("mail", outcome, backend=backend))
        save(run, file)
    shown = file.read_text("utf-8")
    assert (shown.count('"passed"'), shown.count('"failed"')) == (2, 0)
