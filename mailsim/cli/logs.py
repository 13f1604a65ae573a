"""`mailsim logs`: the servers' log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from mailsim.cli.attached import NAME
from mailsim.cli.output import JSON, LANG, chosen_language, say
from mailsim.language import word

if TYPE_CHECKING:
    from mailsim.lab.backend import Backend

# How long one question for more may wait, in seconds.
_FOLLOW = 30.0


def logs(
    follow: bool = typer.Option(False, "--follow", "-f", help=word("cli.follow")),
    name: str | None = NAME,
    json: bool = JSON,
    lang: str | None = LANG,
) -> None:
    """Print the log; `--json` gives a document for each line."""
    from mailsim.lab.attach import attach  # noqa: PLC0415 - only this command

    chosen_language(lang)
    backend = attach(name)
    for line in _lines(backend, follow=follow):
        _show(line, json=json)


def _lines(backend: Backend, *, follow: bool) -> Iterator[str]:
    found = backend.ask("logs")
    yield from found["lines"]
    while follow:
        since, generation = found["written"], found["generation"]
        found = backend.ask("logs", since=since, generation=generation, timeout=_FOLLOW)
        yield from found["lines"]


def _show(line: str, *, json: bool) -> None:
    if not json:
        say(line)
        return
    import json as json_format  # noqa: PLC0415 - the option has its name
    from dataclasses import asdict  # noqa: PLC0415 - here alone

    from mailsim.dialogue.log import parse_line  # noqa: PLC0415 - here alone

    print(json_format.dumps(asdict(parse_line(line)), ensure_ascii=False), flush=True)
