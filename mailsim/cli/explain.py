"""`mailsim explain TEXT`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import typer

from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.dialogue.explain import explain_text
from mailsim.language import word
from mailsim.render.explained import text_lines


def explain(
    words: list[str] = typer.Argument(None, metavar="TEXT", help=word("cli.text")),
    protocol: str | None = typer.Option(
        None, "--protocol", "-p", metavar="PROTOCOL", help=word("cli.protocol")
    ),
    json: bool = JSON,
    lang: str | None = LANG,
) -> None:
    """Explain a text; without one, each line of standard input."""
    spoken = chosen_language(lang)
    for number, text in enumerate(_texts(words)):
        explanation = explain_text(text, protocol)
        if json:
            show_json(explanation.to_json(spoken))
            continue
        if number:
            say("")
        for line in text_lines(explanation, lang=spoken):
            say(line)


def _texts(words: list[str] | None) -> Iterable[str]:
    """The words as one text, else the lines that a pipe brings."""
    if words or sys.stdin.isatty():
        return [" ".join(words or [])]
    return [line for line in sys.stdin.read().splitlines() if line.strip()] or [""]
