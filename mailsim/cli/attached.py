"""What the commands about a running lab share: its name, and asking it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mailsim.errors import UsageError
from mailsim.language import word

if TYPE_CHECKING:
    from mailsim.lab.backend import Backend, Document
    from mailsim.lab.reach import Reach

NAME = typer.Option(None, "--name", metavar="NAME", help=word("cli.lab-name"))
STAGE = typer.Option(None, "--stage", metavar="STAGE", help=word("cli.stage"))
BACKEND = typer.Option("embedded", "--backend", metavar="BACKEND", help=word("cli.backend"))

_STATES = {
    "open": "cli.state-open",
    "closed": "cli.state-closed",
    "filtered": "cli.state-filtered",
}


def state_word(endpoint: Document, lang: str) -> str:
    """How the port stands, in words."""
    return word(_STATES[endpoint["state"]], lang)


def lab_named(where: str, name: str | None) -> Reach | None:
    """The lab to which `where` belongs; None where it is another server's address, or no lab runs.

    `name`: the lab's, as it was given.  Raises UsageError where it can mean nothing.
    """
    from mailsim.model.service import SERVICES  # noqa: PLC0415 - the tracers' commands alone

    if where in SERVICES:
        return running_lab(name)
    if name is not None:
        raise UsageError("cli.name-alone", to=where, known=", ".join(SERVICES))
    return None


def running_lab(name: str | None) -> Reach | None:
    """The way to the lab of that name, else to the one that MAILSIM_LAB names, or "default".

    None if none runs; raises LabError where it was named here and does not run.
    """
    from mailsim.lab.reach import Reach  # noqa: PLC0415 - the tracers' commands alone

    found = running(name)
    return None if found is None else Reach(found)


def running(name: str | None) -> Backend | None:
    """The lab itself, in the same way."""
    from mailsim.lab.attach import attach, lab_name  # noqa: PLC0415 - only who asks a lab
    from mailsim.lab.client import find  # noqa: PLC0415 - too

    return find(lab_name()) if name is None else attach(name)
