"""The real system is asked everything again, and the simulator answers the same.

The answers are kept where MAILSIM_FIDELITY_KEEP is 1; the figures go, as JSON, into the folder that
MAILSIM_FIDELITY names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mailsim import Lab
from mailsim.lab.container.engine import engine_there, is_root
from mailsim.model.stage import Stage
from tests.fidelity import kept
from tests.fidelity.cells import Observation, figures
from tests.fidelity.conversation import Conversation, record
from tests.fidelity.haste import hurry_real, hurry_simulated
from tests.fidelity.replayed import observations
from tests.fidelity.rounds import SEED, STAGES, asked, put_mail

pytestmark = [pytest.mark.container, pytest.mark.timeout(0)]

RELEASES = os.environ.get("MAILSIM_TEST_RELEASES", "bookworm trixie").split()
# A release's tests go to one worker: it has its lab there, and builds for nobody else.
CELLS = [pytest.param(one, marks=pytest.mark.xdist_group(one)) for one in RELEASES]


@pytest.fixture(params=CELLS)
def real(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lab]:
    """The release in a container; the home is kept between runs where MAILSIM_TEST_HOME names one."""
    if engine_there() is None or not is_root():
        pytest.skip("no engine answers here, or this is not root on Linux")
    monkeypatch.setenv("MAILSIM_HOME", os.environ.get("MAILSIM_TEST_HOME") or str(tmp_path))
    monkeypatch.setenv("MAILSIM_LANG", "en")
    release = str(request.param)
    with Lab("container", release, STAGES[0], seed=SEED, name=f"fidelity-{release}") as lab:
        yield lab


def ask(lab: Lab, stage: Stage) -> list[Conversation]:
    """Everything, the protocols side by side."""
    lab.reset(stage)
    hurry_real(lab)
    put_mail(lab)
    with ThreadPoolExecutor() as pool:
        parts = pool.map(lambda one: list(record(lab, one)), asked(stage).values())
        return [one for part in parts for one in part]


def test_the_simulator_answers_as_the_real_system(
    real: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry_simulated(monkeypatch)
    release = real.release.value
    found: list[Observation] = []
    for stage in STAGES:
        conversations = ask(real, stage)
        if os.environ.get("MAILSIM_FIDELITY_KEEP") == "1":
            kept.write(release, stage.value, conversations)
        found += observations(release, stage, conversations)
    counted = figures(found)
    if folder := os.environ.get("MAILSIM_FIDELITY"):
        text = json.dumps({"release": release, **counted.to_json()}, indent=2)
        (Path(folder) / f"fidelity-{release}.json").write_text(text + "\n", encoding="utf-8")
    assert counted.refusal_share == 100, counted
    assert counted.share >= 98, counted
