"""A dialogue as plain text: `C:` and `S:`, as RFCs print it.

    S: 220 mail.minfo.sn ESMTP Postfix
    C: EHLO poste.minfo.sn

A row behind `C|` or `S|` has bytes that cannot be printed, escaped, its line end
too; `== TLS ==` stands where TLS begins to cover what follows; `#` is a remark.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailsim.dialogue import Dialogue
from mailsim.render.rows import Row, RowKind, dialogue_rows, exchange_rows, safe


def dialogue_text(dialogue: Dialogue, *, lang: str | None = None, reveal: bool = False) -> str:
    """The whole dialogue, a blank line between exchanges."""
    blocks = dialogue_rows(safe(dialogue, reveal=reveal), lang)
    return "\n\n".join(rows_text(rows) for rows in blocks)


def step_text(dialogue: Dialogue, *, lang: str | None = None, reveal: bool = False) -> str:
    """The dialogue's last exchange."""
    if not dialogue.exchanges:
        return ""
    last = safe(dialogue, reveal=reveal).exchanges[-1]
    return rows_text(exchange_rows(last, lang, secure=False))


def rows_text(rows: Iterable[Row]) -> str:
    """Rows, a line each."""
    return "\n".join(map(row_text, rows))


def row_text(row: Row) -> str:
    """One row with what stands before it."""
    if row.kind is RowKind.TLS:
        return "== TLS =="
    if row.kind is RowKind.NOTE:
        return f"# {row.text}"
    mark = "|" if row.escaped else ":"
    return f"{row.kind.value}{mark} {row.text}".rstrip()
