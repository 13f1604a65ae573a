from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run

MESSAGE = "Return-Path: <alice@ugb.sn>\nFrom: Alice <a@ugb.sn>\nTo: user@minfo.sn\nSubject: pub !\n\nbody\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "message.eml").write_text(MESSAGE)
    return tmp_path


def script(folder: Path, source: str, name: str = "tri.sieve") -> str:
    (folder / name).write_text(source, encoding="utf-8")
    return str(folder / name)


def test_a_right_script_is_said_to_be_right(run: Run, folder: Path) -> None:
    file = script(folder, "keep;")
    result = run("sieve", "check", file)
    assert (result.code, result.out, result.err) == (0, f"{file}: no error.\n", "")


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "error: There is no extension"), ("fr", "erreur\u00a0: Il n’y a pas")],
)
def test_a_wrong_script_is_exit_1_with_the_place_marked(
    run: Run, folder: Path, lang: str, words: str
) -> None:
    result = run("sieve", "check", script(folder, 'require "fileinto ";\n'), "--lang", lang)
    assert (result.code, result.out) == (1, "")
    first, source, mark, *_ = result.err.splitlines()
    assert first.startswith(f"tri.sieve:1:9: {words}")
    assert source == '    require "fileinto ";'
    assert mark == "            ^"


def test_json_of_a_check_has_pigeonholes_words_too(run: Run, folder: Path) -> None:
    result = run("sieve", "check", script(folder, "foo;"), "--json")
    assert result.code == 1
    document = json.loads(result.out)
    assert document["ok"] is False
    assert document["complaints"][0]["pigeonhole"] == (
        "tri.sieve: line 1: error: unknown command 'foo' (only reported once at first occurrence)."
    )


def test_a_script_is_tried_on_a_message(run: Run, folder: Path) -> None:
    file = script(
        folder,
        'require ["fileinto", "envelope"];\n'
        'if allof (header :contains "subject" "pub", envelope "from" "alice@ugb.sn") {\n'
        '  fileinto "Junk";\n}\n',
    )
    result = run("sieve", "test", file, str(folder / "message.eml"))
    assert (result.code, result.out) == (0, "Filed into Junk; flags: -.\n")
    traced = run("sieve", "test", file, str(folder / "message.eml"), "--trace", "--lang", "fr")
    assert "tri.sieve:2:11:" in traced.out
    assert "«\u00a0pub !\u00a0» :contains «\u00a0pub\u00a0» (i;ascii-casemap) → vrai" in traced.out
    assert traced.out.endswith("Classé dans Junk\u00a0; drapeaux\u00a0: -.\n")


def test_the_envelope_can_be_given(run: Run, folder: Path) -> None:
    file = script(
        folder, 'require "envelope"; if envelope ["from", "to"] ["", "x@y.z"] { discard; }'
    )
    message = str(folder / "message.eml")
    assert "Kept in INBOX" in run("sieve", "test", file, message).out
    assert "Dropped" in run("sieve", "test", file, message, "--from", "<>").out
    assert "Dropped" in run("sieve", "test", file, message, "--to", "x@y.z").out


def test_json_of_a_trial_has_actions_and_trace(run: Run, folder: Path) -> None:
    file = script(folder, 'require "vacation"; vacation :days 2 "Parti.";')
    result = run("sieve", "test", file, str(folder / "message.eml"), "--json")
    document = json.loads(result.out)
    assert (result.code, document["ok"], document["mailsim-sieve"]) == (0, True, 1)
    reply, keep = document["actions"]
    assert (reply["action"], reply["recipient"], reply["seconds"]) == (
        "vacation", "alice@ugb.sn", 172_800,
    )  # fmt: skip
    assert "Auto-Submitted: auto-replied (vacation)" in reply["reply"]
    assert (keep["action"], keep["implicit"]) == ("keep", True)
    assert document["trace"][0]["command"] == "vacation"


def test_a_run_that_fails_is_exit_1(run: Run, folder: Path) -> None:
    file = script(folder, 'require "ihave"; discard; error "non";')
    result = run("sieve", "test", file, str(folder / "message.eml"))
    assert result.code == 1
    assert "non" in result.err
    assert "Kept in INBOX" in result.out


def test_included_scripts_are_the_neighbours(run: Run, folder: Path) -> None:
    file = script(folder, 'require "include"; include "a"; include :global "b";')
    script(folder, "keep;", "a.sieve")
    (folder / "global").mkdir()
    script(folder / "global", "discard;", "b.sieve")
    message = str(folder / "message.eml")
    assert run("sieve", "test", file, message).code == 1
    assert run("sieve", "test", file, message, "--global", str(folder / "global")).code == 0


def test_what_dovecot_leaves_off_can_be_allowed(run: Run, folder: Path) -> None:
    file = script(folder, 'require "editheader"; addheader "X" "y";')
    assert run("sieve", "check", file).code == 1
    assert run("sieve", "check", file, "--all-extensions").code == 0


def test_mailboxes_can_be_named(run: Run, folder: Path) -> None:
    file = script(folder, 'require "mailbox"; if mailboxexists "Junk" { discard; }')
    message = str(folder / "message.eml")
    assert "Kept" in run("sieve", "test", file, message).out
    assert "Dropped" in run("sieve", "test", file, message, "--mailbox", "Junk").out


@pytest.mark.parametrize(
    "arguments", [("check", "nope"), ("test", "nope", "nope"), ("check",), ("x",)]
)
def test_wrong_use_is_exit_2(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("sieve", *arguments)
    assert result.code == 2
    assert result.err.count("\n") == 1
