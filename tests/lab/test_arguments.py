"""What a notebook may get wrong: a sentence about it, and the lab goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

import pytest

from mailsim import Lab
from mailsim.errors import UsageError

BUSY = {"name": "busy", "protocol": "smtp", "command": "RCPT", "action": "drop"}


def unwritable() -> Message:
    """It does not say in which charset its letters are."""
    made = Message()
    made.set_payload("é")
    return made


WRONG: dict[str, tuple[Callable[[Lab], object], str]] = {
    "deliver a number": (lambda lab: lab.deliver(7), r"deliver\(message\) takes a message"),  # type: ignore[arg-type]
    "deliver nothing": (lambda lab: lab.deliver(None), "None is none"),  # type: ignore[arg-type]
    "deliver half a letter": (lambda lab: lab.deliver("\ud800"), "takes a message"),
    "deliver what no charset has": (lambda lab: lab.deliver(unwritable()), "takes a message"),
    "recipient 5": (lambda lab: lab.deliver("x", "user", 5), r"deliver\(recipients\) takes an address"),  # type: ignore[arg-type]
    "recipients [5]": (lambda lab: lab.deliver("x", "user", [5]), r"\[5\] is none"),  # type: ignore[list-item]
    "recipient with a line end": (lambda lab: lab.deliver("x", "user", "a\nb"), "takes an address"),
    "an empty recipient": (lambda lab: lab.deliver("x", "user", [""]), "takes an address"),
    "no recipients": (lambda lab: lab.deliver("x", "user", []), "names no recipient"),
    "sender 5": (lambda lab: lab.deliver("x", 5, "user"), r"deliver\(sender\) takes an address"),  # type: ignore[arg-type]
    "a file that is not there": (lambda lab: lab.disturb("nowhere/rules.json"), r"nowhere.rules\.json cannot be read"),
    "a rule 7": (lambda lab: lab.disturb(7), r"disturb\(rule\) takes a rule, a mapping with its action"),  # type: ignore[arg-type]
    "a list of rules": (lambda lab: lab.disturb([BUSY]), r"disturb\(rule\) takes a rule"),  # type: ignore[arg-type]
    "a rule with bytes": (lambda lab: lab.disturb({**BUSY, "name": b"x"}), "takes a rule"),
    "a rule about itself": (lambda lab: lab.disturb(circle()), "takes a rule"),
    "a rule with nothing": (lambda lab: lab.disturb({}), "rules"),
    "tls yes": (lambda lab: lab.smtp(tls="yes"), r"smtp\(tls\) takes True or False; 'yes' is neither"),  # type: ignore[arg-type]
    "tls 1": (lambda lab: lab.imap(tls=1), r"imap\(tls\) takes True or False"),  # type: ignore[arg-type]
    "service 7": (lambda lab: lab.smtp(7), "“7” is no service of this protocol"),  # type: ignore[arg-type]
    "fault 7": (lambda lab: lab.fault(7), r"fault\(name\) takes a text; 7 is none"),  # type: ignore[arg-type]
    "fault off": (lambda lab: lab.fault("F8", on="off"), r"fault\(on\) takes True or False"),  # type: ignore[arg-type]
    "advance x": (lambda lab: lab.advance("x"), r"advance\(seconds\) takes a number of seconds; 'x'"),  # type: ignore[arg-type]
    "advance True": (lambda lab: lab.advance(seconds=True), "takes a number of seconds"),
    "reset to nonsense": (lambda lab: lab.reset(stage="nonsense"), "“nonsense” is no stage; the stages are: dns"),
    "reset to 7": (lambda lab: lab.reset(stage=7), "“7” is no stage"),  # type: ignore[arg-type]
    "reset to a list": (lambda lab: lab.reset(stage=[]), "is no stage"),  # type: ignore[arg-type]
    "wait for 7": (lambda lab: lab.wait(7), r"wait\(message_id\) takes a text"),  # type: ignore[arg-type]
    "wait x": (lambda lab: lab.wait("a@b", timeout="x"), r"wait\(timeout\) takes a number"),  # type: ignore[arg-type]
    "wait for ever": (lambda lab: lab.wait("a@b", timeout=1e300), "no time that is accepted"),
    "idle None": (lambda lab: lab.idle(None), r"idle\(timeout\) takes a number"),  # type: ignore[arg-type]
    "idle nan": (lambda lab: lab.idle(float("nan")), "no time that is accepted"),
    "flush 7": (lambda lab: lab.flush(7), r"flush\(site\) takes a text"),  # type: ignore[arg-type]
    "hold 7": (lambda lab: lab.hold(7), r"hold\(queue_id\) takes a text"),  # type: ignore[arg-type]
    "release 7": (lambda lab: lab.release_held(7), r"release_held\(queue_id\) takes a text"),  # type: ignore[arg-type]
    "delete 7": (lambda lab: lab.delete(7), r"delete\(queue_id\) takes a text"),  # type: ignore[arg-type]
    "undisturb 7": (lambda lab: lab.undisturb(7), r"undisturb\(name\) takes a text"),  # type: ignore[arg-type]
    "journey of 7": (lambda lab: lab.journey(7), r"journey\(message\) takes a text"),  # type: ignore[arg-type]
    "settings of 7": (lambda lab: lab.settings(7), "“7” is no stage"),  # type: ignore[arg-type]
    "a lab named 7": (lambda _: Lab(name=7), r"Lab\(name\) takes a text"),  # type: ignore[arg-type]
    "folder 7": (lambda _: Lab(folder=7, name="other"), r"Lab\(folder\) takes the path"),  # type: ignore[arg-type]
}  # fmt: skip


def circle() -> dict[str, Any]:
    made: dict[str, Any] = dict(BUSY)
    made["itself"] = made
    return made


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_a_sentence(lab: Lab, name: str) -> None:
    wrong, sentence = WRONG[name]
    with pytest.raises(UsageError, match=sentence):
        wrong(lab)
    for language in ("en", "fr"):
        with pytest.raises(UsageError) as caught:
            wrong(lab)
        assert caught.value.worded(language)
    assert (lab.queue, lab.faults, dict(lab.disturbances)) == ((), (), {})


def test_rules_from_a_file(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"version": 1, "rules": [BUSY]}), encoding="utf-8")
    assert lab.disturb(file) == ("busy",)
    file.write_text(json.dumps({**BUSY, "name": "other"}), encoding="utf-8")
    assert lab.disturb(str(file)) == ("busy", "other")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000, b"7", b'"rules.json"', b""])
def test_a_file_of_rules_that_holds_none(lab: Lab, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rules.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="rules"):
        lab.disturb(file)


@pytest.mark.skipif(sys.platform == "win32", reason="a folder is opened otherwise there")
def test_a_folder_is_no_file_of_rules(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        lab.disturb(tmp_path)


def test_what_is_right_is_taken(lab: Lab) -> None:
    made = EmailMessage()
    made["From"], made["To"] = "user@minfo.sn", "cheikh@minfo.sn"
    made.set_content("Bonjour, é")
    for message, sender, recipients in (
        (made, None, None),
        (b"x", "", ("cheikh@minfo.sn",)),
        ("x", "user@minfo.sn", ["cheikh@minfo.sn", "user@minfo.sn"]),
    ):
        lab.wait(lab.deliver(message, sender, recipients))
    lab.advance(1)
    lab.idle(3600)
    assert len(lab.mailboxes["cheikh"]["INBOX"]) == 3
