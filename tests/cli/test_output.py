from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest

from mailsim.cli import output
from mailsim.render.rows import Row, RowKind

ROW = Row(RowKind.CLIENT, "MAIL FROM:<a@b.sn> [bold]x[/bold] :smile:")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def fresh_console() -> Iterator[None]:
    output.console.cache_clear()
    yield
    output.console.cache_clear()


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({"TERM": "xterm-256color"}, True), ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False)],
)
def test_a_terminal_shows_rows_in_colour_and_their_text_as_it_is(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, coloured: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    output.show_row(ROW)
    shown = terminal.getvalue()
    assert f"C: {ROW.text}" in shown
    assert ("\x1b[1;36m" in shown) is coloured


def test_what_is_piped_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stdout", pipe)
    output.show_row(ROW)
    assert pipe.getvalue() == f"C: {ROW.text}\n"
