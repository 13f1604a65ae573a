from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from mailsim import Lab
from mailsim.dialogue.journey import journey
from mailsim.errors import LabError
from mailsim.model import StopKind
from mailsim.model.network import network_of
from mailsim.model.stage import Release, Stage
from mailsim.net.serving import Peer, serve
from mailsim.servers.clock import Clock
from mailsim.servers.config import config
from mailsim.servers.disturbance import (
    Disturbances,
    Rule,
    delay,
    drop,
    reply,
    truncate,
)
from mailsim.servers.dns.names import Names
from mailsim.servers.envelope import Client, Recipient, Submission
from mailsim.servers.ids import Ids
from mailsim.servers.log import Log
from mailsim.servers.peers import Peers, serve_peers
from mailsim.servers.queue import Queue
from mailsim.servers.store import Store

ROOT = Path(__file__).parents[2]
NETWORK = network_of(json.loads((ROOT / "mailsim/lab/network.json").read_text("utf-8")))
MESSAGE = b"From: user@minfo.sn\r\nMessage-ID: <1@poste>\r\n\r\n.Bonjour\r\n"


class FakeWorld:
    """A world with a queue and peers, without servers and filter."""

    def __init__(self) -> None:
        self.network = NETWORK
        self.clock = Clock(fixed=True)
        self.ids = Ids("peers")
        self.log = Log(self.clock)
        self.config = config(NETWORK, Stage.MAIL, Release.NOBLE)
        self.names = Names(NETWORK)
        self.disturbances = Disturbances(self.ids)
        self.store = Store(None)
        self.routes: dict[str, tuple[str, int]] = {}
        self.queue = Queue(self)  # type: ignore[arg-type] # as much of a World as a Queue needs

    def send(self, *recipients: str) -> str:
        return self.queue.accept(
            Submission(
                "user@minfo.sn",
                tuple(map(Recipient, recipients)),
                MESSAGE,
                Client("192.168.10.50", "poste.minfo.sn"),
                helo="poste.minfo.sn",
                protocol="ESMTP",
            )
        )


def run(work: Callable[[Any, Peers], Awaitable[None]]) -> FakeWorld:
    world = FakeWorld()

    async def main() -> None:
        peers = await serve_peers(world)  # type: ignore[arg-type]
        world.queue.start()
        await work(world, peers)
        await world.queue.close()
        await peers.close()

    asyncio.run(main())
    return world


def test_mail_reaches_the_foreign_user() -> None:
    async def work(world: Any, _: Peers) -> None:
        await world.queue.settled(world.send("secretaire@ugb.sn", "etudiant@miage.sn"))

    world = run(work)
    boxes = {"secretaire@ugb.sn": {"INBOX": 1}, "etudiant@miage.sn": {"INBOX": 1}}
    assert world.store.mailboxes() == boxes
    (message,) = world.store.messages("secretaire@ugb.sn")
    lines = message.content.decode().split("\r\n")
    assert lines[:3] == [
        "Return-Path: <user@minfo.sn>",
        "Delivered-To: secretaire@ugb.sn",
        "Received: from mail.minfo.sn (mail.minfo.sn [192.168.10.1])",
    ]
    assert lines[-2] == ".Bonjour"
    assert message.message_id == "<1@poste>"


def test_the_journey_goes_on_at_the_peer() -> None:
    async def work(world: Any, _: Peers) -> None:
        await world.queue.settled(world.send("secretaire@ugb.sn"))

    world = run(work)
    way = journey(world.log.lines(), message_id="1@poste")
    assert [(stop.kind, stop.line.host) for stop in way.stops] == [
        (StopKind.RECEIVED, "mail"),
        (StopKind.CLEANUP, "mail"),
        (StopKind.QUEUED, "mail"),
        (StopKind.RECEIVED, "mx-ugb"),
        (StopKind.CLEANUP, "mx-ugb"),
        (StopKind.SENT, "mx-ugb"),
        (StopKind.REMOVED, "mx-ugb"),
        (StopKind.SENT, "mail"),
        (StopKind.REMOVED, "mail"),
    ]


def test_an_unknown_user_is_refused_and_bounces() -> None:
    async def work(world: Any, _: Peers) -> None:
        await world.queue.settled(world.send("secretariat@ugb.sn"))

    world = run(work)
    assert set(world.store.mailboxes()) == {"user"}
    said = "said: 550 5.1.1 <secretariat@ugb.sn>: Recipient address rejected: User unknown"
    assert any(said in line for line in world.log.lines())


def test_postmaster_is_somebody() -> None:
    async def work(world: Any, _: Peers) -> None:
        await world.queue.settled(world.send("Postmaster@ugb.sn"))

    assert run(work).store.mailboxes() == {"secretaire@ugb.sn": {"INBOX": 1}}


