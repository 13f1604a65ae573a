from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from mailsim import Lab

if TYPE_CHECKING:
    from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("lab_home")


@pytest.fixture
def lab(lab_home: object) -> Iterator[Lab]:  # noqa: ARG001 - it finds it in the environment
    with Lab(seed=1) as made:
        yield made


def test_faults_are_listed_and_switched(lab: Lab, run: Run) -> None:
    assert run("fault", "f8", "On").out == "Faults: F8\n"
    assert lab.faults == ("F8",)
    shown = run("fault").out.splitlines()
    assert shown[0].startswith("  F5           A message ended by bare LF")
    assert "* F8           Port 465 takes mail without AUTH" in shown
    assert shown[-1].startswith("On: *.")
    switched = run("fault", "Wrong-Name", "ON", "--json")
    assert json.loads(switched.out) == {"faults": ["F8", "wrong-name"]}
    assert run("fault", "F8", "OFF").out == "Faults: wrong-name\n"
    assert run("fault", "F99", "on").code == 2


def test_one_fault_is_shown(lab: Lab, run: Run) -> None:
    off = run("fault", "f8").out
    assert off == (
        "F8: Port 465 takes mail without AUTH\nIt is off; mailsim fault F8 on shows it.\n"
        "More: mailsim explain F8\n"
    )
    lab.fault("F8")
    assert "It is on; mailsim fault F8 off ends it." in run("fault", "F8").out
    french = run("fault", "F8", "--lang", "fr").out
    assert french.startswith("F8\u00a0: Le port 465 prend le courrier sans AUTH\nElle est active")
    assert "explain" not in run("fault", "expired").out  # which knows the thesis's own alone


def test_a_fault_that_changes_nothing_here_says_where_it_does(lab: Lab, run: Run) -> None:
    lab.reset("mail")
    switched = run("fault", "F8", "on")
    assert (switched.code, lab.faults) == (0, ("F8",))
    sentence = (
        "F8 changes nothing at stage mail; it does from stage tls on: mailsim reset --stage tls"
    )
    assert sentence in switched.out
    assert sentence in run("fault", "F8").out
    assert run("fault", "F8", "off").out == "Faults: -\n"
    lab.reset("tls")
    assert run("fault", "F8", "on").out == "Faults: F8\n"
    assert "F19 changes nothing at any stage" in run("fault", "F19", "on").out


def test_faults_as_json(lab: Lab, run: Run) -> None:
    lab.fault("F8")
    document = json.loads(run("fault", "--json").out)
    assert document["faults"] == ["F8"]
    (one,) = [one for one in document["known"] if one["name"] == "F8"]
    assert (one["on"], one["stage"], one["stages"][0]) == (True, "sieve", "tls")
    assert json.loads(run("fault", "F8", "--json").out) == one


def test_without_a_lab_they_are_listed_all_the_same(run: Run) -> None:
    listed = run("fault")
    assert listed.code == 0
    assert "  F8           Port 465 takes mail without AUTH" in listed.out
    assert "No lab is running: start one with mailsim up" in listed.out
    document = json.loads(run("fault", "--json").out)
    assert document["faults"] is None
    assert {one["on"] for one in document["known"]} == {None}
    shown = run("fault", "F8").out
    assert "No lab is running that could show it" in shown
    assert "It changes something from stage tls on." in shown
    assert run("fault", "F8", "on").code == 1


@pytest.mark.parametrize("arguments", [("F1",), ("f26", "on")])
def test_an_error_of_the_theory_is_explained(run: Run, arguments: tuple[str, ...]) -> None:
    told = run("fault", *arguments)
    assert (told.code, told.out) == (2, "")
    name = arguments[0].upper()
    assert f"{name} is an error that no switch shows: mailsim explain {name}" in told.err
    assert run("explain", name).code == 0
