from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailsim import Lab
from mailsim.lab.rundir import run_home

if TYPE_CHECKING:
    from tests.cli.conftest import Run
    from tests.conftest import StartUp

pytestmark = pytest.mark.usefixtures("lab_home")

MESSAGE = "From: user@minfo.sn\nTo: cheikh@minfo.sn\nMessage-ID: <essai@minfo.sn>\n\nBonjour\n"

# Windows has one way to end a process.
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A `mailsim` of its own, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "mailsim", *arguments], capture_output=True, text=True, check=False
    )


# --- up and down ------------------------------------------------------------------------------


def test_up_prints_where_all_answer(up: StartUp) -> None:
    one = up("--stage", "tls", "--seed", "1")
    document = one.document
    assert list(document) == ["endpoints", "ca", "accounts", "stage", "pid"]
    assert (document["stage"], document["pid"]) == ("tls", one.process.pid)
    assert {"dns", "smtp", "submission", "submissions"} <= set(document["endpoints"])
    assert all(set(where) == {"host", "port"} for where in document["endpoints"].values())
    assert {"user": "user", "password": "minfo"} in document["accounts"]
    assert "BEGIN CERTIFICATE" in Path(document["ca"]).read_text(encoding="ascii")


def test_an_endpoint_that_the_stage_lacks_is_absent(up: StartUp) -> None:
    assert list(up("--stage", "dns").document["endpoints"]) == ["dns"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_nothing_is_left(up: StartUp, number: int) -> None:
    assert up().end(number) == (0, "")
    assert list(run_home().iterdir()) == []


def test_down_ends_it(up: StartUp, run: Run) -> None:
    one = up()
    assert run("down").code == 0
    assert list(run_home().iterdir()) == []
    assert one.process.wait(60) == 0
    assert up("--stage", "mail").document["stage"] == "mail"


def test_a_second_up_says_that_it_runs_already(up: StartUp) -> None:
    up()
    second = ended("up")
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr.startswith("mailsim: A lab named “default” runs already.")
    assert second.stderr.count("\n") == 1
    assert up("--name", "other").document


def test_up_shows_a_table_to_people(lab_home: Path) -> None:
    assert lab_home.name == "mailsim"
    command = [sys.executable, "-m", "mailsim", "up", "--seed", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = ""
        while "Ctrl-C" not in shown:
            line = process.stdout.readline()
            assert line
            shown += line
        process.terminate()
    assert process.returncode == 0
    assert "submissions" in shown
    assert "127.0.0.1:" in shown
    assert "Seed: 5" in shown


def test_mail_is_kept_in_a_folder(up: StartUp, tmp_path: Path) -> None:
    folder = str(tmp_path / "mail")
    for count in (1, 2):
        one = up("--folder", folder)
        with Lab() as lab:
            lab.deliver(MESSAGE)
            lab.idle()
            assert len(lab.mailboxes["cheikh"]["INBOX"]) == count
        one.end(KILL)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("up", "--stage", "dkim"), 2, "“dkim” is no stage; the stages are: dns, mail"),
        (("up", "--release", "lenny"), 2, "“lenny” is no release"),
        (("up", "--name", "a/b"), 2, "“a/b” cannot name a lab"),
        (("up", "--backend", "docker"), 2, "“docker” is no backend"),
        (("up", "--backend", "vagrant"), 1, "vagrant arrives later"),
        (("up", "--disturb", "/not/there"), 2, "The rules /not/there cannot be read"),
        (("up", "--lang", "xx"), 2, "xx"),
        (("status",), 1, "No lab named “default” is running. Start one with mailsim up"),
        (("down",), 1, "No lab named “default” is running"),
        (("reset",), 1, "No lab named “default” is running"),
        (("logs",), 1, "No lab named “default” is running"),
        (("journey", "a@b"), 1, "No lab named “default” is running"),
        (("fault", "F8", "on"), 1, "No lab named “default” is running"),
        (("fault", "F8", "maybe"), 2, "“maybe” neither switches on nor off"),
        (("status", "--name", "tp"), 1, "No lab named “tp” is running"),
        (("fault", "--name", "tp"), 1, "No lab named “tp” is running"),
        (("logs", "--message-id", "x"), 2, "No such option"),
        (("up", "--folder", __file__), 2, "cannot keep the lab's mail"),
        (("up", "--folder", f"{__file__}/mail"), 2, "cannot keep the lab's mail"),
        (("trace", "smtp", "--to", "smtp"), 1, "start one with mailsim up"),
        (("trace", "smtp", "--to", "smtp", "--name", "tp"), 1, "No lab named “tp” is running"),
        (("trace", "dns", "minfo.sn", "--name", "tp"), 1, "No lab named “tp” is running"),
        (("trace", "imap", "--to", "imapz"), 2, "“imapz” is no service of a lab for this"),
        (("trace", "imap", "--to", "imapz"), 2, "(imap, imaps)"),
        (("trace", "sieve", "--to", "sieve"), 2, "(managesieve)"),
        (("trace", "imap", "--to", "no.such.invalid"), 1, "no.such.invalid has no address"),
        (("trace", "dns", "minfo.sn", "--to", "x:53", "--name", "tp"), 2, "is no service of one"),
        (("trace", "smtp", "--to", "x:25", "--name", "tp"), 2, "--to takes smtp, submission"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    run: Run, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    result = run(*arguments)
    assert (result.code, result.out) == (code, "")
    assert sentence in result.err
    assert result.err.count("\n") == 1
    assert not run_home().exists() or list(run_home().iterdir()) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "are not JSON from line 1, column 2 on"),
        (b'{"version": 1,\n "rules": [}', "are not JSON from line 2, column 12 on"),
        (b"[" * 100_000, "are not JSON from line 1, column 1 on"),
        (b"\x89PNG\r\n\x1a\n", "are no text in UTF-8"),
    ],
)
def test_rules_that_are_no_json(run: Run, tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "rules.json"
    file.write_bytes(content)
    result = run("up", "--disturb", str(file))
    assert result.code == 2
    assert f"The rules {file} {sentence}" in result.err
    assert result.err.count("\n") == 1


def test_up_disturbs_by_rules(up: StartUp, run: Run, tmp_path: Path) -> None:
    rule = {"name": "busy", "protocol": "smtp", "action": "drop"}
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"version": 1, "rules": [rule]}))
    up("--disturb", str(file))
    assert "Disturbances: busy" in run("status").out
    file.write_text(json.dumps({"version": 1, "rules": [{**rule, "action": "nap"}]}))
    wrong = ended("up", "--name", "other", "--disturb", str(file))
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.count("\n") == 1
    assert [path.name for path in run_home().iterdir()] == ["default"]