def test_a_peer_does_not_relay() -> None:
    replies: list[str] = []

    async def work(world: Any, peers: Peers) -> None:
        peers.server = world.routes["192.168.20.1"]
        said = await peers.send("x@miage.sn", "user@minfo.sn", content="Subject: x\n\n")
        replies.extend(map(str, said))

    run(work)
    assert replies[1] == "554 5.7.1 <user@minfo.sn>: Relay access denied"


def test_a_stopped_peer_lets_mail_wait_until_it_is_started() -> None:
    async def work(world: Any, peers: Peers) -> None:
        await peers.stop("ugb.sn")
        assert peers.running == ("miage.sn",)
        await world.queue.settled(world.send("secretaire@ugb.sn"))
        (entry,) = world.queue.entries()
        reason = "connect to mx.ugb.sn[192.168.20.1]:25: Connection refused"
        assert entry.recipients[0].reason == reason
        await peers.start("ugb.sn")
        await peers.start("ugb.sn")
        world.queue.flush()
        await world.queue.idle()

    assert run(work).store.mailboxes() == {"secretaire@ugb.sn": {"INBOX": 1}}


def test_another_world_gets_the_routes_and_the_mail() -> None:
    other = FakeWorld()

    async def work(world: Any, peers: Peers) -> None:
        peers.move(other)  # type: ignore[arg-type]
        assert other.routes == world.routes
        other.queue.start()
        await other.queue.settled(other.send("secretaire@ugb.sn"))
        await other.queue.close()

    assert run(work).store.mailboxes() == {}
    assert other.store.mailboxes() == {"secretaire@ugb.sn": {"INBOX": 1}}


def test_a_peer_sends_as_itself() -> None:
    said: list[bytes] = []

    async def handle(peer: Peer) -> None:
        peer.write(b"220 mail.minfo.sn\r\n")
        while data := await peer.read():
            said.append(data)
            if data == b"QUIT\r\n":
                peer.write(b"221 Bye\r\n")
                return
            peer.write(b"354 go\r\n" if data == b"DATA\r\n" else b"250 2.0.0 Ok\r\n")

    async def work(_: Any, peers: Peers) -> None:
        listener = await serve(handle)
        with pytest.raises(LabError) as caught:
            await peers.send("secretaire@ugb.sn", "user@minfo.sn", content=MESSAGE)
        assert caught.value.message_id == "peers.no-server"
        peers.server = ("127.0.0.1", listener.port)
        replies = await peers.send("secretaire@ugb.sn", "user@minfo.sn", content=MESSAGE)
        assert [reply.code for reply in replies] == [250, 250, 250]
        await listener.close()

    run(work)
    assert said[:7] == [
        b"EHLO mx.ugb.sn\r\n",
        b"XCLIENT NAME=mx.ugb.sn ADDR=192.168.20.1\r\n",
        b"EHLO mx.ugb.sn\r\n",
        b"MAIL FROM:<secretaire@ugb.sn>\r\n",
        b"RCPT TO:<user@minfo.sn>\r\n",
        b"DATA\r\n",
        b"From: user@minfo.sn\r\nMessage-ID: <1@poste>\r\n\r\n..Bonjour\r\n.\r\n",
    ]


# --- disturbances

LETTER = "From: user@minfo.sn\nMessage-ID: <2@poste>\n\nBonjour\n"
LATER = "451 4.3.0 Try again later"
RELAY = "mx.ugb.sn[192.168.20.1]"


def disturbed(rule: Rule) -> FakeWorld:
    """A world whose message to secretaire@ugb.sn meets the rule, at the first attempt."""

    async def work(world: Any, _: Peers) -> None:
        world.disturbances.add(rule)
        await world.queue.settled(world.send("secretaire@ugb.sn"))

    return run(work)


def reason(world: FakeWorld) -> str:
    (entry,) = world.queue.entries()
    return entry.recipients[0].reason


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("GREETING", f"host {RELAY} refused to talk to me: {LATER}"),
        ("MAIL", f"host {RELAY} said: {LATER} (in reply to MAIL FROM command)"),
        ("RCPT", f"host {RELAY} said: {LATER} (in reply to RCPT TO command)"),
        ("DATA", f"host {RELAY} said: {LATER} (in reply to DATA command)"),
        (".", f"host {RELAY} said: {LATER} (in reply to end of DATA command)"),
    ],
)
def test_a_disturbance_answers_for_the_peer(command: str, said: str) -> None:
    rule = reply("r", LATER, service="peer", command=command, client="192.168.10.1")
    assert reason(disturbed(rule)) == said


