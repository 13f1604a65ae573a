"""What the simulator's queue makes of a message, against the real Postfix and Dovecot."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from mailsim.model.network import network_of
from mailsim.model.stage import Release, Stage
from mailsim.servers.envelope import Client, Recipient, Submission
from mailsim.servers.world import World
from tests.oracles.conftest import NAME, Servers

pytestmark = pytest.mark.oracle

ROOT = Path(__file__).parents[2]
NETWORK = network_of(json.loads((ROOT / "mailsim/lab/network.json").read_text("utf-8")))
MESSAGE = (
    b"From: box@minfo.sn\r\nTo: box@minfo.sn\r\nDate: Mon, 21 Jun 2010 08:00:00 +0000\r\nBcc: hidden@minfo.sn\r\n"
    b"Return-Path: <x@y>\r\nSubject: oracle\r\nMessage-ID: <1@poste>\r\n\r\nBonjour\r\n"
)


def simulated(**asked: Any) -> list[str]:
    """What user has in the box after writing to itself at the simulator."""
    world = World(NETWORK, stage=Stage.MAIL, release=Release.BOOKWORM, seed="o", fixed=True)

    async def work() -> None:
        world.queue.start()
        world.queue.accept(
            Submission(
                "user@minfo.sn",
                (Recipient("user@minfo.sn", **asked),),
                MESSAGE,
                Client("192.168.10.50"),
                helo="poste.minfo.sn",
                protocol="ESMTP",
            )
        )
        await world.queue.idle()
        await world.queue.close()

    asyncio.run(work())
    return [one.content.decode() for one in world.store.messages("user")]


def real(servers: Servers, box: str, count: int, **asked: str) -> list[str]:
    with servers.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert smtp.xclient(ADDR="192.168.10.50", NAME="[UNAVAILABLE]").ok
        smtp.ehlo("poste.minfo.sn")
        assert smtp.mail(f"{box}@minfo.sn").ok
        assert smtp.rcpt(f"{box}@minfo.sn", **asked).ok
        assert smtp.data(MESSAGE).ok
    return [one.decode().replace(f"{box}@", "user@") for one in servers.arrived(box, count)]


def plain(message: str) -> list[str]:
    """The message's lines without what differs each time; LMTP by TCP names an address."""
    text = re.sub(r"\w{3}, +\d+ \w{3} \d{4} [\d:]{8} [+-]\d{4}(?: \(\w+\))?", "DATE", message)
    text = text.replace("\r\n", "\n").replace(f"from {NAME} ([127.0.0.1])", f"from {NAME}")
    text = re.sub(r"(?m)^(\tid )\S{16,}(?: \S+)?$", r"\1SESSION", text)
    text = re.sub(r"\d{14}\.", "STAMP.", text)
    text = re.sub(r"\b[0-9A-F]{10,11}\b", "QUEUEID", text)
    text = re.sub(r"QUEUEID\.\d+/", "QUEUEID.TIME/", text)
    text = re.sub(r"(<user@minfo\.sn>) \S{16,}\s+Saved", r"\1 SESSION Saved", text)
    # The same server, here on a socket and there on a port: the relay's name is another.
    # Its length decides where the sentence is folded.
    text = re.sub(
        r"delivery via\s+\S+\s+250\s+2\.0\.0\s+<user@minfo\.sn>\s+(?:SESSION|\S{16,})\s+Saved",
        "delivery via RELAY 250 2.0.0 <user@minfo.sn> SESSION Saved",
        text,
    )
    text = re.sub(r"Remote-MTA: dns; .*", "Remote-MTA: dns; RELAY", text)
    return text.rstrip("\n").split("\n")


def test_a_delivered_message(servers: Servers, box: str) -> None:
    (ours,), (theirs,) = simulated(), real(servers, box, 1)
    assert plain(ours) == plain(theirs)


def test_a_success_report(servers: Servers, box: str) -> None:
    ours = simulated(notify="SUCCESS")
    theirs = real(servers, box, 2, notify="SUCCESS")
    # The report is the one from <>.
    mine, yours = (min(map(plain, each)) for each in (ours, theirs))
    assert mine == yours
