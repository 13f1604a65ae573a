"""The notebooks: both languages alike, short, in real French, their claims true, their outputs clean."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailsim import Lab, knowledge
from mailsim.checks import LABS as CHECKED
from mailsim.knowledge import Ref
from tests.knowledge.test_refs import complaint, needs_texts, text_of
from tests.labs.running import EXERCISE, LABS, LANGUAGES, ROOT, SOURCES, code_cells, notebook, shown

LONGEST = 8
MOST_WORDS = 1500


def prose(name: str, lang: str) -> Iterator[tuple[str, str]]:
    """Each text cell's id and words: no code, no addresses, no quotations of English."""
    for cell in notebook(name, lang).cells:
        if cell.cell_type == "markdown":
            yield cell.id, without_code(cell.source)


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`]*`|“[^”]*”|\*\*bounce\*\*", "", text, flags=re.DOTALL)


def pages(lang: str) -> Iterator[tuple[str, str]]:
    for path in sorted((SOURCES / lang).glob("*.md")):
        yield path.name, without_code(path.read_text(encoding="utf-8"))


def test_there_are_six_and_both_languages_have_the_same() -> None:
    assert [name[:2] for name in LABS] == ["00", "01", "02", "03", "04", "05"]
    assert sorted(path.name for path in (SOURCES / "fr").glob("*.ipynb")) == LABS
    assert list(CHECKED) == [name[:2] for name in LABS]


@pytest.mark.parametrize("name", LABS)
def test_cells_and_code_are_the_same_in_both_languages(name: str) -> None:
    english, french = notebook(name, "en"), notebook(name, "fr")
    assert english.metadata == french.metadata
    assert [cell.id for cell in english.cells] == [cell.id for cell in french.cells]
    for one, other in zip(english.cells, french.cells, strict=True):
        assert (one.cell_type, one.metadata) == (other.cell_type, other.metadata)
        if one.cell_type == "code":
            assert one.source == other.source
        elif one.source not in {"## Diagnose", "## Reset"}:
            assert one.source != other.source


@pytest.mark.parametrize("name", LABS)
def test_code_is_short_and_a_library_s_code_stays_in_the_library(name: str) -> None:
    for cell in code_cells(name):
        if not EXERCISE.fullmatch(cell.id):
            assert len(cell.source.splitlines()) <= LONGEST, cell.id
            assert not re.search(r"^\s*(?:def|class|async) ", cell.source, re.MULTILINE), cell.id
        assert not re.search(r"\bsleep\(|https?://", cell.source), cell.id


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", LABS)
def test_a_session_is_an_hour_s_reading(name: str, lang: str) -> None:
    texts = [cell.source for cell in notebook(name, lang).cells if cell.cell_type == "markdown"]
    assert sum(len(re.findall(r"[\w’']+", text)) for text in texts) <= MOST_WORDS


SKELETON = {
    "en": ("**At the end you can**", "**You need**", "**Time:** 60 minutes", "## Predict", "## Run",
           "## Explain", "## Break", "## Diagnose", "epair", "heck", "## Reset",
           "## One question to carry over", "## Strange experiments", "## Where it is laid down"),
    "fr": ("**À la fin, vous saurez**", "**Il vous faut**", "**Durée\u00a0:** 60 minutes", "## Prédire",
           "## Exécuter", "## Expliquer", "## Casser", "## Diagnostiquer", "éparer", "érifier",
           "## Remettre à zéro", "## Une question à emporter", "## Expériences étranges",
           "## Où c’est écrit"),
}  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", LABS)
def test_each_has_every_part_of_the_skeleton(name: str, lang: str) -> None:
    text = "\n".join(cell.source for cell in notebook(name, lang).cells)
    assert [part for part in SKELETON[lang] if part not in text] == []
    assert "exercises.predict(1, " in text
    assert "exercises.check(3" in text


# --- French -------------------------------------------------------------------------------------

