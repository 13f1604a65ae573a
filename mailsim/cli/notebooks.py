"""The library behind `mailsim lab`: the notebooks, opened in JupyterLab."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from mailsim.cli.init import CONFIG, lay_down, sources
from mailsim.errors import LabError
from mailsim.lab.rundir import DEFAULT

FOLDER: Final = "mailsim-lab"
PATIENCE: Final = 3.0  # seconds that JupyterLab has to stop


class Told(BaseException):
    """A signal says: end."""


LOCALES: Final = {"en": "en", "fr": "fr_FR"}


def student_folder(start: Path) -> tuple[Path, bool]:
    """The folder where a student's notebooks stand, and whether it was made just now.

    The nearest one above `start` that `mailsim init` laid down, else `mailsim-lab`
    in `start`, laid down where it is missing.  Never the checkout's own labs/:
    JupyterLab saves as it goes, and what a student wrote must outlive an update.
    Raises UsageError where it cannot be laid down.
    """
    own = start / FOLDER
    for folder in (own, start, *start.parents):
        if (folder / CONFIG).is_file() and (folder / "labs").is_dir():
            return folder, False
    lay_down(own)
    return own, True


def add_new(folder: Path) -> tuple[str, ...]:
    """Lay into `mailsim-lab` the notebooks that it has not, those of a newer release; their names.

    Nothing is overwritten.  A class's folder is left as its teacher made it.
    """
    if folder.name != FOLDER:
        return ()
    added = []
    for source, name in sources():
        for file in sorted(source.glob("*.*")) if name.startswith("labs/") else ():
            mine = folder / name / file.name
            if file.is_file() and mine.parent.is_dir() and not os.path.lexists(mine):
                shutil.copyfile(file, mine)
                added.append(f"{name}/{file.name}")
    return tuple(added)


def check_jupyterlab() -> None:
    """Raises LabError when JupyterLab is not installed."""
    if find_spec("jupyterlab") is None:
        raise LabError("notebooks.no-jupyterlab")


def first_notebook(folder: Path, lang: str) -> Path:
    """The index in `lang`.  Raises LabError when the folder holds no notebooks in it."""
    first = min((folder / "labs" / lang).glob("*.ipynb"), default=None)
    if first is None:
        raise LabError("notebooks.none", folder=folder, lang=lang)
    return first


def open_notebooks(folder: Path, lang: str, *, browser: bool = True, lab: str = DEFAULT) -> int:
    """Run JupyterLab on `folder`, the first notebook in `lang` open, until it is stopped.

    Listens on loopback, on a port that the system chooses; its kernels' `Lab()` is the one
    called `lab`.  Returns JupyterLab's exit code.  Raises LabError as `first_notebook` does.
    """
    first = first_notebook(folder, lang)
    with tempfile.TemporaryDirectory(prefix="mailsim-") as settings:
        overrides = Path(settings) / "overrides.json"
        overrides.write_text(json.dumps(_overrides(lang)), encoding="utf-8")
        return _run(_command(folder, first, settings, browser=browser), _environment(lab))


def _environment(lab: str) -> dict[str, str]:
    """What the kernels are to find."""
    # mailsim.toml beside each notebook gives its language; the variable would go before it.
    environment = {key: value for key, value in os.environ.items() if key != "MAILSIM_LANG"}
    if lab != DEFAULT:
        environment["MAILSIM_LAB"] = lab
    # A student's slips are told in a sentence from the first cell on.
    environment["PYTHONSTARTUP"] = str(files("mailsim.lab").joinpath("startup.py"))
    return environment


def _run(command: list[str], environment: dict[str, str]) -> int:
    with subprocess.Popen(command, env=environment) as jupyter:  # noqa: S603 - our own Python
        try:
            return jupyter.wait()
        except KeyboardInterrupt:
            return _stopped(jupyter)
        except Told:  # only this process was: the terminal's Ctrl-C goes to both
            jupyter.terminate()
            return _stopped(jupyter)


def _stopped(jupyter: subprocess.Popen[bytes]) -> int:
    """Wait for JupyterLab, to which the terminal sent the Ctrl-C as well.

    It stops its kernels first, then may hang for ever on a worker thread of its own.
    """
    try:
        jupyter.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        jupyter.kill()
    return 0


def _command(folder: Path, first: Path, settings: str, *, browser: bool) -> list[str]:
    options = {
        "ServerApp.root_dir": str(folder.resolve()),
        "ServerApp.port": "0",
        "ServerApp.open_browser": str(browser),
        # One Ctrl-C stops it, without a question that scrolls away.
        "ServerApp.answer_yes": "True",
        "LabApp.default_url": f"/lab/tree/{first.relative_to(folder).as_posix()}",
        "LabApp.app_settings_dir": settings,
        # Nothing is fetched: a class works without the internet.
        "LabApp.news_url": "None",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
        # Without it JupyterLab refuses root, which a container is run by.
        "ServerApp.allow_root": str(sys.platform != "win32" and os.geteuid() == 0),
    }
    return [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in options.items())]


def _overrides(lang: str) -> dict[str, dict[str, object]]:
    return {
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        },
        "@jupyterlab/translation-extension:plugin": {"locale": LOCALES[lang]},
    }
