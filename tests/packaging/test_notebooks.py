from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest

from mailsim.cli.init import lay_down
from mailsim.cli.notebooks import add_new, check_jupyterlab, open_notebooks, student_folder
from mailsim.errors import LabError, UsageError


def test_a_folder_is_laid_down_once_and_found_again(tmp_path: Path) -> None:
    assert student_folder(tmp_path) == (tmp_path / "mailsim-lab", True)
    assert student_folder(tmp_path) == (tmp_path / "mailsim-lab", False)


def test_a_newer_releases_notebooks_are_added_and_the_students_stay(tmp_path: Path) -> None:
    folder, _ = student_folder(tmp_path)
    first, second, *_ = sorted((folder / "labs" / "fr").glob("*.ipynb"))
    first.write_text("mine")
    second.unlink()
    assert add_new(folder) == (f"labs/fr/{second.name}",)
    assert second.stat().st_size > 1000
    assert first.read_text() == "mine"
    assert add_new(folder) == ()


def test_nothing_is_added_to_a_class_folder(tmp_path: Path) -> None:
    lay_down(tmp_path / "class")
    next((tmp_path / "class" / "labs" / "fr").glob("*.ipynb")).unlink()
    assert add_new(tmp_path / "class") == ()


def test_a_class_folder_is_found_from_below(tmp_path: Path) -> None:
    lay_down(tmp_path / "class")
    assert student_folder(tmp_path / "class" / "labs" / "fr") == (tmp_path / "class", False)


def test_a_checkout_is_not_worked_in(tmp_path: Path) -> None:
    (tmp_path / "labs").mkdir()
    assert student_folder(tmp_path) == (tmp_path / "mailsim-lab", True)


def test_a_folder_that_is_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mailsim-lab").write_text("mine")
    with pytest.raises(UsageError):
        student_folder(tmp_path)


def test_missing_notebooks_are_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="labs/fr"):
        open_notebooks(tmp_path, "fr", browser=False)


def test_missing_jupyterlab_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailsim.cli.notebooks.find_spec", lambda _name: None)
    with pytest.raises(LabError) as caught:
        check_jupyterlab()
    assert caught.value.message_id == "notebooks.no-jupyterlab"


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a group of processes there")
def test_jupyterlab_serves_the_notebook_in_french_and_stops(tmp_path: Path) -> None:
    folder, _ = student_folder(tmp_path)
    script = (
        "import pathlib, signal, sys; from mailsim.cli.notebooks import open_notebooks\n"
        # A shell's background jobs ignore SIGINT, and these tests may run in one.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.exit(open_notebooks(pathlib.Path(sys.argv[1]), 'fr', browser=False))"
    )
    home = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    home["JUPYTER_RUNTIME_DIR"] = str(tmp_path / "runtime")
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        env={**os.environ, **home, "HOME": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that the signal reaches all of it, as Ctrl-C does
    ) as lab:
        try:
            assert lab.stderr is not None
            _expect_french(next(filter(None, map(_address, lab.stderr))), lab)
        finally:
            if sys.platform != "win32":  # mypy, for Windows, reads no decorators
                os.killpg(lab.pid, signal.SIGINT)
            _, rest = lab.communicate()
    assert lab.returncode == 0, rest


def _address(line: str) -> re.Match[str] | None:
    return re.search(r"(http://(?:127\.0\.0\.1|localhost):\d+)(/lab/tree/\S+)\?token=(\w+)", line)


def _expect_french(address: re.Match[str], lab: subprocess.Popen[str]) -> None:
    base, path, token = address.groups()
    assert path == "/lab/tree/labs/fr/00_start_here.ipynb"
    setting = "@jupyterlab/translation-extension:plugin"
    locale = _get(f"{base}/lab/api/settings/{setting}?token={token}", lab)
    assert locale["schema"]["properties"]["locale"]["default"] == "fr_FR"
    notebook = _get(f"{base}/api/contents{path.removeprefix('/lab/tree')}?token={token}", lab)
    assert notebook["type"] == "notebook"


def _get(url: str, lab: subprocess.Popen[str]) -> Any:
    # No proxy: this stays on the loopback whatever the environment says.
    opener = build_opener(ProxyHandler({}))
    while lab.poll() is None:
        try:
            with opener.open(url) as answer:
                return json.load(answer)
        except URLError as error:
            # JupyterLab prints its address a moment before it listens.
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
    pytest.fail("JupyterLab ended before it answered")
