"""`mailsim check` gives the notebook's verdicts; `mailsim class report` reads whatever it is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mailsim import Exercises, Lab
from mailsim.lab import attempts
from mailsim.lab.attempts import LONGEST, Attempt
from tests.cli.conftest import Run


@pytest.fixture
def lab(lab_home: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("MAILSIM_STUDENT", "awa")
    assert lab_home.name
    return Lab(seed="1", stage="mail")


def first_message(lab: Lab) -> None:
    mine = Exercises(lab, "00").begin(1)
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        smtp.mail("user@minfo.sn")
        smtp.rcpt(mine["recipient"])
        smtp.data(f"Subject: {mine['subject']}\n\nx\n")
    lab.idle()


def test_the_same_verdict_as_in_the_notebook(lab: Lab, run: Run) -> None:
    with lab:
        first_message(lab)
        told = run("check", "00.1", "--lang", "fr")
        assert told.code == 0
        os.environ["MAILSIM_LANG"] = "fr"
        assert told.out.startswith(Exercises(lab, "00").check(1).text("fr"))


def test_a_lab_that_is_not_done_is_exit_code_1_and_says_each(lab: Lab, run: Run) -> None:
    with lab:
        first_message(lab)
        told = run("check", "00", "--json")
    assert told.code == 1
    document = json.loads(told.out)
    assert document["mailsim-check"] == 1
    assert [one["passed"] for one in document["verdicts"]] == [True, False, False]
    assert all(one["reason"] and one["reference"] for one in document["verdicts"])


def test_what_passed_before_a_reset_still_counts(lab: Lab, run: Run) -> None:
    with lab:
        first_message(lab)
        assert run("check", "00.1").code == 0
        lab.reset()
        told = run("check", "00.1")
    assert told.code == 0
    assert told.out.startswith("✘")
    assert "It passed on 20" in told.out


def test_an_answer_is_kept_for_the_terminal(lab: Lab, run: Run) -> None:
    with lab:
        exercises = Exercises(lab, "05")
        assert exercises.check(
            4, "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
        )
        assert run("check", "05.4").out.startswith("✔")
        assert run("check", "05.4", "--answer", "permit").out.startswith("✘")


def test_begin_sets_up_and_shows_what_is_yours(lab: Lab, run: Run) -> None:
    with lab:
        told = run("check", "00.3", "--begin")
        assert "subject" in told.out
        assert len(lab.mailboxes["user"]["INBOX"]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("check", "77"),
        ("check", "00.9"),
        ("check", "00", "--begin"),
        ("check", "00", "--answer", "x"),
    ],
)
def test_wrong_use_is_told(lab: Lab, run: Run, words: tuple[str, ...]) -> None:
    with lab:
        told = run(*words)
    assert told.code == 2
    assert told.err.startswith("mailsim: ")


def test_no_lab_is_told(lab_home: Path, run: Run) -> None:
    assert lab_home.name
    told = run("check", "00")
    assert told.code == 1
    assert "mailsim up" in told.err


# --- attempts -----------------------------------------------------------------------------------


def test_attempts_and_guesses_are_lines_of_json(lab: Lab) -> None:
    with lab:
        exercises = Exercises(lab, "00")
        assert repr(exercises.predict(1, "")).startswith("Nothing written")
        assert repr(exercises.predict(1, " MTA ")) == "Kept: MTA"
        assert exercises.predicted(1) == "MTA"
        exercises.check(1)
    lines = attempts.attempts_file().read_text("utf-8").splitlines()
    guess, attempt = map(json.loads, lines)
    assert (guess["guess"], guess["exercise"]) == ("MTA", "00.1")
    assert (attempt["passed"], attempt["student"], attempt["stage"]) == (False, "awa", "mail")
    assert [one.exercise for one in attempts.own_attempts()] == ["00.1"]


@pytest.mark.parametrize(
    ("given", "name"), [("a/../../b", "a-..-..-b"), ("Awa Fall", "Awa-Fall"), ("..", "student")]
)
def test_a_student_s_name_stays_in_its_folder(
    given: str, name: str, lab_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILSIM_STUDENT", given)
    assert attempts.attempts_file() == lab_home / "attempts" / f"{name}.jsonl"


def test_the_name_stands_in_mailsim_toml(
    lab_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lab_home.name
    monkeypatch.delenv("MAILSIM_STUDENT", raising=False)
    (tmp_path / "mailsim.toml").write_text('student = "binta"\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    assert attempts.student() == "binta"


def test_what_cannot_be_kept_is_said_once_and_plainly(lab: Lab, lab_home: Path) -> None:
    (lab_home / "attempts").write_text("a file where the folder is to be")
    with lab, pytest.raises(Exception, match="MAILSIM_HOME"):
        Exercises(lab, "00").check(1)


# --- the class ----------------------------------------------------------------------------------


def line(**more: object) -> str:
    one = Attempt(at="2026-01-31T09:30:00Z", student="awa", exercise="01.1", passed=False)
    fields = {name: getattr(one, name) for name in Attempt.__slots__}
    return json.dumps({"mailsim-attempt": 1, **fields, **more}) + "\n"


def test_a_row_a_student_and_the_last_word_is_passed(tmp_path: Path, run: Run) -> None:
    (tmp_path / "awa.jsonl").write_text(line() + line(passed=True) + line(exercise="01.2"), "utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "binta.jsonl").write_text(line(student="binta"), "utf-8")
    told = run("class", "report", str(tmp_path), "--lang", "en")
    assert told.code == 0
    assert told.out.splitlines()[:3] == [
        "student  01.1   01.2",
        "awa      ✔ 2    ✘ 1",
        "binta    ✘ 1    ·",
    ]
    assert "no grades" in told.out
    document = json.loads(run("class", "report", str(tmp_path), "--json").out)
    assert document["students"][0]["exercises"]["01.1"] == {
        "passed": True,
        "attempts": 2,
        "last": "2026-01-31T09:30:00Z",
    }
    assert document["complaints"] == []


HOSTILE = [
    "", "\n\n", "not json\n", "[1, 2]\n", '{"mailsim-attempt": 2}\n', "[" * 100_000 + "\n",
    line(passed="yes"), line(exercise="99.9"), line(exercise="\x1b[2J"), line(student=7),
    '{"mailsim-attempt": 1, "passed": true}\n', line()[:40], "x" * (LONGEST * 3) + "\n",
    '{"mailsim-attempt": 1e999}\n', "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_garbled_lines_are_told_and_the_others_count(
    hostile: str, tmp_path: Path, run: Run
) -> None:
    good = line(passed=True)
    (tmp_path / "x.jsonl").write_bytes(
        good.encode() + hostile.encode("utf-8", "replace") + b"\n" + good.encode()
    )
    told = run("class", "report", str(tmp_path), "--lang", "en")
    assert told.code == 0
    assert "awa      ✔ 2" in told.out
    assert ("no attempts, and were passed over: 2" in told.out) == bool(hostile.strip())
    assert "\x1b" not in told.out


def test_a_name_can_neither_break_the_table_nor_command_the_terminal(
    tmp_path: Path, run: Run
) -> None:
    (tmp_path / "x.jsonl").write_text(line(student="\x1b[31mx\ny" + "z" * 500), "utf-8")
    told = run("class", "report", str(tmp_path))
    assert "\x1b" not in told.out
    assert max(map(len, told.out.splitlines())) < 200


def test_no_folder_and_an_empty_one(tmp_path: Path, run: Run) -> None:
    assert run("class", "report", str(tmp_path / "none")).code == 2
    assert "No attempt was found" in run("class", "report", str(tmp_path)).out


def test_a_check_imports_no_simulator() -> None:
    code = "import sys, mailsim.checks; print([m for m in sys.modules if m.startswith(('mailsim.servers', 'mailsim.net', 'mailsim.lab'))])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
