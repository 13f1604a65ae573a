"""A student's attempts, kept: one file a student, one JSON line an attempt.

HOME/attempts/NAME.jsonl

{"mailsim-attempt": 1, "at": "2026-01-31T09:30:00Z", "student": "awa", "exercise": "01.2",
 "passed": false, "reason": "checks.nothing-sent", "backend": "embedded", "stage": "mail",
 "seed": "…", "answer": ""}

A guess that a notebook asks for is kept beside them: `"guess"` in place of `"passed"`.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mailsim.errors import LabError
from mailsim.lab.rundir import home

VERSION: Final = 1
KEY: Final = "mailsim-attempt"
LONGEST: Final = 16 * 1024
"""The longest line that is read, in octets; a longer one is nobody's attempt."""
_NAME = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One self-check of one exercise: when, whose, and what came of it."""

    at: str
    student: str
    exercise: str
    passed: bool
    reason: str = ""
    backend: str = ""
    stage: str = ""
    seed: str = ""
    answer: str = ""


def student() -> str:
    """Who works here: MAILSIM_STUDENT, else the nearest mailsim.toml's `student`, else the login."""
    named = os.environ.get("MAILSIM_STUDENT") or _from_toml() or _login()
    return _NAME.sub("-", named).strip("-.")[:64] or "student"


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name in the system, as in some containers
        return ""


def _from_toml() -> str:
    here = Path.cwd()
    for folder in (here, *here.parents):
        config = folder / "mailsim.toml"
        if config.is_file():
            try:
                found = tomllib.loads(config.read_text(encoding="utf-8")).get("student")
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
                return ""
            return found if isinstance(found, str) else ""
    return ""


def attempts_file(name: str | None = None) -> Path:
    """Where the student's attempts are kept."""
    return home() / "attempts" / f"{name or student()}.jsonl"


def now() -> str:
    """The time of day, as attempts write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def keep(record: dict[str, Any]) -> None:
    """Append a line to the student's file.  Raises LabError where it cannot be written."""
    path = attempts_file(record["student"])
    line = json.dumps({KEY: VERSION, **record}, ensure_ascii=False)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("ab") as file:
            # In one write: two notebooks of a student may end at once.
            file.write(line.encode("utf-8", "backslashreplace") + b"\n")
    except OSError as error:
        raise LabError("checks.not-kept", file=path, reason=error.strerror or error) from None


def keep_attempt(attempt: Attempt) -> None:
    """Keep it."""
    keep(asdict(attempt))


def records(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Number and document of each line; None for one that is none of ours, cut or garbled."""
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file), 1):
            if line.strip():
                yield number, _record(line)


def _lines(file: Any) -> Iterator[bytes]:
    """The lines, none longer than may be: what is left of a longer one is passed over."""
    while line := file.readline(LONGEST):
        if not line.endswith(b"\n") and len(line) == LONGEST:
            while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
            line = b"-"
        yield line


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get(KEY) == VERSION else None


def attempt_of(record: dict[str, Any]) -> Attempt | None:
    """The attempt that the document describes; None for a guess, or for what is none."""
    names = ("at", "student", "exercise", "reason", "backend", "stage", "seed", "answer")
    texts = {name: record.get(name, "") for name in names}
    passed = record.get("passed")
    if not isinstance(passed, bool) or not all(isinstance(one, str) for one in texts.values()):
        return None
    return Attempt(passed=passed, **texts)


def own_attempts() -> tuple[Attempt, ...]:
    """This student's attempts so far."""
    path = attempts_file()
    if not path.is_file():
        return ()
    found = (attempt_of(record) for _, record in records(path) if record is not None)
    return tuple(one for one in found if one is not None)


def last_answer(exercise: str, seed: str) -> str:
    """What the student last answered for this exercise of this lab; "" for nothing."""
    for one in reversed(own_attempts()):
        if one.exercise == exercise and one.seed == seed and one.answer:
            return one.answer
    return ""
