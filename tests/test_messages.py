"""The catalogues hold what the code says, in both languages, and nothing else."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import mailsim
from mailsim import knowledge
from mailsim.cli import main, trace
from mailsim.dialogue import Side
from mailsim.dialogue.compare import Kind
from mailsim.language import LANGUAGES
from mailsim.render import sasl

PACKAGE = Path(mailsim.__file__).parent
CATALOGUES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((PACKAGE / "messages").glob("*.json"))
}
SENTENCES: dict[str, dict[str, str]] = {
    message_id: sentences
    for catalogue in CATALOGUES.values()
    for message_id, sentences in catalogue.items()
}
NODES = [
    (path.relative_to(PACKAGE).as_posix(), node)
    for path in sorted(PACKAGE.rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
]
CALLS = [(name, node) for name, node in NODES if isinstance(node, ast.Call) and node.args]
ID = re.compile(rf"(?:{'|'.join(CATALOGUES)})\.[A-Za-z0-9.-]*[A-Za-z0-9]")
# Entries of knowledge have ids of the same form, with the table's before the name.
TABLES = re.compile(rf"(?:{'|'.join(map(re.escape, knowledge.tables()))})(?:\..+)?")


def text(node: ast.expr) -> str:
    """What a literal string says, "" for any other expression."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def literal_ids() -> dict[str, str]:
    """Each id that stands whole in the code, and a file where it does."""
    return {
        found: name
        for name, node in NODES
        if isinstance(node, ast.Constant) and ID.fullmatch(found := text(node))
    }


def part_names() -> set[str]:
    """The names of SASL messages' parts, as `part` and `computed` are given them."""
    made = {
        text(node.args[0])
        for name, node in CALLS
        if name.startswith("sasl/") and ast.unparse(node.func) in {"part", "computed"}
    }
    # NTLM's stand in the tables of its layout, each before its offset and its kind.
    laid_out = {
        text(node.elts[0])
        for name, node in NODES
        if name == "sasl/ntlm.py" and isinstance(node, ast.Tuple) and len(node.elts) == 3
    }
    return (made | laid_out) - {""}


def labels() -> set[str]:
    """What `mailsim explain` sets before a meaning's fields: the pairs' first words."""
    return {
        text(node.elts[0])
        for name, node in NODES
        if name == "render/explained.py" and isinstance(node, ast.Tuple) and len(node.elts) == 2
    } - {""}


# The ids that are put together from a beginning and a name: where the names come from.
MADE = {
    "cli.": set(main._COMMANDS),
    "cli.trace-": {str(one.name) for one in trace.app.registered_commands},
    "dialogue.compare-": {kind.value for kind in Kind},
    "render.": labels() | set(sasl._ROWS),
    "render.side-": {side.value for side in Side},
    "sasl.part.": part_names(),
}


def made_ids() -> set[str]:
    return {f"{beginning}{name}" for beginning, names in MADE.items() for name in names}


def beginnings() -> set[str]:
    """What stands before the first {} of each f-string that makes an id."""
    return {
        found
        for _, node in NODES
        if isinstance(node, ast.JoinedStr)
        and (found := text(node.values[0])).partition(".")[0] in CATALOGUES
        and "." in found
    }


def parameters(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def given() -> Iterator[tuple[str, str, set[str], bool]]:
    """Each call that names an id: where, the id, the parameters, and whether there are others."""
    for name, node in CALLS:
        if (found := text(node.args[0])) in SENTENCES:
            names = {one.arg for one in node.keywords if one.arg}
            others = any(one.arg is None for one in node.keywords)
            yield f"{name}:{node.lineno}", found, names, others


@pytest.mark.parametrize("area", CATALOGUES)
def test_each_sentence_stands_in_every_language_with_the_same_parameters(area: str) -> None:
    for message_id, sentences in CATALOGUES[area].items():
        assert message_id.startswith(f"{area}.")
        assert tuple(sentences) == LANGUAGES, message_id
        assert all(one.strip() for one in sentences.values()), message_id
        assert len({frozenset(parameters(one)) for one in sentences.values()}) == 1, message_id


@pytest.mark.parametrize("area", CATALOGUES)
def test_french_is_typeset_as_french(area: str) -> None:
    # A no-break space within « » and before : ; ! ?, but for the C: and S: of transcripts.
    slip = re.compile(r"[^\u00a0CS][:;!?»](?:\s|$)|«[^\u00a0]")
    for message_id, sentences in CATALOGUES[area].items():
        assert not slip.search(sentences["fr"]), message_id


@pytest.mark.parametrize("area", CATALOGUES)
def test_french_has_its_own_apostrophe(area: str) -> None:
    straight = re.compile(r"\w'[\w«]")
    for message_id, sentences in CATALOGUES[area].items():
        assert not straight.search(sentences["fr"]), message_id


def test_whatever_id_the_code_names_has_its_sentence() -> None:
    named = {
        found: name
        for found, name in literal_ids().items()
        if not TABLES.fullmatch(found) and not found.endswith(".json")  # a file's name
    }
    assert {found: name for found, name in named.items() if found not in SENTENCES} == {}
    assert made_ids() - set(SENTENCES) == set()


def test_the_beginnings_are_all_that_the_code_has() -> None:
    assert {one for one in beginnings() if not TABLES.match(one)} == set(MADE)


def test_no_sentence_is_for_nobody() -> None:
    assert set(SENTENCES) - set(literal_ids()) - made_ids() == set()


def test_each_sentence_is_given_the_parameters_that_it_has() -> None:
    calls = list(given())
    assert len(calls) > 200
    for where, found, names, others in calls:
        wanted = parameters(SENTENCES[found]["en"])
        assert names <= wanted if others else names == wanted, (where, found)
