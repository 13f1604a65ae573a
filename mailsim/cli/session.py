"""One traced connection at the command line: lines in, exchanges shown."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailsim.cli.output import say, show_json, show_row
from mailsim.dialogue import Dialogue, Side
from mailsim.dialogue.json import read_json, to_document, write_json
from mailsim.dialogue.text import read_text, write_text
from mailsim.errors import MailsimError, UsageError
from mailsim.model import Protocol
from mailsim.render.rows import RowKind, exchange_rows, safe
from mailsim.tracers.base import Tracer

if TYPE_CHECKING:
    from mailsim.render.explained import Told

AnyTracer = Tracer[Any, Any]


@dataclass(slots=True)
class Show:
    """How the exchanges of one connection are shown."""

    lang: str | None = None
    explained: bool = False
    reveal: bool = False
    json: bool = False
    _told: Told | None = field(default=None, init=False)

    def step(self, dialogue: Dialogue, *, heard_only: bool = False) -> None:
        """Show the dialogue's last exchange; at a prompt, what was typed is not repeated."""
        if self.json or not dialogue.exchanges:
            return
        shown = safe(dialogue, reveal=self.reveal)
        rows = exchange_rows(shown.exchanges[-1], self.lang, secure=_was_secure(dialogue))
        said = self._said(shown)
        for row in rows:
            if not (heard_only and row.kind is RowKind.CLIENT):
                show_row(row)
            if meaning := said.get((id(row.line), row.index)):
                say(f"   {meaning}", "dim")

    def _said(self, dialogue: Dialogue) -> dict[tuple[int, int], str]:
        """What each row of the last exchange means, where it is to be explained."""
        if not self.explained:
            return {}
        from mailsim.dialogue.explain import explain  # noqa: PLC0415 - only here
        from mailsim.render.explained import Told  # noqa: PLC0415 - only here

        if self._told is None:
            self._told = Told(self.lang)
        rows = self._told.rows(explain(dialogue)[-1])
        return {(id(row.line), row.row): meaning for row, meaning in rows}

    def end(self, dialogue: Dialogue, save: Path | None) -> None:
        """Write what was asked for at the end."""
        shown = safe(dialogue, reveal=self.reveal)
        if self.json:
            show_json(to_document(shown))
        if save is not None:
            save_dialogue(shown, save)


def _was_secure(dialogue: Dialogue) -> bool:
    """Whether TLS covered the end of the exchange before the last."""
    before = [line for exchange in dialogue.exchanges[:-1] for line in exchange.lines[-1:]]
    return bool(before) and before[-1].secure


def save_dialogue(dialogue: Dialogue, file: Path) -> None:
    """As JSON where the name ends so, else as text; secrets as they are shown."""
    text = write_json(dialogue) if file.suffix == ".json" else write_text(dialogue)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError("cli.not-saved", file=file, reason=error.strerror) from None


class Session:
    """Runs a script, a pipe or a prompt against one connection."""

    def __init__(self, show: Show, *, save: Path | None = None, script: Path | None = None) -> None:
        self.show = show
        self.save = save
        if save is not None:
            _check_writable(save)
        self.prompting = script is None and sys.stdin.isatty()
        self._units = read_script(script)[0] if script else None

    def run(self, connect: Callable[[], AnyTracer]) -> int:
        """Connect, talk to the end, show; the exit code."""
        try:
            with connect() as tracer:
                self._talk(tracer)
                dialogue = tracer.dialogue
        except MailsimError as error:
            if isinstance(error.dialogue, Dialogue):
                self.show.step(error.dialogue)
                self.show.end(error.dialogue, self.save)
            raise
        self.show.end(dialogue, self.save)
        return 0

    def _talk(self, tracer: AnyTracer) -> None:
        self.show.step(tracer.greeting.dialogue)
        if self.prompting:
            from mailsim.cli.prompt import prompt  # noqa: PLC0415 - readline, at a terminal only

            prompt(tracer, self.show)
            return
        for unit in self._units if self._units is not None else _piped():
            if tracer.ended:
                break
            self.show.step(tracer.send_raw(unit, note=False).dialogue)


def _check_writable(file: Path) -> None:
    """Say before the dialogue that it cannot be kept, not after it."""
    new = not file.exists()
    try:
        with file.open("ab"):
            pass
        if new:
            file.unlink()
    except OSError as error:
        raise UsageError("cli.not-saved", file=file, reason=error.strerror) from None


def read_script(path: Path) -> tuple[tuple[bytes, ...], Protocol]:
    """The client's units of a transcript, or of a dialogue kept as JSON, and what they speak.

    Raises UsageError.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "UTF-8"
        raise UsageError("cli.no-script", file=path, reason=reason) from None
    if path.suffix == ".json":
        dialogue = read_json(text, name=str(path))
    else:
        dialogue = read_text(text, name=str(path)).dialogue
    units = tuple(line.raw for line in dialogue.lines() if line.side is Side.CLIENT)
    if not units:
        raise UsageError("cli.empty-script", file=path)
    return units, dialogue.endpoint.protocol


def _piped() -> Iterator[bytes]:
    """Lines of standard input, each sent with CRLF."""
    for line in sys.stdin.buffer:
        yield line.rstrip(b"\r\n") + b"\r\n"