# What the glossary forbids, where it is not the word itself that is spoken of.
FORBIDDEN = (
    r"mails?", r"méls?", r"e-?mails?", r"mailbox(?:es)?", r"serveurs? mail", r"entêtes?", r"queue",
    r"bounces?", r"relai", r"délivr\w+", r"liste noire", r"listes noires", r"liste blanche", r"crypt\w+",
    r"encrypt\w+", r"en plein", r"authentication", r"challenge", r"hash(?:es|é)?", r"poignée de main",
    r"stripping", r"homme du milieu", r"firewall", r"spams?", r"auto-réponse", r"flags?", r"taguée?s?",
    r"attachements?", r"déféré\w*", r"checks?", r"reset", r"backend", r"timeout", r"faire tourner",
    r"logs?", r"webmail", r"tu|toi|tes|ton",
)  # fmt: skip
# Quoted from the thesis, or said once as its word.
SPOKEN_OF = (
    "« indiqués dans l’entête du message avant de transmettre le contenu »",
    "(le mémoire dit « blacklisté », 3.2.1)",
    "« Liste noire » : dire *liste de blocage*",
    "« mais il est haché dans votre navigateur avant l’envoi »",
)


def in_french() -> Iterator[tuple[str, str]]:
    for name in LABS:
        for cell, text in prose(name, "fr"):
            yield f"{name} {cell}", text
    yield from pages("fr")


def own_words(text: str) -> str:
    """Without the tables of sources, and what is quoted."""
    plain = re.sub(
        r"^\| (?:RFC|mémoire)[^\n]*", "", text.replace("\u00a0", " "), flags=re.MULTILINE
    )
    for quoted in SPOKEN_OF:
        plain = plain.replace(quoted, "")
    return plain


@pytest.mark.parametrize("word", FORBIDDEN)
def test_no_word_that_the_glossary_forbids(word: str) -> None:
    pattern = re.compile(rf"(?<![\w.-])(?:{word})(?![\w-])(?!\.sn)", re.IGNORECASE)
    found = [
        f"{where}: {own_words(text)[max(m.start() - 20, 0) : m.end() + 20]!r}"
        for where, text in in_french()
        for m in pattern.finditer(own_words(text))
    ]
    assert found == []


def test_french_has_its_own_spaces_quotation_marks_and_capitals() -> None:
    for where, text in in_french():
        assert not re.findall(r".{0,20}(?: [:;!?»](?=\s|$)|« |\").{0,20}", text), where
        assert not re.findall(r".{0,20}[\w]'[\w].{0,20}", text), where
        assert not re.findall(r"(?:^|\. |\*\*)(?:A |Etat|Ecri|Etape|Eteign|Evit)", text), where


# --- What is claimed ----------------------------------------------------------------------------

ROW = re.compile(r"^\| RFC (\d+) \| §([\dA-Z.]+) ([^|]+?) \| “([^”]+)” \|$", re.MULTILINE)


def quoted(name: str, lang: str) -> list[Ref]:
    text = "\n".join(cell.source for cell in notebook(name, lang).cells)
    return [
        Ref(int(rfc), section, heading, words) for rfc, section, heading, words in ROW.findall(text)
    ]


@needs_texts
@pytest.mark.parametrize("name", LABS)
def test_what_is_quoted_from_an_rfc_stands_there(name: str) -> None:
    refs = quoted(name, "fr")
    assert len(refs) >= 3
    assert refs == quoted(name, "en")
    for ref in refs:
        text = text_of(ref.rfc)
        assert text is not None, ref
        assert complaint(ref, text.get(ref.section)) == "", ref


@needs_texts
@pytest.mark.parametrize("lab", CHECKED)
def test_what_an_exercise_refers_to_stands_there(lab: str) -> None:
    for exercise in CHECKED[lab]:
        text = text_of(exercise.ref.rfc)
        assert text is not None, exercise.id
        assert complaint(exercise.ref, text.get(exercise.ref.section)) == "", exercise.id
        assert exercise.ref.quote
        assert exercise.thesis


