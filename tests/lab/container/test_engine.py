"""Which engine is taken, and what is said where none answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailsim import Lab
from mailsim.errors import LabError, UsageError
from mailsim.lab.container.engine import Engine, find_engine, run


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose programs are the only ones."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _program(folder: Path, name: str, code: int) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    file.chmod(0o755)


def test_none_is_installed(programs: Path) -> None:
    del programs
    with pytest.raises(LabError, match="needs podman or docker") as caught:
        find_engine()
    assert "apt install podman" in str(caught.value)


def test_a_client_alone_is_no_engine(programs: Path) -> None:
    _program(programs, "docker", 1)
    with pytest.raises(LabError, match="docker is installed, but no engine answers"):
        find_engine()


def test_the_one_that_answers_is_taken(programs: Path) -> None:
    _program(programs, "podman", 1)
    _program(programs, "docker", 0)
    assert find_engine() == Engine("docker")
    _program(programs, "podman", 0)
    assert find_engine() == Engine("podman")


def test_a_failure_tells_the_last_word() -> None:
    with pytest.raises(LabError, match=r"sh -c .*failed: no such image"):
        run(["sh", "-c", "echo 'level=warning' >&2; echo 'no such image' >&2; exit 125"])


def test_a_lab_without_an_engine_says_so_and_leaves_nothing(programs: Path, lab_home: Path) -> None:
    del programs
    with pytest.raises(LabError, match="needs podman or docker"):
        Lab(backend="container")
    assert not (lab_home / "run").exists()


def test_what_only_the_embedded_lab_has_is_refused() -> None:
    with pytest.raises(UsageError, match="embedded lab's"):
        Lab(backend="container", release="full")
    with pytest.raises(UsageError, match="leave folder out"):
        Lab(backend="container", folder="here")
