"""A dialogue as rows: what the text, the page and the diagrams all show.

Secrets are masked here, so that no rendering can forget it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from mailsim.dialogue import Dialogue, Exchange, Line, Note, Side
from mailsim.dialogue.redact import redact
from mailsim.dialogue.text import shown
from mailsim.language import language, word


class RowKind(Enum):
    """What a row is."""

    CLIENT = "C"
    SERVER = "S"
    NOTE = "#"
    TLS = "="


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a transcript: `text` is printable; `escaped` says that it stands for other bytes.

    `line` and `index` say which row of which line it is, for who explains it.
    """

    kind: RowKind
    text: str
    secure: bool = False
    escaped: bool = False
    at: float = 0.0
    line: Line | None = None
    index: int = 0


def safe(dialogue: Dialogue, *, reveal: bool = False) -> Dialogue:
    """The dialogue as it may be shown: secrets masked, unless `reveal`."""
    return dialogue if reveal else redact(dialogue)


def exchange_rows(exchange: Exchange, lang: str | None, *, secure: bool) -> Iterator[Row]:
    """The rows of one exchange; `secure`: whether TLS covered what came before it."""
    for note in exchange.notes:
        if note.id != "note.tls":
            yield Row(RowKind.NOTE, note_text(note, lang), secure=secure)
    for line in exchange.lines:
        if line.secure and not secure:
            begins = word("render.tls-begins", language(lang))
            yield Row(RowKind.TLS, begins, secure=True, at=line.at)
            secure = True
        yield from _line_rows(line)
    for note in exchange.notes:
        if note.id == "note.tls":
            yield Row(RowKind.NOTE, note_text(note, lang), secure=secure)


def dialogue_rows(dialogue: Dialogue, lang: str | None = None) -> Iterator[tuple[Row, ...]]:
    """The rows of each exchange, in order."""
    secure = False
    for exchange in dialogue.exchanges:
        yield tuple(exchange_rows(exchange, lang, secure=secure))
        secure = exchange.lines[-1].secure if exchange.lines else secure


def note_text(note: Note, lang: str | None) -> str:
    """A note, worded."""
    return word(note.id, language(lang), **note.params)


def _line_rows(line: Line) -> Iterator[Row]:
    kind = RowKind.CLIENT if line.side is Side.CLIENT else RowKind.SERVER
    for index, raw in enumerate(line.rows()):
        text = shown(raw)
        yield Row(kind, text[2:], line.secure, text.startswith("|"), line.at, line, index)
