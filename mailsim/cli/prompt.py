"""The prompt of `mailsim trace`: a line is sent as typed; a line that begins with ":" is for us."""

from __future__ import annotations

import getpass
import shlex
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailsim.cli.output import say
from mailsim.cli.session import AnyTracer, Show, save_dialogue
from mailsim.errors import LocalProtocolError, UsageError
from mailsim.language import language, word
from mailsim.render.rows import safe

_PROMPT = "C: "


class _End(Exception):
    """The reader wants to leave."""


def prompt(tracer: AnyTracer, show: Show) -> None:
    """Read lines until the connection or the input ends."""
    _complete(tracer)
    say(word("cli.prompt-help", language(show.lang)), "dim")
    with suppress(EOFError, _End):
        while not tracer.ended:
            line = input(_PROMPT)
            act = _own if line.startswith(":") else _send
            try:
                act(line, tracer, show)
            except (UsageError, LocalProtocolError) as error:
                say(str(error), "red")


def _send(line: str, tracer: AnyTracer, show: Show) -> None:
    step = tracer.send_raw(line.encode("utf-8", "surrogateescape") + b"\r\n", note=False)
    show.step(step.dialogue, heard_only=True)


def _own(line: str, tracer: AnyTracer, show: Show) -> None:
    """A line for us: `:auth plain user`, `:listen 5`, `:save FILE`, `:help`, `:quit`."""
    try:
        name, *arguments = shlex.split(line[1:]) or ["help"]
    except ValueError:
        raise UsageError("cli.bad-own", line=line) from None
    if name not in _OWN:
        raise UsageError("cli.bad-own", line=line)
    try:
        _OWN[name](tracer, show, *arguments)
    except TypeError:
        raise UsageError("cli.bad-own", line=line) from None


def _help(_tracer: AnyTracer, show: Show) -> None:
    say(word("cli.prompt-help", language(show.lang)), "dim")


def _auth(tracer: AnyTracer, show: Show, mechanism: str, user: str) -> None:
    step = _authenticator(tracer)(mechanism, user, getpass.getpass(f"{user}: "))
    show.step(step.dialogue)


def _authenticator(tracer: AnyTracer) -> Callable[[str, str, str], Any]:
    """AUTH in SMTP and POP3, AUTHENTICATE in IMAP and ManageSieve."""
    found: Callable[[str, str, str], Any]
    found = getattr(tracer, "auth", None) or getattr(tracer, "authenticate")  # noqa: B009
    return found


def _listen(tracer: AnyTracer, show: Show, seconds: str = "1") -> None:
    try:
        wanted = float(seconds)
    except ValueError:
        raise UsageError("cli.bad-timeout", timeout=seconds) from None
    show.step(tracer.listen(wanted).dialogue)


def _save(tracer: AnyTracer, show: Show, file: str) -> None:
    save_dialogue(safe(tracer.dialogue, reveal=show.reveal), Path(file))


def _quit(_tracer: AnyTracer, _show: Show) -> None:
    raise _End


_OWN: dict[str, Callable[..., None]] = {
    "help": _help,
    "auth": _auth,
    "listen": _listen,
    "save": _save,
    "quit": _quit,
}


def _complete(tracer: AnyTracer) -> None:
    """Tab completes what the state allows; Windows has no readline, and no completion."""

    def completer(text: str, number: int) -> str | None:
        found = candidates(text, tracer.legal())
        return found[number] if number < len(found) else None

    if sys.platform != "win32":
        import readline  # noqa: PLC0415 - not on Windows

        readline.set_completer(completer)
        readline.set_completer_delims(" ")
        readline.parse_and_bind("tab: complete")


def candidates(text: str, legal: Iterable[str]) -> list[str]:
    """What `text` may become: the commands that are allowed now, and our own."""
    known = [*legal, *(f":{name}" for name in _OWN)]
    return [one for one in known if one.upper().startswith(text.upper())]
