from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mailsim.dialogue.journey import journey
from mailsim.model import StopKind
from mailsim.model.stage import Stage
from mailsim.servers.envelope import Client, Recipient, Submission
from mailsim.servers.filter.judgement import Judgement


class FakeFilter:
    """Judges as it is told, and keeps what it was asked."""

    def __init__(self, action: str, reply: str, *notices: Submission) -> None:
        self.action, self.reply, self.notices = action, reply, notices
        self.asked: list[dict[str, Any]] = []
        self.logged: list[str] = []

    def judge(
        self, sender: str, recipients: tuple[str, ...], content: bytes, **more: Any
    ) -> Judgement:
        self.asked.append({"sender": sender, "recipients": recipients, **more})
        made = Judgement(self.action, "Passed CLEAN", None, self.reply, "", self.notices)
        object.__setattr__(made, "content", content)
        return made

    def log(self, judgement: Judgement, queued_as: str) -> None:
        del judgement
        self.logged.append(queued_as)


@pytest.fixture
def filtered(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def added(self: Judgement, recipient: str) -> bytes:
        where = b"local" if recipient.endswith("minfo.sn") else b"elsewhere"
        return b"X-Virus-Scanned: " + where + b"\r\n" + self.content

    monkeypatch.setattr(Judgement, "content_for", added)

    def world(action: str = "pass", reply: str = "", *notices: Submission) -> Any:
        made = make(Stage.AMAVIS)
        made.filter = FakeFilter(action, reply, *notices)
        return made

    return world


def test_what_passes_comes_back_as_another_message(filtered: Callable[..., Any]) -> None:
    world = filtered()
    first = world.send("cheikh@minfo.sn")
    world.run()
    (second,) = world.filter.logged
    assert second not in ("", first)
    reply = f"250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {second}"
    assert (
        f"postfix/smtp: {first}: to=<cheikh@minfo.sn>, relay=127.0.0.1[127.0.0.1]:10024, delay=0, "
        f"delays=0/0/0/0, dsn=2.0.0, status=sent ({reply})"
    ) in world.lines
    at = world.lines.index("postfix/smtpd: connect from localhost[127.0.0.1]")
    assert [world.lines[at + 1], world.lines[at + 3]] == [
        f"postfix/smtpd: {second}: client=localhost[127.0.0.1]",
        "postfix/smtpd: disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5",
    ]
    (message,) = world.store.messages("cheikh")
    trace = f"Received: from localhost (localhost [127.0.0.1])\r\n\tby mail.minfo.sn (Postfix) with ESMTP id {second}\r\n"
    assert trace.encode() in message.content
    assert b"X-Virus-Scanned: local\r\nReceived: from poste.minfo.sn (" in message.content
    assert world.filter.asked == [
        {
            "sender": "user@minfo.sn",
            "recipients": ("cheikh@minfo.sn",),
            "client": Client("192.168.10.50", "poste.minfo.sn", port=40_000),
            "queue_id": first,
            "message_id": "<1@poste.minfo.sn>",
        }
    ]


def test_its_journey_goes_on_behind_the_filter(filtered: Callable[..., Any]) -> None:
    world = filtered()
    first = world.send("cheikh@minfo.sn")
    world.run()
    way = journey(world.log.lines(), queue_id=first)
    kinds = [stop.kind for stop in way.stops]
    assert kinds.count(StopKind.RECEIVED) == 2
    assert kinds.count(StopKind.STORED) == 1
    assert way.queue_ids == (first, world.filter.logged[0])


def test_the_content_is_written_once(filtered: Callable[..., Any]) -> None:
    world = filtered()
    world.send("cheikh@minfo.sn")
    world.run()
    assert world.store._db.execute("SELECT count(*) FROM content").fetchone() == (1,)


def test_who_gets_other_fields_gets_another_message(filtered: Callable[..., Any]) -> None:
    world = filtered()
    world.send("cheikh@minfo.sn", "secretaire@ugb.sn", "mactar@minfo.sn")
    world.run()
    assert len(world.filter.logged) == 2
    assert set(world.store.mailboxes()) == {"cheikh", "mactar"}
    (waiting,) = world.queue.entries()
    assert [one.address for one in waiting.recipients] == ["secretaire@ugb.sn"]


def test_what_is_discarded_is_gone(filtered: Callable[..., Any]) -> None:
    reply = "250 2.7.0 Ok, discarded, id=01-01 - INFECTED: Eicar-Test-Signature"
    notice = Submission(
        "virusalert@minfo.sn",
        (Recipient("virusalert@minfo.sn"),),
        b"From: virusalert@minfo.sn\r\nSubject: VIRUS\r\n\r\nx\r\n",
        Client("127.0.0.1", "localhost"),
    )
    world = filtered("discard", reply, notice)
    first = world.send("cheikh@minfo.sn")
    world.run()
    assert any(f"{first}: to=<cheikh" in x and f"status=sent ({reply})" in x for x in world.lines)
    assert world.store.mailboxes() == {"admin": {"INBOX": 1}}
    assert len(world.filter.asked) == 1
    assert world.filter.logged == [""]


def test_what_is_rejected_bounces(filtered: Callable[..., Any]) -> None:
    world = filtered("reject", "554 5.7.0 Reject, id=01-01 - SPAM")
    world.send("cheikh@minfo.sn")
    world.run()
    assert set(world.store.mailboxes()) == {"user"}
    said = "status=bounced (host 127.0.0.1[127.0.0.1] said: 554 5.7.0 Reject, id=01-01 - SPAM (in reply to end of DATA command))"
    assert any(said in line for line in world.lines)


def test_success_is_reported_once(filtered: Callable[..., Any], sub: Callable[..., Any]) -> None:
    world = filtered()
    world.queue.accept(sub(recipients=(Recipient("cheikh@minfo.sn", "SUCCESS"),), envid="E1"))
    world.run()
    (report,) = world.store.messages("user")
    assert b"Original-Envelope-Id: E1\r\n" in report.content


def test_a_bounce_is_not_filtered(filtered: Callable[..., Any]) -> None:
    world = filtered()
    world.send("nobody@minfo.sn")
    world.run()
    assert len(world.filter.asked) == 1
    assert set(world.store.mailboxes()) == {"user"}


def test_what_lacks_a_message_id_gets_it_behind_the_filter(filtered: Callable[..., Any]) -> None:
    world = filtered()
    world.send("cheikh@minfo.sn", content=b"Subject: x\r\n\r\ny\r\n")
    world.run()
    (second,) = world.filter.logged
    (message,) = world.store.messages("cheikh")
    assert message.message_id == f"<20100621080000.{second}@mail.minfo.sn>"


def test_a_filter_that_dies_loses_no_mail(filtered: Callable[..., Any]) -> None:
    world = filtered()
    world.filter.judge = None
    failures: list[str] = []

    def watch() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failures.append(context["message"]))

    world.run(watch, lambda: world.send("cheikh@minfo.sn") and None)
    assert failures == ["The content filter failed"]
    (entry,) = world.queue.entries()
    assert entry.recipients[0].reason.startswith("lost connection with 127.0.0.1[127.0.0.1]")


