"""What users' scripts do to mail at its last stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailsim.model.stage import Stage
from mailsim.servers.envelope import Recipient

HEAD = b"From: secretaire@ugb.sn\r\nTo: user@minfo.sn\r\nMessage-ID: <7@ugb.sn>\r\n"
BODY = b"\r\nBonjour\r\n"
LOOP = b"X-Sieve-Redirected-From: user@minfo.sn\r\n"


@pytest.fixture
def scripted(make: Callable[..., Any]) -> Callable[[str], Any]:
    """A world in which user has this script active."""

    def world(script: str) -> Any:
        made = make(Stage.SIEVE)
        made.set(content_filter="")
        made.store.put_script("user", "a", script.encode())
        made.store.activate_script("user", "a")
        return made

    return world


def send(world: Any, content: bytes = HEAD + BODY) -> None:
    world.send("user@minfo.sn", content=content, sender="secretaire@ugb.sn")


def sieve_lines(world: Any) -> list[str]:
    """What the log says behind `sieve: msgid=<…>: `."""
    lines = [line for line in world.lines if " sieve: " in line]
    return [line.partition("sieve: msgid=<7@ugb.sn>: ")[2] for line in lines]


def test_redirect_sends_on_and_keeps_nothing(scripted: Callable[[str], Any]) -> None:
    world = scripted('redirect "cheikh@minfo.sn";')
    send(world)
    world.run()
    assert world.store.mailboxes() == {"cheikh": {"INBOX": 1}}
    (message,) = world.store.messages("cheikh")
    assert b"\r\nX-Sieve-Redirected-From: user@minfo.sn\r\n" in message.content
    assert message.content.count(b"Return-Path:") == 1
    assert sieve_lines(world)[0] == "redirect action: forwarded to <cheikh@minfo.sn>"


def test_a_loop_is_seen_in_the_header(scripted: Callable[[str], Any]) -> None:
    world = scripted('redirect "cheikh@minfo.sn";')
    send(world, HEAD + LOOP + BODY)
    world.run()
    assert world.store.mailboxes()["user"] == {"INBOX": 1}
    said = "redirect action: not forwarding message to <cheikh@minfo.sn>: "
    assert sieve_lines(world)[0].startswith(said)


def test_a_header_that_is_quoted_in_the_body_is_no_loop(scripted: Callable[[str], Any]) -> None:
    world = scripted('redirect "cheikh@minfo.sn";')
    send(world, HEAD + BODY + LOOP)
    world.run()
    assert world.store.mailboxes() == {"cheikh": {"INBOX": 1}}


def test_the_same_message_is_not_sent_on_twice(scripted: Callable[[str], Any]) -> None:
    world = scripted('redirect "cheikh@minfo.sn";')
    send(world)
    send(world)
    world.run()
    said = "redirect action: discarded duplicate forward to <cheikh@minfo.sn>"
    assert said in sieve_lines(world)
    assert world.store.mailboxes()["cheikh"] == {"INBOX": 1}


def test_discard_leaves_nothing(scripted: Callable[[str], Any]) -> None:
    world = scripted("discard;")
    send(world)
    world.run()
    assert world.store.mailboxes() == {}
    assert sieve_lines(world)[0].startswith("discard action: Marked message to be discarded")


def test_reject_tells_the_sender(scripted: Callable[[str], Any]) -> None:
    world = scripted('require "reject"; reject "Non";')
    world.send("user@minfo.sn", content=HEAD + BODY, sender="cheikh@minfo.sn")
    world.run()
    assert set(world.store.mailboxes()) == {"cheikh"}
    said = "reject action: rejected message from <cheikh@minfo.sn> (reject)"
    assert sieve_lines(world)[0] == said


def test_nobody_is_told_of_a_rejected_bounce(
    scripted: Callable[[str], Any], sub: Callable[..., Any]
) -> None:
    world = scripted('require "reject"; reject "Non";')
    asked = (Recipient("user@minfo.sn"),)
    world.queue.accept(sub(recipients=asked, content=HEAD + BODY, sender=""))
    world.run()
    assert world.store.mailboxes() == {}
    assert sieve_lines(world)[0] == "reject action: not sending reject message to <>"


def test_over_quota_bounces(scripted: Callable[[str], Any]) -> None:
    world = scripted("keep;")
    world.store.set_quota("user", octets=10)
    world.send("user@minfo.sn", content=HEAD + BODY, sender="cheikh@minfo.sn")
    world.run()
    quota = "552 5.2.2 <user@minfo.sn> Quota exceeded (mailbox for user is full)"
    assert any(f"said: {quota} (in reply to end of DATA" in line for line in world.lines)
    assert "failed to store into mailbox 'INBOX': Quota exceeded" in " ".join(sieve_lines(world))


def test_what_the_queue_does_not_take_on_is_kept(scripted: Callable[[str], Any]) -> None:
    world = scripted('redirect "secretaire@ugb.sn";')
    hops = b"Received: from x by y; Mon, 21 Jun 2010 08:00:00 +0000\r\n" * 48
    send(world, hops + HEAD + BODY)
    world.run()
    assert world.store.mailboxes() == {"user": {"INBOX": 1}}
    assert any("hopcount exceeded" in line for line in world.lines)
    assert not any("forwarded to" in line for line in world.lines)
