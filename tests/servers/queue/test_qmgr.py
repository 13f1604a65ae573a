from __future__ import annotations

import asyncio
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from mailsim.dialogue.journey import journey
from mailsim.model import StopKind
from mailsim.model.queue import QueueName
from mailsim.model.stage import Stage
from mailsim.servers.clock import START
from mailsim.servers.envelope import Client, Recipient
from mailsim.servers.queue.journal import _pretty


def inbox(world: Any, user: str) -> list[bytes]:
    return [one.content for one in world.store.messages(user)]


def parsed(content: bytes) -> Any:
    """A MIME message; Any, for typeshed has it that a payload may be a text."""
    return message_from_bytes(content)


def test_a_message_to_a_user_is_stored_and_the_log_tells_it(world: Any) -> None:
    queue_id = world.send("autre_user@minfo.sn")
    world.run()
    session = world.lines[4].partition("><")[2].partition(">")[0]
    assert world.lines == [
        f"postfix/smtpd: {queue_id}: client=poste.minfo.sn[192.168.10.50]",
        f"postfix/cleanup: {queue_id}: message-id=<1@poste.minfo.sn>",
        f"postfix/qmgr: {queue_id}: from=<user@minfo.sn>, size=290, nrcpt=1 (queue active)",
        "dovecot: lmtp(1004): Connect from local",
        f"dovecot: lmtp(autre_user)<1004><{session}>: msgid=<1@poste.minfo.sn>: saved mail to INBOX",
        (
            f"postfix/lmtp: {queue_id}: to=<autre_user@minfo.sn>, "
            "relay=mail.minfo.sn[private/dovecot-lmtp], delay=0, delays=0/0/0/0, dsn=2.0.0, "
            f"status=sent (250 2.0.0 <autre_user@minfo.sn> {session} Saved)"
        ),
        "dovecot: lmtp(1004): Disconnect from local: Logged out (state=READY)",
        f"postfix/qmgr: {queue_id}: removed",
    ]
    assert world.queue.entries() == ()


def test_final_delivery_adds_its_trace(world: Any) -> None:
    queue_id = world.send("autre_user@minfo.sn")
    world.run()
    (content,) = inbox(world, "autre_user")
    lines = content.decode().split("\r\n")
    assert lines[:2] == ["Return-Path: <user@minfo.sn>", "Delivered-To: autre_user@minfo.sn"]
    assert lines[2:5] == [
        "Received: from mail.minfo.sn",
        "\tby mail.minfo.sn with LMTP",
        f"\tid {world.lines[4].partition('><')[2].partition('>')[0]}",
    ]
    assert lines[5:7] == [
        "\t(envelope-from <user@minfo.sn>)",
        "\tfor <autre_user@minfo.sn>; Mon, 21 Jun 2010 08:00:00 +0000",
    ]
    assert lines[7:10] == [
        "Received: from poste.minfo.sn (poste.minfo.sn [192.168.10.50])",
        f"\tby mail.minfo.sn (Postfix) with ESMTP id {queue_id}",
        "\tfor <autre_user@minfo.sn>; Mon, 21 Jun 2010 08:00:00 +0000 (UTC)",
    ]
    assert content.endswith(b"\r\n\r\nBonjour\r\n")


def test_the_journey_is_whole(world: Any) -> None:
    world.send("autre_user@minfo.sn", "x@kelkpart.com")
    world.run()
    way = journey(world.log.lines(), message_id="1@poste.minfo.sn")
    assert [stop.kind for stop in way.stops] == [
        StopKind.RECEIVED,
        StopKind.CLEANUP,
        StopKind.QUEUED,
        StopKind.STORED,
        StopKind.SENT,
        StopKind.BOUNCED,
        StopKind.CLEANUP,
        StopKind.NOTIFIED,
        StopKind.QUEUED,
        StopKind.REMOVED,
        StopKind.STORED,
        StopKind.SENT,
        StopKind.REMOVED,
    ]


def test_from_stage_sieve_on_dovecot_says_so(make: Callable[..., Any]) -> None:
    world = make(Stage.SIEVE)
    world.set(content_filter="")
    world.send("user@minfo.sn")
    world.run()
    said = "sieve: msgid=<1@poste.minfo.sn>: stored mail into mailbox 'INBOX'"
    assert any(line.endswith(said) for line in world.lines)


def test_aliases_extensions_and_case(world: Any) -> None:
    world.send("mailer-daemon@minfo.sn", "Cheikh+listes@MINFO.SN", "postmaster")
    world.run()
    assert world.store.mailboxes() == {"admin": {"INBOX": 2}, "cheikh": {"INBOX": 1}}
    log = "\n".join(world.lines)
    assert "to=<admin@minfo.sn>, orig_to=<mailer-daemon@minfo.sn>, relay=mail" in log
    assert "to=<Cheikh+listes@MINFO.SN>, relay=mail" in log
    assert "to=<admin@minfo.sn>, orig_to=<postmaster>, relay=mail" in log


