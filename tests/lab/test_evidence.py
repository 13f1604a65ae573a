from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailsim.dialogue import Dialogue, Exchange, Line, Side
from mailsim.errors import LabError, UsageError
from mailsim.lab import evidence
from mailsim.lab.evidence import EvidenceFile, Witness
from mailsim.model import Endpoint, Protocol

SMTP = Endpoint("smtp", Protocol.SMTP, "mail.minfo.sn", 25)


class Asked:
    """A backend that only listens."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def ask(self, operation: str, /, **parameters: Any) -> Any:
        assert operation == "keep_evidence"
        self.records.append(parameters["record"])


class Gone:
    """A backend whose lab has ended."""

    def ask(self, operation: str, /, **parameters: Any) -> Any:
        raise LabError("lab.stopped", operation=operation, parameters=parameters)


def dialogue(count: int) -> Dialogue:
    line = Line(Side.CLIENT, b"NOOP\r\n", secure=False, at=0.0)
    return Dialogue(SMTP, (Exchange((line,)),) * count)


def test_a_short_dialogue_is_kept_after_each_step() -> None:
    backend = Asked()
    watching = Witness(backend)
    for count in range(4):
        watching.step(dialogue(count))
    assert [len(one["dialogue"]["exchanges"]) for one in backend.records] == [0, 1, 2, 3]
    assert len({one["id"] for one in backend.records}) == 1


def test_a_long_one_costs_no_more_than_it_said() -> None:
    backend = Asked()
    watching = Witness(backend)
    for count in range(1000):
        watching.step(dialogue(count))
    watching.end(dialogue(1000))
    lengths = [len(one["dialogue"]["exchanges"]) for one in backend.records]
    assert lengths[-1] == 1000
    assert sum(lengths) < 6 * 1000


def test_two_dialogues_have_two_names() -> None:
    backend = Asked()
    Witness(backend).end(dialogue(1))
    Witness(backend).end(dialogue(1))
    assert len({one["id"] for one in backend.records}) == 2


def test_a_student_s_step_stands_though_the_lab_has_ended() -> None:
    Witness(Gone()).step(dialogue(1))


def test_the_newest_version_counts_in_the_order_of_beginning(tmp_path: Path) -> None:
    kept = EvidenceFile(tmp_path / "evidence.jsonl")
    for name, number in (("a", 1), ("b", 2), ("a", 3)):
        kept.keep({"id": name, "dialogue": {"number": number}})
    assert [one["number"] for one in kept.documents()] == [3, 2]
    kept.clear()
    assert kept.documents() == []
    kept.close()


def test_it_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "LARGEST", 2000)
    path = tmp_path / "evidence.jsonl"
    kept = EvidenceFile(path)
    for number in range(200):
        kept.keep({"id": str(number), "dialogue": {"number": number}})
        assert path.stat().st_size < 2100
    numbers = [one["number"] for one in kept.documents()]
    assert numbers == list(range(200 - len(numbers), 200))
    assert len(numbers) > 10
    kept.close()


@pytest.mark.parametrize("record", [{}, {"id": 1, "dialogue": {}}, {"id": "a", "dialogue": []}])
def test_what_is_no_record(tmp_path: Path, record: dict[str, Any]) -> None:
    kept = EvidenceFile(tmp_path / "evidence.jsonl")
    with pytest.raises(UsageError):
        kept.keep(record)
    assert kept.documents() == []
    kept.close()
