"""`mailsim lab`: JupyterLab on the notebooks, in the reader's language."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import typer

from mailsim.cli.init import PACKAGE
from mailsim.cli.output import LANG, chosen_language
from mailsim.errors import UsageError
from mailsim.language import language, word


def lab(
    lang: str | None = LANG,
    no_browser: bool = typer.Option(False, "--no-browser", help=word("cli.no-browser")),
) -> int:
    """Open the notebooks in JupyterLab; what is running ends with it."""
    spoken = language(chosen_language(lang))
    if importlib.util.find_spec("jupyterlab") is None:
        raise UsageError("cli.no-jupyter")
    folder = notebooks(Path.cwd(), spoken)
    return subprocess.call(_command(folder, no_browser=no_browser))  # noqa: S603 - our own program


def notebooks(start: Path, lang: str) -> Path:
    """The folder of notebooks: under `start`, else in the checkout.  Raises UsageError."""
    for root in (start, PACKAGE.parent):
        folder = root / "labs" / lang
        if any(folder.glob("*.ipynb")):
            return folder
    raise UsageError("cli.no-labs", folder=start / "labs" / lang)


def _command(folder: Path, *, no_browser: bool) -> list[str]:
    """Loopback alone, and nothing that asks the internet."""
    first = sorted(folder.glob("*.ipynb"))[0].name
    quiet = ["--LabApp.news_url=None", "--LabApp.extension_manager=readonly"]
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{first}",
        *quiet,
        *(["--no-browser"] if no_browser else []),
    ]
