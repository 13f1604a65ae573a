"""The dialogue stepper: buttons, a line, transcript and ladder that grow, what a line means."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

import anywidget
import traitlets

from mailsim.language import word
from mailsim.ui.shown import Shown, telling
from mailsim.ui.stepping import Choice, Source, Spoken, Stepping

_STATIC: Final = files("mailsim.ui").joinpath("static")
_LEAP: Final = 500
_LABELS: Final = (
    "ui.stepper.dialogue",
    "ui.stepper.commands",
    "ui.stepper.line",
    "ui.stepper.line-hint",
    "ui.stepper.send",
    "ui.stepper.connect",
    "ui.stepper.listen",
    "ui.stepper.transcript",
    "ui.stepper.ladder",
    "ui.stepper.meaning",
    "ui.stepper.meaning-hint",
    "ui.stepper.covered",
    "ui.stepper.no-answer",
    "ui.stepper.fills",
    "ui.stepper.sends",
    "render.side-C",
    "render.side-S",
)


class StepperWidget(anywidget.AnyWidget):
    """What the browser shows; it says what the student did, and knows nothing of mail."""

    _esm = _STATIC.joinpath("stepper.js").read_text(encoding="utf-8")
    _css = _STATIC.joinpath("stepper.css").read_text(encoding="utf-8")

    labels = traitlets.Dict().tag(sync=True)
    lang = traitlets.Unicode().tag(sync=True)
    server = traitlets.Unicode().tag(sync=True)
    offset = traitlets.Int().tag(sync=True)
    """Of a very long dialogue, how many rows at its beginning are not sent."""
    rows: Any = traitlets.List().tag(sync=True)
    ladder = traitlets.Unicode().tag(sync=True)
    commands: Any = traitlets.List().tag(sync=True)
    proposed = traitlets.Unicode().tag(sync=True)
    told = traitlets.Unicode().tag(sync=True)
    failed = traitlets.Bool().tag(sync=True)
    ended = traitlets.Bool().tag(sync=True)
    can_connect = traitlets.Bool().tag(sync=True)
    turn = traitlets.Int().tag(sync=True)
    """Counts what was done, so that the browser knows that it was."""


class Stepper(Shown):
    """A dialogue by buttons and by a line; `stepping` is the same without the widget.

    one = ui.stepper(lab.smtp)
    one.say("EHLO poste.minfo.sn")      # as the line does
    one.choose("QUIT")                  # as a button does
    """

    def __init__(self, source: Source, script: str = "", lang: str | None = None) -> None:
        super().__init__(lang)
        self.stepping = Stepping(source, script, self.lang)
        self.widget = StepperWidget(
            labels={one.rpartition(".")[2]: word(one, self.lang) for one in _LABELS},
            lang=self.lang,
        )
        self.widget.on_msg(self._heard)
        self._show()

    @property
    def text(self) -> str:
        """The transcript."""
        return self.stepping.transcript

    def say(self, line: str) -> None:
        """Send the line."""
        self.stepping.say(line)
        self._show()

    def choose(self, verb: str) -> str:
        """Press the button; the line to begin from, "" where it was sent."""
        line = self.stepping.choose(verb)
        if not line:
            self._show()
        return line

    def connect(self) -> None:
        """Connect anew."""
        self.stepping.connect()
        self._show()

    def listen(self) -> None:
        """Hear what comes unasked."""
        self.stepping.listen()
        self._show()

    def close(self) -> None:
        """End the connection, and take the widget away."""
        self.stepping.close()
        super().close()

    def _heard(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        """What the student did in the browser."""
        with telling(self._tell, self.lang):
            match content:
                case {"say": str(line)}:
                    self.say(line)
                case {"connect": True}:
                    self.connect()
                case {"listen": True}:
                    self.listen()

    def _tell(self, sentence: str) -> None:
        with self.widget.hold_sync():
            self.widget.told, self.widget.failed = sentence, True
            self.widget.turn += 1

    def _show(self) -> None:
        now, ladder = self.stepping, self.stepping.ladder
        with self.widget.hold_sync():
            self.widget.server = str(now.tracer.endpoint) if now.tracer else ""
            self.widget.offset = _offset(len(now.spoken))
            self.widget.rows = [_row(one) for one in now.spoken[self.widget.offset :]]
            self.widget.ladder = ladder.svg if ladder else ""
            self.widget.commands = [_command(one) for one in now.choices]
            self.widget.proposed = now.proposed
            self.widget.told, self.widget.failed = now.told, now.failed
            self.widget.ended, self.widget.can_connect = now.ended, now.can_connect
            self.widget.turn += 1


def _offset(rows: int) -> int:
    """None of the first thousand; then in leaps, for each draws all of them anew."""
    return max(0, (rows - _LEAP) // _LEAP * _LEAP)


def _row(one: Spoken) -> dict[str, Any]:
    row = one.row
    return {
        "kind": row.kind.value,
        "text": row.text,
        "secure": row.secure,
        "escaped": row.escaped,
        "said": [list(two) for two in one.said],
    }


def _command(one: Choice) -> dict[str, Any]:
    return {"verb": one.verb, "hint": one.hint, "line": one.line, "complete": one.complete}
