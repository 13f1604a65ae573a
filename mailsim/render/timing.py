"""When each line travelled, as a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.dialogue import Dialogue
from mailsim.errors import UsageError
from mailsim.language import language, word
from mailsim.render.rows import Row, RowKind, dialogue_rows, safe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = 40


def timing(dialogue: Dialogue, *, lang: str | None = None) -> Figure:
    """A matplotlib figure: a row a line, from top to bottom, at the millisecond it travelled.

    Raises UsageError when matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - 800 ms to import
    except ImportError:
        raise UsageError("render.no-matplotlib") from None
    spoken = language(lang)
    blocks = dialogue_rows(safe(dialogue), lang)
    rows = [row for rows in blocks for row in rows if row.line is not None and row.index == 0]
    figure = Figure(figsize=(8, 1 + 0.25 * max(len(rows), 1)), layout="constrained")
    axes = figure.subplots()
    for kind, marker in ((RowKind.CLIENT, ">"), (RowKind.SERVER, "<")):
        points = [(row.at * 1000, y) for y, row in enumerate(rows) if row.kind is kind]
        label = word(f"render.side-{kind.value}", spoken)
        axes.plot([x for x, _ in points], [y for _, y in points], marker, label=label)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows], family="monospace", size=8)
    axes.invert_yaxis()
    axes.set_xlabel(word("render.milliseconds", spoken))
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    return figure


def _label(row: Row) -> str:
    # A dollar sign would open matplotlib's mathematics.
    text = f"{row.kind.value}: {row.text}".replace("$", r"\$")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
