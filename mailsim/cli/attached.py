"""What the commands about a running lab share: its name, and asking it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mailsim.language import word

if TYPE_CHECKING:
    from mailsim.lab.reach import Reach

NAME = typer.Option(None, "--name", metavar="NAME", help=word("cli.lab-name"))
STAGE = typer.Option(None, "--stage", metavar="STAGE", help=word("cli.stage"))
BACKEND = typer.Option("embedded", "--backend", metavar="BACKEND", help=word("cli.backend"))


def lab_named(where: str) -> Reach | None:
    """The running lab, if `where` is a service's lab name and a lab runs."""
    from mailsim.model.service import SERVICES  # noqa: PLC0415 - the tracers' commands alone

    return running_lab() if where in SERVICES else None


def running_lab() -> Reach | None:
    """The way to the lab that MAILSIM_LAB names, or "default"; None if it does not run."""
    from mailsim.lab.attach import lab_name  # noqa: PLC0415 - the tracers' commands alone
    from mailsim.lab.client import find  # noqa: PLC0415 - too
    from mailsim.lab.reach import Reach  # noqa: PLC0415 - too

    found = find(lab_name())
    return None if found is None else Reach(found)
