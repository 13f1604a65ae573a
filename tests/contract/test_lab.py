"""What a Lab shows and does on every backend: logs, journeys, evidence, reset, settings."""

from __future__ import annotations

import pytest

from mailsim import Lab
from mailsim.dialogue.text import write_text
from mailsim.errors import LabError, UsageError
from mailsim.model.journey import StopKind
from mailsim.model.stage import Stage
from tests.contract.cells import CAPABILITIES, LACKING, Cell
from tests.contract.post import PATIENCE, Post


@pytest.mark.inventory("CON11", "CON5")
def test_a_journey_from_the_first_word_to_the_mailbox(lab: Lab, post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "user@minfo.sn")
    kinds = [stop.kind for stop in way.stops]
    first = [StopKind.RECEIVED, StopKind.CLEANUP, StopKind.QUEUED]
    assert kinds[:3] == first
    assert {StopKind.STORED, StopKind.SENT, StopKind.REMOVED} <= set(kinds)
    assert kinds.count(StopKind.REMOVED) == len(way.queue_ids)
    assert (StopKind.FILTERED in kinds) is (lab.stage >= Stage.AMAVIS)
    assert lab.journey(f"<{way.message_id}>").queue_ids == way.queue_ids
    assert lab.journey(way.queue_ids[0]).message_id == way.message_id


@pytest.mark.inventory("CON1")
def test_the_log_is_a_mail_log(lab: Lab, post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "user@minfo.sn")
    about = [one for one in lab.logs if one.queue_id in way.queue_ids]
    assert {one.service for one in about} >= {"smtpd", "cleanup", "qmgr", "lmtp"}
    assert all(one.stamp and one.host == "mail" and one.pid for one in about)


def test_a_message_that_nobody_sent(lab: Lab) -> None:
    assert not lab.journey("jamais@nulle-part")
    with pytest.raises(LabError):
        lab.wait("jamais@nulle-part", timeout=0.01)


def test_what_was_said_is_kept_by_the_names_of_the_lab(lab: Lab) -> None:
    with lab.smtp(as_host="mx.miage.sn") as smtp:
        smtp.ehlo("mx.miage.sn")
        smtp.quit()
    shown = write_text(lab.evidence[-1])
    assert "XCLIENT NAME=mx.miage.sn ADDR=192.168.30.1" in shown
    assert "EHLO mx.miage.sn" in shown
    assert "127.0.0.1:" not in shown


@pytest.mark.inventory("OS5")
def test_the_same_seed_gives_every_backend_the_same_accounts(lab: Lab) -> None:
    found = {one.address: one.password for one in lab.accounts}
    assert found["user@minfo.sn"] == "minfo"
    with Lab(seed=lab.seed, name="contract-accounts") as other:
        assert {one.address: one.password for one in other.accounts} == found


@pytest.mark.changes
def test_a_reset_leaves_nothing(lab: Lab, post: Post) -> None:
    pristine = lab.reset()
    post.arrive("secretaire@ugb.sn", "user@minfo.sn")
    lab.peer("ugb.sn", up=False)
    post.submit("user", "secretaire@ugb.sn")
    changed = lab.fingerprint
    assert changed["total"] != pristine["total"]
    assert lab.queue
    assert lab.reset() == pristine
    assert (lab.queue, lab.logs, lab.evidence, lab.faults) == ((), (), (), ())
    assert dict(lab.mailboxes) == {}
    post.submit("user", "secretaire@ugb.sn")
    lab.idle(timeout=PATIENCE)
    assert lab.queue == ()


def test_each_stage_s_settings_and_what_lies_between(lab: Lab) -> None:
    changed = {one.name for one in lab.diff("mail", "tls")}
    assert {"smtpd_sasl_auth_enable", "smtpd_tls_security_level", "mynetworks"} <= changed
    assert "smtpd_helo_required" in {one.name for one in lab.settings("relay")}


def test_what_is_no_lab_s(lab: Lab) -> None:
    with pytest.raises(UsageError):
        lab.fault("F99")
    with pytest.raises(UsageError, match="F21"):
        lab.fault("F21")
    with pytest.raises(LabError):
        lab.peer("kelkpart.com", up=False)
    with pytest.raises(LabError):
        lab.hold("AAAAAA")


# --- what a backend has, and what it says of what it has not


@pytest.mark.stages(since="mail", until="mail")
def test_what_a_backend_lacks_is_told_and_not_played(lab: Lab, cell: Cell) -> None:
    lacking = set(LACKING) - CAPABILITIES[cell.backend]
    modelled = {one.service for one in lab.scan() if one.modelled}
    assert ({"http", "https"} <= modelled) is ("https" in lacking)
    if "clock" in lacking:
        with pytest.raises(LabError, match="embedded lab alone"):
            lab.advance(60)
    else:
        lab.advance(60)
    if "https" in lacking:
        assert "https" not in lab.endpoints