@needs_texts
def test_every_section_that_the_texts_name_exists() -> None:
    for lang in LANGUAGES:
        texts = [text for name in LABS for _, text in prose(name, lang)] + [
            t for _, t in pages(lang)
        ]
        for rfc, section in re.findall(r"RFC (\d+) §([\dA-Z]+(?:\.\d+)*)", "\n".join(texts)):
            known = text_of(int(rfc))
            assert known is not None, rfc
            assert section in known, (rfc, section)


# --- Outputs ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The passwords of the lab whose outputs are stored, user's apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSIM_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("MAILSIM_LAB", raising=False)
        with Lab(seed="mailsim") as lab:
            return [one.password for one in lab.accounts if one.user != "user"]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", LABS)
def test_outputs_hold_no_password_but_that_of_user(
    name: str, lang: str, secrets: list[str]
) -> None:
    assert len(secrets) == 6
    text = (SOURCES / lang / name).read_text(encoding="utf-8")
    assert [one for one in secrets if one in text] == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", LABS)
def test_all_was_run_from_start_to_end_and_every_self_check_passed(name: str, lang: str) -> None:
    cells = code_cells(name, lang)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        if cell.id.endswith("-check"):
            assert shown(cell).startswith("✔"), cell.id
        assert not any(output.get("name") == "stderr" for output in cell.outputs)


# --- What is made from them ---------------------------------------------------------------------


@pytest.mark.timeout(600)
@pytest.mark.parametrize("tool", ["student_labs.py", "lab_table.py"])
def test_what_is_made_from_the_sources_is_what_they_give(tool: str) -> None:
    assert complaints(tool) == ""


@pytest.mark.timeout(600)
def test_outputs_are_the_stored_ones_to_the_byte() -> None:
    # In English; nbval runs the French ones.
    assert complaints("store_labs.py", "en/") == ""


def complaints(tool: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, ROOT / "tools" / tool, "--check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stderr if ran.returncode else ""


# --- The inventory ------------------------------------------------------------------------------

# What these six are there for: each row with a cell that shows it, or an exercise that asks for it.
TAUGHT = {
    "00": "CON1 CON2 CON3 CON4 CON10 CON11 F29",
    "01": "CON5 CON9 DEM2 ANX1 F6 F25 F27",
    "02": "CON6 ANX2",
    "03": "CON7 CON8 ANX3 DEM3 DEM4 F21",
    "04": "SAS1 SAS2 SAS3 SAS4 SAS5 SAS6 DEM5 F7 F22 F26",
    "05": "REL1 REL2 REL3 REL4 REL5 REL6 REL7 REL8 REL9 MTA4 F8 F23",
}


def declared(name: str) -> set[str]:
    rows = [row for c in code_cells(name) for row in c.metadata.get("mailsim", {}).get("rows", [])]
    return {*rows, *(row for one in CHECKED[name[:2]] for row in one.rows)}


@pytest.mark.parametrize("name", LABS)
def test_no_row_has_lost_its_lab(name: str) -> None:
    assert set(TAUGHT[name[:2]].split()) - declared(name) == set()


@pytest.mark.parametrize("name", LABS)
def test_each_row_that_a_lab_declares_exists_and_is_tested(name: str) -> None:
    compared = {
        row
        for cell in code_cells(name)
        for row in cell.metadata.get("mailsim", {}).get("rows", [])
        if cell.outputs and "nbval-ignore-output" not in cell.metadata.get("tags", [])
    }
    exercised = {row for one in CHECKED[name[:2]] for row in one.rows}
    for row in declared(name):
        tables = ("thesis.inventory", "thesis.fault")
        assert any(knowledge.find(table, row) for table in tables), row
        assert row in compared | exercised, row


def test_a_path_is_no_machine_s() -> None:
    # store_labs.py refuses such outputs; this is about the texts.
    for lang in LANGUAGES:
        for path in sorted(Path(SOURCES / lang).glob("*")):
            assert not re.search(r"/(?:home|tmp|root|work)/\w", path.read_text("utf-8")), path.name
