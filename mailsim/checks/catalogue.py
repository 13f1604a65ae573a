"""Every lab and its exercises."""

from __future__ import annotations

from typing import Final

from mailsim.checks import lab00, lab01, lab02, lab03, lab04, lab05
from mailsim.checks.exercise import Exercise
from mailsim.errors import UsageError

LABS: Final = {
    "00": lab00.EXERCISES,
    "01": lab01.EXERCISES,
    "02": lab02.EXERCISES,
    "03": lab03.EXERCISES,
    "04": lab04.EXERCISES,
    "05": lab05.EXERCISES,
}


def exercises_of(lab: str) -> tuple[Exercise, ...]:
    """The exercises of the lab "01" (or "1").  Raises UsageError for a lab that is none."""
    number = lab.strip().partition("_")[0].zfill(2)
    if number not in LABS:
        raise UsageError("checks.no-such-lab", name=lab, known=", ".join(LABS))
    return LABS[number]


def exercise(name: str) -> Exercise:
    """The exercise "01.2".  Raises UsageError for one that is none."""
    lab, _, number = name.partition(".")
    there = exercises_of(lab)
    for one in there:
        if one.id.partition(".")[2] == number:
            return one
    raise UsageError("checks.no-such-exercise", name=name, known=", ".join(one.id for one in there))
