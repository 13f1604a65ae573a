"""The notebooks: both languages alike, outputs as stored, students' copies as generated."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "labs" / "src"
LABS = sorted(path.name for path in (SOURCES / "en").glob("*.ipynb"))


def cells(lang: str, name: str) -> list[nbformat.NotebookNode]:
    found: list[nbformat.NotebookNode] = nbformat.read(SOURCES / lang / name, 4).cells
    return found


def test_there_are_notebooks_and_both_languages_have_the_same() -> None:
    assert LABS
    assert sorted(path.name for path in (SOURCES / "fr").glob("*.ipynb")) == LABS


@pytest.mark.parametrize("name", LABS)
def test_cells_and_code_are_the_same_in_both_languages(name: str) -> None:
    english, french = cells("en", name), cells("fr", name)
    assert [cell.id for cell in english] == [cell.id for cell in french]
    assert [cell.cell_type for cell in english] == [cell.cell_type for cell in french]
    for one, other in zip(english, french, strict=True):
        assert one.metadata == other.metadata
        if one.cell_type == "code":
            assert one.source == other.source
        else:
            assert one.source != other.source


@pytest.mark.parametrize("name", LABS)
def test_code_cells_are_short(name: str) -> None:
    long = [
        c.id for c in cells("en", name) if c.cell_type == "code" and len(c.source.splitlines()) > 8
    ]
    assert long == []


@pytest.mark.parametrize("name", LABS)
def test_french_has_its_own_spaces_and_quotation_marks(name: str) -> None:
    for cell in cells("fr", name):
        if cell.cell_type == "markdown":
            prose = re.sub(r"`[^`]*`", "", cell.source)
            assert not re.findall(r".{0,20}(?: [:;!?»]|« |\").{0,20}", prose), cell.id


@pytest.mark.parametrize("tool", ["student_labs.py", "store_labs.py"])
def test_what_is_stored_is_what_the_sources_give(tool: str) -> None:
    ran = subprocess.run(
        [sys.executable, ROOT / "tools" / tool, "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
