"""`mailsim init DIR`."""

from __future__ import annotations

from pathlib import Path

import typer

from mailsim.cli.init import lay_down
from mailsim.cli.output import say
from mailsim.errors import UsageError
from mailsim.language import word


def init(
    folder: str = typer.Argument(..., metavar="DIR", help=word("cli.init-folder")),
) -> None:
    """Lay down the labs, the Vagrantfile and provision/ in a folder."""
    if not folder.strip():
        raise UsageError("cli.no-folder")
    for path in lay_down(Path(folder)):
        say(str(path))
