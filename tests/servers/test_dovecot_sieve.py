"""Which scripts are kept compiled."""

from __future__ import annotations

import gc
import tracemalloc

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.servers.dovecot.sieve import compiled
from mailsim.servers.world import World


def lab() -> World:
    return World(network(), stage=Stage.SIEVE, release=Release.NOBLE, seed="sieve", fixed=True)


def test_a_script_is_compiled_once() -> None:
    world = lab()
    made = compiled(world, "user", "a", b"keep; # une")
    assert compiled(world, "user", "a", b"keep; # une") is made
    assert compiled(world, "user", "b", b"keep; # une") is not made
    for number in range(100):
        compiled(world, "user", "a", b"keep; # %d" % number)
    assert compiled(world, "user", "a", b"keep; # une") is not made


def test_many_big_scripts_are_not_kept() -> None:
    world = lab()
    lines = b"keep;\r\n" * 12_000  # five megabytes, compiled
    tracemalloc.start()
    for number in range(8):
        compiled(world, "user", "a", lines + b"# %d" % number)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 24_000_000
