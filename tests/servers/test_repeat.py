"""The same seed gives the same run, to the octet: in one process and in two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mailsim import Lab
from mailsim.dialogue.text import write_text
from mailsim.errors import LabError, NetworkError
from mailsim.lab.attach import running_in_process
from mailsim.lab.rundir import RunDir

EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEB" + "*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def letter(number: int, body: str = "Bonjour", to: str = "cheikh@minfo.sn") -> str:
    name = f"<{number}@repeat.minfo.sn>"
    return f"From: user@minfo.sn\nTo: {to}\nSubject: {number}\nMessage-ID: {name}\n\n{body}\n"


def say(lab: Lab) -> None:
    """Clients at each service, well-behaved and not."""
    with lab.smtp(as_host="mx.ugb.sn") as smtp:
        smtp.ehlo("mx.ugb.sn")
        smtp.mail("secretaire@ugb.sn")
        smtp.rcpt("personne@minfo.sn")
        smtp.rcpt("user@minfo.sn")
        smtp.data(letter(1))
        smtp.send_raw(b"FOO bar\r\n")
        smtp.quit()
    with lab.smtp("submission") as smtp:
        smtp.ehlo("poste.minfo.sn")
        smtp.starttls()
        smtp.ehlo("poste.minfo.sn")
        smtp.auth("LOGIN", "cheikh", lab.accounts.password("cheikh"))
        smtp.mail("cheikh@minfo.sn")
        smtp.rcpt("etudiant@miage.sn")
        smtp.rcpt("personne@ugb.sn")
        smtp.data(letter(2))
    with lab.smtp(as_host="spammeur") as smtp:
        smtp.ehlo("spammeur.pub.sn")
        smtp.mail("pub@pub.sn")
        smtp.rcpt("user@minfo.sn")
    with lab.dns() as dns:
        dns.mx("minfo.sn")
        dns.query("nulle.part.sn", "A")


def send(lab: Lab) -> None:
    """Mail that arrives, mail that is found out, mail that waits."""
    for number, body in enumerate(("Bonjour", EICAR, GTUBE), 10):
        lab.deliver(letter(number, body))
    lab.deliver(letter(20, to="pub@pub.sn"), "user@minfo.sn", "pub@pub.sn")
    lab.deliver(letter(21, to="x@kelkpart.com"), "user@minfo.sn", "x@kelkpart.com")
    lab.deliver("To: user@minfo.sn\n\nSans nom\n", "mactar@minfo.sn")
    lab.idle()
    lab.advance(4000)
    lab.idle()


def run(seed: str) -> dict[str, Any]:
    """All that a lab shows of itself, from its start on."""
    with Lab(name=f"repeat{os.getpid()}", seed=seed) as lab:
        pristine = dict(lab.fingerprint)
        say(lab)
        send(lab)
        return {
            "pristine": pristine,
            "transcripts": [write_text(dialogue) for dialogue in lab.evidence],
            "queue": [one.queue_id for one in lab.queue],
            "mailboxes": lab._ask("mailboxes"),
            "passwords": [one.password for one in lab.accounts],
            "log": RunDir(lab.name).log.read_text("utf-8"),
            "fingerprint": dict(lab.fingerprint),
        }


def in_another_process(seed: str, hash_seed: str) -> dict[str, Any]:
    # A set's order differs from process to process: none may be seen.
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, __file__, seed]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(autouse=True)
def _own_home(lab_home: Path) -> Path:
    return lab_home


def test_a_run_repeats_in_one_process_and_in_two() -> None:
    first = run("7")
    assert len(first["transcripts"]) == 4
    assert len(first["queue"]) == 1
    assert "Blocked INFECTED" in first["log"]
    for again in (run("7"), in_another_process("7", "1"), in_another_process("7", "2")):
        for name, value in first.items():
            assert again[name] == value, name


def test_another_seed_gives_another_run() -> None:
    """Wherever there is chance in it."""
    first, other = run("7"), run("8")
    for name in ("queue", "passwords", "log", "transcripts", "mailboxes"):
        assert other[name] != first[name], name
    assert other["fingerprint"]["total"] != first["fingerprint"]["total"]


def test_a_reset_lab_runs_as_a_new_one() -> None:
    with Lab(seed="7") as lab:
        say(lab)
        send(lab)
        first = dict(lab.fingerprint), repr(lab.logs)
        lab.reset()
        say(lab)
        send(lab)
        assert (dict(lab.fingerprint), repr(lab.logs)) == first


# --- damage, and how the fingerprint tells it ---------------------------------------------------------


def deliver(lab: Lab) -> None:
    lab.deliver(letter(1))
    lab.idle()


def wait_in_queue(lab: Lab) -> None:
    lab.deliver(letter(1), "user@minfo.sn", "pub@pub.sn")
    lab.idle()


def hold(lab: Lab) -> None:
    wait_in_queue(lab)
    waiting = lab.fingerprint["queue"]
    lab.hold(lab.queue[0].queue_id)
    assert lab.fingerprint["queue"] != waiting


def remove(lab: Lab) -> None:
    """A message that came and went: what is left of it are ids and log."""
    wait_in_queue(lab)
    lab.delete(lab.queue[0].queue_id)


def infect(lab: Lab) -> None:
    lab.deliver(letter(1, EICAR))
    lab.idle()


def connect(lab: Lab) -> None:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")


def empty(lab: Lab) -> None:
    """A message that arrived and was expunged: its UID is not given again."""
    deliver(lab)
    running: Any = running_in_process(lab.name)
    assert running is not None
    running._embedded.call(lambda world: world.store.open("cheikh", "INBOX").expunge([1]))


DAMAGE: dict[str, tuple[Callable[[Lab], object], set[str]]] = {
    "mail delivered": (deliver, {"mail", "ids", "log"}),
    "mail in the queue": (wait_in_queue, {"queue", "ids", "log"}),
    "mail held": (hold, {"queue", "ids", "log"}),
    "mail removed": (remove, {"ids", "log"}),
    "mail expunged": (empty, {"mail"}),
    "a virus": (infect, {"quarantine", "ids", "log"}),
    "the clock": (lambda lab: lab.advance(5), {"clock"}),
    "a connection": (connect, {"clock", "log"}),
    "a fault": (lambda lab: lab.fault("F8"), {"config"}),
    "passwords": (lambda lab: lab.fault("F22"), {"accounts", "config"}),
    "the block list": (lambda lab: lab.fault("F23"), {"zones", "config"}),
    "a disturbance": (
        lambda lab: lab.disturb({"name": "later", "command": "RCPT", "action": "drop"}),
        {"disturbances"},
    ),
}


@pytest.mark.parametrize(("damage", "parts"), DAMAGE.values(), ids=DAMAGE)
def test_damage_shows_in_its_part_and_a_reset_mends_it(
    damage: Callable[[Lab], object], parts: set[str]
) -> None:
    with Lab(seed="7") as lab:
        pristine = lab.fingerprint
        assert lab.fingerprint == pristine
        damage(lab)
        changed = lab.fingerprint
        assert {name for name in pristine if changed[name] != pristine[name]} >= parts | {"total"}
        for _ in range(2):
            assert lab.reset() == pristine
        damage(lab)
        assert lab.fingerprint == changed
        assert lab.reset() == pristine


def test_a_reset_with_connections_open_and_mail_under_way() -> None:
    with Lab(seed="7") as lab:
        pristine = lab.fingerprint
        for _ in range(5):
            with lab.smtp() as smtp:
                smtp.ehlo("poste.minfo.sn")
                smtp.mail("user@minfo.sn")
                for number in range(20):
                    lab.deliver(
                        letter(number), "user@minfo.sn", ["etudiant@miage.sn", "user@minfo.sn"]
                    )
                assert lab.reset() == pristine
                with suppress(NetworkError, LabError):
                    smtp.noop()
        lab.idle()
        assert lab.fingerprint == pristine


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1])))  # noqa: T201 - for the process that started it
