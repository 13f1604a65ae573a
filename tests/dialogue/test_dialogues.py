"""The example dialogues of the RFCs and of the thesis, each through all that reads dialogues."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailsim.dialogue import Dialogue, Side
from mailsim.dialogue.explain import Explanation, explain
from mailsim.dialogue.json import read_json, write_json
from mailsim.dialogue.redact import redact
from mailsim.dialogue.replay import replay
from mailsim.dialogue.text import Transcript, read_text, write_text
from mailsim.errors import RemoteProtocolError
from mailsim.wire.quirk import Quirk

FOLDER = Path(__file__).parents[1] / "dialogues"
FILES = sorted(path.name for path in FOLDER.glob("*.txt"))
# What says no more than the first digit or the class of a thing.
UNSPECIFIC = ("smtp.class.", "enhanced.class.", "enhanced.subject.")


def read(name: str) -> Transcript:
    return read_text((FOLDER / name).read_text(encoding="utf-8"), name=name)


def quirks_of(transcript: Transcript) -> frozenset[Quirk]:
    return frozenset(Quirk(one) for one in transcript.metadata.get("quirk", ()))


def cut_each_byte(raw: bytes) -> list[bytes]:
    return [raw[at : at + 1] for at in range(len(raw))]


def cut_at_random(raw: bytes) -> Iterator[bytes]:
    chance = random.Random(len(raw))
    while raw:
        size = chance.randint(1, 9)
        yield raw[:size]
        raw = raw[size:]


def streams(dialogue: Dialogue) -> dict[Side, bytes]:
    return {
        side: b"".join(line.raw for line in dialogue.lines() if line.side is side) for side in Side
    }


def unexplained(rows: list[Explanation]) -> list[str]:
    return [row.raw.decode() for row in rows if not row.ids or row.ids[0].startswith(UNSPECIFIC)]


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
def test_the_cores_understand_it_whole_and_in_any_pieces(name: str) -> None:
    transcript = read(name)
    quirks = quirks_of(transcript)
    if "broken" in transcript.metadata:
        with pytest.raises(RemoteProtocolError):
            replay(transcript.dialogue, quirks=quirks)
        return
    known = replay(transcript.dialogue, quirks=quirks)
    heard = {
        Side.CLIENT: b"".join(unit for one in known.commands for unit in one.units),
        Side.SERVER: b"".join(unit for one in known.answers for unit in one.units),
    }
    # A command whose literal is refused is never whole (RFC 3501 §7.5).
    heard[Side.CLIENT] += b"".join(
        f"{x}\r\n".encode() for x in transcript.metadata.get("refused", ())
    )
    assert heard == streams(transcript.dialogue)
    for cut in (cut_each_byte, cut_at_random):
        again = replay(transcript.dialogue, pieces=cut, quirks=quirks)
        # By their forms: an error in a malformed command equals itself alone.
        assert repr(again.commands) == repr(known.commands)
        assert repr(again.answers) == repr(known.answers)
        assert again.written == known.written