def test_who_has_opened_the_queue_file_has_said_so(world: Any, sub: Callable[..., Any]) -> None:
    given = world.queue.new_id()
    assert world.queue.accept(sub("user@minfo.sn", queue_id=given)) == given
    assert world.lines[0] == f"postfix/cleanup: {given}: message-id=<1@poste.minfo.sn>"


def test_an_unknown_user_bounces(world: Any) -> None:
    world.send("nobody@minfo.sn")
    world.run()
    (content,) = inbox(world, "user")
    bounce = parsed(content)
    assert bounce["Return-Path"] == "<>"
    assert bounce.get_content_type() == "multipart/report"
    text, report, original = bounce.get_payload()
    assert '<nobody@minfo.sn>: unknown user: "nobody"' in text.get_payload()
    fields = report.get_payload()[1]
    assert (fields["Action"], fields["Status"]) == ("failed", "5.1.1")
    assert original.get_payload()[0]["Message-ID"] == "<1@poste.minfo.sn>"


def test_no_bounce_of_a_bounce(world: Any) -> None:
    world.send("nobody@minfo.sn", sender="")
    world.run()
    assert world.store.mailboxes() == {}
    assert not any("notification" in line for line in world.lines)
    assert world.lines[-1].endswith("removed")


def test_an_unknown_domain_bounces_at_once(world: Any) -> None:
    queue_id = world.send("x@kelkpart.com")
    world.run()
    assert (
        f"postfix/smtp: {queue_id}: to=<x@kelkpart.com>, relay=none, delay=0, delays=0/0/0/0, "
        "dsn=5.4.4, status=bounced (Host or domain name not found. Name service error for "
        "name=kelkpart.com type=A: Host not found)"
    ) in world.lines
    assert len(inbox(world, "user")) == 1


def test_notify_never_is_respected(world: Any, sub: Callable[..., Any]) -> None:
    world.queue.accept(sub(recipients=(Recipient("nobody@minfo.sn", "NEVER"),)))
    world.run()
    assert world.store.mailboxes() == {}


def test_success_is_reported_when_asked_for(world: Any, sub: Callable[..., Any]) -> None:
    asked = Recipient("cheikh@minfo.sn", "SUCCESS,FAILURE", "rfc822;C@minfo.sn")
    world.queue.accept(sub(recipients=(asked,), envid="QQ314"))
    world.run()
    (content,) = inbox(world, "user")
    report = parsed(content)
    assert report["Subject"] == "Successful Mail Delivery Report"
    per_message, per_recipient = report.get_payload()[1].get_payload()
    assert per_message["Original-Envelope-Id"] == "QQ314"
    assert per_recipient["Original-Recipient"] == "rfc822;C@minfo.sn"
    assert per_recipient["Action"] == "relayed"
    assert any("sender delivery status notification: " in line for line in world.lines)


def test_an_orcpt_puts_no_field_into_the_report(world: Any, sub: Callable[..., Any]) -> None:
    asked = Recipient("cheikh@minfo.sn", "SUCCESS", "rfc822;a\r\nX-Evil: 1")
    world.queue.accept(sub(recipients=(asked,)))
    world.run()
    (content,) = inbox(world, "user")
    _, per_recipient = parsed(content).get_payload()[1].get_payload()
    assert per_recipient["X-Evil"] is None
    assert per_recipient["Original-Recipient"] == "rfc822;a??X-Evil: 1"


def test_deferred_mail_waits_for_the_clock(world: Any) -> None:
    queue_id = world.send("secretaire@ugb.sn")
    seen: list[int] = []

    def attempts() -> None:
        seen.append(sum("status=deferred" in line for line in world.lines))

    world.run(
        attempts,
        lambda: world.clock.advance(299),
        attempts,
        lambda: world.clock.advance(1),
        attempts,
    )
    assert seen == [1, 1, 2]
    (entry,) = world.queue.entries()
    assert entry.queue_id == queue_id
    assert entry.queue is QueueName.DEFERRED
    assert entry.message_id == "1@poste.minfo.sn"
    assert entry.recipients[0].reason == "connect to mx.ugb.sn[192.168.20.1]:25: Connection refused"
    # As long again as it has waited: 301 s, the tick of the attempt included.
    assert entry.next_attempt == pytest.approx(START + 2 * 301)


def test_the_backoff_has_its_bounds(world: Any) -> None:
    world.send("secretaire@ugb.sn")
    world.run(lambda: world.clock.advance(50_000))
    (entry,) = world.queue.entries()
    assert entry.next_attempt == pytest.approx(world.clock.now() + 4_000)


def test_mail_expires(world: Any) -> None:
    queue_id = world.send("secretaire@ugb.sn")
    world.run(lambda: world.clock.advance(5 * 86_400))
    assert world.queue.entries() == ()
    assert (
        f"postfix/qmgr: {queue_id}: from=<user@minfo.sn>, status=expired, returned to sender"
        in world.lines
    )
    (content,) = inbox(world, "user")
    assert b"Status: 4.4.1\r\n" in content
    assert b"Action: failed\r\n" in content


