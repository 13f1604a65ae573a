"""Explanations as text and as HTML: each row with what it means and where that is laid down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from mailsim.dialogue import Dialogue
from mailsim.dialogue.explain import (
    ExplainedExchange,
    Explanation,
    Meaning,
    TextExplanation,
    explain,
)
from mailsim.dialogue.text import shown
from mailsim.knowledge import Ref
from mailsim.language import language, word
from mailsim.render.rows import safe

_MANY_REFS = 6


def explained_text(
    dialogue: Dialogue, *, lang: str | None = None, last_only: bool = False, reveal: bool = False
) -> str:
    """Each row followed by its meaning; of the whole dialogue, or of its last exchange."""
    exchanges = explain(safe(dialogue, reveal=reveal))
    return "\n\n".join(
        "\n".join(_exchange_lines(one, lang))
        for one in (exchanges[-1:] if last_only else exchanges)
    )


def explained_step(dialogue: Dialogue, *, lang: str | None = None) -> Iterator[str]:
    """What the rows of the dialogue's last exchange mean, a line each; no row itself."""
    for exchange in explain(dialogue)[-1:]:
        for row in _telling(exchange.rows):
            yield f"{row.line.side.value}  {_said(row, lang)}"


def explained_html(dialogue: Dialogue, *, lang: str | None = None) -> str:
    """The whole dialogue as a table of rows and meanings; all of it escaped."""
    spoken = language(lang)
    rows = [row for exchange in explain(safe(dialogue)) for row in exchange.rows]
    body = "".join(
        f"<tr><td>{row.line.side.value}</td><td><code>{escape(shown(row.raw)[2:])}</code></td>"
        f"<td>{escape(_said(row, spoken))}</td></tr>"
        for row in rows
    )
    return f'<table class="mailsim" lang="{spoken}"><tbody>{body}</tbody></table>'


def _exchange_lines(exchange: ExplainedExchange, lang: str | None) -> Iterator[str]:
    told = {id(row) for row in _telling(exchange.rows)}
    for row in exchange.rows:
        yield f"{row.line.side.value}{shown(row.raw)}".rstrip()
        if id(row) in told:
            yield f"   {_said(row, lang)}"


def _telling(rows: Iterable[Explanation]) -> Iterator[Explanation]:
    """The rows that say something new: a body of ten lines is explained once."""
    before: tuple[str, ...] = ()
    for row in rows:
        if row.entries and row.ids != before:
            yield row
        before = row.ids


def _said(row: Explanation, lang: str | None) -> str:
    refs = row.entries[0].refs if row.entries else ()
    where = f" [{refs[0]}]" if refs else ""
    return f"{row.worded(lang)}{where}" if row.entries else "—"


def text_lines(explanation: TextExplanation, *, lang: str | None = None) -> Iterator[str]:
    """What a text means, for a terminal: each meaning with cause, setting, action, references."""
    spoken = language(lang)
    for number, meaning in enumerate(explanation.meanings):
        if number:
            yield ""
        yield from _meaning_lines(meaning, spoken)


def _meaning_lines(meaning: Meaning, lang: str) -> Iterator[str]:
    area = f" ({meaning.protocol})" if meaning.protocol else ""
    yield f"{meaning.short(lang)}{area}"
    for label, text in _fields(meaning, lang):
        yield f"  {word(f'render.{label}', lang)} {text}"


def _fields(meaning: Meaning, lang: str) -> Iterator[tuple[str, str]]:
    for label, part in (
        ("class", meaning.class_),
        ("subject", meaning.subject),
        ("detail", meaning.detail),
    ):
        if part is not None:
            yield label, f"{part.name} — {part.short(lang)}"
    yield from (
        (label, text)
        for label, text in (
            ("long", meaning.long(lang)),
            ("cause", meaning.cause(lang)),
            ("setting", _setting(meaning)),
            ("action", meaning.action(lang)),
            ("example", meaning.entry.example.replace("\n", " ⏎ ")),
        )
        if text
    )
    for ref in meaning.refs[:_MANY_REFS]:
        yield "ref", _ref(ref)


def _setting(meaning: Meaning) -> str:
    return ", ".join(text for text in (meaning.setting, meaning.restriction) if text)


def _ref(ref: Ref) -> str:
    heading = f", {ref.heading}" if ref.heading else ""
    quote = f": “{ref.quote}”" if ref.quote else ""
    return f"{ref}{heading}{quote}"
