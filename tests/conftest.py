from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# `make test` repeats: the same examples each time, so that a red run is about the change at hand.
# `make fuzz` looks for new ones.
settings.register_profile(
    "mailsim",
    deadline=None,
    derandomize=True,
    max_examples=60,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "fuzz",
    parent=settings.get_profile("mailsim"),
    derandomize=False,
    max_examples=int(os.environ.get("MAILSIM_FUZZ_EXAMPLES", "5000")),
)
settings.load_profile("mailsim")


_LEFT_OUT = pytest.StashKey[int]()


def pytest_deselected(items: list[pytest.Item]) -> None:
    left = [one for one in items if one.get_closest_marker("container") is not None]
    if left:
        stash = left[0].config.stash
        stash[_LEFT_OUT] = stash.get(_LEFT_OUT, 0) + len(left)


def pytest_sessionfinish(session: pytest.Session) -> None:
    # One of several processes (-n 2) tells the one that shows the end.
    if (told := getattr(session.config, "workeroutput", None)) is not None:
        told["left out"] = session.config.stash.get(_LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    # Each has collected all tests, and left out the same.
    node.config.stash[_LEFT_OUT] = getattr(node, "workeroutput", {}).get("left out", 0)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if left := config.stash.get(_LEFT_OUT, 0):
        terminalreporter.write_line(
            f"Left out: {left} tests of the real system, make test-container"
        )


@pytest.fixture
def lab_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for labs that no other test shares, for this process and its children."""
    home = tmp_path / "mailsim"
    monkeypatch.setenv("MAILSIM_HOME", str(home))
    monkeypatch.setenv("MAILSIM_LANG", "en")
    for name in ("MAILSIM_LAB", "MAILSIM_SEED"):
        monkeypatch.delenv(name, raising=False)
    return home


@dataclass
class Up:
    """A `mailsim up` in a process of its own, and the document that it printed."""

    process: subprocess.Popen[str]
    document: dict[str, Any] = field(default_factory=dict)

    def end(self, signal_number: int) -> tuple[int, str]:
        """Send it the signal: its exit code, and what it wrote on standard error."""
        self.process.send_signal(signal_number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


StartUp = Callable[..., Up]


@pytest.fixture
def up(lab_home: Path) -> Iterator[StartUp]:  # noqa: ARG001 - the processes find it in their environment
    """`up("--stage", "tls")` starts `mailsim up --json`, and returns when all answer."""
    started: list[Up] = []

    def start(*arguments: str) -> Up:
        process = subprocess.Popen(
            [sys.executable, "-m", "mailsim", "up", "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        one = Up(process)
        started.append(one)
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        assert line, process.stderr.read()
        one.document = json.loads(line)
        return one

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
        one.process.communicate(timeout=60)
