from __future__ import annotations

import errno
from pathlib import Path
from typing import IO, Any, cast

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


class Full:
    """A file on a disk that is full after so many octets."""

    def __init__(self, file: IO[bytes], room: int) -> None:
        self._file = file
        self.room = room

    def write(self, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._file.write(data[: self.room])
        self.room -= written
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def record(number: int) -> dict[str, Any]:
    return {"id": str(number), "dialogue": {"number": number}}


@pytest.mark.parametrize("room", [0, 10])
def test_a_full_disk_costs_only_what_came_then(tmp_path: Path, room: int) -> None:
    lost: list[OSError] = []
    kept = EvidenceFile(tmp_path / "evidence.jsonl", lost.append)
    kept.keep(record(1))
    file = Full(kept._file, room)
    kept._file = cast("IO[bytes]", file)
    kept.keep(record(2))
    kept.keep(record(3))
    assert [error.errno for error in lost] == [errno.ENOSPC, errno.ENOSPC]
    assert kept.documents() == [{"number": 1}]
    file.room = 10_000
    kept.keep(record(4))
    assert kept.documents() == [{"number": 1}, {"number": 4}]
    kept.close()


@pytest.mark.parametrize("line", [b'{"id": "x", "dia', b"[]", b'{"id": 1}', b"\xff", b"null"])
def test_a_line_that_is_none_is_skipped(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "evidence.jsonl"
    kept = EvidenceFile(path)
    kept.keep(record(1))
    with path.open("ab") as file:
        file.write(line + b"\n")
    assert kept.documents() == [{"number": 1}]
    kept.close()


def test_a_lone_surrogate_is_kept(tmp_path: Path) -> None:
    kept = EvidenceFile(tmp_path / "evidence.jsonl")
    kept.keep({"id": "1", "dialogue": {"text": "\\\ud800é"}})
    assert kept.documents() == [{"text": "\\\ud800é"}]
    kept.close()
