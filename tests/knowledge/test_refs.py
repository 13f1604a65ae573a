"""What is cited stands there: section, heading and words, in the tables and in the source.

MAILSIM_RFC_DIR names a folder of RFC texts (rfcNNNN.txt).  RFCs that are cited and
have no text there are listed in WITHOUT_TEXT, so that a new one shows.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from mailsim.knowledge import Ref, table, tables
from tests.knowledge.rfc_text import Section, sections, sections_of

ROOT = Path(__file__).parents[2]

# RFCs that are cited, and whose text is not in the folder of texts that CI has.
WITHOUT_TEXT = {
    822, 854, 1034, 1035, 1845, 1846, 1995, 2060, 2136, 2181, 2183, 2193, 2221, 2222, 2308, 2369,
    2444, 2645, 2743, 2782, 2808, 2831, 2852, 2919, 3163, 3164, 3206, 3282, 3348, 3403, 3454,
    3463, 3502, 3503, 3516, 3596, 3834, 3848, 3865, 3885, 3886, 4034, 4035, 4141, 4178, 4253, 4255,
    4405, 4422, 4467, 4468, 4469, 4648, 4752, 4865, 4954, 4978, 5032, 5034, 5092, 5155, 5182, 5248,
    5255, 5257, 5259, 5267, 5280, 5336, 5452, 5465, 5466, 5524, 5550, 5598, 5703, 5738, 5782, 5929, 5936,
    5957, 6009, 6134, 6152, 6203, 6331, 6409, 6558, 6595, 6616, 6672, 6698, 6710, 6891, 7055,
    7208, 7293, 7344, 7372, 7377, 7435, 7504, 7505, 7672, 7766, 7873, 7889, 7929, 8162, 8314,
    8440, 8457, 8482, 8508, 8514, 8579, 8580, 8621, 8659, 8689, 8945, 8970, 9042, 9110, 9228,
    9394, 9422, 9460, 9585, 9586, 9590, 9671, 9698, 9738, 9755, 9979, 10022,
}  # fmt: skip

needs_texts = pytest.mark.skipif(
    "MAILSIM_RFC_DIR" not in os.environ,
    reason="MAILSIM_RFC_DIR names no folder of RFC texts (rfcNNNN.txt)",
)


class Cited(NamedTuple):
    """A reference, and where it stands: an entry's id, or a file of the source and its line."""

    where: str
    ref: Ref


def text_of(rfc: int) -> dict[str, Section] | None:
    """The sections of `rfc`, or None when there is no text of it."""
    path = Path(os.environ["MAILSIM_RFC_DIR"]) / f"rfc{rfc:04d}.txt"
    return sections(path) if path.is_file() else None


@cache
def cited() -> dict[int, list[Cited]]:
    by_rfc: dict[int, list[Cited]] = defaultdict(list)
    for one in (*of_tables(), *of_source()):
        by_rfc[one.ref.rfc].append(one)
    return dict(sorted(by_rfc.items()))


def of_tables() -> Iterator[Cited]:
    for table_id in tables():
        for one in table(table_id):
            for ref in one.refs:
                yield Cited(one.id, ref)


def of_source() -> Iterator[Cited]:
    for path in source_files():
        for line, ref in citations(path.read_text(encoding="utf-8")):
            yield Cited(f"{path.relative_to(ROOT)}:{line}", ref)


def source_files() -> list[Path]:
    patterns = ("mailsim/**/*.py", "mailsim/messages/*.json", "README*.md")
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


# "RFC 5321 §4.5.2", "RFC 3501 §9 and §7.1", "RFC 5321 Appendix C"; it may go over a line's end.
_NUMBER = r"(?:\d+|[A-Z])(?:\.\d+)*"
_GAP = r"(?:\s|\n[ \t]*#)+"
_RFC = re.compile(
    rf"RFC(?:\s|#)*(?P<rfc>\d+){_GAP}(?:§(?P<first>{_NUMBER})|Appendix{_GAP}(?P<appendix>{_NUMBER}))"
    rf"(?P<more>(?:(?:,|{_GAP}(?:and|or|et|ou)){_GAP}§{_NUMBER})*)"
)
_SIGN = re.compile(rf"§(?={_NUMBER})")


def citations(text: str) -> Iterator[tuple[int, Ref]]:
    """Line number and reference of every citation in a file's `text`."""
    for match in _RFC.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        more = re.findall(rf"§({_NUMBER})", match["more"])
        for section in (match["first"] or match["appendix"], *more):
            yield line, Ref(int(match["rfc"]), section)


def complaint(ref: Ref, section: Section | None) -> str:
    """What is wrong with `ref`, whose section is `section`, or ""."""
    if not ref.section:
        return f"no section, but a quotation: {ref.quote!r}" if ref.quote else ""
    if section is None:
        return "no such section"
    if ref.heading not in {"", section.heading}:
        return f"the heading is {section.heading!r}"
    return "" if section.says(ref.quote) else f"does not stand there: {ref.quote!r}"


def numbers_without_rfc(text: str) -> list[int]:
    """Lines with a § that belongs to no RFC."""
    spans = [match.span() for match in _RFC.finditer(text)]
    loose = [
        sign.start()
        for sign in _SIGN.finditer(text)
        if not any(start <= sign.start() < end for start, end in spans)
    ]
    return [text.count("\n", 0, at) + 1 for at in loose]


