"""The RFCs' own examples: each file names its section, and what comes of it for which message.

# RFC 5228 §4.1
#= a from=x@y.z to=u@v.w now=0 mailbox=Partners: fileinto INBOX.harassment
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from mailsim.protocol.sieve import (
    ALL,
    Alone,
    Envelope,
    Scanner,
    Script,
    Settings,
    compile_script,
    run,
)
from tests.protocol.sieve.described import described

EXAMPLES = Path(__file__).with_name("examples")
SETTINGS = Settings(
    extensions=ALL,
    spamtest=Scanner("score", "X-Spam-Score: ([[:digit:].]+)", max_value=10),
    virustest=Scanner("text", "X-Virus: Found to be (.+)\\.", texts={"clean": 1, "infected": 5}),
)
_CASE = re.compile(r"^#= (\S+?)((?: \w+=\S+)*): (.*)$", re.MULTILINE)


class Case(NamedTuple):
    """A script, a message, and what comes of it."""

    script: Path
    message: str
    options: dict[str, str]
    actions: list[str]


def cases() -> list[Case]:
    return [
        Case(
            file, message, dict(one.split("=", 1) for one in options.split()), actions.split(" | ")
        )
        for file in sorted(EXAMPLES.glob("*.sieve"))
        for message, options, actions in _CASE.findall(file.read_text(encoding="utf-8"))
    ]


def message(name: str) -> bytes:
    content = (EXAMPLES / f"{name}.eml").read_bytes()
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def envelope(case: Case) -> Envelope:
    sender = case.options.get("from", "coyote@desert.example.org").strip("<>")
    return Envelope(sender, case.options.get("to", "roadrunner@acme.example.com"))


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.script.stem}-{case.message}")
def test_an_example_does_what_its_rfc_says(case: Case) -> None:
    script = compile_script(case.script.read_bytes(), settings=SETTINGS)
    assert isinstance(script, Script), script.complaints
    boxes = frozenset(("INBOX", case.options.get("mailbox", "INBOX")))
    surroundings = Alone(time=float(case.options.get("now", "0")), mailboxes=boxes)
    result = run(script, message(case.message), envelope(case), surroundings)
    assert described(result) == case.actions


def test_each_file_names_its_section() -> None:
    files = sorted(EXAMPLES.glob("*.sieve"))
    assert len(files) > 50
    for file in files:
        first, *_ = file.read_text(encoding="utf-8").splitlines()
        assert re.fullmatch(r"# RFC \d{4} §\d+(\.\d+)*", first), file.name


def test_a_message_is_no_duplicate_before_it_was_marked() -> None:
    source = (EXAMPLES / "rfc7352_5_1_duplicate.sieve").read_bytes()
    script = compile_script(source, settings=SETTINGS)
    assert isinstance(script, Script)
    surroundings = Alone()
    first = run(script, message("list"), Envelope("a@b.c", "d@e.f"), surroundings)
    surroundings.marked |= {one.key for one in first.marks}
    second = run(script, message("list"), Envelope("a@b.c", "d@e.f"), surroundings)
    assert described(first) == ["implicit keep"]
    assert described(second) == ["fileinto Trash/Duplicate :create"]
    assert second.marks == ()
