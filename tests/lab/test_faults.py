from __future__ import annotations

import pytest

from mailsim import Lab
from mailsim.errors import UsageError
from mailsim.lab.faults import by_number, short
from mailsim.servers.config import FAULTS


def test_faults_are_in_the_order_of_their_numbers() -> None:
    assert by_number({"F10", "F9", "expired", "F28"}) == ["F9", "F10", "F28", "expired"]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_fault_has_its_line(lang: str) -> None:
    assert all(short(name, lang) for name in FAULTS)


@pytest.mark.parametrize("name", ["F99", "", "F0"])
def test_a_fault_that_is_none(lab: Lab, name: str) -> None:
    with pytest.raises(UsageError, match=f"“{name}” is no fault that this lab can switch"):
        lab.fault(name)


def test_an_error_of_the_theory_is_explained_elsewhere(lab: Lab) -> None:
    with pytest.raises(UsageError, match="F1 is an error that no switch shows: mailsim explain F1"):
        lab.fault("f1")


def test_a_fault_s_name_in_any_case(lab: Lab) -> None:
    assert lab.fault("f8") == ("F8",)
    assert lab.fault("Wrong-Name") == ("F8", "wrong-name")
    assert lab.fault("WRONG-name", on=False) == ("F8",)
