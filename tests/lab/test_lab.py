from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from mailsim import Lab
from mailsim.dialogue.text import write_text
from mailsim.errors import (
    ConnectionRefused,
    ConnectionTimeout,
    LabError,
    MailsimError,
    UsageError,
)
from mailsim.lab.attach import running_in_process
from mailsim.lab.rundir import run_home
from mailsim.model import PortState
from mailsim.model.stage import Release, Stage

MESSAGE = "From: user@minfo.sn\nTo: cheikh@minfo.sn\nMessage-ID: <essai@minfo.sn>\n\nBonjour\n"


def test_a_lab_starts_and_leaves_nothing() -> None:
    before = set(threading.enumerate())  # other tests' labs among them
    with Lab() as lab:
        assert (lab.stage, lab.release, lab.faults) == (Stage.SIEVE, Release.NOBLE, ())
        assert repr(lab) == "<Lab default: embedded, noble, stage sieve>"
        assert [path.name for path in run_home().iterdir()] == ["default"]
    assert list(run_home().iterdir()) == []
    assert set(threading.enumerate()) <= before
    assert repr(lab) == "<Lab default, closed>"


def test_transcripts_show_lab_names_and_never_ports(lab: Lab) -> None:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        smtp.quit()
    shown = write_text(lab.evidence[0])
    assert "EHLO poste.minfo.sn" in shown
    assert "127.0.0.1:" not in shown


def test_a_second_lab_is_the_first(lab: Lab) -> None:
    again = Lab()
    again.fault("F8")
    assert lab.faults == ("F8",)
    again.close()
    again.close()
    assert lab.faults == ("F8",)


def test_the_last_lab_that_is_closed_ends_it() -> None:
    first, second = Lab(seed=1), Lab()
    first.close()
    assert second.queue == ()
    second.close()
    assert list(run_home().iterdir()) == []


def test_two_labs_side_by_side(lab: Lab) -> None:
    with Lab(name="other", stage="mail") as other:
        other.fault("F24")
        assert (lab.stage, other.stage) == (Stage.SIEVE, Stage.MAIL)
        assert (lab.faults, other.faults) == ((), ("F24",))


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (
            {"stage": "tls"},
            r"runs at stage sieve, and tls was asked for. Call reset\(stage=\"tls\"\)",
        ),
        ({"release": "trixie"}, "behaves like noble, and trixie was asked for"),
        ({"seed": 2}, "started with the seed 1, and 2 was asked for"),
        ({"folder": "mail"}, "keeps its mail in “”, and “mail” was asked for"),
    ],
)
def test_another_lab_than_was_asked_for_is_never_taken(
    lab: Lab, wanted: dict[str, str], sentence: str
) -> None:
    with pytest.raises(LabError, match=sentence):
        Lab(**wanted)
    assert lab.stage is Stage.SIEVE


def test_the_same_again_is_taken(lab: Lab) -> None:
    with Lab(seed="1", stage="sieve", release=Release.NOBLE) as same:
        assert same.seed == lab.seed