def test_a_peer_disturbed_at_ehlo_is_asked_by_helo() -> None:
    world = disturbed(reply("r", LATER, service="peer", command="EHLO"))
    assert world.store.mailboxes() == {"secretaire@ugb.sn": {"INBOX": 1}}


@pytest.mark.usefixtures("lab_home")
def test_a_peer_that_refuses_twice_gets_the_mail_when_time_has_passed() -> None:
    rule = {"name": "busy", "protocol": "smtp", "service": "peer", "command": "RCPT"}
    rule |= {"address": "*@ugb.sn", "nth": "1-2", "action": "answer", "text": LATER}
    with Lab(seed=1) as lab:
        lab.disturb(rule)
        number = lab.deliver(LETTER, recipients=["secretaire@ugb.sn", "etudiant@miage.sn"])
        for _ in range(2):
            lab.idle()
            assert set(lab.mailboxes) == {"etudiant@miage.sn"}
            (entry,) = lab.queue
            assert entry.recipients[0].reason.startswith(f"host {RELAY} said: {LATER}")
            lab.advance(4000)  # maximal_backoff_time
        lab.idle()
        assert len(lab.mailboxes["secretaire@ugb.sn"]["INBOX"]) == 1
        assert list(lab.queue) == []
        said = [stop.kind for stop in lab.journey(number).stops]
        assert said.count(StopKind.DEFERRED) == 2


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (drop("r", service="peer", command="GREETING"), "receiving the initial server greeting"),
        (drop("r", service="peer", command="MAIL"), "sending MAIL FROM"),
        (
            truncate("r", 7, service="peer", command="GREETING"),
            "receiving the initial server greeting",
        ),
        (truncate("r", 30, service="peer", command="EHLO"), "performing the EHLO handshake"),
        (truncate("r", 4, service="peer", command="DATA"), "sending DATA command"),
        (
            truncate("r", 0, service="peer", command="."),
            "sending end of data -- message may be sent more than once",
        ),
    ],
)
def test_a_disturbance_cuts_the_peer_off(rule: Rule, said: str) -> None:
    assert reason(disturbed(rule)) == f"lost connection with {RELAY} while {said}"


def test_a_peer_that_says_421_hangs_up() -> None:
    rule = reply("r", "421 4.3.2 Closing", service="peer", command="MAIL")
    assert reason(disturbed(rule)).startswith(f"host {RELAY} said: 421 4.3.2 Closing")


@pytest.mark.parametrize("command", ["GREETING", "RCPT", "."])
def test_a_disturbance_delays_the_peer(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", wait)
    world = disturbed(delay("r", 30, service="peer", command=command))
    assert waited == [30]
    assert world.store.mailboxes() == {"secretaire@ugb.sn": {"INBOX": 1}}


@pytest.mark.parametrize(
    "where", [{"service": "smtp"}, {"client": "192.168.10.50"}, {"address": "*@miage.sn"}]
)
def test_a_rule_for_another_server_leaves_the_peer_alone(where: dict[str, str]) -> None:
    world = disturbed(reply("r", LATER, command="RCPT", **where))
    assert world.store.mailboxes() == {"secretaire@ugb.sn": {"INBOX": 1}}


def test_an_unknown_domain_is_said_to_be() -> None:
    async def work(_: Any, peers: Peers) -> None:
        with pytest.raises(LabError) as caught:
            await peers.stop("kelkpart.com")
        assert caught.value.message_id == "peers.unknown"

    run(work)


def test_aiosmtpd_is_not_imported_before_a_connection_comes() -> None:
    code = "import sys, mailsim.servers.peers; sys.exit('aiosmtpd' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_peer_whose_disk_is_full_gets_the_mail_later() -> None:
    async def work(world: Any, _: Peers) -> None:
        whole = world.store._db

        class Full:
            def __getattr__(self, name: str) -> Any:
                return getattr(whole, name)

            def execute(self, statement: str, *values: Any) -> Any:
                if statement == "COMMIT" and any("mx-ugb" in one for one in world.log.lines()):
                    world.store._db = whole
                    raise sqlite3.OperationalError("database or disk is full")
                return whole.execute(statement, *values)

        world.store._db = Full()
        await world.queue.settled(world.send("secretaire@ugb.sn"))

    world = run(work)
    assert reason(world) == (
        f"host {RELAY} said: 451 4.3.0 Error: queue file write error (in reply to end of DATA command)"
    )
    assert world.store.mailboxes() == {}
    said = "\n".join(world.log.lines())
    assert "warning: write queue file: database or disk is full" in said
    assert "delivered to mailbox" not in said