# --- a running lab ----------------------------------------------------------------------------


@pytest.fixture
def lab(lab_home: Path) -> Iterator[Lab]:  # noqa: ARG001 - it finds it in the environment
    """A lab in this process; the commands find it as any other."""
    with Lab(seed=1) as made:
        yield made


def test_status(lab: Lab, run: Run) -> None:
    lab.fault("F8")
    lab.deliver(MESSAGE)
    lab.idle()
    shown = run("status").out
    assert "Lab “default”: embedded" in shown
    assert "Stage sieve; release noble: behaves as Postfix 3.8.6 and Dovecot 2.3.21\n" in shown
    assert "Seed 1: all repeats; the clock is fixed at 2010-06-21T08:00" in shown
    assert "Faults: F8" in shown
    assert f"CA: {lab.ca}\n" in shown
    assert "Queue: 0" in shown
    assert "Mailboxes: cheikh INBOX 1" in shown
    heading, _, lines = shown.partition("The last lines of the log (all of them: mailsim logs):\n")
    assert heading.endswith("Mailboxes: cheikh INBOX 1\n")
    assert lines.count("\n") == 5
    assert repr(lab.logs[-1:][0].text)[1:-1] in lines.splitlines()[-1]


def test_what_a_folder_keeps_is_told(run: Run) -> None:
    shown = " ".join(run("up", "--help").out.replace("│", " ").split())
    assert "Keep queue, mailboxes and scripts in this folder, in one file, mail.sqlite" in shown


def test_status_as_json(lab: Lab, run: Run) -> None:
    document = json.loads(run("status", "--json").out)
    assert document["mailsim-status"] == 1
    assert (document["stage"], document["seed"], document["fixed"]) == ("sieve", lab.seed, True)
    assert document["ca"] == str(lab.ca)
    assert (document["faults"], document["queue"], document["mailboxes"]) == ([], [], {})


