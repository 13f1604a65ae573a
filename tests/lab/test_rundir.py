from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from mailsim.errors import LabError, UsageError
from mailsim.lab.rundir import RunDir, home, run_home


def test_one_lab_holds_a_name_at_a_time() -> None:
    first, second = RunDir("one"), RunDir("one")
    assert first.take()
    assert not second.take()
    first.give_back()
    assert second.take()
    second.give_back()


def test_names_do_not_meet() -> None:
    first, second = RunDir("one"), RunDir("two")
    assert first.take()
    assert second.take()
    first.give_back()
    assert second.folder.exists()
    second.give_back()


def test_nothing_is_left() -> None:
    one = RunDir("one")
    one.take()
    one.write({"control": 1})
    one.evidence.write_text("x")
    one.give_back()
    one.give_back()
    assert not one.folder.exists()


def test_what_a_dead_lab_left_is_gone_once_the_name_is_taken() -> None:
    dead = RunDir("one")
    dead.folder.mkdir(parents=True)
    dead.write({"control": 1})
    dead.evidence.write_text("old")
    fresh = RunDir("one")
    assert fresh.take()
    assert fresh.read() is None
    assert not fresh.evidence.exists()
    fresh.give_back()


def test_what_lives_is_not_cleaned() -> None:
    alive, other = RunDir("one"), RunDir("one")
    alive.take()
    alive.write({"control": 1})
    other.clean()
    assert other.read() == {"mailsim-lab": 1, "control": 1}
    alive.give_back()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_it_is_the_owner_s_alone() -> None:
    one = RunDir("one")
    one.folder.mkdir(parents=True, mode=0o755)
    one.take()
    one.write({"token": "secret"})
    assert stat.S_IMODE(one.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in one.folder.glob("lab.*")} == {0o600}
    one.give_back()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\xff"])
def test_what_is_no_document_is_no_lab(text: str) -> None:
    one = RunDir("one")
    one.folder.mkdir(parents=True)
    (one.folder / "lab.json").write_text(text, encoding="latin-1")
    assert one.read() is None


def test_another_version_s_lab_is_left_alone() -> None:
    one = RunDir("one")
    one.folder.mkdir(parents=True)
    (one.folder / "lab.json").write_text('{"mailsim-lab": 99}')
    with pytest.raises(LabError, match="“one” was started by another version"):
        one.read()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "a b", "é", "-x", "x" * 65, "nul", "COM1.x"]
)
def test_a_name_that_is_no_folder_s(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a lab"):
        RunDir(name)


@pytest.mark.parametrize("name", ["default", "tp-04", "a.b_c", "x" * 64, "null"])
def test_a_name(name: str) -> None:
    assert RunDir(name).folder.name == name


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MAILSIM_HOME", str(tmp_path / "file"))
    with pytest.raises(LabError, match=r"cannot be written.*MAILSIM_HOME"):
        RunDir("one").take()


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG folders are Linux's")
def test_the_system_s_own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_home() == home() / "run"
    monkeypatch.delenv("MAILSIM_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert home() == tmp_path / "state" / "mailsim"
    assert run_home() == tmp_path / "mailsim"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "not-there"))
    assert run_home() == tmp_path / "state" / "mailsim" / "run"
