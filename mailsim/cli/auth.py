"""`mailsim auth MECHANISM USER [PASSWORD]` and `mailsim auth decode TOKEN`."""

from __future__ import annotations

import getpass
import secrets
import sys
import time
from collections.abc import Callable
from random import Random

import typer

from mailsim import sasl
from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.errors import UsageError
from mailsim.language import word
from mailsim.render.sasl import decoded_document, decoded_lines, step_document, step_lines

_NO_PASSWORD = ("ANONYMOUS", "EXTERNAL")


def auth(
    words: list[str] = typer.Argument(..., metavar="WORDS…", help=word("cli.auth-words")),
    bits: bool = typer.Option(False, "--bits", help=word("cli.bits")),
    seed: int | None = typer.Option(None, "--seed", metavar="NUMBER", help=word("cli.seed")),
    json: bool = JSON,
    lang: str | None = LANG,
) -> None:
    """Show a SASL exchange step by step, or what a captured token says."""
    spoken = chosen_language(lang)
    if words[0].lower() == "decode":
        _decode(words, spoken, json=json)
    else:
        _exchange(words, spoken, bits=bits, seed=seed, json=json)


def _exchange(
    words: list[str], lang: str | None, *, bits: bool, seed: int | None, json: bool
) -> None:
    if len(words) not in (2, 3):
        raise UsageError("cli.auth-wrong", given=words[0])
    mechanism, user = words[:2]
    if mechanism.upper() not in sasl.MECHANISMS:
        known = ", ".join(sasl.MECHANISMS)
        raise UsageError("sasl.unknown-mechanism", name=mechanism, known=known)
    steps = sasl.exchange(
        mechanism,
        user,
        words[2] if len(words) == 3 else _password(mechanism, user),
        random=_source(seed),
        timestamp=int(time.time()) if seed is None else seed,
    )
    if json:
        show_json({"mailsim-auth": 1, "steps": [step_document(step, lang) for step in steps]})
        return
    for step in steps:
        for line in step_lines(step, lang=lang, bits=bits):
            say(line)


def _password(mechanism: str, user: str) -> str:
    """Ask at a terminal; through a pipe, the first line of standard input."""
    if mechanism.upper() in _NO_PASSWORD:
        return ""
    return getpass.getpass(f"{user}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _source(seed: int | None) -> Callable[[int], bytes]:
    return secrets.token_bytes if seed is None else Random(seed).randbytes  # noqa: S311 - to repeat a lesson


def _decode(words: list[str], lang: str | None, *, json: bool) -> None:
    if len(words) == 1:
        raise UsageError("cli.auth-wrong", given="decode")
    # A whole line may come unquoted: AUTH PLAIN xxx.
    decoded = sasl.decode(" ".join(words[1:]))
    if json:
        show_json({"mailsim-auth": 1, **decoded_document(decoded, lang)})
        return
    for line in decoded_lines(decoded, lang=lang):
        say(line)