def test_flush_tries_again_all_or_one_site(world: Any) -> None:
    world.send("secretaire@ugb.sn")
    world.send("etudiant@miage.sn")
    attempts: list[int] = []

    def count() -> None:
        attempts.append(sum("status=deferred" in line for line in world.lines))

    world.run(
        world.queue.flush,
        count,
        lambda: world.queue.flush("ugb.sn"),
        count,
        lambda: world.queue.flush("elsewhere.sn"),
        count,
    )
    assert attempts == [4, 5, 5]


def test_hold_release_and_delete(world: Any) -> None:
    first, second = world.send("a@ugb.sn"), world.send("b@ugb.sn")

    def check() -> None:
        queues = {one.queue_id: one.queue for one in world.queue.entries()}
        assert queues == {first: QueueName.HOLD, second: QueueName.DEFERRED}

    world.run(
        lambda: world.queue.hold(first) and None,
        world.queue.flush,
        check,
        lambda: world.queue.release(first) and None,
        lambda: world.queue.delete(second) and None,
    )
    assert [one.queue_id for one in world.queue.entries()] == [first]
    assert world.queue.entries()[0].queue is QueueName.DEFERRED
    assert f"postfix/postsuper: {first}: placed on hold" in world.lines
    assert f"postfix/postsuper: {first}: released from hold" in world.lines
    assert f"postfix/postsuper: {second}: removed" in world.lines
    assert not world.queue.delete("NONE")


def test_settled_waits_for_what_came_of_it(world: Any) -> None:
    async def work() -> None:
        world.queue.start()
        queue_id = world.send("x@kelkpart.com")
        await world.queue.settled(queue_id)
        assert len(inbox(world, "user")) == 1
        await world.queue.settled("UNKNOWN")
        await world.queue.close()

    asyncio.run(work())


def test_a_closed_queue_goes_on_in_another_process(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    world = make(Stage.MAIL, tmp_path)
    queue_id = world.send("secretaire@ugb.sn", "cheikh@minfo.sn")
    world.store.close()
    again = make(Stage.MAIL, tmp_path)
    assert [one.queue_id for one in again.queue.entries()] == [queue_id]
    again.run()
    (entry,) = again.queue.entries()
    assert [one.address for one in entry.recipients] == ["secretaire@ugb.sn"]
    again.store.close()
    third = make(Stage.MAIL, tmp_path)
    assert third.queue.entries() == (entry,)
    assert third.send("user@minfo.sn") != queue_id
    assert third.store.mailboxes() == {"cheikh": {"INBOX": 1}}


def test_a_message_for_an_alias_elsewhere_is_forwarded(world: Any) -> None:
    world.queue._attempts._local._addresses._aliases["ailleurs"] = "cheikh, x@kelkpart.com"
    world.send("ailleurs@minfo.sn")
    world.run()
    assert any("status=sent (forwarded as " in line for line in world.lines)
    assert world.store.mailboxes() == {"cheikh": {"INBOX": 1}, "user": {"INBOX": 1}}


def test_an_alias_that_leads_to_itself_bounces(world: Any) -> None:
    world.queue._attempts._local._addresses._aliases |= {"a": "b", "b": "a"}
    world.send("a@minfo.sn")
    world.run()
    assert any("dsn=5.4.6, status=bounced (alias database loop)" in one for one in world.lines)


def test_the_same_seed_gives_the_same_log(make: Callable[..., Any]) -> None:
    logs = []
    for _ in range(2):
        world = make()
        world.send("user@minfo.sn", "nobody@minfo.sn", "x@kelkpart.com", "secretaire@ugb.sn")
        world.run(lambda world=world: world.clock.advance(400))
        logs.append((world.log.lines(), world.store.state(), world.queue.state()))
    assert logs[0] == logs[1]


def test_a_peers_own_address_counts_as_ours(world: Any, sub: Callable[..., Any]) -> None:
    local = Client("127.0.0.1", "localhost")
    world.queue.accept(sub("user@minfo.sn", client=local, content=b"Subject: x\r\n\r\ny\r\n"))
    world.run()
    assert b"Message-Id: <20100621080000." in inbox(world, "user")[0]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0"), (0, "0"), (0.004, "0"), (0.05, "0.05"), (0.5, "0.5"), (1.26, "1.3"), (10.2, "10")],
)
def test_delays_have_two_digits_that_count(seconds: float, text: str) -> None:
    assert _pretty(seconds) == text


def test_a_big_message_comes_back_by_its_header_alone(world: Any) -> None:
    world.send("nobody@minfo.sn", content=b"Subject: big\r\n\r\n" + b"x" * 60_000 + b"\r\n")
    world.run()
    (content,) = inbox(world, "user")
    assert len(content) < 4_000
    part = parsed(content).get_payload()[2]
    assert part.get_content_type() == "text/rfc822-headers"
    assert "Subject: big" in part.get_payload()


def test_mail_on_hold_stays_there_when_the_queue_starts(world: Any) -> None:
    queue_id = world.send("user@minfo.sn")
    assert world.queue.hold(queue_id)
    world.run()
    assert world.store.mailboxes() == {}
    assert world.queue.entries()[0].queue is QueueName.HOLD
