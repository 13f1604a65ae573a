"""What a student's script may cost the lab that everybody shares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.protocol.sieve import Alone, Envelope, Keep, Refused, Result, Script, run
from mailsim.servers.dovecot.sieve import compiled
from mailsim.servers.world import World

HEADERS = b"".join(b"X-A: %d\r\n" % number for number in range(1000)) + b"\r\nx\r\n"
BODY = b"Subject: x\r\n\r\n" + b"aab" * 300_000
REGEX = (
    b'require ["body", "regex", "variables"];if body :raw :regex "(a|(ab))*b\\\\>c" { discard; }'
)
KEYS = b'","'.join(b"k%d" % number for number in range(900))


@pytest.fixture
def world() -> Iterator[World]:
    made = World(network(), stage=Stage.SIEVE, release=Release.NOBLE, seed="sieve", fixed=True)
    yield made
    made.store.close()


def decided(world: World, script: bytes, message: bytes) -> Result:
    made = compiled(world, "user", "script", script)
    assert isinstance(made, Script), made
    return run(made, message, Envelope("a@b.c", "user@minfo.sn"), Alone())


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (b'if header :is "x-a" ["' + KEYS + b'"] { discard; }', HEADERS),
        (b'require "body"; if body :raw :contains ["' + KEYS + b'"] { discard; }', BODY),
        (
            REGEX,
            BODY,
        ),
    ],
)
def test_a_run_that_costs_too_much_ends_and_the_message_is_kept(
    world: World, script: bytes, message: bytes
) -> None:
    result = decided(world, script, message)
    assert [one.message_id for one in result.errors] == ["sieve.too-much-work"]
    assert [type(one) for one in result.actions] == [Keep]
    assert result.steps <= 50_001


def test_an_ordinary_script_is_far_from_that(world: World) -> None:
    script = (
        b'require ["body", "regex", "fileinto"];'
        b'if anyof (header :regex "x-a" "^99[0-9]$", body :raw :contains "zzz") {fileinto "x";}'
    )
    assert decided(world, script, HEADERS[:-5] + BODY).errors == ()


def test_a_script_of_too_many_words_is_refused_when_it_is_put(world: World) -> None:
    made = compiled(world, "user", "script", b"keep;\n" * 170_000)
    assert isinstance(made, Refused)
    assert made.errors[0].message_id == "sieve.too-many-tokens"
