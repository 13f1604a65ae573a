"""Several processes, one lab."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mailsim import Lab
from mailsim.errors import LabError
from mailsim.lab.attach import attach, end
from mailsim.lab.client import find
from mailsim.lab.rundir import RunDir, run_home

if TYPE_CHECKING:
    from tests.conftest import StartUp

KERNEL = """
from mailsim import Lab
with Lab() as lab:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
    lab.deliver("From: user@minfo.sn\\nTo: cheikh@minfo.sn\\nMessage-ID: <k@minfo.sn>\\n\\nBonjour\\n")
    lab.wait("<k@minfo.sn>")
    print(repr(lab.fingerprint), lab.queue, lab.mailboxes, lab.logs, lab.evidence, sep="\\n")
"""

# Windows has one way to end a process.
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def kernel(code: str = KERNEL) -> str:
    """What another Python process prints."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.stdout


def test_a_notebook_a_terminal_and_a_test_see_the_same_lab(up: StartUp) -> None:
    up("--seed", "1")
    printed = kernel()
    with Lab() as lab:
        seen = (repr(lab.fingerprint), lab.queue, lab.mailboxes, lab.logs, lab.evidence)
        assert "\n".join(map(str, seen)) + "\n" == printed
        assert [len(one.exchanges) for one in lab.evidence] == [2]
        lab.fault("F8")
    assert kernel("from mailsim import Lab; print(Lab().faults)") == "('F8',)\n"


def test_two_labs_side_by_side(up: StartUp) -> None:
    first, second = up("--stage", "mail"), up("--name", "other")
    assert first.document["endpoints"] != second.document["endpoints"]
    assert (first.document["stage"], second.document["stage"]) == ("mail", "sieve")
    with Lab() as one, Lab(name="other") as two:
        one.deliver("To: user@minfo.sn\n\nBonjour\n", "cheikh@minfo.sn")
        one.idle()
        assert list(one.mailboxes) == ["user"]
        assert list(two.mailboxes) == []


def test_a_lab_that_was_killed_is_no_lab(up: StartUp) -> None:
    up("--stage", "mail").end(KILL)
    assert (run_home() / "default" / "lab.json").exists()
    assert find("default") is None
    assert list(run_home().iterdir()) == []


def test_its_name_is_free_at_once(up: StartUp) -> None:
    killed = up("--stage", "mail")
    killed.end(KILL)
    assert up().document["pid"] != killed.document["pid"]
    with Lab() as lab:
        assert lab.stage.value == "sieve"


def test_a_lab_that_ends_under_its_users_hands(up: StartUp) -> None:
    running = up()
    lab = Lab()
    with lab.smtp() as smtp:
        running.end(signal.SIGTERM)
        with pytest.raises(LabError, match="The lab has ended"):
            _ = lab.queue
        assert smtp.dialogue.exchanges  # what was said stays


def test_whoever_comes_while_a_lab_starts_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    starting = RunDir("default")
    assert starting.take()
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        starting.give_back()

    monkeypatch.setattr("mailsim.lab.attach.time.sleep", sleep)
    with Lab(stage="mail") as lab:
        assert lab.stage.value == "mail"
    assert len(waited) == 1


def test_a_name_that_stays_taken_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailsim.lab.attach._PATIENCE", -1.0)
    taken = RunDir("default")
    assert taken.take()
    with pytest.raises(LabError, match="A lab named “default” runs already"):
        Lab()
    taken.give_back()


def test_without_a_lab_there_is_none_to_ask() -> None:
    for ask in (attach, lambda: end("default")):
        with pytest.raises(LabError, match="No lab named “default” is running"):
            ask()


def test_a_lab_of_this_process_can_be_ended_from_another() -> None:
    lab = Lab()
    assert kernel("from mailsim.lab.attach import end; end('default')") == ""
    with pytest.raises(LabError, match="The lab has ended"):
        _ = lab.queue
    assert list(run_home().iterdir()) == []
    lab.close()


def test_a_process_that_forgets_to_close_its_lab_leaves_nothing() -> None:
    code = "from mailsim import Lab; lab = Lab(); print(lab.stage.value)"
    assert kernel(code) == "sieve\n"
    assert list(run_home().iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGSTOP")
def test_a_lab_whose_process_stands_still(up: StartUp, monkeypatch: pytest.MonkeyPatch) -> None:
    running = up()
    with Lab() as lab:
        monkeypatch.setattr("mailsim.lab.client.PATIENCE", 0.05)
        os.kill(running.document["pid"], getattr(signal, "SIGSTOP", 0))
        os.waitpid(
            running.document["pid"], getattr(os, "WUNTRACED", 0)
        )  # until it does stand still
        try:
            with pytest.raises(LabError, match="“default” has not answered"):
                _ = lab.queue
        finally:
            os.kill(running.document["pid"], getattr(signal, "SIGCONT", 0))
