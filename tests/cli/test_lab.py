"""`mailsim lab`: which lab it uses, what it says, and that all of it ends together.

JupyterLab itself is opened by tests/packaging and, in a browser, by tests/ui.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailsim.cli import lab as command
from mailsim.cli.notebooks import _environment
from mailsim.errors import LabError
from mailsim.lab.attach import attach
from tests.cli.conftest import Run

Opened = dict[str, Any]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lab_home: Path) -> Opened:
    """What JupyterLab was opened with, and the lab as it was at that moment."""
    assert lab_home.parent == tmp_path
    seen: Opened = {}

    def open_notebooks(folder: Path, lang: str, *, browser: bool, lab: str) -> int:
        seen.update(folder=folder, lang=lang, browser=browser, about=attach(lab).ask("describe"))
        return 0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "open_notebooks", open_notebooks)
    return seen


def test_the_lab_is_up_while_jupyterlab_is_and_down_afterwards(run: Run, opened: Opened) -> None:
    result = run("lab", "--lang", "fr", "--stage", "tls", "--no-browser")
    assert result.code == 0, result.err
    assert opened["lang"] == "fr"
    assert opened["about"]["stage"] == "tls"
    assert not opened["browser"]
    assert "étape tls" in result.out
    with pytest.raises(LabError):
        attach("default")


def test_a_lab_that_runs_is_used_and_goes_on(
    run: Run, opened: Opened, up: Callable[..., Any]
) -> None:
    running = up("--stage", "relay")
    result = run("lab", "--lang", "en")
    assert result.code == 0, result.err
    assert "runs already" in result.out
    assert opened["about"]["pid"] == running.document["pid"]
    assert attach("default").ask("describe")["stage"] == "relay"
    other = run("lab", "--stage", "tls")
    assert other.code == 1
    assert "relay" in other.err


def test_a_lab_of_another_name_is_what_the_kernels_find(run: Run, opened: Opened) -> None:
    assert run("lab", "--name", "deux").code == 0
    assert opened["about"]["name"] == "deux"
    assert _environment("deux")["MAILSIM_LAB"] == "deux"
    assert "MAILSIM_LANG" not in _environment("default")
    assert Path(_environment("default")["PYTHONSTARTUP"]).is_file()


@pytest.mark.parametrize("wrong", [("--stage", "x"), ("--backend", "x"), ("--lang", "x")])
def test_wrong_use_starts_nothing(run: Run, opened: Opened, wrong: tuple[str, str]) -> None:
    assert run("lab", *wrong).code == 2
    assert opened == {}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM to catch there")
def test_who_is_told_to_end_takes_jupyterlab_along(tmp_path: Path) -> None:
    script = (
        "import sys; from mailsim.cli.lab import _told; from mailsim.cli.notebooks import _run\n"
        "child = [sys.executable, '-c', 'import sys, time; print(1, flush=True); time.sleep(60)']\n"
        "import os\n"
        "with _told(): sys.exit(_run(child, dict(os.environ)))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=tmp_path, env={**os.environ}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == b""  # the child has let go of it too
        assert process.wait(30) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM to catch there")
def test_who_is_told_to_end_before_jupyterlab_is_there_ends_the_lab(
    run: Run, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_notebooks(*_: object, **__: object) -> int:
        assert attach("default").ask("describe")["stage"] == "sieve"
        signal.raise_signal(signal.SIGTERM)
        return 1

    monkeypatch.setattr(command, "open_notebooks", open_notebooks)
    assert run("lab").code == 0
    assert opened == {}
    with pytest.raises(LabError):
        attach("default")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
