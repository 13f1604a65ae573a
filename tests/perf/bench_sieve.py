from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pytest

from mailsim.protocol.sieve import Alone, Envelope, Script, compile_script, run
from tests.oracles.pigeonhole import Pigeonhole, lacking

pytestmark = pytest.mark.perf

BOUND = 20
ROUNDS, RUNS = 25, 40
SCRIPT = b"""\
require ["fileinto", "envelope", "variables", "regex", "imap4flags", "body", "vacation"];
if header :contains ["subject", "x-spam-flag"] ["YES", "viagra"] { fileinto "Junk"; stop; }
if address :domain :is ["from", "sender"] ["example.com", "example.net", "ugb.sn"] {
    setflag "\\\\Flagged";
}
if header :matches "list-id" "*<*.*>*" { fileinto "lists.${2}"; }
elsif header :regex "subject" "^\\\\[([a-z-]+)\\\\] (.*)$" { set "box" "${1}"; fileinto "tags.${box}"; }
elsif anyof (size :over 1M, not exists ["from", "date"], body :contains "unsubscribe") {
    fileinto "big";
}
else { vacation :days 3 "Absent."; keep; }
"""
MESSAGE = (
    b"From: Alice <alice@ugb.sn>\r\nTo: user@minfo.sn\r\nSubject: [tri-selectif] un message\r\n"
    b"Date: Tue, 3 Mar 2020 10:11:12 +0200\r\nMessage-ID: <1@ugb.sn>\r\n\r\n"
    + (b"x" * 62 + b"\r\n")
    * 13
)


@pytest.fixture
def pigeonhole() -> Iterator[Pigeonhole]:
    if reason := lacking():
        pytest.skip(reason)
    with TemporaryDirectory() as folder:
        yield Pigeonhole(Path(folder))


def children() -> float:
    """The CPU of all children that have ended, in seconds."""
    used = os.times()
    return used.children_user + used.children_system


def test_a_run_costs_at_most_twenty_of_sieve_tests(
    pigeonhole: Pigeonhole, report: Callable[..., None]
) -> None:
    script, mail = pigeonhole.folder / "script.sieve", pigeonhole.folder / "message.eml"
    script.write_bytes(SCRIPT)
    mail.write_bytes(MESSAGE)
    command = [
        "sieve-test",
        "-c",
        str(pigeonhole.config),
        "-f",
        "alice@ugb.sn",
        str(script),
        str(mail),
    ]
    compiled = compile_script(SCRIPT)
    assert isinstance(compiled, Script)
    theirs: list[float] = []
    ours: list[float] = []
    compiling: list[float] = []
    for _ in range(ROUNDS):
        begun = children()
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "TZ": "UTC"})
        theirs.append(children() - begun)
        now = time.process_time()
        for _ in range(RUNS):
            assert run(compiled, MESSAGE, Envelope("alice@ugb.sn", "user@minfo.sn"), Alone()).ok
        ours.append((time.process_time() - now) / RUNS)
        now = time.process_time()
        compile_script(SCRIPT)
        compiling.append(time.process_time() - now)
    mine, other = median(ours), median(theirs)
    report("Sieve, sieve-test on a 1 KB message (a process)", f"{other * 1e3:.2f} ms")
    report(
        "Sieve, a run of the compiled script", f"{mine * 1e3:.3f} ms", f"{1 / mine:.0f} a second"
    )
    report("Sieve, compiling it", f"{median(compiling) * 1e3:.2f} ms")
    report("Sieve, ratio", f"{mine / other:.2f}", f"at most {BOUND}")
    assert mine <= BOUND * other
