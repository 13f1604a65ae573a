"""`mailsim up`: a lab in the foreground, until it is told to end."""

from __future__ import annotations

import json as json_format
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import typer

from mailsim.cli.attached import BACKEND, NAME, STAGE, state_word
from mailsim.cli.output import JSON, LANG, chosen_language, console
from mailsim.errors import LabError, UsageError
from mailsim.language import language, word

if TYPE_CHECKING:
    from mailsim.lab.backend import Document, Hosted

# How often it looks whether a signal has come, in seconds: on Windows no signal ends a wait, and
# elsewhere one may be given to another thread than the one that waits.
_LOOK = 0.25


class _Told(Exception):
    """A signal says: end."""


def up(
    backend: str = BACKEND,
    release: str | None = typer.Option(None, "--release", metavar="R", help=word("cli.release")),
    stage: str | None = STAGE,
    name: str | None = NAME,
    seed: str | None = typer.Option(None, "--seed", metavar="SEED", help=word("cli.lab-seed")),
    folder: Path | None = typer.Option(None, "--folder", metavar="DIR", help=word("cli.folder")),
    disturb: Path | None = typer.Option(
        None, "--disturb", metavar="FILE", help=word("cli.disturb")
    ),
    json: bool = JSON,
    lang: str | None = LANG,
) -> int:
    """Start a lab, say where it answers, serve until SIGINT or SIGTERM."""
    from mailsim.lab import arguments  # noqa: PLC0415 - only this command

    spoken = language(chosen_language(lang))
    running: Hosted | None = None
    before = {one: signal.signal(one, _told) for one in _signals()}
    try:
        rules = None if disturb is None else arguments.rules("--disturb", disturb)
        running = _started(backend, release, stage, name, seed, folder)
        if rules is not None:
            running.site.ask("disturb", rules=rules)
        _show(running.site.ask("describe"), spoken, json=json)
        while not running.ended.wait(_LOOK):
            continue
    except _Told:
        return 0
    finally:
        for one in before:  # nothing interrupts the end
            signal.signal(one, signal.SIG_IGN)
        if running is not None:
            running.stop()
        for one, handler in before.items():
            signal.signal(one, handler)
    return 0


def _started(
    backend: str,
    release: str | None,
    stage: str | None,
    name: str | None,
    seed: str | None,
    folder: Path | None,
) -> Hosted:
    from mailsim.lab.attach import check_backend, lab_name, start  # noqa: PLC0415 - only this command
    from mailsim.model.stage import Release, Stage  # noqa: PLC0415 - too

    check_backend(backend)
    try:
        with progress(backend) as report:
            return start(
                lab_name(name),
                backend,
                stage=None if stage is None else Stage.of(stage),
                release=None if release is None else Release.of(release),
                seed=seed,
                folder=folder,
                report=report,
            )
    except LabError as error:
        if error.message_id != "store.unreadable":
            raise
        # The folder was chosen here: another one is the remedy.
        raise UsageError(error.message_id, **error.params) from None


@contextmanager
def progress(backend: str) -> Iterator[Callable[[str], None]]:
    """Shows the step that takes long, and for how long: a line that changes, or a line a step."""
    if backend == "embedded":
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - 35 ms
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - too

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda step: print(step, file=sys.stderr, flush=True)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task("")
        yield lambda step: shown.update(task, description=step)


def _signals() -> list[signal.Signals]:
    """What ends a lab: Ctrl-C, kill, a terminal that closes; not all of them exist everywhere."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _told(_number: int, _frame: FrameType | None) -> None:
    raise _Told


def _show(about: Document, lang: str, *, json: bool) -> None:
    if json:
        print(json_format.dumps(_document(about), ensure_ascii=False), flush=True)
    else:
        _table(about, lang)
        sys.stdout.flush()


def _document(about: Document) -> Document:
    """What whoever wants to connect must know."""
    from mailsim.lab.network import network  # noqa: PLC0415 - only here

    domain = network().domain
    return {
        "endpoints": {
            name: {"host": one["host"], "port": one["port"]}
            for name, one in about["endpoints"].items()
            if one["port"]
        },
        "ca": about["ca"],
        "accounts": [
            {"user": one["user"], "password": one["password"]}
            for one in about["accounts"]
            if one["domain"] == domain
        ],
        "stage": about["stage"],
        "pid": about["pid"],
    }


def _table(about: Document, lang: str) -> None:
    from rich.table import Table  # noqa: PLC0415 - 35 ms

    table = Table(title=word("cli.up-title", lang, name=about["name"], stage=about["stage"]))
    for heading in ("cli.up-service", "cli.up-reached", "cli.up-state"):
        table.add_column(word(heading, lang))
    for name, one in about["endpoints"].items():
        if one["port"]:
            table.add_row(name, f"{one['host']}:{one['port']}", state_word(one, lang))
    console().print(table)
    console().print(word("cli.up-end", lang, ca=about["ca"], seed=about["seed"]), markup=False)
