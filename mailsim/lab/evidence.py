"""evidence.jsonl: a line for each dialogue, and a newer one each time that it has grown.

{"id": "4711-1", "dialogue": {"mailsim-dialogue": 1, …}}
"""

from __future__ import annotations

import itertools
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from mailsim.errors import MailsimError, UsageError
from mailsim.lab.backend import Backend, Document

if TYPE_CHECKING:
    from mailsim.dialogue import Dialogue

# A class's day of dialogues; then only the newest version of each is kept.
LARGEST: Final = 32 * 1024 * 1024

_numbers = itertools.count(1)


class EvidenceFile:
    """The lab's own end: one writer, so that no two lines mix."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] = self._opened("w")

    def keep(self, record: Document) -> None:
        """Append a version of a dialogue.  Raises UsageError for what is none."""
        if not isinstance(record.get("id"), str) or not isinstance(record.get("dialogue"), dict):
            raise UsageError("lab.bad-request", operation="keep_evidence", parameter="record")
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()
        if self._file.tell() > LARGEST:
            self._thin()

    def documents(self) -> list[Document]:
        """The newest version of each dialogue, in the order in which they began."""
        return [record["dialogue"] for record in self._newest()]

    def clear(self) -> None:
        """Nothing was seen."""
        self._file.close()
        self._file = self._opened("w")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _newest(self) -> list[Document]:
        newest: dict[str, Document] = {}
        with self._path.open(encoding="utf-8") as file:
            for line in file:
                record = json.loads(line)
                newest[record["id"]] = record
        return list(newest.values())

    def _thin(self) -> None:
        """Keep the newest versions, of half as many octets as may be."""
        kept: list[str] = []
        room = LARGEST // 2
        for record in reversed(self._newest()):
            line = json.dumps(record, ensure_ascii=False)
            room -= len(line.encode())
            if room < 0:
                break
            kept.append(line)
        self.clear()
        self._file.writelines(f"{line}\n" for line in reversed(kept))
        self._file.flush()

    def _opened(self, mode: str) -> IO[str]:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        return os.fdopen(descriptor, mode, encoding="utf-8", newline="\n")


class Witness:
    """Keeps a tracer's dialogue in the lab's evidence, secrets masked.

    A short dialogue is kept after each step, a long one when it has grown by a quarter and
    at its end, so that what is written grows no faster than what was said.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._id = f"{os.getpid()}-{next(_numbers)}"
        self._due = 0

    def step(self, dialogue: Dialogue) -> None:
        """Another exchange is over."""
        count = len(dialogue.exchanges)
        if count >= self._due:
            self._due = max(count + 1, count * 5 // 4)
            self.end(dialogue)

    def end(self, dialogue: Dialogue) -> None:
        """Keep it as it is now."""
        from mailsim.dialogue.json import to_document  # noqa: PLC0415 - not for the lab's own end
        from mailsim.dialogue.redact import redact  # noqa: PLC0415 - not for the lab's own end

        record = {"id": self._id, "dialogue": to_document(redact(dialogue))}
        with suppress(MailsimError):  # the lab has ended: the student's step stands all the same
            self._backend.ask("keep_evidence", record=record)
