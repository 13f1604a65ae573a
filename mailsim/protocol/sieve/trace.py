"""The step trace: what a run did, test by test, for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mailsim.language import language, word
from mailsim.protocol.sieve.complaint import Term, clean


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done or found, at a command's or test's place.

    `message_id` and `params` are its sentence; `result` is what a test or comparison gave.
    `depth` tells how deep in tests and blocks it was.
    """

    script: str
    line: int
    column: int
    depth: int
    command: str
    message_id: str
    params: dict[str, Any]
    result: bool | None = None

    def worded(self, lang: str | None = None) -> str:
        """The step's sentence."""
        spoken = language(lang)
        shown = {name: _shown(value, spoken) for name, value in self.params.items()}
        text = word(self.message_id, spoken, **shown)
        if self.result is None:
            return text
        verdict = word("sieve.trace-true" if self.result else "sieve.trace-false", spoken)
        return f"{text} → {verdict}"

    def to_json(self, lang: str | None = None) -> dict[str, Any]:
        """Its JSON form."""
        return {
            "script": self.script,
            "line": self.line,
            "column": self.column,
            "depth": self.depth,
            "command": self.command,
            "id": self.message_id,
            "values": {name: _shown(one, "en") for name, one in self.params.items()},
            "result": self.result,
            "text": self.worded(lang),
        }


def _shown(value: object, lang: str) -> object:
    if isinstance(value, Term):
        return value.worded(lang)
    return clean(value) if isinstance(value, str) else value
