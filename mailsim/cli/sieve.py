"""`mailsim sieve test SCRIPT MESSAGE` and `mailsim sieve check SCRIPT`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mailsim.cli.output import JSON, LANG, chosen_language, say, show_json
from mailsim.errors import UsageError
from mailsim.language import word

if TYPE_CHECKING:
    from mailsim.protocol.sieve import Complaint, Envelope, Refused, Result, Script

app = typer.Typer(help=word("cli.sieve"), no_args_is_help=True)

_SCRIPT = typer.Argument(..., metavar="SCRIPT", help=word("sieve.cli-script"))
_MESSAGE = typer.Argument(..., metavar="MESSAGE", help=word("sieve.cli-message"))
_FROM = typer.Option(None, "--from", metavar="ADDRESS", help=word("sieve.cli-from"))
_TO = typer.Option(None, "--to", metavar="ADDRESS", help=word("sieve.cli-to"))
_TRACE = typer.Option(False, "--trace", help=word("sieve.cli-trace"))
_MAILBOX = typer.Option(None, "--mailbox", metavar="NAME", help=word("sieve.cli-mailbox"))
_GLOBAL = typer.Option(None, "--global", metavar="FOLDER", help=word("sieve.cli-global"))
_ALL = typer.Option(False, "--all-extensions", help=word("sieve.cli-all"))


@app.command("check", help=word("sieve.cli-check"))
def check(
    script: Path = _SCRIPT,
    shared: Path | None = _GLOBAL,
    every: bool = _ALL,
    json: bool = JSON,
    lang: str | None = LANG,
) -> int:
    """Compile a script, and say what is wrong in it."""
    spoken = chosen_language(lang)
    source = _read(script)
    compiled = _compiled(script, source, shared, every=every)
    complaints, refused = _complaints(compiled)
    if json:
        told = [one.to_json(spoken) for one in complaints]
        show_json({"mailsim-sieve": 1, "ok": not refused, "complaints": told})
    else:
        _complain(complaints, script, source, spoken)
        if not refused:
            say(word("sieve.cli-right", spoken, file=script))
    return 1 if refused else 0


@app.command("test", help=word("sieve.cli-test"))
def trial(
    script: Path = _SCRIPT,
    message: Path = _MESSAGE,
    sender: str | None = _FROM,
    recipient: str | None = _TO,
    trace: bool = _TRACE,
    mailbox: list[str] = _MAILBOX,
    shared: Path | None = _GLOBAL,
    every: bool = _ALL,
    json: bool = JSON,
    lang: str | None = LANG,
) -> int:
    """Run a script on a message: nothing is delivered, what would be done is shown."""
    from mailsim.protocol.sieve import Alone, Refused, run  # noqa: PLC0415 - here alone

    spoken = chosen_language(lang)
    source, content = _read(script), _crlf(_read(message))
    compiled = _compiled(script, source, shared, every=every)
    complaints, _ = _complaints(compiled)
    if isinstance(compiled, Refused):
        if json:
            told = [one.to_json(spoken) for one in complaints]
            show_json({"mailsim-sieve": 1, "ok": False, "complaints": told})
        else:
            _complain(complaints, script, source, spoken)
        return 1
    boxes = frozenset(("INBOX", *(mailbox or ())))
    surroundings = Alone(time=time.time(), mailboxes=boxes)
    envelope = _envelope(content, sender, recipient)
    result = run(compiled, content, envelope, surroundings, trace=trace or json)
    _show(result, compiled, script, source, spoken, json=json)
    return 0 if result.ok else 1


def _show(
    result: Result, compiled: Script, file: Path, source: bytes, spoken: str | None, *, json: bool
) -> None:
    from mailsim.render.sieve import (  # noqa: PLC0415 - here alone
        action_lines,
        result_document,
        trace_lines,
    )

    if json:
        told = [one.to_json(spoken) for one in compiled.warnings]
        show_json({"mailsim-sieve": 1, **result_document(result, spoken), "complaints": told})
        return
    _complain(compiled.warnings, file, source, spoken)
    for line in trace_lines(result.trace, spoken):
        say(line, "dim")
    _complain(result.errors, file, source, spoken)
    for line in action_lines(result, spoken):
        say(line)


def _complaints(compiled: Script | Refused) -> tuple[tuple[Complaint, ...], bool]:
    from mailsim.protocol.sieve import Refused  # noqa: PLC0415 - here alone

    if isinstance(compiled, Refused):
        return compiled.told, True
    return compiled.warnings, False


def _complain(
    complaints: tuple[Complaint, ...], file: Path, source: bytes, spoken: str | None
) -> None:
    from mailsim.render.sieve import complaint_lines  # noqa: PLC0415 - here alone

    for line in complaint_lines(complaints, file.name, source, spoken):
        print(line, file=sys.stderr)


def _compiled(script: Path, source: bytes, shared: Path | None, *, every: bool) -> Script | Refused:
    from mailsim.protocol.sieve import EVERYTHING, SITE, compile_script  # noqa: PLC0415 - here

    settings = replace(EVERYTHING if every else SITE, postmaster="")
    return compile_script(
        source, name=script.name, includes=_includes(script, shared), settings=settings
    )


def _includes(script: Path, shared: Path | None) -> Callable[[str, bool], bytes | None]:
    """Personal scripts are the script's neighbours, NAME.sieve; global ones those of a folder."""

    def find(name: str, everybody: bool) -> bytes | None:
        folder = shared if everybody else script.parent
        file = folder / f"{name}.sieve" if folder else None
        return file.read_bytes() if file and file.is_file() else None

    return find


def _envelope(content: bytes, sender: str | None, recipient: str | None) -> Envelope:
    """What --from and --to say, else what the message's own fields let one guess."""
    from mailsim.protocol.sieve import Envelope  # noqa: PLC0415 - here alone

    return Envelope(
        _guess(content, ("return-path", "from")) if sender is None else _bare(sender),
        _guess(content, ("delivered-to", "envelope-to", "to"))
        if recipient is None
        else _bare(recipient),
    )


def _bare(address: str) -> str:
    return address.strip().removeprefix("<").removesuffix(">")


def _guess(content: bytes, names: tuple[str, ...]) -> str:
    from mailsim.wire.mime import parse, parse_addresses  # noqa: PLC0415 - here alone

    part = parse(content)
    for name in names:
        for one in parse_addresses(part.raw(name) or b""):
            if one.email:
                return one.email
    return ""


def _crlf(content: bytes) -> bytes:
    """The message as it travels, with CRLF at each line's end."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _read(file: Path) -> bytes:
    """A file's octets, those of standard input for "-".  Raises UsageError."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError("sieve.cli-unread", file=str(file), reason=reason) from None
