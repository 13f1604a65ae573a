"""How far a class is: the students' files read, whatever is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mailsim.checks import LABS
from mailsim.lab.attempts import Attempt, attempt_of, records

MOST_FILES: Final = 2000
MOST_LINES: Final = 20_000
"""Lines read of one file: a term of attempts is a few hundred."""
LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a file: an id of messages/checks.json, and its parameters."""

    id: str
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tries:
    """A student's attempts at one exercise: how many, whether one passed, when the last was."""

    count: int = 0
    passed: bool = False
    last: str = ""

    def and_(self, one: Attempt) -> Tries:
        """With one more."""
        return Tries(self.count + 1, self.passed or one.passed, max(self.last, one.at))


@dataclass
class Report:
    """Student → exercise → attempts; and what could not be read."""

    tries: dict[str, dict[str, Tries]] = field(default_factory=dict)
    complaints: list[tuple[str, Complaint]] = field(default_factory=list)

    @property
    def students(self) -> list[str]:
        """By name."""
        return sorted(self.tries)

    @property
    def exercises(self) -> list[str]:
        """Every exercise that somebody tried."""
        return sorted({name for ones in self.tries.values() for name in ones})

    def cell(self, student: str, exercise: str) -> str:
        """ "✔ 2", "✘ 5" or "·"."""
        one = self.tries[student].get(exercise)
        return "·" if one is None else f"{'✔' if one.passed else '✘'} {one.count}"

    def document(self) -> dict[str, Any]:
        """The same as values that JSON knows."""
        return {
            "mailsim-class": 1,
            "students": [
                {
                    "student": student,
                    "exercises": {
                        name: {"passed": one.passed, "attempts": one.count, "last": one.last}
                        for name, one in sorted(self.tries[student].items())
                    },
                }
                for student in self.students
            ],
            "complaints": [
                {"file": file, "reason": one.id, **one.params} for file, one in self.complaints
            ],
        }


def read_class(folder: Path) -> Report:
    """Every .jsonl file below the folder.  Nothing in them can raise."""
    report = Report()
    files = sorted(folder.rglob("*.jsonl"))
    for path in files[:MOST_FILES]:
        name = _printable(str(path.relative_to(folder)))
        try:
            _read(path, name, report)
        except OSError as error:
            params = {"reason": error.strerror or str(error)}
            report.complaints.append((name, Complaint(id="checks.unreadable", params=params)))
    return report


def _read(path: Path, name: str, report: Report) -> None:
    garbled: list[int] = []
    for number, record in records(path):
        if number > MOST_LINES:
            report.complaints.append(
                (name, Complaint(id="checks.too-long", params={"most": MOST_LINES}))
            )
            break
        attempt = None if record is None else attempt_of(record)
        if attempt is not None and attempt.exercise in _KNOWN:
            _count(attempt, report)
        elif record is None or "guess" not in record:
            garbled.append(number)
    if garbled:
        shown = ", ".join(map(str, garbled[:5])) + (" …" if len(garbled) > 5 else "")
        params = {"count": len(garbled), "lines": shown}
        report.complaints.append((name, Complaint(id="checks.garbled", params=params)))


def _count(attempt: Attempt, report: Report) -> None:
    student = _printable(attempt.student)[:LONGEST_NAME] or "-"
    ones = report.tries.setdefault(student, {})
    ones[attempt.exercise] = ones.get(attempt.exercise, Tries()).and_(attempt)


def _printable(text: str) -> str:
    """A name from a file may neither break a table nor command a terminal."""
    return "".join(one if one.isprintable() else "�" for one in text)


def _known() -> Iterator[str]:
    for exercises in LABS.values():
        yield from (one.id for one in exercises)


_KNOWN: Final = frozenset(_known())
