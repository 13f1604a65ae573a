"""`mailsim class report DIR`: how far each student is, from the files that were collected."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.errors import UsageError
from mailsim.language import language, word

if TYPE_CHECKING:
    from mailsim.lab.class_report import Report

app = typer.Typer(help=word("cli.class"), no_args_is_help=True)


@app.callback()
def _class() -> None:
    """Let `report` be a subcommand, though it is the only one."""


@app.command("report", help=word("checks.help-report"))
def report(
    folder: Path = typer.Argument(..., metavar="DIR", help=word("checks.help-folder")),
    json: bool = JSON,
    lang: str | None = LANG,
) -> None:
    """Read every .jsonl below the folder, and tell each line that is no attempt."""
    from mailsim.lab.class_report import read_class  # noqa: PLC0415 - only this command

    spoken = language(chosen_language(lang))
    if not folder.is_dir():
        raise UsageError("checks.no-folder", folder=folder)
    found = read_class(folder)
    if json:
        show_json(found.document())
        return
    for row in _table(found, spoken):
        say(row)
    for file, reason in found.complaints:
        say(
            word(
                "checks.complaint",
                spoken,
                file=file,
                reason=word(reason.id, spoken, **reason.params),
            )
        )


def _table(found: Report, lang: str) -> list[str]:
    """A row for each student: ✔ passed, ✘ tried, with how often; · not yet tried."""
    if not found.students:
        return [word("checks.nobody", lang)]
    width = max(len(word("checks.student", lang)), *map(len, found.students))
    head = f"{word('checks.student', lang):<{width}}  " + " ".join(
        f"{name:<6}" for name in found.exercises
    )
    rows = [head.rstrip()]
    for student in found.students:
        cells = (found.cell(student, name) for name in found.exercises)
        rows.append(f"{student:<{width}}  " + " ".join(f"{cell:<6}" for cell in cells).rstrip())
    return [*rows, "", word("checks.legend", lang)]
