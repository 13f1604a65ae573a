from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from mailsim.cli import init
from mailsim.cli.init import lay_down
from mailsim.errors import UsageError

LAID = ["Vagrantfile", "labs", "mailsim.toml", "provision"]


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_everything_is_laid_down_in_a_new_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    monkeypatch.setenv("MAILSIM_LANG", lang)
    target = tmp_path / "classes" / "2026"

    assert lay_down(target) == tuple(target / name for name in LAID)

    assert sorted(path.name for path in target.iterdir()) == LAID
    assert {"labs/en/00_start_here.ipynb", "labs/fr/00_start_here.ipynb"} <= tree(target)
    assert (target / "provision" / "README.md").is_file()
    assert tomllib.loads((target / "mailsim.toml").read_text("utf-8")) == {"language": lang}


def test_the_roles_find_the_network_in_the_folder_itself(tmp_path: Path) -> None:
    lay_down(tmp_path)
    laid = tmp_path / "provision" / "network.json"
    assert laid.read_bytes() == (init.PACKAGE / "lab" / "network.json").read_bytes()
    # Nothing of the package's own folders is beside it.
    assert not (tmp_path / "mailsim").exists()
    playbook = tmp_path / "play.yml"
    playbook.write_text(
        "- {hosts: all, gather_facts: false, connection: local, tasks: ["
        "{name: Say it, ansible.builtin.debug: {msg: '{{ mailsim_network.domain }}'}}]}\n",
        encoding="utf-8",
    )
    _ansible(tmp_path, playbook)


def _ansible(folder: Path, playbook: Path) -> None:
    """The laid down variables are found by a playbook that stands where site.yml does."""
    program = shutil.which("ansible-playbook")
    if program is None:
        pytest.skip("ansible-playbook is not installed")
    beside = playbook.replace(folder / "provision" / playbook.name)
    done = subprocess.run(
        [program, "-i", "localhost,", str(beside)],
        cwd=folder / "provision",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"msg": "minfo.sn"' in done.stdout or "msg: minfo.sn" in done.stdout


def test_students_get_no_solutions(tmp_path: Path) -> None:
    lay_down(tmp_path / "class")
    assert not any(path.startswith("labs/src") for path in tree(tmp_path / "class"))


def test_what_else_stands_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    lay_down(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_clash_is_refused_and_changes_nothing(tmp_path: Path, lang: str) -> None:
    (tmp_path / "labs").mkdir()
    (tmp_path / "labs" / "mine.ipynb").write_text("{}")
    (tmp_path / "Vagrantfile").write_text("# mine")
    before = tree(tmp_path)

    with pytest.raises(UsageError) as caught:
        lay_down(tmp_path)

    sentence = caught.value.worded(lang)
    assert "Vagrantfile, labs" in sentence
    assert "\n" not in sentence
    assert tree(tmp_path) == before
    assert (tmp_path / "Vagrantfile").read_text() == "# mine"


def test_a_dangling_link_is_a_clash_too(tmp_path: Path) -> None:
    (tmp_path / "provision").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="provision"):
        lay_down(tmp_path)
    assert tree(tmp_path) == {"provision"}


def test_a_file_is_no_target(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("mine")
    with pytest.raises(UsageError) as caught:
        lay_down(target)
    assert caught.value.message_id == "init.not-a-folder"
    assert target.read_text() == "mine"


def test_a_folder_below_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError) as caught:
        lay_down(tmp_path / "file" / "class")
    assert caught.value.message_id == "init.not-written"
    assert tree(tmp_path) == {"file"}


def test_nothing_stays_when_writing_fails_half_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Path.rename

    def full(path: Path, to: Path) -> Path:
        if path.name == "mailsim.toml" and to.parent == tmp_path / "a" / "b":
            raise OSError(28, "No space left on device")
        return move(path, to)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(UsageError, match="No space left on device"):
        lay_down(tmp_path / "a" / "b")
    assert tree(tmp_path) == set()


def test_a_folder_that_was_there_stays_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    monkeypatch.setattr(init, "PACKAGE", tmp_path / "nowhere" / "mailsim")
    with pytest.raises(UsageError):
        lay_down(tmp_path)
    assert tree(tmp_path) == {"notes.txt"}
