"""What the project says of itself holds: README, CHANGELOG, versions, and no stray words."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import mailsim

ROOT = Path(__file__).resolve().parent.parent.parent
READMES = ("README.md", "README.fr.md")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))


def tracked_texts() -> list[tuple[str, str]]:
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git work tree: what is tracked cannot be asked")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [
        (path.relative_to(ROOT).as_posix(), path.read_bytes().decode("utf-8", "replace"))
        for path in paths
        if path.is_file()
    ]


@pytest.mark.parametrize("readme", READMES)
def test_every_make_target_of_the_readme_exists(readme: str) -> None:
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)", text_of(readme), re.MULTILINE))
    assert {"lab", "test"} <= named
    assert named <= targets()


def test_both_readmes_have_the_same_commands() -> None:
    # What begins with a capital is what a command prints, in the reader's language.
    pattern = r"^    ([a-z$>]\S* (?:-m )?\S+)|`(make \w+)`"
    english, french = (re.findall(pattern, text_of(name), re.MULTILINE) for name in READMES)
    assert sorted(english) == sorted(french)


@pytest.mark.parametrize("readme", READMES)
def test_every_file_that_the_readme_links_exists(readme: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text_of(readme))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_version_stands_once_and_the_changelog_opens_with_it() -> None:
    assert version("mailsim") == mailsim.__version__
    newest = re.search(r"^## \[([^\]]+)\]", text_of("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == mailsim.__version__


def test_constraints_are_pins_and_nothing_else() -> None:
    lines = [line for line in text_of("constraints.txt").splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[\w.+!]+", line)] == []


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    named = {re.split(r"[<>=!\[ ;]", line)[0] for lines in lists for line in lines}
    pinned = {line.partition("==")[0] for line in text_of("constraints.txt").splitlines()}
    assert {canonical(name) for name in named - {"mailsim"}} <= {canonical(name) for name in pinned}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# Each with the files that may. A class of one letter keeps a pattern from finding itself.
FORBIDDEN: dict[str, tuple[str, set[str]]] = {
    "an address of a package registry": (
        r"https?://[^ \"']*(?:[d]ebian|[p]ypi|[p]ythonhosted|[n]pmjs)",
        set(),
    ),
    # A container has a root too, and his home is part of its state.
    "a path of one machine": (
        r"/[w]ork/|/[r]oot/|/[U]sers/\w",
        {"mailsim/lab/container/pristine.py"},
    ),
    "what lies beside the clone": (r"\b[s]hared/(?:rfc|iana|ref|DES)", {".ci/run"}),
    "the workplace": (r"[D]EVELOPERS\.md|[C]OMPASS\b", set()),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_names(what: str) -> None:
    pattern, allowed = FORBIDDEN[what]
    found = [
        (name, hit[0])
        for name, text in tracked_texts()
        for hit in re.finditer(pattern, text)
        if name not in allowed
    ]
    assert found == []
