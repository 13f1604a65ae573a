"""`mailsim init DIR`."""

from __future__ import annotations

from pathlib import Path

import typer

from mailsim.cli.init import lay_down
from mailsim.cli.output import say
from mailsim.language import word


def init(
    folder: Path = typer.Argument(..., metavar="DIR", help=word("cli.init-folder")),
) -> None:
    """Lay down the labs, the Vagrantfile and provision/ in a folder."""
    for path in lay_down(folder):
        say(str(path))
