"""HTML for ipywidgets: tables and lists of text, all of it escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

# JupyterLab's variables with fallbacks, as in `mailsim.render.html`; marks stand beside colours.
STYLE: Final = """<style>
.mailsim-ui{color:var(--jp-content-font-color1,inherit);font-size:13px;line-height:1.5;max-width:100%;overflow-x:auto}
.mailsim-ui table.mailsim-ui{border-collapse:collapse;margin:4px 0;color:inherit;font-size:13px;overflow:visible}
.mailsim-ui caption{text-align:left;font-weight:600;padding:2px 0;color:inherit}
.mailsim-ui.mailsim-ui.mailsim-ui th,.mailsim-ui.mailsim-ui.mailsim-ui td{text-align:left;vertical-align:top;
 padding:1px 10px 1px 4px;border-bottom:1px solid var(--jp-border-color2,#ccc);background:none;color:inherit;
 white-space:pre-wrap;overflow-wrap:anywhere;max-width:52em}
.mailsim-ui.mailsim-ui.mailsim-ui th{font-weight:600;white-space:nowrap;overflow-wrap:normal}
.mailsim-ui code,.mailsim-ui .m-code td{font-family:var(--jp-code-font-family,monospace)}
.mailsim-ui.mailsim-ui.mailsim-ui .m-code td{white-space:pre;overflow-wrap:normal;max-width:none}
.mailsim-ui p{margin:2px 0}
.mailsim-ui .m-soft{color:var(--jp-content-font-color2,#555)}
.mailsim-ui .m-new td:first-child,.mailsim-ui li.m-now{font-weight:700}
.mailsim-ui .m-failed{border-left:4px solid var(--jp-error-color1,#b00);padding-left:8px;font-weight:600}
.mailsim-ui ol{margin:4px 0;padding-left:2.6em}
</style>"""


def block(*parts: str, lang: str) -> str:
    """The parts, made of what stands below, as one block."""
    return f'{STYLE}<div class="mailsim-ui" lang="{escape(lang)}">{"".join(parts)}</div>'


def paragraph(text: str, style: str = "") -> str:
    """A paragraph of text."""
    return f'<p class="{style}">{escape(text)}</p>' if style else f"<p>{escape(text)}</p>"


def said(text: str, *, failed: bool = False) -> str:
    """What happened, for screen readers too; a failure has a sign, not a colour alone."""
    role, style = ("alert", "m-failed") if failed else ("status", "m-soft")
    sign = "⚠ " if failed and text else ""
    return f'<p class="{style}" role="{role}">{sign}{escape(text)}</p>'


def table(
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    style: str = "",
    new: frozenset[int] = frozenset(),
) -> str:
    """A table; the rows numbered in `new` are marked with an asterisk."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    body = "".join(_row(row, new=at in new) for at, row in enumerate(rows))
    return (
        f'<table class="mailsim-ui {style}"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _row(row: Sequence[str], *, new: bool) -> str:
    first, *rest = row
    cells = "".join(f"<td>{escape(one)}</td>" for one in (f"{first} *" if new else first, *rest))
    return f'<tr class="m-new">{cells}</tr>' if new else f"<tr>{cells}</tr>"


def fields(caption: str, rows: Iterable[tuple[str, str]]) -> str:
    """Names and what they stand for, as a table whose first column is its headings."""
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in rows
    )
    return f'<table class="mailsim-ui"><caption>{escape(caption)}</caption><tbody>{body}</tbody></table>'
