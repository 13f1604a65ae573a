"""A dialogue as a ladder diagram: SVG, Mermaid, and the text that says the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from mailsim.dialogue import Dialogue
from mailsim.language import language, word
from mailsim.render.rows import Row, RowKind, dialogue_rows, exchange_rows, safe
from mailsim.render.text import rows_text

_WIDTH, _LEFT, _RIGHT, _TOP, _ROW = 760, 60, 700, 60, 26
_SHOWN = 78
# What XML cannot hold even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Ladder:
    """A ladder diagram: the client left, the server right, time downwards.

    In a notebook it shows itself as SVG; `mermaid` is the same in Mermaid's
    language, `text` the alternative for who cannot see it.
    """

    rows: tuple[Row, ...]
    server: str
    lang: str

    @classmethod
    def of(cls, dialogue: Dialogue, lang: str | None = None) -> Ladder:
        """The whole dialogue."""
        blocks = dialogue_rows(safe(dialogue), lang)
        rows = tuple(row for rows in blocks for row in rows)
        return cls(rows, dialogue.endpoint.server, language(lang))

    @classmethod
    def last(cls, dialogue: Dialogue, lang: str | None = None) -> Ladder:
        """The dialogue's last exchange."""
        last = safe(dialogue).exchanges[-1:]
        rows = tuple(row for one in last for row in exchange_rows(one, lang, secure=False))
        return cls(rows, dialogue.endpoint.server, language(lang))

    @property
    def text(self) -> str:
        """What the diagram says, as a transcript."""
        return rows_text(self.rows)

    @property
    def svg(self) -> str:
        """The diagram as SVG, with a title and a description for screen readers."""
        height = _TOP + _ROW * len(self.rows) + 20
        client = escape(word("render.side-C", self.lang))
        title = word("render.ladder", self.lang, server=_xml(self.server))
        lines = "".join(
            f'<line x1="{x}" y1="40" x2="{x}" y2="{height - 10}" stroke="currentColor" '
            f'stroke-opacity=".5"/>'
            for x in (_LEFT, _RIGHT)
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'role="img" lang="{self.lang}" style="color:var(--jp-content-font-color1,#222);'
            f'width:100%;max-width:{_WIDTH}px;height:auto" '
            f'font-family="monospace" font-size="12" fill="currentColor">'
            f"<title>{escape(title)}</title><desc>{escape(_xml(self.text))}</desc>"
            f'<text x="{_LEFT}" y="30" text-anchor="middle" font-weight="bold">{client}</text>'
            f'<text x="{_RIGHT}" y="30" text-anchor="end" font-weight="bold">'
            f"{escape(_xml(self.server))}</text>{lines}"
            + "".join(_rung(row, _TOP + _ROW * i) for i, row in enumerate(self.rows))
            + "</svg>"
        )

    @property
    def mermaid(self) -> str:
        """The diagram in Mermaid's language."""
        head = [
            "sequenceDiagram",
            f"    participant C as {_mermaid(word('render.side-C', self.lang))}",
            f"    participant S as {_mermaid(self.server)}",
        ]
        return "\n".join([*head, *(f"    {_message(row)}" for row in self.rows), ""])

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.text, "image/svg+xml": self.svg}


def _rung(row: Row, y: int) -> str:
    if row.kind in (RowKind.NOTE, RowKind.TLS):
        return (
            f'<text x="{(_LEFT + _RIGHT) // 2}" y="{y - 5}" text-anchor="middle" '
            f'font-style="italic">{escape(_cut(row.text))}</text>'
        )
    start, end = (_LEFT, _RIGHT) if row.kind is RowKind.CLIENT else (_RIGHT, _LEFT)
    tip = end - 8 if end > start else end + 8
    lock = "🔒 " if row.secure else ""
    dash = "" if row.kind is RowKind.CLIENT else ' stroke-dasharray="6 3"'
    return (
        f"<g><title>{escape(_xml(row.text))}</title>"
        f'<text x="{_LEFT + 12}" y="{y - 5}">{lock}{escape(_cut(row.text))}</text>'
        f'<line x1="{start}" y1="{y}" x2="{end}" y2="{y}" stroke="currentColor"{dash}/>'
        f'<path d="M{end} {y}L{tip} {y - 4}L{tip} {y + 4}Z"/></g>'
    )


def _message(row: Row) -> str:
    if row.kind is RowKind.CLIENT:
        return f"C->>S: {_mermaid(row.text)}"
    if row.kind is RowKind.SERVER:
        return f"S-->>C: {_mermaid(row.text)}"
    return f"Note over C,S: {_mermaid(row.text)}"


def _cut(text: str) -> str:
    text = _xml(text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _mermaid(text: str) -> str:
    """Text that Mermaid takes for nothing but text: entity codes for all that it reads."""
    plain = "".join(
        letter if letter.isalnum() or letter in " .,-@/=+_'()[]*!?$" else f"#{ord(letter)};"
        for letter in _xml(text)
    )
    return plain.strip() or "#32;"
