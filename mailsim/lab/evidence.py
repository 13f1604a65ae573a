"""evidence.jsonl: a line for each dialogue, and a newer one each time that it has grown.

{"id": "4711-1", "dialogue": {"mailsim-dialogue": 1, …}}
"""

from __future__ import annotations

import errno
import itertools
import json
import os
from collections.abc import Callable
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
    """The lab's own end: one writer, so that no two lines mix.

    What cannot be written (a full disk) is lost, and `on_lost` is told: no dialogue ends for it.
    """

    def __init__(self, path: Path, on_lost: Callable[[OSError], None] = lambda _: None) -> None:
        self._path = path
        self._on_lost = on_lost
        self._torn = False  # the last line may be a half one
        self._file: IO[bytes] = self._opened()

    def keep(self, record: Document) -> None:
        """Append a version of a dialogue.  Raises UsageError for what is none."""
        if not isinstance(record.get("id"), str) or not isinstance(record.get("dialogue"), dict):
            raise UsageError("lab.bad-request", operation="keep_evidence", parameter="record")
        try:
            self._append(_line(record))
            if self._file.tell() > LARGEST:
                self._thin()
        except OSError as error:
            self._on_lost(error)

    def _append(self, line: bytes) -> None:
        data = b"\n" + line if self._torn else line
        self._torn = True
        # The file has no buffer: what was not written cannot fail again later.
        if self._file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = False

    def documents(self) -> list[Document]:
        """The newest version of each dialogue, in the order in which they began."""
        return [record["dialogue"] for record in self._newest()]

    def clear(self) -> None:
        """Nothing was seen."""
        emptied = self._opened()
        self._file.close()
        self._file, self._torn = emptied, False

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _newest(self) -> list[Document]:
        newest: dict[str, Document] = {}
        with self._path.open("rb") as file:
            for line in file:
                if (record := _record(line)) is not None:
                    newest[record["id"]] = record
        return list(newest.values())

    def _thin(self) -> None:
        """Keep the newest versions, of half as many octets as may be."""
        kept: list[bytes] = []
        room = LARGEST // 2
        for record in reversed(self._newest()):
            line = _line(record)
            room -= len(line)
            if room < 0:
                break
            kept.append(line)
        self.clear()
        for line in reversed(kept):
            self._append(line)

    def _opened(self) -> IO[bytes]:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        return os.fdopen(descriptor, "wb", buffering=0)


def _line(record: Document) -> bytes:
    # A lone surrogate has no UTF-8; written as \\udXXX it is JSON's own.
    text = json.dumps(record, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _record(line: bytes) -> Document | None:
    """None for a line that was written by half."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and record.keys() >= {"id", "dialogue"} else None


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
