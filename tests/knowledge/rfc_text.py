"""RFC texts as published (rfcNNNN.txt): their sections, headings and words.

Page breaks with their footers and headers go; white space is folded to single spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Section:
    """A section without its subsections; both texts are folded."""

    heading: str
    text: str

    def says(self, quote: str) -> bool:
        """Whether `quote` stands here; a word may be broken at its hyphen."""
        return quote.replace("- ", "-") in self.text.replace("- ", "-")


@cache
def sections(path: Path) -> dict[str, Section]:
    """The sections of the RFC in the file `path` by number ("4.5.2", "B.1", "C")."""
    return sections_of(path.read_text(encoding="utf-8", errors="replace"))


def sections_of(text: str) -> dict[str, Section]:
    """The sections of an RFC's `text`.

    A number that stands twice (in a table of contents without page numbers) is
    the one that has more text.
    """
    lines = _without_page_breaks(text)
    starts = [*_starts(lines), _Start(len(lines), 0, "", "")]
    found: dict[str, Section] = {}
    for start, following in pairwise(starts):
        body = lines[start.line + start.height : following.line]
        section = Section(fold(start.heading), fold("\n".join(body)))
        before = found.get(start.number)
        if before is None or len(before.text) < len(section.text):
            found[start.number] = section
    return found


def fold(text: str) -> str:
    """`text` on one line."""
    return " ".join(text.split())


@dataclass(frozen=True, slots=True)
class _Start:
    """A heading: the index of its line, how many lines it takes, number and words."""

    line: int
    height: int
    number: str
    heading: str


_FOOTER = re.compile(r"\S.*\[Page \d+\]\s*")
_HEADER = re.compile(r"RFC \d+ .*\d{4}\s*")


def _without_page_breaks(text: str) -> list[str]:
    lines = text.replace("\f", "\n").splitlines()
    return [x.rstrip() for x in lines if not (_FOOTER.fullmatch(x) or _HEADER.fullmatch(x))]


_HEADING = re.compile(
    r"(?P<indent> {0,8})(?:Appendix +)?(?P<number>(?:\d+|[A-Z](?=[.:]))(?:\.\d+)*)"
    r"[.:]? +(?:- )?(?P<words>\S.*)",
    re.IGNORECASE,
)
_CONTENTS = re.compile(r"\.{3}|(?:\. ){2}|\s{2}\d+$")


def _starts(lines: list[str]) -> Iterator[_Start]:
    """Headings stand at the margin; in RFCs of the eighties subsections are indented."""
    found = [(at, m) for at, line in enumerate(lines) if (m := _heading_at(lines, at, line))]
    flush = any("." in m["number"] and not m["indent"] for _, m in found)
    for at, match in found:
        if not match["indent"] or (not flush and "." in match["number"]):
            height = _height(lines, at, match.start("words"))
            words = " ".join([match["words"], *lines[at + 1 : at + height]])
            yield _Start(at, height, match["number"].upper(), words)


def _heading_at(lines: list[str], at: int, line: str) -> re.Match[str] | None:
    if at and lines[at - 1]:
        return None
    match = _HEADING.fullmatch(line)
    return None if match is None or _CONTENTS.search(line) else match


def _height(lines: list[str], at: int, column: int) -> int:
    """How many lines a heading takes: it goes on below its first word."""
    height = 1
    while at + height < len(lines) and re.match(rf" {{{column}}}\S", lines[at + height]):
        height += 1
    return height
