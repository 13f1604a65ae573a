from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailsim.errors import LabError, UsageError
from mailsim.lab.attach import attach
from mailsim.lab.client import find
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


def linked(tmp_path: Path) -> Path:
    """Somebody's folder, to which a link leads from where a lab's would be."""
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o755)
    (precious / "mail.log").write_text("mine")
    run_home().mkdir(parents=True)
    RunDir("one").folder.symlink_to(precious)
    return precious


@pytest.mark.skipif(sys.platform == "win32", reason="Windows: links are for administrators")
@pytest.mark.parametrize("work", [find, RunDir.read, RunDir.take])
def test_a_link_is_refused_and_not_followed(tmp_path: Path, work: Callable[..., object]) -> None:
    precious = linked(tmp_path)
    with pytest.raises(LabError, match="is a link, where a lab keeps a folder"):
        work("one" if work is find else RunDir("one"))
    assert (precious / "mail.log").read_text() == "mine"
    assert stat.S_IMODE(precious.stat().st_mode) == 0o755


@pytest.mark.skipif(sys.platform == "win32", reason="Windows: links are for administrators")
def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    one = RunDir("one")
    one.folder.mkdir(parents=True)
    (one.folder / "lock").symlink_to(tmp_path / "made")
    with pytest.raises(LabError, match="cannot be written"):
        one.take()
    assert not (tmp_path / "made").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such owners")
def test_another_user_s_folder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    one = RunDir("one")
    one.folder.mkdir(parents=True)
    monkeypatch.setattr("os.getuid", lambda: one.folder.stat().st_uid + 1)
    with pytest.raises(LabError, match="belongs to another user"):
        one.clean()
    assert list(one.folder.iterdir()) == []


def test_only_a_lab_s_own_files_are_removed() -> None:
    one = RunDir("one")
    one.folder.mkdir(parents=True)
    one.write({"control": 1})
    (one.folder / "thesis.tex").write_text("x")
    assert one.clean()
    assert [path.name for path in one.folder.iterdir()] == ["thesis.tex"]


def test_a_folder_in_a_file_s_place_is_an_error() -> None:
    one = RunDir("one")
    (one.folder / "mail.log").mkdir(parents=True)
    with pytest.raises(LabError, match="cannot be written"):
        one.take()


BROKEN = ["null", "[]", '{"control": ', *(
    f'{{"mailsim-lab": 1, "token": "x", "control": {port}}}'
    for port in ('"x"', "null", "[]", "1e400", "true", "-1", "70000", "1.5")
), '{"mailsim-lab": 1, "token": null, "control": 25}']  # fmt: skip


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_document_of_a_dead_lab_is_removed(text: str) -> None:
    one = RunDir("one")
    one.folder.mkdir(parents=True)
    (one.folder / "lab.json").write_text(text)
    with pytest.raises(LabError, match="No lab named “one” is running"):
        attach("one")
    assert not one.folder.exists()


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_document_of_a_lab_that_lives_is_an_error(text: str) -> None:
    alive = RunDir("one")
    alive.take()
    (alive.folder / "lab.json").write_text(text)
    with pytest.raises(LabError, match=r"its lab\.json is broken.*End its process"):
        find("one")
    alive.give_back()


def test_a_lab_that_is_just_starting_is_not_there_yet() -> None:
    starting = RunDir("one")
    starting.take()
    assert find("one") is None
    starting.give_back()
