from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from mailsim.model.stage import Stage
from mailsim.net.serving import Peer, serve
from mailsim.servers.envelope import Recipient
from mailsim.servers.queue.routing import RoutingError, hosts

EHLO = "250-mx.ugb.sn\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 SIZE 1000"


def fates(world: Any) -> list[str]:
    """recipient dsn status (reason) of each delivery that was logged."""
    lines = [line for line in world.lines if ", status=" in line and "to=<" in line]
    return [
        f"{line.partition('to=<')[2].partition('>')[0]} {line.partition('dsn=')[2]}"
        for line in lines
    ]


def test_a_message_goes_to_the_mx(world: Any, relay: Callable[..., None], mta: Any) -> None:
    there = mta({"EHLO": EHLO})
    world.send("secretaire@ugb.sn", body="8BITMIME")
    relay(there)
    assert there.said == [
        "EHLO mail.minfo.sn",
        "MAIL FROM:<user@minfo.sn> SIZE=288 BODY=8BITMIME",
        "RCPT TO:<secretaire@ugb.sn> ORCPT=rfc822;secretaire@ugb.sn",
        "DATA",
        "QUIT",
    ]
    (content,) = there.contents
    assert content.startswith(b"Received: from poste.minfo.sn (")
    assert content.endswith(b"\r\n\r\nBonjour")
    assert fates(world) == [
        "secretaire@ugb.sn 2.0.0, status=sent (250 2.0.0 Ok: queued as 12345ABCDE)"
    ]
    assert "relay=mx.ugb.sn[192.168.20.1]:25," in "\n".join(world.lines)
    assert world.queue.entries() == ()


def test_recipients_of_one_domain_share_a_transaction(
    world: Any, relay: Callable[..., None], mta: Any
) -> None:
    there = mta({"EHLO": EHLO, "RCPT": ["250 ok", "550 5.1.1 nobody", "450 4.2.1 later"]})
    world.send("a@ugb.sn", "b@ugb.sn", "c@UGB.sn")
    relay(there)
    assert fates(world)[:3] == [
        "b@ugb.sn 5.1.1, status=bounced (host mx.ugb.sn[192.168.20.1] said: 550 5.1.1 nobody (in reply to RCPT TO command))",
        "c@UGB.sn 4.2.1, status=deferred (host mx.ugb.sn[192.168.20.1] said: 450 4.2.1 later (in reply to RCPT TO command))",
        "a@ugb.sn 2.0.0, status=sent (250 2.0.0 Ok: queued as 12345ABCDE)",
    ]
    assert [one.address for one in world.queue.entries()[0].recipients] == ["c@UGB.sn"]
    assert len(there.contents) == 1
    (bounce,) = world.store.messages("user")
    assert b"Remote-MTA: dns; mx.ugb.sn\r\nDiagnostic-Code: smtp; 550 5.1.1 nobody\r\n" in (
        bounce.content
    )


def test_no_data_without_a_recipient(world: Any, relay: Callable[..., None], mta: Any) -> None:
    there = mta({"EHLO": EHLO, "RCPT": "550 5.1.1 nobody"})
    world.send("a@ugb.sn")
    relay(there)
    assert [line.split()[0] for line in there.said] == ["EHLO", "MAIL", "RCPT", "QUIT"]


@pytest.mark.parametrize("answer", ["502 what?", "451 4.3.0 later"])
def test_helo_where_ehlo_is_refused(
    world: Any, relay: Callable[..., None], mta: Any, answer: str
) -> None:
    there = mta({"EHLO": answer})
    world.send("a@ugb.sn")
    relay(there)
    assert there.said[1:3] == ["HELO mail.minfo.sn", "MAIL FROM:<user@minfo.sn>"]
    assert world.queue.entries() == ()


