from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailsim.servers.envelope import Client
from mailsim.servers.queue import Refused
from mailsim.servers.queue.cleanup import clean

LOCAL = Client("127.0.0.1", "localhost")


def test_a_message_that_lacks_nothing_is_not_copied(world: Any, sub: Callable[..., Any]) -> None:
    given = sub("a@b.sn")
    assert clean(world, given, "Q1").data is given.content


@pytest.mark.parametrize("name", ["Bcc", "bcc", "Return-Path", "Resent-Bcc", "Content-Length"])
def test_fields_that_may_not_travel(world: Any, sub: Callable[..., Any], name: str) -> None:
    head = f"From: a@b.sn\r\n{name}: x@y.sn,\r\n z@y.sn\r\nTo: c@d.sn\r\n"
    made = clean(world, sub("c@d.sn", content=head.encode() + b"\r\nBcc: stays\r\n"), "Q1")
    assert made.data == b"From: a@b.sn\r\nTo: c@d.sn\r\n\r\nBcc: stays\r\n"


def test_our_own_mail_gets_what_it_lacks(world: Any, sub: Callable[..., Any]) -> None:
    given = sub("c@d.sn", client=LOCAL, content=b"Subject: x\r\n\r\ny\r\n")
    assert clean(world, given, "Q1").data == (
        b"Subject: x\r\nMessage-Id: <20100621080000.Q1@mail.minfo.sn>\r\n"
        b"Date: Mon, 21 Jun 2010 08:00:00 +0000 (UTC)\r\nFrom: user@minfo.sn\r\n\r\ny\r\n"
    )


def test_resent_mail_gets_resent_fields(world: Any, sub: Callable[..., Any]) -> None:
    given = sub("c@d.sn", client=LOCAL, content=b"Resent-To: c@d.sn\r\nFrom: x@y\r\n\r\n")
    made = clean(world, given, "Q1").data
    assert b"Resent-Message-Id: <" in made
    assert b"Resent-From: user@minfo.sn" in made
    assert b"\r\nMessage-Id" not in made


def test_others_mail_is_left_as_it_is(world: Any, sub: Callable[..., Any]) -> None:
    given = sub("c@d.sn", content=b"Subject: x\r\n\r\ny\r\n")
    made = clean(world, given, "Q1")
    assert made.data == given.content
    assert made.message_id == ""
    world.queue.accept(given)
    assert world.lines[-1].endswith("message-id=<>")


def test_a_body_right_behind_the_header_is_set_apart(world: Any, sub: Callable[..., Any]) -> None:
    made = clean(world, sub("c@d.sn", content=b"From: a@b\r\nno field\r\nTo: c@d\r\n"), "Q1")
    assert made.data == b"From: a@b\r\n\r\nno field\r\nTo: c@d\r\n"


def test_no_header_at_all(world: Any, sub: Callable[..., Any]) -> None:
    assert clean(world, sub("c@d.sn", content=b"hello\r\n"), "Q1").data == b"\r\nhello\r\n"


def test_received_names_the_recipient_where_there_is_one(
    world: Any, sub: Callable[..., Any]
) -> None:
    date = b"Mon, 21 Jun 2010 08:00:00 +0000 (UTC)\r\n"
    first = b"Received: from poste.minfo.sn (poste.minfo.sn [192.168.10.50])\r\n"
    by = b"\tby mail.minfo.sn (Postfix) with ESMTP id Q1"
    assert clean(world, sub("a@b.sn"), "Q1").trace == first + by + b"\r\n\tfor <a@b.sn>; " + date
    assert clean(world, sub("a@b", "c@d"), "Q1").trace == first + by + b";\r\n\t" + date


def test_received_tells_of_tls(world: Any, sub: Callable[..., Any]) -> None:
    tls = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
    trace = clean(world, sub("a@b.sn", protocol="ESMTPSA", tls=tls), "Q1").trace.decode()
    assert f"\t(using {tls})\r\n\t(No client certificate requested)\r\n\tby mail." in trace
    assert " with ESMTPSA id Q1\r\n" in trace


@pytest.mark.parametrize(("hops", "ok"), [(48, True), (49, False)])
def test_too_many_hops(world: Any, sub: Callable[..., Any], hops: int, *, ok: bool) -> None:
    given = sub("user@minfo.sn", content=b"Received: x\r\n" * hops + b"\r\n")
    if ok:
        world.queue.accept(given)
        return
    with pytest.raises(Refused) as caught:
        world.queue.accept(given)
    assert str(caught.value.reply) == "554 5.4.0 Error: too many hops"
    assert world.queue.entries() == ()


