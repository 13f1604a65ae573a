from __future__ import annotations

import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from mailsim import SmtpTracer

pytestmark = pytest.mark.perf

BOUND = 1.5
ROUNDS, DIALOGUES = 25, 40
HELLO = "[127.0.0.1]"
MESSAGE = "Subject: essai\r\nFrom: user@minfo.sn\r\n\r\n" + ("x" * 62 + "\r\n") * 15


@pytest.fixture
def port() -> Iterator[int]:
    program = Path(__file__).with_name("smtp_server.py")
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield int(server.stdout.readline())
        server.kill()


def by_smtplib(port: int, name: str | None = None) -> None:
    smtp = smtplib.SMTP("127.0.0.1", port, local_hostname=name)
    assert smtp.ehlo(HELLO)[0] == 250
    assert smtp.mail("user@minfo.sn")[0] == 250
    assert smtp.rcpt("secretaire@ugb.sn")[0] == 250
    assert smtp.data(MESSAGE)[0] == 250
    assert smtp.quit()[0] == 221


def by_tracer(port: int) -> None:
    smtp = SmtpTracer(f"127.0.0.1:{port}")
    assert smtp.ehlo(HELLO).code == 250
    assert smtp.mail("user@minfo.sn").code == 250
    assert smtp.rcpt("secretaire@ugb.sn").code == 250
    assert smtp.data(MESSAGE).code == 250
    assert smtp.quit().code == 221
    assert len(smtp.dialogue) == 6


def test_a_dialogue_costs_at_most_one_and_a_half_times_smtplibs(
    port: int, report: Callable[..., None]
) -> None:
    ways: dict[str, Callable[[], None]] = {
        "smtplib": lambda: by_smtplib(port),
        "smtplib, told its own name": lambda: by_smtplib(port, HELLO),
        "SmtpTracer, recording": lambda: by_tracer(port),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begun = time.process_time()
            for _ in range(DIALOGUES):
                way()
            spent[name].append((time.process_time() - begun) / DIALOGUES)
    theirs, without_lookup, ours = (median(times) for times in spent.values())
    for name, seconds in zip(ways, (theirs, without_lookup, ours), strict=True):
        report(f"SMTP dialogue, {name}", f"{seconds * 1e6:.0f} µs")
    report("SMTP dialogue, ratio", f"{ours / theirs:.2f}", f"at most {BOUND}")
    report("SMTP dialogue, ratio without smtplib's name look-up", f"{ours / without_lookup:.2f}")
    assert ours <= BOUND * theirs