@pytest.mark.parametrize(
    ("answers", "fate"),
    [
        (
            {"GREETING": "554 5.3.2 no"},
            "4.3.2, status=deferred (host mx.ugb.sn[192.168.20.1] refused to talk to me: 554 5.3.2 no)",
        ),
        (
            {"GREETING": "554 no"},
            "4.0.0, status=deferred (host mx.ugb.sn[192.168.20.1] refused to talk to me: 554 no)",
        ),
        (
            {"EHLO": "421 4.3.2 bye"},
            "4.3.2, status=deferred (host mx.ugb.sn[192.168.20.1] refused to talk to me: 421 4.3.2 bye)",
        ),
        (
            {"GREETING": ""},
            "4.4.2, status=deferred (lost connection with mx.ugb.sn[192.168.20.1] while receiving the initial server greeting)",
        ),
        (
            {"MAIL": "421 4.3.2 bye"},
            "4.3.2, status=deferred (host mx.ugb.sn[192.168.20.1] said: 421 4.3.2 bye (in reply to MAIL FROM command))",
        ),
        (
            {"MAIL": "550 5.7.1 you"},
            "5.7.1, status=bounced (host mx.ugb.sn[192.168.20.1] said: 550 5.7.1 you (in reply to MAIL FROM command))",
        ),
        (
            {"DATA": "452 full"},
            "4.0.0, status=deferred (host mx.ugb.sn[192.168.20.1] said: 452 full (in reply to DATA command))",
        ),
        (
            {".": "554-5.7.1 spam\r\n554 5.7.1 really"},
            "5.7.1, status=bounced (host mx.ugb.sn[192.168.20.1] said: 554-5.7.1 spam 554 5.7.1 really (in reply to end of DATA command))",
        ),
        (
            {".": ""},
            "4.4.2, status=deferred (lost connection with mx.ugb.sn[192.168.20.1] while sending end of data -- message may be sent more than once)",
        ),
        (
            {"EHLO": "250 mail.minfo.sn"},
            "5.4.6, status=bounced (mail for ugb.sn loops back to myself)",
        ),
        (
            {"EHLO": "250-mx.ugb.sn\r\n250 SIZE 10"},
            "5.3.4, status=bounced (message size 279 exceeds size limit 10 of server mx.ugb.sn[192.168.20.1])",
        ),
        (
            {"DATA": "250 2.0.0 done"},
            "4.5.0, status=deferred (host mx.ugb.sn[192.168.20.1] broke the protocol: 250 2.0.0 done to DATA)",
        ),
    ],
)
@pytest.mark.parametrize("pipelining", [True, False])
def test_what_the_other_end_may_say(
    world: Any,
    relay: Callable[..., None],
    mta: Any,
    answers: dict[str, str],
    fate: str,
    *,
    pipelining: bool,
) -> None:
    offered = {"EHLO": "250-mx.ugb.sn\r\n250 PIPELINING"} if pipelining else {}
    world.send("a@ugb.sn")
    relay(mta({**offered, **answers}))
    assert fates(world)[0] == f"a@ugb.sn {fate}"


def test_a_protocol_that_is_none(world: Any, relay: Callable[..., None], mta: Any) -> None:
    world.send("a@ugb.sn")
    relay(mta({"GREETING": "hello there"}))
    assert fates(world)[0].startswith("a@ugb.sn 4.5.0, status=deferred (host mx.ugb.sn[192.168")


def test_a_success_report_is_left_to_who_offers_dsn(
    world: Any, relay: Callable[..., None], mta: Any, sub: Callable[..., Any]
) -> None:
    there = mta({"EHLO": [EHLO, "250 mx.ugb.sn"]})
    for envid in ("one", "two"):
        asked = (Recipient("a@ugb.sn", "SUCCESS"),)
        world.queue.accept(sub(recipients=asked, envid=envid, ret="HDRS"))
    relay(there)
    assert there.said[1].endswith(" ENVID=one RET=HDRS")
    assert there.said[2].endswith(" NOTIFY=SUCCESS")
    (report,) = world.store.messages("user")
    assert b"Original-Envelope-Id: two" in report.content
    assert b"Action: relayed" in report.content


def test_utf8_mail_is_not_forced_on_who_cannot(
    world: Any, relay: Callable[..., None], mta: Any
) -> None:
    there = mta({"EHLO": [EHLO, "250 mx.ugb.sn"]})
    world.send("é@ugb.sn", smtputf8=True)
    world.send("è@ugb.sn", smtputf8=True)
    relay(there)
    assert there.said[1].endswith(" SMTPUTF8")
    assert [one.split()[1] for one in fates(world)[:2]] == ["2.0.0,", "5.6.7,"]