def test_too_big(world: Any, sub: Callable[..., Any]) -> None:
    world.set(message_size_limit=100)
    with pytest.raises(Refused) as caught:
        world.queue.accept(sub("user@minfo.sn"))
    assert str(caught.value.reply) == "552 5.3.4 Error: message file too big"


def test_a_recipient_twice_is_one(world: Any) -> None:
    world.send("user@minfo.sn", "user@minfo.sn")
    assert [one.address for one in world.queue.entries()[0].recipients] == ["user@minfo.sn"]


def test_canonical_addresses(world: Any, sub: Callable[..., Any]) -> None:
    world.set(canonical_maps=(("secretaire@ugb.sn", "secretariat@ugb.sn"),))
    content = b"To: secretaire@ugb.sn\r\nSubject: secretaire@ugb.sn\r\n\r\n"
    world.queue.accept(sub("secretaire@ugb.sn"))
    world.run()
    assert any("to=<secretariat@ugb.sn>, orig_to=<secretaire@ugb.sn>" in x for x in world.lines)
    given = sub("secretaire@ugb.sn", client=LOCAL, content=content)
    made = clean(world, given, "Q1").data
    assert made.startswith(b"To: secretariat@ugb.sn\r\nSubject: secretaire@ugb.sn\r\n")


def test_the_headers_recipients_for_the_envelopes(world: Any, sub: Callable[..., Any]) -> None:
    world.set(header_recipients=True)
    head = b"To: Cheikh <cheikh@minfo.sn>, x@ugb.sn\r\nBcc: mactar@minfo.sn\r\n\r\n"
    world.queue.accept(sub("user@minfo.sn", content=head))
    (entry,) = world.queue.entries()
    waiting = [one.address for one in entry.recipients]
    assert waiting == ["cheikh@minfo.sn", "x@ugb.sn", "mactar@minfo.sn"]
    for text, code in ((b"To: nobody@minfo.sn\r\n\r\n", 550), (b"Subject: x\r\n\r\n", 554)):
        with pytest.raises(Refused) as caught:
            world.queue.accept(sub("user@minfo.sn", content=text))
        assert caught.value.reply.code == code


def test_a_huge_header_is_read_without_a_loop_for_each_field(
    world: Any, sub: Callable[..., Any]
) -> None:
    content = b"a:\r\n" * 500_000 + b"Bcc: x@y\r\n" + b"Message-ID: <m@x>\r\n\r\n"
    made = clean(world, sub("user@minfo.sn", content=content), "Q1")
    assert made.message_id == "<m@x>"
    assert len(made.data) == len(content) - len(b"Bcc: x@y\r\n")


def test_cleanup_warns_of_too_many_hops(world: Any, sub: Callable[..., Any]) -> None:
    given = sub("user@minfo.sn", content=b"Received: x\r\n" * 49 + b"\r\n", queue_id="4F2A31C0D5")
    with pytest.raises(Refused):
        world.queue.accept(given)
    said = "postfix/cleanup: warning: 4F2A31C0D5: message rejected: hopcount exceeded"
    assert world.lines == [said]


def test_what_cannot_be_forwarded_for_its_hops_is_put_off(world: Any) -> None:
    world.queue._attempts._local._addresses._aliases["away"] = "x@ugb.sn"
    world.send("away@minfo.sn", content=b"Received: x\r\n" * 48 + b"\r\n")
    world.run()
    (entry,) = world.queue.entries()
    assert entry.recipients[0].reason == "unable to forward message"


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ([100], 1),
        ([900] * 200, 114),
        ([50_000, 50_000, 2_392, 9], 3),  # each line end counts as one octet
        ([50_000, 50_000, 2_391, 9, 9], 4),
    ],
)
def test_of_a_field_that_is_too_long_the_rest_is_discarded(
    world: Any, sub: Callable[..., Any], lines: list[int], kept: int
) -> None:
    field = "X-Long:" + "\r\n ".join("y" * (size - 1) for size in lines)
    head = f"{field}\r\nFrom: a@b.sn\r\nTo: c@d.sn\r\n"
    made = clean(world, sub("c@d.sn", content=head.encode() + b"\r\nx\r\n"), "Q1").data
    assert made.count(b"y\r\n") == kept
    assert made.endswith(b"y\r\nFrom: a@b.sn\r\nTo: c@d.sn\r\n\r\nx\r\n")


def test_of_a_line_that_is_too_long_too(world: Any, sub: Callable[..., Any]) -> None:
    head = b"X-Long: " + b"y" * 9_000_000 + b"\r\nFrom: a@b.sn\r\n"
    made = clean(world, sub("c@d.sn", content=head + b"\r\nx\r\n"), "Q1").data
    assert made.count(b"y") == 102_400 - len("X-Long: ")
    assert made.endswith(b"y\r\nFrom: a@b.sn\r\n\r\nx\r\n")
