from __future__ import annotations

import pytest

from mailsim.lab.effects import stages
from mailsim.model.stage import Release, Stage
from mailsim.servers.config import FAULTS


@pytest.mark.parametrize("release", Release)
@pytest.mark.parametrize(
    ("fault", "first"),
    [
        ("F8", Stage.TLS),
        ("F28", Stage.TLS),
        ("expired", Stage.TLS),
        ("F24", Stage.RELAY),
        ("F18", Stage.SPAMASSASSIN),
        ("F20", Stage.AMAVIS),
        ("F22", Stage.MAIL),
        ("F29", Stage.MAIL),
        ("F9", Stage.FIREWALL),
        ("F23", Stage.DNS),
    ],
)
def test_a_fault_acts_from_its_stage_on(fault: str, first: Stage, release: Release) -> None:
    assert stages(fault, release) == tuple(one for one in Stage if one >= first)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_acts_from_some_stage_on_but_that_which_teaches_that_it_does_not(fault: str) -> None:
    found = stages(fault, Release.NOBLE)
    assert found == tuple(one for one in Stage if found and one >= found[0])
    assert bool(found) is (fault != "F19")
