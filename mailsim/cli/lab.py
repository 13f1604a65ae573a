"""`mailsim lab`: lab up, JupyterLab on the notebooks, lab down at the end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import typer

from mailsim.cli.attached import BACKEND, NAME, STAGE
from mailsim.cli.notebooks import (
    Told,
    add_new,
    check_jupyterlab,
    first_notebook,
    open_notebooks,
    student_folder,
)
from mailsim.cli.output import LANG, chosen_language, say
from mailsim.language import language, word

if TYPE_CHECKING:
    from mailsim.lab.backend import Backend

# What ends it, besides Ctrl-C: kill, a terminal that closes; not all of them exist everywhere.
_SIGNALS: Final = ("SIGTERM", "SIGHUP", "SIGBREAK")


def lab(
    lang: str | None = LANG,
    backend: str = BACKEND,
    stage: str | None = STAGE,
    name: str | None = NAME,
    no_browser: bool = typer.Option(False, "--no-browser", help=word("cli.no-browser")),
) -> int:
    """Start the lab, open the notebooks in JupyterLab; all of it ends together."""
    from mailsim.lab.attach import lab_name  # noqa: PLC0415 - only this command

    spoken = language(chosen_language(lang))
    check_jupyterlab()
    folder, made = student_folder(Path.cwd())
    added = () if made else add_new(folder)
    first_notebook(folder, spoken)  # said before the lab is started
    if made:
        say(word("notebooks.laid-down", spoken, folder=folder))
    if added:
        say(word("notebooks.added", spoken, names=", ".join(added)))
    with _told():
        try:
            return _open(lab_name(name), backend, stage, spoken, folder, browser=not no_browser)
        except Told:  # before JupyterLab was there
            return 0


def _open(
    name: str, backend: str, stage: str | None, lang: str, folder: Path, *, browser: bool
) -> int:
    """The lab and JupyterLab, to the end of both."""
    with _running(name, backend, stage) as (site, ours):
        about = site.ask("describe")
        kind = "notebooks.lab-started" if ours else "notebooks.lab-found"
        say(word(kind, lang, name=name, backend=about["backend"], stage=about["stage"]))
        return open_notebooks(folder, lang, browser=browser, lab=name)


@contextmanager
def _running(name: str, backend: str, stage: str | None) -> Iterator[tuple[Backend, bool]]:
    """The lab, and whether it was started here: one that runs already is used, and goes on."""
    from mailsim.cli.up import progress  # noqa: PLC0415 - only this command
    from mailsim.lab.attach import attach_as_asked, start  # noqa: PLC0415 - too
    from mailsim.model.stage import Stage  # noqa: PLC0415 - too

    wanted = None if stage is None else Stage.of(stage)
    found = attach_as_asked(name, backend=backend, stage=wanted)
    if found is not None:
        yield found, False
        return
    with progress(backend) as report:
        started = start(name, backend, stage=wanted, report=report)
    try:
        yield started.site, True
    finally:
        started.stop()


@contextmanager
def _told() -> Iterator[None]:
    """The signals that end a program end this one in order, whatever it was about to do."""
    before = {one: signal.signal(one, _tell) for one in _known()}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _known() -> list[signal.Signals]:
    return [getattr(signal, one) for one in _SIGNALS if hasattr(signal, one)]


def _tell(_number: int, _frame: FrameType | None) -> None:
    for one in _known():  # nothing interrupts the end
        signal.signal(one, signal.SIG_IGN)
    raise Told