def test_a_dropped_loopback_defers(filtered: Callable[..., Any]) -> None:
    world = filtered()
    world.set(loopback_dropped=True)
    world.send("cheikh@minfo.sn")
    reason = "connect to 127.0.0.1[127.0.0.1]:10024: Connection timed out"
    world.run()
    assert world.queue.entries()[0].recipients[0].reason == reason
    assert f"postfix/smtp: {reason}" in world.lines
    assert any(f"dsn=4.4.1, status=deferred ({reason})" in line for line in world.lines)
    world.set(loopback_dropped=False)
    world.run(world.queue.flush)
    assert world.queue.entries() == ()


@pytest.mark.parametrize(
    ("content", "settings", "said"),
    [
        (b"Received: x\r\n" * 48 + b"\r\ny\r\n", {}, "554 5.4.0 Error: too many hops"),
        (
            b"\r\n" + b"x" * 99_998,
            {"message_size_limit": 100_000},
            "552 5.3.4 Error: message file too big",
        ),
    ],
    ids=["hops", "size"],
)
def test_what_is_not_taken_back_bounces(
    filtered: Callable[..., Any], content: bytes, settings: dict[str, int], said: str
) -> None:
    world = filtered()
    world.set(**settings)
    world.send("cheikh@minfo.sn", content=content)
    failures: list[object] = []

    def watch() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *one: failures.append(one))

    world.run(watch)
    assert failures == []
    assert world.queue.entries() == ()
    assert world.filter.logged == [""]
    assert set(world.store.mailboxes()) == {"user"}
    code, dsn = said.split(" ")[:2]
    why = "Rejected by next-hop MTA on relaying, from MTA(smtp:[127.0.0.1]:10025)"
    (line,) = [one for one in world.lines if "status=bounced" in one]
    assert f"dsn={dsn}, status=bounced (host 127.0.0.1[127.0.0.1] said: {code} {dsn} id=" in line
    assert f" - {why}: {said} (in reply to end of DATA command))" in line
    assert any(line.endswith("rcpt=1 data=0/1 quit=1 commands=4/5") for line in world.lines)
