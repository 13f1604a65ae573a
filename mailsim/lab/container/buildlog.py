"""A build's log: every line kept in a file, and where it stands told to who waits."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Final

from mailsim.errors import LabError
from mailsim.language import word

Report = Callable[[str], None]
"""Hears what is done now, in a line."""

_TASK: Final = re.compile(r"(?:TASK|RUNNING HANDLER) \[(?P<name>[^\]]*)\]")
_FATAL: Final = re.compile(r"(?:fatal|failed): \[")
_ERROR: Final = re.compile(r"(?i)^(?:.{0,40}\b)?(?:error|e):\s*(?P<said>.+)")
_MESSAGE: Final = re.compile(r"""^\s*"?msg"?: ?(?P<said>.+)""")
_SHOWN: Final = 300


class BuildLog:
    """Writes `path`; `report` is told each step, and each role and task that is run in it."""

    def __init__(self, path: Path, report: Report) -> None:
        self.path = path
        self._report = report
        self._step = ""
        self._task = ""
        self._failed_task = ""
        self.said = "?"
        """What the builder has complained of last."""
        self._file: IO[str] = path.open("w", encoding="utf-8")

    def step(self, sentence: str, **params: Any) -> None:
        """Another part of the work begins."""
        self._step, self._task, self._failed_task, self.said = word(sentence, **params), "", "", "?"
        self.line(f"=== {self._step}")
        self._report(self._step)

    def line(self, line: str) -> None:
        """The builder has said something."""
        self._file.write(line + "\n")
        self._file.flush()
        if found := _TASK.search(line):
            self._task = found["name"].strip()
            self._report(f"{self._step}: {self._task}")
        elif _FATAL.match(line.strip()):
            self._failed_task = self._task
        elif found := _MESSAGE.match(line) if self._failed_task else _ERROR.match(line):
            self.said = found["said"][:_SHOWN]

    def failure(self, sentence: str, **params: Any) -> LabError:
        """The error for what has failed: which role and task, or what was said last."""
        if self._failed_task:
            return LabError(
                "container.task-failed",
                step=self._step,
                task=self._failed_task,
                reason=self.said,
                log=self.path,
            )
        return LabError(sentence, **params)

    def close(self) -> None:
        """No more comes."""
        self._file.close()