@pytest.mark.parametrize(
    ("wrong", "kind", "sentence"),
    [
        ({"backend": "docker"}, UsageError, "“docker” is no backend; the backends are: embedded"),
        ({"backend": "vagrant"}, LabError, "embedded and container; vagrant arrives later"),
        ({"stage": "dkim"}, UsageError, "“dkim” is no stage; the stages are: dns, mail"),
        ({"release": "lenny"}, UsageError, "“lenny” is no release"),
        ({"name": "a/b"}, UsageError, "“a/b” cannot name a lab"),
    ],
)
def test_what_is_no_lab(wrong: dict[str, str], kind: type[MailsimError], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        Lab(**wrong)
    assert not run_home().exists() or list(run_home().iterdir()) == []


def test_mailsim_lab_names_a_lab_that_must_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILSIM_LAB", "class")
    with pytest.raises(LabError, match="No lab named “class” is running"):
        Lab()
    with Lab(name="class"), Lab() as attached:
        assert attached.name == "class"


def test_a_closed_lab_says_so() -> None:
    lab = Lab()
    lab.close()
    for use in (lambda: lab.queue, lab.smtp, lab.dns, lambda: lab.stage, lab.idle):
        with pytest.raises(LabError, match=r"This Lab was closed.*Lab\(name=\"default\"\)"):
            use()


# --- it repeats -------------------------------------------------------------------------------


def run(**given: str) -> tuple[object, ...]:
    """What a lab shows, from its start through a delivery."""
    with Lab(name="repeat", **given) as lab:
        before = lab.fingerprint
        with lab.smtp(as_host="mx.ugb.sn") as smtp:
            smtp.ehlo("mx.ugb.sn")
            smtp.mail("secretaire@ugb.sn")
            smtp.rcpt("user@minfo.sn")
            sent = smtp.data("From: secretaire@ugb.sn\nMessage-ID: <a@ugb.sn>\n\nBonjour\n")
        lab.wait("<a@ugb.sn>")
        return before, str(sent), repr(lab.logs), lab.accounts, lab.fingerprint, lab.mailboxes


def test_a_seed_repeats_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    given = run(seed="7")
    assert run(seed="7") == given
    monkeypatch.setenv("MAILSIM_SEED", "7")
    assert run() == given
    monkeypatch.setenv("MAILSIM_SEED", "8")
    assert run()[3] != given[3]


def test_without_a_seed_it_is_chance() -> None:
    with Lab() as lab:
        first = (lab.seed, lab.accounts)
    with Lab() as lab:
        assert (lab.seed, lab.accounts) != first


def test_a_reset_is_a_new_lab(lab: Lab) -> None:
    pristine = lab.fingerprint
    lab.fault("F22")
    lab.deliver(MESSAGE)
    lab.idle()
    lab.advance(5)
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
    changed = lab.fingerprint
    assert {name for name in pristine if changed[name] != pristine[name]} >= {
        "accounts", "clock", "config", "log", "total",
    }  # fmt: skip
    assert lab.reset() == pristine
    assert (lab.evidence, lab.logs, lab.queue, lab.faults) == ((), (), (), ())
    assert dict(lab.mailboxes) == {}


def test_a_reset_to_another_stage_is_that_stage_s_lab(lab: Lab) -> None:
    there = lab.reset(stage="tls")
    assert lab.stage is Stage.TLS
    with Lab(name="other", seed=1, stage="tls") as other:
        assert other.fingerprint == there


# --- ports ------------------------------------------------------------------------------------


def test_a_stage_s_endpoints(lab: Lab) -> None:
    lab.reset(stage="mail")
    states = {name: one.state for name, one in lab.endpoints.items()}
    assert states["smtp"] is states["dns"] is PortState.OPEN
    assert states["submissions"] is PortState.CLOSED
    with pytest.raises(ConnectionRefused, match=r"nothing listens on mail\.minfo\.sn, port 465"):
        lab.smtp("submissions")


def test_a_filtered_port_answers_nothing_and_nobody_waits(lab: Lab) -> None:
    lab.fault("F9")
    assert {one.state for one in lab.endpoints.values()} == {PortState.FILTERED}
    for tracer in (lab.smtp, lab.dns):
        with pytest.raises(ConnectionTimeout, match="filtered by a firewall"):
            tracer()
    assert [one.exchanges for one in lab.evidence] == [(), ()]


def test_the_firewall_s_thesis_error_closes_the_name_server(lab: Lab) -> None:
    lab.fault("F10")
    with pytest.raises(ConnectionTimeout, match="port 53"):
        lab.dns()
    lab.fault("F10", on=False)
    with lab.dns() as dns:
        assert dns.mx("minfo.sn").ok


def test_a_scan_shows_what_the_firewall_leaves_and_says_that_it_is_a_model(lab: Lab) -> None:
    assert {one.number for one in lab.scan() if one.state is PortState.FILTERED} == {
        23, 110, 143, 2000, 3306,
    }  # fmt: skip
    assert {one.service for one in lab.scan() if one.modelled} == {"ssh", "http", "https"}
    shown = repr(lab.scan())
    assert "   25/tcp  smtp         open\n" in shown
    assert shown.endswith("is a model: this comes from its settings, not from packets.")
    lab.reset(stage="mail")
    assert {one.service for one in lab.scan() if one.state is PortState.OPEN} == {
        "ssh", "smtp", "dns", "http", "pop3", "imap",
    }  # fmt: skip
    assert {one.state for one in lab.scan()} == {PortState.OPEN, PortState.CLOSED}


def test_a_service_that_is_none(lab: Lab) -> None:
    with pytest.raises(UsageError, match="accepted: smtp, submission, submissions"):
        lab.smtp("imap")
    with pytest.raises(UsageError, match="accepted: imap, imaps"):
        lab.imap("smtp")


# --- tracers ----------------------------------------------------------------------------------


def test_another_host_is_said_in_the_transcript(lab: Lab) -> None:
    with lab.smtp(as_host="spammeur") as smtp:
        smtp.ehlo("spammeur.pub.sn")
        shown = write_text(smtp.dialogue)
    assert "XCLIENT NAME=spammeur.pub.sn ADDR=192.168.66.66" in shown
    lab.disturb(
        {"name": "no", "command": "XCLIENT", "action": "answer", "text": "503 5.5.1 Not now"}
    )
    with pytest.raises(LabError, match=r"would not take us for localhost: .*Not now"):
        lab.smtp(as_host="localhost")
    with pytest.raises(LabError, match=r"no host “mx\.yahoo\.fr”; it has: mail\.minfo\.sn"):
        lab.smtp(as_host="mx.yahoo.fr")


def test_tls_is_verified_against_the_lab_s_own_authority(lab: Lab) -> None:
    with lab.smtp("submissions") as smtp:
        assert smtp.tls is not None
        assert "mail.minfo.sn" in smtp.tls.names
    with lab.smtp("submission") as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert smtp.starttls().ok


def test_what_tracers_see_is_kept_without_secrets(lab: Lab) -> None:
    password = lab.accounts.password("cheikh")
    with lab.smtp("submissions") as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert smtp.auth("PLAIN", "cheikh", password).ok
    kept = Path(run_home(), "default", "evidence.jsonl").read_text(encoding="utf-8")
    assert "AUTH PLAIN" in kept
    assert password not in kept
    assert repr(lab.evidence).startswith("submissions (mail.minfo.sn:465): ")


def test_dns_ids_repeat_with_the_seed(lab: Lab) -> None:
    ids = []
    for _ in range(2):
        with lab.dns() as dns:
            ids.append(next(dns.mx("minfo.sn").dialogue.lines()).raw[:2])
    assert ids[0] == ids[1]


# --- mail -------------------------------------------------------------------------------------


def test_a_message_from_the_server_itself(lab: Lab) -> None:
    message_id = lab.deliver(MESSAGE)
    assert message_id == "essai@minfo.sn"
    way = lab.wait(message_id)
    assert way == lab.journey(f"<{message_id}>")
    assert way.queue_ids
    (stored,) = lab.mailboxes["cheikh"]["INBOX"]
    assert stored.content.endswith(b"\r\n\r\nBonjour\r\n")
    assert repr(lab.mailboxes) == "cheikh  INBOX 1"


def test_a_message_for_nobody(lab: Lab) -> None:
    with pytest.raises(UsageError, match="names no recipient"):
        lab.deliver("Subject: rien\n\n")


def test_a_message_that_the_queue_refuses(lab: Lab) -> None:
    loop = "Received: from a by b; Mon, 21 Jun 2010 08:00:00 +0000\n" * 200
    with pytest.raises(LabError, match=r"The queue does not take the message: .*hops"):
        lab.deliver(loop + MESSAGE)
    assert lab.queue == ()


def test_mail_that_stays_on_its_way(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    running: Any = running_in_process("default")
    assert running is not None
    monkeypatch.setattr(running.site.world.queue, "idle", lambda: asyncio.Event().wait())
    with pytest.raises(LabError, match=r"Mail is still on its way after 0\.01 s"):
        lab.idle(timeout=0.01)


def test_a_message_that_never_was(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"Nothing about the message <never@minfo\.sn>"):
        lab.wait("<never@minfo.sn>", timeout=0.01)
    assert not lab.journey("<never@minfo.sn>")


def test_whoever_waits_first_is_told_too(lab: Lab) -> None:
    ways = []
    waiter = threading.Thread(target=lambda: ways.append(lab.wait("<essai@minfo.sn>", timeout=60)))
    waiter.start()
    lab.deliver(MESSAGE)
    waiter.join(60)
    assert [bool(way) for way in ways] == [True]


def test_whoever_waits_when_the_lab_ends_is_told() -> None:
    lab = Lab()
    told: list[str] = []

    def wait() -> None:
        try:
            lab.wait("<never@minfo.sn>", timeout=600)
        except LabError as error:
            told.append(error.message_id)

    waiter = threading.Thread(target=wait)
    waiter.start()
    site: Any = running_in_process("default")
    assert site is not None
    while not site.site._waiting:
        pass  # it has not begun to wait
    lab.close()
    waiter.join(60)
    assert told == ["lab.stopped"]


@pytest.mark.parametrize("seconds", [-1, float("nan"), 1e12])
def test_seconds_that_are_none(lab: Lab, seconds: float) -> None:
    with pytest.raises(UsageError, match="no time that is accepted"):
        lab.advance(seconds)


@pytest.mark.parametrize("act", ["hold", "release_held", "delete"])
def test_a_queue_id_that_is_none(lab: Lab, act: str) -> None:
    with pytest.raises(LabError, match="No message ABCDEF is at rest in the queue"):
        getattr(lab, act)("ABCDEF")


def test_rules_disturb_it_and_are_taken_away(lab: Lab) -> None:
    busy = {
        "name": "busy",
        "protocol": "smtp",
        "command": "EHLO",
        "action": "answer",
        "text": "451 4.3.0 Try again later",
    }
    assert lab.disturb(busy) == ("busy",)
    rules = [{"name": "cut", "protocol": "smtp", "command": "NOOP", "action": "drop"}]
    assert lab.disturb({"version": 1, "rules": rules}) == ("busy", "cut")
    assert lab.disturbances["busy"].items() >= busy.items()
    with pytest.raises(UsageError, match="nap"):
        lab.disturb({**busy, "action": "nap"})
    lab.undisturb("cut")
    assert list(lab.disturbances) == ["busy"]
    lab.undisturb()
    assert list(lab.disturbances) == []


def test_mail_is_kept_in_a_folder(tmp_path: Path) -> None:
    with Lab(folder=tmp_path / "mail") as lab:
        lab.deliver(MESSAGE)
        lab.idle()
    with Lab(folder=tmp_path / "mail") as lab:
        assert len(lab.mailboxes["cheikh"]["INBOX"]) == 1