def test_tls_when_offered_and_in_the_clear_when_it_fails(
    world: Any, relay: Callable[..., None], mta: Any
) -> None:
    world.set(smtp_tls_security_level="may")
    there = mta({"EHLO": "250-mx.ugb.sn\r\n250 STARTTLS", "STARTTLS": ["220 go"]})
    world.send("a@ugb.sn")
    relay(there)
    verbs = [line.split()[0] for line in there.said]
    assert verbs == ["EHLO", "STARTTLS", "EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert any(line.endswith("Cannot start TLS: handshake failure") for line in world.lines)
    assert world.queue.entries() == ()


def test_tls_with_a_certificate_that_nobody_knows(
    world: Any, relay: Callable[..., None], mta: Any
) -> None:
    world.set(smtp_tls_security_level="may")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("elsewhere.sn").configure_cert(context)
    there = mta(
        {"EHLO": ["250-mx.ugb.sn\r\n250 STARTTLS", EHLO], "STARTTLS": "220 go"}, context=context
    )
    world.send("a@ugb.sn")
    relay(there)
    verbs = [line.split()[0] for line in there.said]
    assert verbs == ["EHLO", "STARTTLS", "EHLO", "MAIL", "RCPT", "DATA", "QUIT"]
    assert not any("handshake failure" in line for line in world.lines)
    assert world.queue.entries() == ()


def test_a_timeout_defers(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(self: Peer, patience: float) -> bytes:
        del self, patience
        raise TimeoutError

    async def handle(peer: Peer) -> None:
        await peer.drain()

    async def work() -> None:
        listener = await serve(handle)
        world.routes["192.168.20.1"] = ("127.0.0.1", listener.port)
        world.queue.start()
        await world.queue.idle()
        await world.queue.close()
        await listener.close()

    monkeypatch.setattr(Peer, "read", silent)
    world.send("a@ugb.sn")
    asyncio.run(work())
    reason = "conversation with mx.ugb.sn[192.168.20.1] timed out while receiving"
    assert reason in fates(world)[0]


def test_closing_the_queue_ends_a_delivery_and_keeps_the_mail(world: Any) -> None:
    asked = asyncio.Event()

    async def handle(peer: Peer) -> None:
        asked.set()
        await peer.read()

    async def work() -> None:
        listener = await serve(handle)
        world.routes["192.168.20.1"] = ("127.0.0.1", listener.port)
        world.queue.start()
        queue_id = world.send("a@ugb.sn")
        await asked.wait()
        waiting = asyncio.create_task(world.queue.settled(queue_id))
        await asyncio.sleep(0)
        await world.queue.close()
        await waiting
        await listener.close()

    asyncio.run(work())
    assert len(world.queue.entries()) == 1


def routed(world: Any, domain: str) -> str:
    try:
        return " ".join(map(str, hosts(world, domain)))
    except RoutingError as error:
        return f"{error.dsn} {error.reason}"


@pytest.mark.parametrize(
    ("domain", "way"),
    [
        ("ugb.sn", "mx.ugb.sn[192.168.20.1]"),
        ("direct.sn", "direct.sn[192.168.20.1]"),
        ("null.sn", "5.1.0 Domain null.sn does not accept mail (nullMX)"),
        ("loop.sn", "5.4.6 mail for loop.sn loops back to myself"),
        ("backup.sn", "mx.ugb.sn[192.168.20.1]"),
        ("[192.168.20.1]", "192.168.20.1[192.168.20.1]"),
        ("[mx.miage.sn]", "mx.miage.sn[192.168.30.1]"),
        (
            "kelkpart.com",
            (
                "5.4.4 Host or domain name not found. Name service error for name=kelkpart.com "
                "type=A: Host not found"
            ),
        ),
    ],
)
def test_where_a_domains_mail_goes(world: Any, domain: str, way: str) -> None:
    assert routed(world, domain) == way


def test_a_better_mx_first(world: Any) -> None:
    world.names.records["two.sn", "MX"] = ("20 mx.miage.sn.", "5 mx.ugb.sn.")
    assert routed(world, "two.sn") == "mx.ugb.sn[192.168.20.1] mx.miage.sn[192.168.30.1]"


@pytest.mark.parametrize("setting", ["names", "loopback"])
def test_a_name_server_that_fails_defers(world: Any, setting: str) -> None:
    world.names.broken = setting == "names"
    world.set(loopback_dropped=setting == "loopback")
    world.send("a@ugb.sn")
    world.run()
    assert fates(world) == [
        (
            "a@ugb.sn 4.4.3, status=deferred (Host or domain name not found. Name service error for "
            "name=ugb.sn type=MX: Host not found, try again)"
        )
    ]


def test_a_delivery_that_dies_loses_no_mail(world: Any) -> None:
    world.names.lookup = None
    failures: list[str] = []

    def watch() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failures.append(context["message"]))

    world.run(watch, lambda: world.send("cheikh@minfo.sn", "a@ugb.sn") and None)
    assert failures == ["A delivery failed"]
    (entry,) = world.queue.entries()
    waiting = [(one.address, one.reason) for one in entry.recipients]
    assert waiting == [("a@ugb.sn", "mail transport unavailable")]
    assert world.store.mailboxes() == {"cheikh": {"INBOX": 1}}


def test_an_address_that_is_none_bounces(world: Any) -> None:
    world.send("a b@ugb.sn")
    world.run()
    assert fates(world)[0] == "a b@ugb.sn 5.1.3, status=bounced (bad address syntax)"


def test_on_a_running_clock_a_timer_tries_again(make: Callable[..., Any], mta: Any) -> None:
    world = make(fixed=False)
    world.set(minimal_backoff_time=0.01, queue_run_delay=0.01)
    there = mta({"GREETING": ["451 4.3.0 later", "451 4.3.0 later"]})

    async def work() -> None:
        delivered = asyncio.Event()
        world.log.on_line = lambda line: delivered.set() if line.endswith("removed") else None
        listener = await serve(there.handle)
        world.routes["192.168.20.1"] = ("127.0.0.1", listener.port)
        world.queue.start()
        world.send("a@ugb.sn")
        await delivered.wait()
        await world.queue.close()
        await listener.close()

    asyncio.run(work())
    assert len([one for one in fates(world) if "status=deferred" in one]) == 2


def test_many_messages_each_go_once(make: Callable[..., Any], mta: Any) -> None:
    world = make(fixed=False)
    there = mta({"EHLO": EHLO})
    for count in range(200):
        world.send("a@ugb.sn" if count % 2 else "user@minfo.sn")

    async def work() -> None:
        listener = await serve(there.handle)
        world.routes["192.168.20.1"] = ("127.0.0.1", listener.port)
        world.queue.start()
        await world.queue.idle()
        await world.queue.close()
        await listener.close()

    asyncio.run(work())
    assert len(there.contents) == 100
    assert world.store.mailboxes() == {"user": {"INBOX": 100}}
    assert world.queue.entries() == ()


def test_who_is_served_is_not_served_again_after_a_death(
    make: Callable[..., Any], mta: Any, tmp_path: Path
) -> None:
    world = make(Stage.MAIL, tmp_path)
    there, reached = mta(), asyncio.Event()

    async def silent(peer: Peer) -> None:
        reached.set()
        await peer.read()

    async def work() -> None:
        good, bad = await serve(there.handle), await serve(silent)
        world.routes["192.168.20.1"] = ("127.0.0.1", good.port)
        world.routes["192.168.30.1"] = ("127.0.0.1", bad.port)
        world.queue.start()
        world.send("cheikh@minfo.sn", "a@ugb.sn", "b@miage.sn")
        await reached.wait()
        # What is committed now is what another process would find.
        (row,) = world.store.queued()
        assert [one.address for one in row.recipients] == ["b@miage.sn"]
        await world.queue.close()
        await good.close()
        await bad.close()

    asyncio.run(work())


def test_settled_waits_for_a_bounce_that_goes_elsewhere(world: Any, mta: Any) -> None:
    there = mta()

    async def work() -> None:
        listener = await serve(there.handle)
        world.routes["192.168.20.1"] = ("127.0.0.1", listener.port)
        world.queue.start()
        await world.queue.settled(world.send("nobody@minfo.sn", sender="a@ugb.sn"))
        assert len(there.contents) == 1
        await world.queue.close()
        await listener.close()

    asyncio.run(work())
    assert "MAIL FROM:<>" in there.said


def test_the_next_mx_is_tried(world: Any, relay: Callable[..., None], mta: Any) -> None:
    world.names.records["ugb.sn", "MX"] = ("5 mx.miage.sn.", "10 mx.ugb.sn.")
    there = mta()
    world.send("a@ugb.sn")
    relay(there)
    refused = "postfix/smtp: connect to mx.miage.sn[192.168.30.1]:25: Connection refused"
    assert refused in world.lines
    assert len(there.contents) == 1


@pytest.mark.parametrize(
    ("code", "there", "dsn"),
    [
        (5, 1, "5.7.1, status=bounced (host mx.ugb.sn[192.168.20.1] refused to talk to me: 550"),
        (4, 2, "4.7.1, status=deferred (host mx.miage.sn[192.168.30.1] refused to talk to me: 450"),
    ],
)
def test_a_final_refusal_asks_no_other_mx(
    world: Any, mta: Any, code: int, there: int, dsn: str
) -> None:
    world.names.records["ugb.sn", "MX"] = ("5 mx.ugb.sn.", "10 mx.miage.sn.")
    refusal = f"{code}50 {code}.7.1 you"
    first, second = (mta({"EHLO": refusal, "HELO": refusal}) for _ in range(2))
    world.set(maximal_queue_lifetime=0)
    world.send("a@ugb.sn")

    async def work() -> None:
        listeners = [await serve(one.handle) for one in (first, second)]
        world.routes["192.168.20.1"] = ("127.0.0.1", listeners[0].port)
        world.routes["192.168.30.1"] = ("127.0.0.1", listeners[1].port)
        world.queue.start()
        await world.queue.idle()
        await world.queue.close()
        for one in listeners:
            await one.close()

    asyncio.run(work())
    assert fates(world)[0].startswith(f"a@ugb.sn {dsn} {code}.7.1 you")
    assert [bool(one.said) for one in (first, second)] == [True, there == 2]
    (bounce,) = world.store.messages("user")
    last = "mx.ugb.sn" if there == 1 else "mx.miage.sn"
    assert f"Remote-MTA: dns; {last}\r\nDiagnostic-Code: smtp; {refusal}".encode() in bounce.content


def test_fifty_recipients_at_a_time(world: Any, relay: Callable[..., None], mta: Any) -> None:
    there = mta({"EHLO": EHLO})
    world.send(*(f"u{count}@ugb.sn" for count in range(60)))
    relay(there)
    assert len(there.contents) == 2
    assert len([line for line in there.said if line.startswith("RCPT")]) == 60


def test_who_was_refused_for_good_bounces_whatever_comes_after(
    world: Any, relay: Callable[..., None], mta: Any
) -> None:
    there = mta({"EHLO": EHLO, "RCPT": ["250 2.1.5 Ok", "550 5.1.1 nobody"], ".": ""})
    world.send("a@ugb.sn", "nobody@ugb.sn")
    relay(there)
    (entry,) = world.queue.entries()
    assert [one.address for one in entry.recipients] == ["a@ugb.sn"]
    (bounce,) = world.store.messages("user")
    assert b"Final-Recipient: rfc822; nobody@ugb.sn" in bounce.content


def test_content_without_a_last_line_end_gets_one(
    world: Any, relay: Callable[..., None], mta: Any
) -> None:
    there = mta({"EHLO": EHLO})
    world.send("a@ugb.sn", content=b"Subject: x\r\n\r\nsans fin")
    relay(there)
    (content,) = there.contents
    assert content.endswith(b"sans fin")
    assert world.queue.entries() == ()
