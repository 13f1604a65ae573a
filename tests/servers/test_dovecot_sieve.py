"""Which scripts are kept compiled."""

from __future__ import annotations

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


def test_big_scripts_are_kept_no_longer_than_there_is_room() -> None:
    world = lab()
    scripts = [b"#" + letter * 100_000 for letter in (b"a", b"b", b"c")]
    made = [compiled(world, "user", "a", one) for one in scripts]
    assert compiled(world, "user", "a", scripts[2]) is made[2]
    assert compiled(world, "user", "a", scripts[0]) is not made[0]
    huge = b"#" + b"x" * 300_000
    assert compiled(world, "user", "a", huge) is not compiled(world, "user", "a", huge)
