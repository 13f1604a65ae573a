"""The real systems' answers, kept beside the tests: asked once, held against the simulator always."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from mailsim.model.stage import Stage
from tests.fidelity.conversation import Conversation, Probe, State
from tests.fidelity.rounds import asked
from tests.fidelity.wire import Answer

FOLDER: Final = Path(__file__).parent / "kept"
_Row = list[str]


class OutdatedError(Exception):
    """What is asked now is not what was asked when the answers were kept: record them anew."""


def file_of(release: str, stage: str) -> Path:
    """Where one stage's answers are."""
    return FOLDER / f"{release}-{stage}.json.gz"


def write(release: str, stage: str, conversations: Iterable[Conversation]) -> None:
    """Keep the answers; commands are kept by their names alone."""
    document = [
        {
            "state": one.state.name,
            "way": [_row(answer) for answer in one.way],
            "said": [[probe.label, *_row(answer)] for probe, answer in one.said],
        }
        for one in conversations
    ]
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    FOLDER.mkdir(exist_ok=True)
    # No time in it: the same answers are the same file.
    file_of(release, stage).write_bytes(gzip.compress(text.encode(), mtime=0))


def read(release: str, stage: str) -> Iterator[Conversation]:
    """The conversations, with the commands as they are made now.  Raises OutdatedError."""
    kept: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in json.loads(gzip.decompress(file_of(release, stage).read_bytes())):
        kept[one["state"]].append(one)
    for rounds in asked(Stage.of(stage)).values():
        for state, probes in rounds:
            yield from _conversations(state, probes, kept.pop(state.name, []))
    if kept:
        raise OutdatedError(next(iter(kept)))


def _conversations(
    state: State, probes: list[Probe], kept: list[dict[str, Any]]
) -> Iterator[Conversation]:
    rest = list(probes)
    for one in kept:
        said = [(rest.pop(0), _answer(row[1:])) for row in one["said"] if rest]
        if [probe.label for probe, _ in said] != [row[0] for row in one["said"]]:
            raise OutdatedError(state.name)
        yield Conversation(state, [_answer(row) for row in one["way"]], said)
    if rest:
        raise OutdatedError(state.name)


def _row(answer: Answer) -> _Row:
    return [answer.status, answer.detail, answer.text]


def _answer(row: _Row) -> Answer:
    return Answer(*row)
