"""HTML for ipywidgets: tables and lines of text, all of it escaped; static/box.css is its style."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def block(*parts: str, lang: str) -> str:
    """The parts, made of what stands below, as one block."""
    return f'<div class="mailsim-ui" lang="{escape(lang)}">{"".join(parts)}</div>'


def paragraph(text: str, style: str = "") -> str:
    """A paragraph of text."""
    return f'<p class="{style}">{escape(text)}</p>' if style else f"<p>{escape(text)}</p>"


def said(text: str, *, failed: bool = False, code: str = "") -> str:
    """What happened, for screen readers too; a failure has a sign, not a colour alone.

    `code` follows as what travels on the wire.
    """
    role, style = ("alert", "m-failed") if failed else ("status", "m-soft")
    sign = "⚠ " if failed and text else ""
    wire = f" <code>{escape(code)}</code>" if code else ""
    return f'<p class="{style}" role="{role}">{sign}{escape(text)}{wire}</p>'


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
        f'<table class="{style}"><caption>{escape(caption)}</caption>'
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
    return f"<table><caption>{escape(caption)}</caption><tbody>{body}</tbody></table>"
