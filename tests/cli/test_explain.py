from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

UNKNOWN = (
    "550 5.1.1 <x@minfo.sn>: Recipient address rejected: User unknown in local recipient table"
)

if TYPE_CHECKING:
    from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("Permanent failure", "local_recipient_maps", "RFC 5321 §4.2.3", "to do:")),
        ("fr", ("Échec définitif", "local_recipient_maps", "RFC 5321 §4.2.3", "à faire")),
    ],
)
def test_a_real_reply_tells_class_cause_setting_and_action(
    run: Run, lang: str, words: tuple[str, ...]
) -> None:
    result = run("explain", UNKNOWN, "--lang", lang)
    assert result.code == 0
    assert all(word in result.out for word in words)


def test_json_is_stable(run: Run) -> None:
    first = run("explain", UNKNOWN, "--json")
    assert first == run("explain", *UNKNOWN.split(" "), "--json")
    meaning = json.loads(first.out)["meanings"][0]
    assert meaning["class"]["name"] == "5"
    assert meaning["detail"]["id"] == "enhanced.code.X.1.1"
    assert meaning["setting"] == "local_recipient_maps"
    assert meaning["values"] == {"recipient": "x@minfo.sn"}


def test_a_pipe_is_explained_line_by_line(run: Run) -> None:
    result = run("explain", stdin="550\n\n-ERR [IN-USE] locked\n")
    assert result.code == 0
    assert "550" in result.out
    assert "IN-USE" in result.out


def test_a_text_may_begin_with_a_hyphen(run: Run) -> None:
    result = run("explain", "-ERR [AUTH] Authentication failed.", "--json")
    assert json.loads(result.out)["meanings"][0]["protocol"] == "pop3"


def test_a_protocol_narrows(run: Run) -> None:
    everywhere = json.loads(run("explain", "STARTTLS", "--json").out)["meanings"]
    narrowed = json.loads(run("explain", "STARTTLS", "--json", "-p", "imap").out)["meanings"]
    assert {one["protocol"] for one in everywhere} > {one["protocol"] for one in narrowed}
    assert {one["protocol"] for one in narrowed} == {"imap"}


@pytest.mark.parametrize(
    "arguments", [("",), (), ("qwertyuiop",), ("550", "-p", "gopher"), ("550", "--lang", "de")]
)
def test_wrong_use_is_one_line_and_exit_2(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("explain", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
