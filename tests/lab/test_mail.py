"""Mail that is read, sorted and answered: what a Lab shows of it."""

from __future__ import annotations

import pytest

from mailsim import Lab
from mailsim.errors import UsageError
from mailsim.model import StopKind

SPAM = (
    "From: pub@pub.sn\nTo: user@minfo.sn\nSubject: pub\nMessage-ID: <{id}@pub.sn>\n\n"
    "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n"
)
LETTER = "From: secretaire@ugb.sn\nTo: user@minfo.sn\nMessage-ID: <1@ugb.sn>\n\nBonjour\n"
DEFAULT = "/etc/dovecot/global_script/dovecot.sieve"


def activate(lab: Lab, script: str) -> None:
    with lab.sieve() as sieve:
        assert sieve.starttls().ok
        assert sieve.authenticate("PLAIN", "user", "minfo").ok
        assert sieve.putscript("tri", script).ok
        assert sieve.setactive("tri").ok


def test_spam_is_filed_in_junk_and_the_journey_names_the_rule(lab: Lab) -> None:
    way = lab.wait(lab.deliver(SPAM.format(id=1)))
    (stored,) = way.of(StopKind.STORED)
    assert stored.line.fields["mailbox"] == "Junk"
    assert stored.rule == f'{DEFAULT}:4: fileinto "Junk"'
    assert stored.rule in repr(way)
    assert list(lab.mailboxes["user"]) == ["Junk"]
    with lab.imap() as imap:
        assert imap.login("user", "minfo").ok
        assert imap.select("Junk").ok
        assert "X-Spam-Flag: YES" in repr(imap.fetch("1", "BODY[HEADER.FIELDS (X-Spam-Flag)]"))


def test_a_script_put_by_managesieve_takes_effect(lab: Lab) -> None:
    activate(lab, 'require "vacation";\nvacation "Absent";\n')
    way = lab.wait(lab.deliver(LETTER))
    (answered,) = way.of(StopKind.ANSWERED)
    assert answered.rule == "/home/user/.dovecot.sieve:2: vacation"
    (stored,) = way.of(StopKind.STORED)
    assert stored.rule == "/home/user/.dovecot.sieve: keep (implicit)"
    lab.idle()
    (answer,) = lab.mailboxes["secretaire@ugb.sn"]["INBOX"]
    assert b"Auto-Submitted: auto-replied (vacation)" in answer.content


def test_sieve_runs_tell_why_in_both_languages(lab: Lab) -> None:
    name = lab.deliver(SPAM.format(id=2))
    lab.wait(name)
    (run,) = lab.sieve_runs(name, "fr")
    assert (run.user, run.script, run.decided) == ("user", DEFAULT, ((4, 'fileinto "Junk"'),))
    assert "vrai" in str(run)
    (run,) = lab.sieve_runs(name, "en")
    assert "true" in str(run)
    assert lab.sieve_runs("inconnu@nulle.part") == ()


def test_f12_leaves_all_in_inbox_for_no_script_runs(lab: Lab) -> None:
    lab.fault("F12")
    way = lab.wait(lab.deliver(SPAM.format(id=3)))
    assert list(lab.mailboxes["user"]) == ["INBOX"]
    assert "relay=local" in repr(way)
    assert lab.sieve_runs("3@pub.sn") == ()


def test_f16_is_told_by_the_log_and_leaves_spam_in_inbox(lab: Lab) -> None:
    lab.fault("F16")
    lab.wait(lab.deliver(SPAM.format(id=4)))
    assert list(lab.mailboxes["user"]) == ["INBOX"]
    assert "unknown Sieve capability `fileinto '" in repr(lab.logs)
    (run,) = lab.sieve_runs("4@pub.sn")
    assert run.errors
    lab.fault("F16", on=False)
    lab.wait(lab.deliver(SPAM.format(id=5)))
    assert list(lab.mailboxes["user"]) == ["INBOX", "Junk"]


def test_mail_is_read_by_pop3_and_imap_on_whatever_port_the_stage_leaves_open(lab: Lab) -> None:
    for stage in ("mail", "tls", "sieve"):
        lab.reset(stage)
        lab.wait(lab.deliver(LETTER))
        with lab.pop3() as pop3, lab.imap() as imap:
            if stage == "tls":
                assert pop3.stls().ok
                assert imap.starttls().ok
            assert pop3.login("user", "minfo").ok
            assert pop3.stat().ok
            assert imap.login("user", "minfo").ok
            assert imap.select().ok
            assert imap.selected is not None
            assert imap.selected.exists == 1


def test_who_writes_no_dialogue_spoils_nobody_s_evidence(lab: Lab) -> None:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
    kept = len(lab.evidence)
    lab._backend.ask("keep_evidence", record={"id": "x", "dialogue": {"mailsim-dialogue": "x"}})
    assert len(lab.evidence) == kept


def test_a_full_mailbox_refuses_mail_and_the_sender_is_told(lab: Lab) -> None:
    lab.set_quota("user", octets=500)
    way = lab.wait(lab.deliver(LETTER.replace("secretaire@ugb.sn", "cheikh@minfo.sn")))
    (bounced,) = way.of(StopKind.BOUNCED)
    assert "552 5.2.2 <user@minfo.sn> Quota exceeded (mailbox for user is full)" in str(bounced)
    assert list(lab.mailboxes) == ["cheikh"]
    lab.set_quota("user")
    lab.wait(lab.deliver(LETTER.replace("<1@", "<2@")))
    assert len(lab.mailboxes["user"]["INBOX"]) == 1
    with pytest.raises(UsageError, match="personne"):
        lab.set_quota("personne", octets=1)