def test_reset_prints_the_fingerprint(lab: Lab, run: Run) -> None:
    lab.fault("F8")
    document = json.loads(run("reset", "--json").out)
    assert document == dict(lab.fingerprint)
    assert lab.faults == ()
    shown = run("reset").out
    assert shown.startswith("Stage sieve again: no mail, no faults, no evidence.")
    assert document["total"] in shown
    assert run("reset", "--stage", "tls").out.startswith("Stage tls again")
    assert lab.stage.value == "tls"


def test_the_log(lab: Lab, run: Run) -> None:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
    message_id = lab.deliver(MESSAGE)
    lab.wait(message_id)
    assert run("logs").out == f"{lab.logs!r}\n"
    documents = [json.loads(line) for line in run("logs", "--json").out.splitlines()]
    assert [one["text"] for one in documents] == [one.text for one in lab.logs]


def test_a_message_s_journey(lab: Lab, run: Run) -> None:
    lab.wait(lab.deliver(MESSAGE))
    assert run("journey", "essai@minfo.sn").out == f"{lab.journey('essai@minfo.sn')!r}\n"
    document = json.loads(run("journey", "<essai@minfo.sn>", "--json").out)
    assert (document["message_id"], document["stops"][-1]["kind"]) == ("essai@minfo.sn", "removed")
    for queue_id in lab.journey("essai@minfo.sn").queue_ids:
        assert (
            run("journey", queue_id.lower(), "--json").out
            == run("journey", "essai@minfo.sn", "--json").out
        )
    assert run("journey", "").code == 2
    unknown = run("journey", "never@minfo.sn")
    assert unknown.code == 1
    assert "The log knows nothing of the message never@minfo.sn" in unknown.err


def test_the_log_goes_on(up: StartUp) -> None:
    up("--seed", "1")
    command = [sys.executable, "-m", "mailsim", "logs", "-f"]
    with Lab() as lab, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        try:
            for _ in range(3):  # a reset begins the log again
                with lab.smtp():
                    pass
                while "]: connect from" not in (line := following.stdout.readline()):
                    assert line
                lab.reset()
        finally:
            following.terminate()


def test_a_trace_of_the_running_lab(lab: Lab, run: Run) -> None:
    traced = run("trace", "smtp", "--to", "smtp", stdin="EHLO poste.minfo.sn\nQUIT\n")
    assert traced.code == 0
    assert "S: 220 mail.minfo.sn ESMTP" in traced.out
    assert [len(one.exchanges) for one in lab.evidence] == [3]


def test_a_trace_of_a_lab_by_its_name(lab: Lab, run: Run) -> None:
    with Lab(name="tp") as other:
        traced = run("trace", "smtp", "--to", "smtp", "--name", "tp", stdin="QUIT\n")
        assert traced.code == 0
        assert run("trace", "dns", "minfo.sn", "--name", "tp").code == 0
        assert (len(other.evidence), len(lab.evidence)) == (2, 0)


def test_a_trace_over_tls_trusts_the_lab(lab: Lab, run: Run) -> None:
    assert lab.endpoints["submissions"].server == "mail.minfo.sn"
    assert run("trace", "smtp", "--to", "submissions", stdin="QUIT\n").code == 0


def test_a_trace_meets_the_firewall(lab: Lab, run: Run) -> None:
    lab.fault("F9")
    traced = run("trace", "smtp", "--to", "smtp", stdin="QUIT\n")
    assert traced.code == 1
    assert "mail.minfo.sn, port 25" in traced.err


def test_a_protocol_that_the_service_does_not_speak(lab: Lab, run: Run) -> None:
    assert lab.name
    traced = run("trace", "imap", "--to", "smtp")
    assert traced.code == 2
    assert "accepted: imap, imaps" in traced.err


def test_dns_asks_the_running_lab(lab: Lab, run: Run) -> None:
    asked = run("trace", "dns", "minfo.sn", "MX", "--no-explain")
    assert (asked.code, asked.err) == (0, "")
    assert "10 mail.minfo.sn." in asked.out
    assert run("trace", "dns", "minfo.sn", "--to", "dns").code == 0
    wrong = run("trace", "dns", "minfo.sn", "--to", "smtp")
    assert (wrong.code, "accepted: dns" in wrong.err) == (2, True)
    assert len(lab.evidence) == 2
