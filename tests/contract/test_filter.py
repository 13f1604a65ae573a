"""Amavis, ClamAV and SpamAssassin: the way through them, viruses, spam, what stays as it was."""

from __future__ import annotations

import pytest

from mailsim import Lab
from mailsim.model.journey import StopKind
from mailsim.model.stage import Stage
from mailsim.servers.filter.virus import EICAR
from tests.contract.post import PATIENCE, Post

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n"


@pytest.mark.inventory("AMA1", "AMA2", "AMA3")
@pytest.mark.stages(since="amavis")
def test_a_message_goes_through_the_filter_and_comes_back(post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "user@minfo.sn")
    # Who hands it on may write so after it has arrived.
    relays = {stop.line.fields["relay"] for stop in way.of(StopKind.SENT)}
    assert relays == {"127.0.0.1[127.0.0.1]:10024", "mail.minfo.sn[private/dovecot-lmtp]"}
    back = way.of(StopKind.FILTERED)[0].line
    assert back.fields["verdict"] == "Passed CLEAN"
    assert back.fields["queued_as"] == way.queue_ids[1]
    # It comes back by the door that is loopback's alone.
    returned = way.of(StopKind.RECEIVED)[1].line
    assert returned.fields["client"] == "localhost[127.0.0.1]"
    read = post.read("user", way.message_id)
    assert "X-Virus-Scanned:" in read
    assert read.count("\nReceived: from mail.minfo.sn ([127.0.0.1])") == 1


@pytest.mark.inventory("AMA1")
@pytest.mark.stages(until="firewall")
def test_before_it_nothing_is_looked_at(post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "user@minfo.sn", EICAR.decode() + "\n")
    assert not way.of(StopKind.FILTERED)
    assert EICAR.decode() in post.read("user", way.message_id)


@pytest.mark.inventory("CLM3", "CLM4", "CLM5")
@pytest.mark.stages(since="clamav")
def test_a_virus_is_blocked_kept_aside_and_told_to_the_administrator(lab: Lab, post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "cheikh@minfo.sn", EICAR.decode() + "\n")
    (filtered,) = way.of(StopKind.FILTERED)
    assert filtered.line.fields["verdict"] == "Blocked INFECTED"
    assert "Eicar" in filtered.line.text
    assert filtered.line.fields["quarantine"].startswith("virus-")
    assert not [one for one in way.of(StopKind.STORED) if one.line.fields["user"] == "cheikh"]
    assert not post.found("cheikh", way.message_id)
    # The sender is forged: nobody is sent a bounce.
    assert not way.of(StopKind.BOUNCED)
    lab.idle(timeout=PATIENCE)
    with post.mailbox("admin") as imap:
        (number,) = imap.search(f'SUBJECT "VIRUS" BODY "{way.message_id}"').numbers
        told = imap.fetch(number, "BODY.PEEK[]").transcript()
    assert "secretaire@ugb.sn" in told


@pytest.mark.inventory("CLM3")
@pytest.mark.stages(since="amavis", until="amavis")
def test_without_a_scanner_a_virus_passes(post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "cheikh@minfo.sn", EICAR.decode() + "\n")
    assert post.found("cheikh", way.message_id)


@pytest.mark.inventory("SPA1", "SPA8", "SPA9", "SPA10")
@pytest.mark.stages(since="spamassassin")
def test_spam_is_marked_and_delivered_its_subject_as_it_was(lab: Lab, post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "user@minfo.sn", GTUBE, subject="Gagnez")
    (filtered,) = way.of(StopKind.FILTERED)
    assert filtered.line.fields["verdict"] == "Passed SPAM"
    assert float(filtered.line.fields["Hits"]) >= 900
    box = "Junk" if lab.stage >= Stage.SIEVE else "INBOX"
    read = post.read("user", way.message_id, box)
    assert "X-Spam-Flag: YES" in read
    assert "\r\nX-Spam-Level: ****" in read
    assert "GTUBE" in read.partition("X-Spam-Status: Yes, score=")[2].partition("X-Spam")[0]
    assert "\r\nSubject: Gagnez\r\n" in read


@pytest.mark.inventory("SPA1", "SPA9")
@pytest.mark.stages(since="spamassassin")
def test_every_message_shows_its_score(post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "user@minfo.sn", "Rien de special ici, merci.\n")
    read = post.read("user", way.message_id)
    assert "X-Spam-Flag: NO" in read
    status = read.partition("X-Spam-Status: No, score=")[2]
    assert float(status.split()[0]) < 6
    assert "required=6" in status


@pytest.mark.inventory("SPA5")
@pytest.mark.stages(since="spamassassin")
def test_a_link_of_the_uri_list_costs_points(post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "user@minfo.sn", "Voir http://www.pub.sn/gagnez ici.\n")
    (filtered,) = way.of(StopKind.FILTERED)
    assert float(filtered.line.fields["Hits"]) >= 4
    box = way.of(StopKind.STORED)[0].line.fields["mailbox"]
    assert "URIBL_MINFO" in post.read("user", way.message_id, box)


@pytest.mark.inventory("SPA1")
@pytest.mark.stages(since="amavis", until="clamav")
def test_without_spamassassin_nothing_is_marked(post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "user@minfo.sn", GTUBE)
    assert "X-Spam-" not in post.read("user", way.message_id)
