from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest

pytestmark = [
    pytest.mark.perf,
    pytest.mark.skipif(sys.platform == "win32", reason="a child's CPU is told by wait4"),
]

RUNS = 9
MAILSIM = str(Path(sys.executable).with_name("mailsim"))


def once() -> float:
    """Milliseconds of CPU of one `mailsim up`, from its start to its end once all answer."""
    posix: Any = os  # Windows, where the mark above skips this, has none of these
    with subprocess.Popen([MAILSIM, "up", "--json"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.terminate()
        assert process.stdout.read() == b""
        _, status, used = posix.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return float(used.ru_utime + used.ru_stime) * 1000


def test_up_costs_at_most_600_ms(lab_home: Path, report: Callable[..., None]) -> None:
    once()  # makes the certification authority, once for all
    assert (lab_home / "ca").is_dir()
    cost = median(once() for _ in range(RUNS))
    report("mailsim up, until all answer, and its end", f"{cost:.0f} ms", "at most 600 ms")
    assert cost <= 600
