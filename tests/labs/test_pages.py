"""The pages beside the notebooks: commands that work as printed, and a sheet for each teacher."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import StartUp
from tests.labs.running import LABS, LANGUAGES, SOURCES

BLOCK = re.compile(
    r"^```(?P<kind>\w+) ?(?P<rest>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
PAGES = ["00_start_here.md"]


def commands(text: str) -> list[list[str]]:
    return [shlex.split(row[2:]) for row in text.splitlines() if row.startswith("$ ")]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_a_page_works(page: str, lang: str, up: StartUp, tmp_path: Path) -> None:
    tried = 0
    for block in BLOCK.finditer((SOURCES / lang / page).read_text("utf-8")):
        if block["kind"] == "text":
            (tmp_path / block["rest"]).write_text(block["text"], "utf-8")
        for words in commands(block["text"]) if block["kind"] == "console" else []:
            assert words[0] == "mailsim"
            if words[1] == "up":
                up(*words[2:])
                continue
            ran = subprocess.run(
                [sys.executable, "-m", *words],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            tried += 1
            assert ran.returncode == (1 if block["rest"] == "fails" else 0), (words, ran)
            assert ran.stderr == "", words
            assert ran.stdout or words[1] == "reset", words
    assert tried > 8


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_are_the_same_in_both_languages(page: str) -> None:
    blocks = [
        [one.groups() for one in BLOCK.finditer((SOURCES / lang / page).read_text("utf-8"))]
        for lang in LANGUAGES
    ]
    assert blocks[0] == blocks[1]


@pytest.mark.parametrize("name", LABS)
def test_a_teacher_has_a_plan_the_answers_and_what_to_watch_for(name: str) -> None:
    sheets = [
        (SOURCES / lang / name.replace(".ipynb", ".teacher.md")).read_text("utf-8")
        for lang in LANGUAGES
    ]
    for sheet in sheets:
        assert len(re.findall(r"^## ", sheet, re.MULTILINE)) == 3, name
        assert len(sheet.split()) > 200
    assert "## Answers" in sheets[0]
    assert "## Réponses" in sheets[1]


def test_students_get_the_pages_and_not_the_sheets() -> None:
    for lang in LANGUAGES:
        names = {path.name for path in (SOURCES.parent / lang).iterdir()}
        assert {*LABS, *PAGES, "mailsim.toml"} == names
