from __future__ import annotations

import pytest

from mailsim.checks import LABS, exercise
from mailsim.checks.values import Draw, Values
from mailsim.errors import UsageError

EVERY = [one for exercises in LABS.values() for one in exercises]


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.id)
def test_the_same_seed_draws_the_same_and_another_others(one: object) -> None:
    found = exercise(getattr(one, "id", ""))
    drawn = [dict(found.values(str(seed))) for seed in range(20)]
    assert drawn == [dict(found.values(str(seed))) for seed in range(20)]
    if drawn[0]:
        assert len({tuple(sorted(ones.items())) for ones in drawn}) > 1


def test_what_is_to_be_found_is_not_shown() -> None:
    found = exercise("00.3")
    assert "word" in found.values("1")
    assert "word" not in found.shown("1")
    assert found.values("1")["word"] not in repr(found.shown("1"))


def test_some_are_different_ones() -> None:
    for seed in map(str, range(50)):
        assert len(set(Draw(seed, "x").some("y", ("a", "b", "c"), 3))) == 3


def test_values_show_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILSIM_LANG", "en")
    assert repr(Values({"to": "a@b.sn", "subject": "Kora 1"})) == "to       a@b.sn\nsubject  Kora 1"
    assert repr(Values({})) == "The same for everybody."


@pytest.mark.parametrize("name", ["99.1", "00.9", "00", "", "zz"])
def test_what_is_no_exercise_is_said(name: str) -> None:
    with pytest.raises(UsageError):
        exercise(name)
