"""The same notebooks on the real system: outputs are not compared, every self-check must pass.

MAILSIM_LAB names a container lab that runs, `mailsim up --backend container --name NAME`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailsim.lab.attach import attach
from mailsim.lab.rundir import home
from tests.labs.running import LABS, code_cells, has_error, run, shown

pytestmark = [pytest.mark.container, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def name() -> str:
    named = os.environ.get("MAILSIM_LAB")
    if not named:
        pytest.skip("MAILSIM_LAB names no lab: mailsim up --backend container --name NAME")
    assert attach(named).ask("describe")["backend"] != "embedded"
    return named


@pytest.mark.parametrize("notebook", LABS)
def test_every_self_check_passes_on_the_real_system(notebook: str, name: str) -> None:
    cells = code_cells(notebook)
    done = run(cells, "en", Path(home()), MAILSIM_LAB=name)
    tagged = {c.id for c in cells if "raises-exception" in c.metadata.get("tags", [])}
    assert {c.id: shown(c) for c in done if has_error(c) and c.id not in tagged} == {}
    checks = {c.id: shown(c) for c in done if c.id.endswith("-check")}
    assert len(checks) >= 3
    assert {one: text for one, text in checks.items() if not text.startswith("✔")} == {}