# --- The texts ----------------------------------------------------------------------------------


@needs_texts
@pytest.mark.parametrize("rfc", cited())
def test_what_is_cited_stands_in_the_text(rfc: int) -> None:
    text = text_of(rfc)
    if text is None:
        pytest.skip(f"no text of RFC {rfc}: {len(cited()[rfc])} references not checked")
    wrong = [
        f"{where}: {ref}: {fault}"
        for where, ref in cited()[rfc]
        if (fault := complaint(ref, text.get(ref.section)))
    ]
    assert wrong == []


@needs_texts
def test_the_rfcs_without_text_are_the_listed_ones() -> None:
    missing = {rfc for rfc in cited() if text_of(rfc) is None}
    count = Counter(rfc in missing for rfc, ones in cited().items() for _ in ones)
    listing = " ".join(map(str, sorted(missing)))
    print(f"{count[False]} references checked, {count[True]} not, of RFCs {listing}")  # noqa: T201
    assert missing - WITHOUT_TEXT == set()
    assert count[False] > count[True]


def test_the_list_holds_only_rfcs_that_are_cited() -> None:
    assert WITHOUT_TEXT - cited().keys() == set()


def test_every_ref_of_a_table_gives_the_heading_of_its_section() -> None:
    assert not [
        (one.where, str(one.ref))
        for one in of_tables()
        if bool(one.ref.section) != bool(one.ref.heading)
    ]


def test_a_section_in_the_source_is_an_rfcs() -> None:
    loose = {
        str(path.relative_to(ROOT)): lines
        for path in source_files()
        if (lines := numbers_without_rfc(path.read_text(encoding="utf-8")))
    }
    assert loose == {}


# --- The checks themselves ----------------------------------------------------------------------

RFC = """\
RFC 9999                  A Protocol for Tests                 June 2026

Table of Contents

   1.  Introduction
   2.  Commands ..................................................... 3
   2.1.  A Command with a Long
         Name ....................................................... 4

1.  Introduction

   This text goes over the end of
   a page: it is server-
Doe                          Standards Track                    [Page 1]
\f
RFC 9999                  A Protocol for Tests                 June 2026

   side text.  2.1 is no heading here.

2.  Commands

2.1.  A Command with a Long
      Name

   It has a text.

Appendix A.  Reply Code 502

   Its words.

A.1.  More

   Its other words.
"""

OLD_RFC = """\
1. INTRODUCTION

   1.1.  Scope

      Indented, as in the eighties.

      3 is a number in a list.
"""


def test_sections_are_found_with_their_headings() -> None:
    found = sections_of(RFC)
    assert {number: one.heading for number, one in found.items()} == {
        "1": "Introduction",
        "2": "Commands",
        "2.1": "A Command with a Long Name",
        "A": "Reply Code 502",
        "A.1": "More",
    }
    assert found["2"].text == ""
    assert found["A"].text == "Its words."


def test_indented_subsections_are_found_in_old_rfcs() -> None:
    assert {number: one.heading for number, one in sections_of(OLD_RFC).items()} == {
        "1": "INTRODUCTION",
        "1.1": "Scope",
    }


def test_words_go_over_lines_pages_and_hyphens() -> None:
    introduction = sections_of(RFC)["1"]
    assert introduction.says("the end of a page: it is server-side text.")
    assert not introduction.says("It has a text.")


@pytest.mark.parametrize(
    ("ref", "fault"),
    [
        (Ref(9999), ""),
        (Ref(9999, "2.1"), ""),
        (Ref(9999, "2.1", "A Command with a Long Name", "has a text"), ""),
        (Ref(9999, "2.2"), "no such section"),
        (Ref(9999, "2.1", "A Command"), "the heading is 'A Command with a Long Name'"),
        (Ref(9999, "2", "Commands", "a text"), "does not stand there: 'a text'"),
        (Ref(9999, quote="a text"), "no section, but a quotation: 'a text'"),
    ],
)
def test_complaints(ref: Ref, fault: str) -> None:
    assert complaint(ref, sections_of(RFC).get(ref.section)) == fault


@pytest.mark.parametrize(
    ("text", "refs"),
    [
        ("x = 1  # RFC 5321 §4.5.2: a dot", ["RFC 5321 §4.5.2"]),
        ("# so says RFC\n    # 5321 §4.5.2", ["RFC 5321 §4.5.2"]),
        ("    a docstring (RFC 5321\n    §4.5.2)", ["RFC 5321 §4.5.2"]),
        ("RFC 3501 §9, §7.1 and §2.2.1.", ["RFC 3501 §9", "RFC 3501 §7.1", "RFC 3501 §2.2.1"]),
        ("RFC 5321 Appendix C, RFC 4422 §A.1", ["RFC 5321 §C", "RFC 4422 §A.1"]),
        ("RFC 5321 and its §", []),
    ],
)
def test_citations_are_read_from_source(text: str, refs: list[str]) -> None:
    assert [str(ref) for _, ref in citations(text)] == refs


def test_a_number_without_its_rfc_is_seen() -> None:
    assert numbers_without_rfc("RFC 5321 §4.1\nand\n(§4.2)") == [3]
