"""What the commands print: coloured in a terminal, plain when piped."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import typer

from mailsim.errors import UsageError
from mailsim.language import LANGUAGES, word
from mailsim.render.rows import Row, RowKind
from mailsim.render.text import row_text

if TYPE_CHECKING:
    from rich.console import Console

_STYLES = {
    RowKind.CLIENT: "bold cyan",
    RowKind.SERVER: "default",
    RowKind.NOTE: "italic dim",
    RowKind.TLS: "bold green",
}


@cache
def console() -> Console:
    """Rich's console on standard output; it colours only what goes to a terminal."""
    from rich.console import Console  # noqa: PLC0415 - 35 ms

    return Console(highlight=False, soft_wrap=True)


def say(text: str, style: str = "") -> None:
    """Print `text` as it is, a line."""
    if sys.stdout.isatty():
        console().print(text, style=style or None, markup=False, emoji=False)
    else:
        print(text, flush=True)


def show_row(row: Row) -> None:
    """Print a row of a transcript."""
    say(row_text(row), _STYLES[row.kind])


def show_json(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def chosen_language(value: str | None) -> str | None:
    """`--lang`'s value.  Raises UsageError for one that is none."""
    if value is not None and value not in LANGUAGES:
        raise UsageError("language.unknown", choice=value)
    return value


LANG = typer.Option(None, "--lang", help=word("cli.lang"), metavar="fr|en")
JSON = typer.Option(False, "--json", help=word("cli.json"))
