"""The server's mail log, followed as it grows."""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from mailsim.errors import LabError
from mailsim.lab.container.engine import kill
from mailsim.lab.container.server import Server

FILE: Final = "/var/log/mail.log"
# A container's file system tells nobody of changes: tail looks for itself.
_LOOK: Final = "0.02"
_MARK: Final = "mailsim-mark"
_SECONDS: Final = 10.0  # in which what was said is in the log


class MailLog:
    """The lines since `begin`, in memory and in `path`; a program in the container sends them."""

    def __init__(self, server: Server, path: Path) -> None:
        self._server = server
        self._path = path
        self._news = threading.Condition()
        self._lines: list[str] = []
        self._seen: set[str] = set()
        self._marks = itertools.count(1)
        self._file: IO[str] | None = None
        self._tail: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Follow the log of the container that has just come up; what is there is no news."""
        self.end()
        tail = self._server.entered("tail", "-s", _LOOK, "-n", "+1", "-F", FILE)
        self._tail = subprocess.Popen(  # noqa: S603 - no shell; the words are ours
            tail,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        reading = threading.Thread(target=self._read, args=(self._tail,), name="mailsim-log")
        reading.daemon = True
        reading.start()
        self.catch_up()
        with self._news:
            self._lines.clear()
            self._file = open(  # noqa: SIM115 - until `end`
                self._path, "w", encoding="utf-8", newline="\n", opener=_private
            )

    def end(self) -> None:
        """Follow no more."""
        if self._tail is not None:
            # All of its session: the program that enters waits for the one inside.
            with suppress(ProcessLookupError):
                kill(self._tail.pid)
            self._tail.wait()
            self._tail = None
        with self._news:
            if self._file is not None:
                self._file.close()
                self._file = None
            self._lines.clear()
            self._seen.clear()
            self._news.notify_all()

    def lines(self) -> list[str]:
        """All lines that have come so far."""
        with self._news:
            return list(self._lines)

    def catch_up(self) -> None:
        """Until all that the servers have said is here: a line of ours goes the same way."""
        mark = f"{os.getpid()}-{next(self._marks)}"
        self._server.run("logger", "-t", _MARK, "-p", "mail.info", mark)
        with self._news:
            if not self._news.wait_for(lambda: mark in self._seen, _SECONDS):
                raise LabError("container.gone")

    def wait(self, since: int, seconds: float) -> None:
        """Until there are more than `since` lines, or `seconds` have passed."""
        deadline = time.monotonic() + seconds
        with self._news:
            while len(self._lines) <= since and (left := deadline - time.monotonic()) > 0:
                if self._tail is None:
                    return
                self._news.wait(left)

    def _read(self, tail: subprocess.Popen[bytes]) -> None:
        assert tail.stdout is not None  # noqa: S101 - asked for above
        with tail.stdout as said:
            for raw in said:
                self._keep(tail, raw.decode("utf-8", "replace").rstrip("\n"))

    def _keep(self, tail: subprocess.Popen[bytes], line: str) -> None:
        with self._news:
            if tail is not self._tail:
                return
            if f" {_MARK}: " in line:
                self._seen = {line.rsplit(" ", 1)[1]}
            else:
                self._lines.append(line)
                if self._file is not None:
                    self._file.write(line + "\n")
                    self._file.flush()
            self._news.notify_all()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
