"""A dialogue as HTML.  All that came from a server is escaped; there is no script in it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from mailsim.dialogue import Dialogue
from mailsim.language import language, word
from mailsim.render.rows import Row, RowKind, dialogue_rows, exchange_rows, safe

# JupyterLab's variables with fallbacks, so that light and dark themes both hold;
# the letter and the border tell the sides apart without the colours.  The class is named
# three times to go before JupyterLab's own rules for tables, which set text to the right.
_STYLE = """
.mailsim{font:13px/1.5 var(--jp-code-font-family,monospace);border-collapse:collapse}
.mailsim.mailsim.mailsim td{padding:0 .6em;text-align:left;vertical-align:top;white-space:pre-wrap;
 overflow-wrap:anywhere;background:none;color:var(--jp-content-font-color1,inherit)}
.mailsim .m-side{font-weight:bold;width:1.2em}
.mailsim.mailsim.mailsim .m-C .m-side,.mailsim.mailsim.mailsim .m-C .m-row{color:var(--jp-info-color0,#0b5cad)}
.mailsim .m-S{border-left:3px solid var(--jp-border-color1,#888)}
.mailsim .m-C{border-left:3px double var(--jp-info-color0,#0b5cad)}
.mailsim .m-note{font-style:italic;opacity:.8}
""".replace("\n", "")

_LOCK = "🔒"


def step_html(dialogue: Dialogue, *, lang: str | None = None) -> str:
    """The dialogue's last exchange as a table."""
    if not dialogue.exchanges:
        return ""
    return _table(exchange_rows(safe(dialogue).exchanges[-1], lang, secure=False), lang)


def dialogue_html(dialogue: Dialogue, *, lang: str | None = None, reveal: bool = False) -> str:
    """The whole dialogue as a table."""
    blocks = dialogue_rows(safe(dialogue, reveal=reveal), lang)
    return _table((row for rows in blocks for row in rows), lang)


def _table(rows: Iterable[Row], lang: str | None) -> str:
    spoken = language(lang)
    body = "".join(_row(row, spoken) for row in rows)
    label = escape(word("render.transcript", spoken))
    return (
        f'<style>{_STYLE}</style><table class="mailsim" lang="{spoken}" aria-label="{label}">'
        f"<tbody>{body}</tbody></table>"
    )


def _row(row: Row, lang: str) -> str:
    if row.kind in (RowKind.NOTE, RowKind.TLS):
        lock = _LOCK if row.kind is RowKind.TLS else ""
        return f'<tr class="m-note"><td></td><td>{lock}</td><td>{escape(row.text)}</td></tr>'
    side = word(f"render.side-{row.kind.value}", lang)
    covered = word("render.covered" if row.secure else "render.clear", lang)
    lock = _LOCK if row.secure else ""
    style = " m-escaped" if row.escaped else ""
    return (
        f'<tr class="m-{row.kind.value}{style}">'
        f'<td class="m-side" title="{escape(side)}">{row.kind.value}</td>'
        f'<td title="{escape(covered)}">{lock}</td>'
        f'<td class="m-row">{escape(row.text)}</td></tr>'
    )
