"""podman or docker: whichever has an engine that answers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mailsim.errors import LabError

ENGINES: Final = ("podman", "docker")
_ANSWER: Final = 30.0  # seconds in which an engine must say that it is there
PATIENCE: Final = 60.0  # seconds for what should take one
_SHOWN: Final = 400  # characters of an engine's complaint


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that has answered; `name` is its program."""

    name: str

    def run(
        self,
        *arguments: str,
        given: bytes = b"",
        timeout: float = PATIENCE,
        check: bool = True,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the program with what it is `given` on standard input.  Raises LabError."""
        return run([self.name, *arguments], given=given, timeout=timeout, check=check)

    def stream(self, arguments: Sequence[str], heard: Callable[[str], None]) -> int:
        """Run it, and hand over each line of its output as it comes; its exit code."""
        return stream([self.name, *arguments], heard)

    def has_image(self, tag: str) -> bool:
        """Whether the image is here."""
        return self.run("image", "inspect", tag, check=False).returncode == 0


def run(
    command: Sequence[str], *, given: bytes = b"", timeout: float = PATIENCE, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end.  Raises LabError where it fails, or is missing."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the words are ours
            command, input=given, capture_output=True, timeout=timeout, check=False
        )
    except OSError as error:
        raise _failed(command, error.strerror or str(error)) from None
    except subprocess.TimeoutExpired:
        raise _failed(command, f"{timeout:g} s") from None
    if check and done.returncode:
        raise _failed(command, _complaint(done.stderr or done.stdout))
    return done


def stream(command: Sequence[str], heard: Callable[[str], None]) -> int:
    """Run a program, and hand over its output line by line; its exit code.  Raises LabError."""
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell; the words are ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for us to hear, and to end it in order.
            start_new_session=True,
        )
    except OSError as error:
        raise _failed(command, error.strerror or str(error)) from None
    with process:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            for line in process.stdout:
                heard(line.decode("utf-8", "replace").rstrip("\n"))
        except BaseException:
            process.terminate()
            raise
    return process.returncode


def kill(group: int) -> None:
    """End the programs of a session that a program of ours has begun."""
    if sys.platform != "win32":
        os.killpg(group, signal.SIGKILL)


def find_engine() -> Engine:
    """The first that answers.  Raises LabError: what is missing and what to do."""
    clients = [one for one in ENGINES if shutil.which(one)]
    for name in clients:
        if _answers(name):
            return Engine(name)
    if clients:
        # A client alone runs nothing: docker's daemon, podman's machine.
        raise LabError("container.no-answer", client=" / ".join(clients))
    raise LabError("container.no-engine")


def lab_engine() -> Engine:
    """The engine, where this process may give a lab its own network too.  Raises LabError."""
    engine = find_engine()
    if not is_root():
        raise LabError("container.needs-root")
    return engine


def engine_there() -> Engine | None:
    """The engine, None where there is none."""
    try:
        return find_engine()
    except LabError:
        return None


def _answers(name: str) -> bool:
    try:
        return run([name, "info"], timeout=_ANSWER, check=False).returncode == 0
    except LabError:
        return False


def is_root() -> bool:
    """Whether this process may make network namespaces."""
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("ip") is not None


def _failed(command: Sequence[str], reason: str) -> LabError:
    shown = " ".join([Path(command[0]).name, *command[1:3]])
    return LabError("container.failed", command=shown, reason=reason)


def _complaint(said: bytes) -> str:
    """The last line that says something: engines begin with warnings."""
    lines = [one.strip() for one in said.decode("utf-8", "replace").splitlines() if one.strip()]
    return lines[-1][:_SHOWN] if lines else "?"
