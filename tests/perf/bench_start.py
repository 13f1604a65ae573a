from __future__ import annotations

import os
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
PYTHON = sys.executable
MAILSIM = str(Path(sys.executable).with_name("mailsim"))
REPLY = "550 5.1.1 <x@minfo.sn>: Recipient address rejected: User unknown in local recipient table"


def cpu(*command: str) -> float:
    """Milliseconds of CPU that `command` takes from its start to its end, the median of some runs."""
    return median(once(command) for _ in range(RUNS))


def once(command: tuple[str, ...]) -> float:
    posix: Any = os  # Windows, where the mark above skips this, has none of these
    silent = (posix.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    pid = posix.posix_spawn(command[0], command, os.environ, file_actions=[silent])
    _, status, used = posix.wait4(pid, 0)
    assert status == 0, command
    return float(used.ru_utime + used.ru_stime) * 1000


def test_import_costs_at_most_60_ms(report: Callable[..., None]) -> None:
    bare = cpu(PYTHON, "-c", "pass")
    more = cpu(PYTHON, "-c", "import mailsim") - bare
    tracer = cpu(PYTHON, "-c", "from mailsim import SmtpTracer") - bare
    report("python, bare", f"{bare:.0f} ms")
    report("import mailsim, over bare python", f"{more:.0f} ms", "at most 60 ms")
    report("from mailsim import SmtpTracer, over bare python", f"{tracer:.0f} ms")
    assert more <= 60


def test_explain_costs_at_most_300_ms(report: Callable[..., None]) -> None:
    explain = cpu(MAILSIM, "explain", REPLY)
    report("mailsim explain “550 5.1.1 …”", f"{explain:.0f} ms", "at most 300 ms")
    assert explain <= 300


def test_the_other_commands(report: Callable[..., None]) -> None:
    report(
        "mailsim auth plain user minfo", f"{cpu(MAILSIM, 'auth', 'plain', 'user', 'minfo'):.0f} ms"
    )
    report("mailsim --help", f"{cpu(MAILSIM, '--help'):.0f} ms")
