"""Explanations as text and as HTML: each row with what it means and where that is laid down."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mailsim.dialogue import Dialogue
from mailsim.dialogue.explain import (
    ExplainedExchange,
    Explanation,
    Meaning,
    TextExplanation,
    explain,
)
from mailsim.dialogue.explain.values import worded
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
    told = Told(lang)
    return "\n\n".join(
        "\n".join(_exchange_lines(one, told))
        for one in (exchanges[-1:] if last_only else exchanges)
    )


class Told:
    """What a reader of a dialogue has been told so far, so that nothing is said twice.

    A body of ten lines is explained once; what a row shares with an earlier one (its 250) is
    not said again; a row that means what an earlier one meant is explained "as above".
    """

    def __init__(self, lang: str | None = None) -> None:
        self._lang = language(lang)
        self._whole: set[str] = set()
        self._parts: set[str] = set()

    def rows(self, exchange: ExplainedExchange) -> Iterator[tuple[Explanation, str]]:
        """Each row with what it means, "" where that was just said of the row before."""
        before: tuple[str, ...] = ()
        for row in exchange.rows:
            yield row, "" if row.ids == before else self._row(row)
            before = row.ids
            self._whole.update(row.ids[:1])
            self._parts.update(row.ids)

    def _row(self, row: Explanation) -> str:
        new = [one for one in row.ids[1:] if one not in self._parts]
        if row.ids and row.ids[0] in self._whole and not new:
            return word("render.as-above", self._lang)
        return _said(row, self._parts, self._lang)


def _said(row: Explanation, told: set[str], lang: str | None) -> str:
    if not row.entries:
        return ""
    first, *rest = row.entries
    # A wording that serves several protocols cites one of them; the entry behind it is this one's.
    shared = len(first.data.get("protocols", ())) > 1
    refs = next((one.refs for one in rest if shared), first.refs)
    where = f" [{refs[0]}]" if refs else ""
    return worded((first, *(one for one in rest if one.id not in told)), lang) + where


def explained_html(dialogue: Dialogue, *, lang: str | None = None) -> str:
    """The whole dialogue as a table of rows and meanings; all of it escaped."""
    spoken = language(lang)
    told = Told(spoken)
    body = "".join(
        f"<tr><td>{row.line.side.value}</td><td><code>{escape(shown(row.raw)[2:])}</code></td>"
        f"<td>{escape(said)}</td></tr>"
        for exchange in explain(safe(dialogue))
        for row, said in told.rows(exchange)
    )
    return f'<table class="mailsim" lang="{spoken}"><tbody>{body}</tbody></table>'


def _exchange_lines(exchange: ExplainedExchange, told: Told) -> Iterator[str]:
    for row, said in told.rows(exchange):
        yield f"{row.line.side.value}{shown(row.raw)}".rstrip()
        if said:
            yield f"   {said}"


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
    for label, text in meaning_fields(meaning, lang):
        yield f"  {word(f'render.{label}', lang)} {text}"


def meaning_fields(meaning: Meaning, lang: str) -> Iterator[tuple[str, str]]:
    """What is known of it beyond its one line: which field (its label is `render.FIELD`), and its text."""
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
    places = {(ref.rfc, ref.section): ref for ref in reversed(meaning.refs)}
    for ref in [ref for ref in meaning.refs if places[ref.rfc, ref.section] is ref][:_MANY_REFS]:
        yield "ref", _ref(ref)


def _setting(meaning: Meaning) -> str:
    return ", ".join(text for text in (meaning.setting, meaning.restriction) if text)


def _ref(ref: Ref) -> str:
    heading = f", {ref.heading}" if ref.heading else ""
    quote = f": “{ref.quote}”" if ref.quote else ""
    return f"{ref}{heading}{quote}"
