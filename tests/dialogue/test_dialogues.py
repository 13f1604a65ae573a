"""The example dialogues of the RFCs and of the thesis, each through all that reads dialogues.

What the files say of themselves (source, quirks, faults) is held to what they hold.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim import knowledge
from mailsim.dialogue import Dialogue, Side
from mailsim.dialogue.explain import Explanation, explain
from mailsim.dialogue.json import read_json, write_json
from mailsim.dialogue.redact import redact
from mailsim.dialogue.replay import Replayed, replay
from mailsim.dialogue.text import Transcript, read_text, write_text
from mailsim.errors import RemoteProtocolError
from mailsim.wire.quirk import Quirk

FOLDER = Path(__file__).parents[1] / "dialogues"
FILES = sorted(path.name for path in FOLDER.glob("*.txt"))
PRINTED = [name for name in FILES if name.startswith("thesis_") and name.endswith("_printed.txt")]
RFC_TEXTS = os.environ.get("MAILSIM_RFC_DIR", "")
# What says no more than the first digit or the class of a thing.
UNSPECIFIC = ("smtp.class.", "enhanced.class.", "enhanced.subject.")


@cache
def read(name: str) -> Transcript:
    return read_text((FOLDER / name).read_text(encoding="utf-8"), name=name)


def quirks_of(name: str) -> frozenset[Quirk]:
    return frozenset(map(Quirk, read(name).metadata.get("quirk", ())))


def streams(dialogue: Dialogue) -> dict[Side, bytes]:
    return {
        side: b"".join(line.raw for line in dialogue.lines() if line.side is side) for side in Side
    }


def heard(played: Replayed) -> dict[Side, bytes]:
    return {
        Side.CLIENT: b"".join(unit for one in played.commands for unit in one.units),
        Side.SERVER: b"".join(unit for one in played.answers for unit in one.units),
    }


def unexplained(rows: list[Explanation]) -> list[str]:
    return [row.raw.decode() for row in rows if not row.ids or row.ids[0].startswith(UNSPECIFIC)]


def understood(name: str, quirks: frozenset[Quirk], sizes: tuple[int, ...] = ()) -> str:
    """What both sides read, fed in pieces of `sizes` and then the rest, or how one refuses."""

    def cut(raw: bytes) -> Iterator[bytes]:
        for size in sizes:
            if raw:
                yield raw[:size]
                raw = raw[size:]
        if raw:
            yield raw

    try:
        played = replay(read(name).dialogue, pieces=cut, quirks=quirks)
    except RemoteProtocolError as error:
        return error.message_id
    # By its form: an error in a malformed command equals itself alone.
    return repr(played)


# --- all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_it_names_its_source_and_is_written_back(name: str) -> None:
    transcript = read(name)
    assert transcript.first("source")
    assert transcript.first("title")
    assert read_text(write_text(transcript.dialogue, transcript.metadata)) == transcript
    assert read_json(write_json(transcript.dialogue)) == transcript.dialogue


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_explained_by_a_specific_entry(name: str) -> None:
    dialogue = read(name).dialogue
    for one in (dialogue, redact(dialogue)):
        rows = [row for exchange in explain(one) for row in exchange.rows]
        assert rows
        assert unexplained(rows) == []


@pytest.mark.parametrize("name", FILES)
def test_the_cores_understand_all_of_it_unless_it_is_broken(name: str) -> None:
    transcript = read(name)
    if "broken" in transcript.metadata:
        with pytest.raises(RemoteProtocolError):
            replay(transcript.dialogue, quirks=quirks_of(name))
        return
    known = heard(replay(transcript.dialogue, quirks=quirks_of(name)))
    # A command whose literal is refused is never whole (RFC 3501 §7.5).
    refused = transcript.metadata.get("refused", ())
    known[Side.CLIENT] += b"".join(f"{one}\r\n".encode() for one in refused)
    assert known == streams(transcript.dialogue)


@pytest.mark.parametrize("name", FILES)
def test_an_octet_at_a_time_it_says_the_same(name: str) -> None:
    longest = max(len(line.raw) for line in read(name).dialogue.lines())
    quirks = quirks_of(name)
    assert understood(name, quirks, (1,) * longest) == understood(name, quirks)


@given(st.sampled_from(FILES), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_however_it_arrives_it_says_the_same(name: str, sizes: list[int]) -> None:
    quirks = quirks_of(name)
    assert understood(name, quirks, tuple(sizes)) == understood(name, quirks)


@pytest.mark.parametrize("name", FILES)
def test_the_faults_that_a_dialogue_names_are_known(name: str) -> None:
    for fault in read(name).metadata.get("fault", ()):
        number, _, what = fault.partition(" ")
        assert knowledge.entry(f"thesis.fault.{number}").name == number
        assert what


# --- the thesis's --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(2, 8))
@pytest.mark.parametrize("when", ["printed", "today"])
def test_the_thesiss_dialogues_are_there_twice(number: int, when: str) -> None:
    assert read(f"thesis_DEM{number}_{when}.txt").dialogue.exchanges


@pytest.mark.parametrize("name", PRINTED)
def test_each_quirk_that_a_printed_dialogue_names_is_one_that_it_needs(name: str) -> None:
    quirks = quirks_of(name)
    known = understood(name, quirks)
    for quirk in quirks:
        assert understood(name, quirks - {quirk}) != known, quirk


@pytest.mark.parametrize("name", PRINTED)
def test_the_quirks_that_a_printed_dialogue_names_are_all_that_it_needs(name: str) -> None:
    transcript = read(name)
    if "broken" not in transcript.metadata:
        commands = replay(transcript.dialogue, quirks=quirks_of(name)).commands
        assert not [one for one in commands if type(one.value).__name__ == "Malformed"]


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("_today.txt")])
def test_todays_dialogues_need_no_quirk(name: str) -> None:
    assert not quirks_of(name)


# --- the RFCs' -----------------------------------------------------------------------------------


@pytest.mark.skipif(not RFC_TEXTS, reason="MAILSIM_RFC_DIR names no folder of RFC texts")
@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("rfc")])
def test_the_source_is_a_section_of_the_rfc(name: str) -> None:
    found = re.fullmatch(r"RFC (\d+) §([\dA-Z.]+)", read(name).first("source"))
    assert found, read(name).first("source")
    assert name.startswith(f"rfc{found[1]}_")
    path = Path(RFC_TEXTS) / f"rfc{int(found[1]):04}.txt"
    if not path.is_file():
        pytest.skip(f"no text of RFC {found[1]}")
    number = re.escape(found[2])
    heading = re.compile(rf"^(?:Appendix )?{number}\.?\s+\S", re.MULTILINE)
    assert heading.search(path.read_text(encoding="utf-8", errors="replace"))
