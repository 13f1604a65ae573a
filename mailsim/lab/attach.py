"""Which lab a Lab is: the one that is asked for, one that runs already, or a new one here."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, cast
from weakref import WeakSet

from mailsim.errors import LabError, UsageError
from mailsim.lab.backend import Backend, Document, Hosted
from mailsim.lab.client import find
from mailsim.lab.rundir import DEFAULT, RunDir
from mailsim.model.stage import Release, Stage

BACKENDS: Final = ("embedded", "container", "vagrant")
_PATIENCE: Final = 10.0  # seconds that another process has to start its lab
_STEP: Final = 0.05


def check_backend(backend: str) -> None:
    """Raises LabError for a backend that this release has not, UsageError for none at all."""
    if backend not in BACKENDS:
        raise UsageError("lab.unknown-backend", name=backend, known=", ".join(BACKENDS))
    if backend == "vagrant":
        raise LabError("lab.no-backend", name=backend)


def lab_name(name: str | None = None) -> str:
    """The name asked for, else MAILSIM_LAB, else "default"."""
    return name or os.environ.get("MAILSIM_LAB") or DEFAULT


def attach(name: str | None = None) -> Backend:
    """The lab that runs.  Raises LabError where none of that name does."""
    wanted = lab_name(name)
    found = _existing(wanted)
    if found is None:
        raise LabError("lab.not-running", name=wanted)
    return found


def end(name: str) -> None:
    """End the lab of that name, and wait until nothing is left of it.  Raises LabError."""
    if (here := running_in_process(name)) is not None:
        here.stop()
        return
    found = find(name)
    if found is None:
        if _container_left(name):
            return
        raise LabError("lab.not-running", name=name)
    found.stop()
    rundir = RunDir(name)
    deadline = time.monotonic() + _PATIENCE
    while rundir.folder.exists() and not rundir.take() and time.monotonic() < deadline:
        time.sleep(_STEP)
    rundir.give_back()


def _container_left(name: str) -> bool:
    """Whether a killed lab had left its container, which is gone now."""
    if os.name != "posix":
        return False
    from mailsim.lab.container.running import remove_leftovers  # noqa: PLC0415 - here alone

    return remove_leftovers(name)


def attach_or_start(
    name: str | None,
    *,
    backend: str,
    stage: Stage | None,
    release: Release | None,
    seed: str | None,
    folder: Path | None,
) -> Backend:
    """The lab that runs, if it is as wanted; else a new one in this process.

    Raises LabError where it is another, and where MAILSIM_LAB names one that does not run.
    `backend` is that of a new one; but one that is no embedded lab must be as it was asked for.
    """
    wanted = lab_name(name)
    wanted_backend = backend if backend != "embedded" else None
    asked = {
        "backend": wanted_backend,
        "stage": stage,
        "release": release,
        "seed": seed,
        "folder": folder,
    }
    deadline = time.monotonic() + _PATIENCE
    while True:
        if (found := _existing(wanted)) is not None:
            _check_same(found.ask("describe"), asked)
            return found
        if name is None and os.environ.get("MAILSIM_LAB"):
            raise LabError("lab.not-running", name=wanted)
        try:
            return start(
                wanted, backend, stage=stage, release=release, seed=seed, folder=folder, ends=True
            ).site
        except LabError as error:
            # Another process has just taken the name: its lab will answer soon.
            if error.message_id != "lab.runs-already" or time.monotonic() > deadline:
                raise
        time.sleep(_STEP)


def attach_as_asked(name: str, *, backend: str, stage: Stage | None) -> Backend | None:
    """The lab that runs, None where none of that name does.  Raises LabError where it is another."""
    found = _existing(name)
    if found is not None:
        wanted = backend if backend != "embedded" else None
        _check_same(found.ask("describe"), {"backend": wanted, "stage": stage})
    return found


def running_in_process(name: str) -> Hosted | None:
    """The lab of that name that this process runs."""
    # Without its module there is none; it is not imported to ask for it.
    for where in ("mailsim.lab.running", "mailsim.lab.container.running"):
        module = sys.modules.get(where)
        if module is not None and (found := module.running_here(name)) is not None:
            return cast("Hosted", found)
    return None


def _existing(name: str) -> Backend | None:
    here = running_in_process(name)
    return find(name) if here is None else here.site


def start(
    name: str,
    backend: str = "embedded",
    *,
    stage: Stage | None = None,
    release: Release | None = None,
    seed: str | None = None,
    folder: Path | None = None,
    ends: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Hosted:
    """A new lab that this process holds; it `ends` with the last Lab that looks at it, or when told.

    `report` hears each step of what takes long.  Raises LabError, UsageError.
    """
    check_backend(backend)
    if backend == "container":
        if folder is not None:
            raise UsageError("container.no-folder")
        running = _container(name, stage, release, seed, report)
    else:
        running = _embedded(name, stage, release, seed, folder)
    running.users = WeakSet() if ends else None
    return running


def _embedded(
    name: str, stage: Stage | None, release: Release | None, seed: str | None, folder: Path | None
) -> Hosted:
    from mailsim.lab.running import DEFAULT_RELEASE, DEFAULT_STAGE, Running  # noqa: PLC0415 - the simulator

    return Running(
        name,
        stage=stage or DEFAULT_STAGE,
        release=release or DEFAULT_RELEASE,
        seed=seed,
        folder=folder,
    )


def _container(
    name: str,
    stage: Stage | None,
    release: Release | None,
    seed: str | None,
    report: Callable[[str], None],
) -> Hosted:
    from mailsim.lab.container.running import DEFAULT_RELEASE, DEFAULT_STAGE, Running  # noqa: PLC0415 - the real system

    return Running(
        name,
        stage=stage or DEFAULT_STAGE,
        release=release or DEFAULT_RELEASE,
        seed=seed,
        report=report,
    )


def _check_same(document: Document, asked: Mapping[str, object]) -> None:
    """A lab that is not as it was asked for is never taken silently."""
    for what, value in asked.items():
        if value is None:
            continue
        wanted = str(getattr(value, "value", value))
        if document[what] != wanted:
            name, found = document["name"], document[what]
            raise LabError(_OTHER[what], name=name, found=found, wanted=wanted)


_OTHER: Final = {
    "backend": "lab.other-backend",
    "stage": "lab.other-stage",
    "release": "lab.other-release",
    "seed": "lab.other-seed",
    "folder": "lab.other-folder",
}
