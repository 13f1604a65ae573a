"""`mailsim lab`."""

from __future__ import annotations

from pathlib import Path

import typer

from mailsim.cli.notebooks import check_jupyterlab, open_notebooks, student_folder
from mailsim.cli.output import LANG, chosen_language, say
from mailsim.language import language, word


def lab(
    lang: str | None = LANG,
    no_browser: bool = typer.Option(False, "--no-browser", help=word("cli.no-browser")),
) -> int:
    """Open the notebooks in JupyterLab; what is running ends with it."""
    spoken = language(chosen_language(lang))
    check_jupyterlab()
    folder, made = student_folder(Path.cwd())
    if made:
        say(word("notebooks.laid-down", spoken, folder=folder))
    return open_notebooks(folder, spoken, browser=not no_browser)
