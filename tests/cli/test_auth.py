from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_the_thesis_s_token_comes_out_last(run: Run) -> None:
    result = run("auth", "plain", "user", "minfo")
    assert result.code == 0
    assert result.out.splitlines()[-1] == "AHVzZXIAbWluZm8="
    assert "000000 000111 010101 110011" in result.out


def test_decode_ends_in_user_and_password(run: Run) -> None:
    result = run("auth", "decode", "AHVzZXIAbWluZm8=", "--json")
    parts = {one["name"]: one["value"] for one in json.loads(result.out)["parts"]}
    assert (parts["authcid"], parts["password"]) == ("user", "minfo")


def test_a_captured_line_is_decoded_as_it_is(run: Run) -> None:
    quoted = run("auth", "decode", "AUTH PLAIN AHVzZXIAbWluZm8=")
    assert quoted == run("auth", "decode", "AUTH", "PLAIN", "AHVzZXIAbWluZm8=")
    assert "minfo" in quoted.out


@pytest.mark.parametrize("mechanism", ["LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_a_seed_repeats_the_run(run: Run, mechanism: str) -> None:
    first = run("auth", mechanism, "user", "minfo", "--seed", "1")
    assert first.code == 0
    assert first == run("auth", mechanism, "user", "minfo", "--seed", "1")
    if mechanism != "LOGIN":
        assert first != run("auth", mechanism, "user", "minfo", "--seed", "2")


def test_a_long_token_s_groups_are_shown_when_asked(run: Run) -> None:
    short = run("auth", "scram-sha-256", "user", "minfo", "--seed", "1")
    assert "--bits" in short.out
    every = run("auth", "scram-sha-256", "user", "minfo", "--seed", "1", "--bits")
    assert "--bits" not in every.out
    assert len(every.out) > len(short.out)


def test_the_password_may_come_through_a_pipe(run: Run) -> None:
    assert run("auth", "plain", "user", stdin="minfo\n") == run("auth", "plain", "user", "minfo")


def test_json_holds_every_step(run: Run) -> None:
    document = json.loads(run("auth", "cram-md5", "user", "minfo", "--seed", "1", "--json").out)
    assert [step["side"] for step in document["steps"]] == ["S", "C"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rot13", "user", "x"), "PLAIN"),
        (("plain",), "MECHANISM USER"),
        (("plain", "a", "b", "c"), "MECHANISM USER"),
        (("decode",), "decode TOKEN"),
        (("decode", "***"), "base64"),
        ((), "WORDS"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run("auth", *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert said in result.err
