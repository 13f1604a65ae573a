"""Mail on its way: aliases, extensions, the foreign domains and back, the queue, bounces."""

from __future__ import annotations

import pytest

from mailsim import Lab
from mailsim.model.journey import Journey, StopKind
from mailsim.model.queue import QueueName
from mailsim.model.stage import Stage
from tests.contract.post import PATIENCE, Post


def _to(way: Journey, kind: StopKind) -> list[str]:
    return [stop.line.fields["to"].strip("<>") for stop in way.of(kind)]


@pytest.mark.inventory("CON11", "MTA5", "AMA2")
def test_from_one_user_to_another(lab: Lab, post: Post) -> None:
    way = post.submit("user", "autre_user@minfo.sn")
    (stored,) = way.of(StopKind.STORED)
    assert stored.line.fields["user"] == "autre_user"
    sent = {one.line.fields["relay"]: one.line.fields["dsn"] for one in way.of(StopKind.SENT)}
    # Dovecot delivers, by LMTP.
    assert sent["mail.minfo.sn[private/dovecot-lmtp]"] == "2.0.0"
    assert len(way.queue_ids) == (2 if lab.stage >= Stage.AMAVIS else 1)
    assert way.of(StopKind.REMOVED)


@pytest.mark.inventory("MTA2", "MTA3")
@pytest.mark.parametrize(
    ("to", "user"),
    [
        ("root@minfo.sn", "admin"),
        ("postmaster@minfo.sn", "admin"),
        ("abuse@mail.minfo.sn", "admin"),
        ("mactar@mail.minfo.sn", "mactar"),
        ("mactar@localhost.minfo.sn", "mactar"),
    ],
)
def test_whose_mailbox_it_is(post: Post, to: str, user: str) -> None:
    way = post.arrive("secretaire@ugb.sn", to)
    assert [stop.line.fields["user"] for stop in way.of(StopKind.STORED)] == [user]


@pytest.mark.inventory("MTA6")
def test_what_stands_behind_the_plus_is_the_user_s_own_affair(post: Post) -> None:
    way = post.arrive("secretaire@ugb.sn", "mactar+commandes@minfo.sn")
    assert "Delivered-To: mactar+commandes@minfo.sn" in post.read("mactar", way.message_id)


@pytest.mark.inventory("CON11", "CON5")
def test_user_writes_to_the_secretary_and_she_answers(lab: Lab, post: Post) -> None:
    """Submission, MX, relay, delivery there; and the other way."""
    there = post.submit("user", "secretaire@ugb.sn", "Une demande.\n")
    ours = [one.line for one in there.of(StopKind.SENT) if one.line.instance == "mail postfix"]
    assert "mx.ugb.sn[192.168.20.1]:25" in {one.fields["relay"] for one in ours}
    lab.idle(timeout=PATIENCE)
    found = lab.mailboxes["secretaire@ugb.sn"]["INBOX"]
    (arrived,) = [one for one in found if one.message_id == there.message_id]
    assert b"Une demande." in arrived.content
    back = post.arrive("secretaire@ugb.sn", "user@minfo.sn", "La reponse.\n")
    assert back.of(StopKind.RECEIVED)[0].line.fields["client"] == "mx.ugb.sn[192.168.20.1]"
    assert "La reponse." in post.read("user", back.message_id)


@pytest.mark.inventory("CON1", "CON11")
@pytest.mark.changes
def test_what_cannot_go_waits_and_goes_later(lab: Lab, post: Post) -> None:
    lab.peer("ugb.sn", up=False)
    way = post.submit("user", "secretaire@ugb.sn")
    deferred = way.of(StopKind.DEFERRED)[-1].line.fields
    assert deferred["dsn"] == "4.4.1"
    (waiting,) = [one for one in lab.queue if one.message_id == way.message_id]
    assert waiting.queue is QueueName.DEFERRED
    assert waiting.recipients[0].address == "secretaire@ugb.sn"
    assert waiting.recipients[0].reason == "connect to mx.ugb.sn[192.168.20.1]:25: Connection refused"  # fmt: skip
    lab.hold(waiting.queue_id)
    assert [one.queue for one in lab.queue if one.message_id == way.message_id] == [QueueName.HOLD]
    lab.release_held(waiting.queue_id)
    lab.peer("ugb.sn", up=True)
    lab.flush()
    later = post.until_gone(way.message_id)
    assert later.of(StopKind.SENT)
    lab.idle(timeout=PATIENCE)
    found = lab.mailboxes["secretaire@ugb.sn"]["INBOX"]
    assert [one.message_id for one in found].count(way.message_id) == 1


@pytest.mark.inventory("DEM2", "CON1")
def test_an_unknown_domain_bounces_to_its_sender(lab: Lab, post: Post) -> None:
    message_id = lab.deliver(
        post.letter("admin@minfo.sn", "kelkun@kelkpart.com", message_id=post.new_id())
    )
    way = lab.wait(message_id, timeout=PATIENCE)
    bounced = way.of(StopKind.BOUNCED)[-1].line.fields
    assert (bounced["to"].strip("<>"), bounced["dsn"]) == ("kelkun@kelkpart.com", "5.4.4")
    assert way.of(StopKind.NOTIFIED)
    told = post.read("admin", way.of(StopKind.CLEANUP)[-1].line.fields["message-id"])
    for words in (
        "From: Mail Delivery System <MAILER-DAEMON@",
        "Subject: Undelivered Mail Returned to Sender",
        "Final-Recipient: rfc822; kelkun@kelkpart.com",
        "Status: 5.4.4",
        "Host or domain name not found",
        f"Message-ID: <{message_id}>",
    ):
        assert words in told


@pytest.mark.inventory("CON1")
def test_a_user_who_is_not_there_bounces_too(lab: Lab, post: Post) -> None:
    message_id = lab.deliver(
        post.letter("admin@minfo.sn", "personne@ugb.sn", message_id=post.new_id())
    )
    bounced = lab.wait(message_id, timeout=PATIENCE).of(StopKind.BOUNCED)[-1].line.fields
    assert bounced["dsn"] == "5.1.1"
    assert "550 5.1.1" in str(bounced)


@pytest.mark.inventory("CON1")
def test_a_message_is_taken_out_of_the_queue(lab: Lab, post: Post) -> None:
    assert lab.queue == () or all(one.queue is QueueName.DEFERRED for one in lab.queue)
    way = post.submit("cheikh", "mactar@minfo.sn")
    assert not [one for one in lab.queue if one.message_id == way.message_id]
