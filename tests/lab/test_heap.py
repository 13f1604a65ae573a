from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import os, sys
from mailsim.lab.heap import map_big_blocks
from tests.load.load_connections import memory
if sys.argv[1:]:
    map_big_blocks()
before = memory(os.getpid())
first = bytes(16_000_000)
del first
big = [bytes([1]) * 8_000_000 for _ in range(4)]
kept = bytes([1]) * 100_000
del big
print(memory(os.getpid()) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is about glibc's malloc")
def test_what_was_freed_is_given_back_however_big_it_was() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM, "mapped"], capture_output=True, text=True, check=True
    )
    assert int(ran.stdout) < 8
