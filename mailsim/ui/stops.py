"""A journey's stops in words: what happened, where, and what the log says of it; without a widget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailsim.language import language, word
from mailsim.model.journey import Journey, Stop, StopKind

_SENTENCES: Final = {
    StopKind.RECEIVED: "ui.stop.received",
    StopKind.CLEANUP: "ui.stop.cleanup",
    StopKind.QUEUED: "ui.stop.queued",
    StopKind.FILTERED: "ui.stop.filtered",
    StopKind.REJECTED: "ui.stop.rejected",
    StopKind.SENT: "ui.stop.sent",
    StopKind.DEFERRED: "ui.stop.deferred",
    StopKind.BOUNCED: "ui.stop.bounced",
    StopKind.NOTIFIED: "ui.stop.notified",
    StopKind.STORED: "ui.stop.stored",
    StopKind.ANSWERED: "ui.stop.answered",
    StopKind.FORWARDED: "ui.stop.forwarded",
    StopKind.DISCARDED: "ui.stop.discarded",
    StopKind.REMOVED: "ui.stop.removed",
}
# Signs beside the words, for who looks along the list: a stop that ends badly stands out.
_SIGNS: Final = {
    StopKind.REJECTED: "✗",
    StopKind.BOUNCED: "✗",
    StopKind.DEFERRED: "…",
    StopKind.STORED: "✓",
}


@dataclass(frozen=True, slots=True)
class StopWords:
    """A stop in words: `where` is the host and program, `fields` what the log names."""

    stop: Stop
    sign: str
    sentence: str
    where: str
    fields: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.sign} {self.sentence} — {self.where}"


def stop_words(journey: Journey, lang: str | None = None) -> tuple[StopWords, ...]:
    """Every stop of the journey, in the order of the log."""
    return tuple(_words(one, language(lang)) for one in journey.stops)


def _words(stop: Stop, lang: str) -> StopWords:
    line = stop.line
    where = " ".join(part for part in (line.host, line.program) if part)
    fields = [(name, str(value)) for name, value in line.fields.items() if value]
    if line.queue_id:
        fields.insert(0, (word("ui.panel.queue-id", lang), line.queue_id))
    if stop.rule:
        fields.append((word("ui.stop.rule", lang), stop.rule))
    fields.append((word("ui.panel.line", lang), str(line)))
    return StopWords(
        stop, _SIGNS.get(stop.kind, "→"), word(_SENTENCES[stop.kind], lang), where, tuple(fields)
    )
