from __future__ import annotations

import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mailsim.model.network import network_of
from mailsim.model.stage import Release, Stage
from mailsim.servers.accounts import LabAccounts
from mailsim.servers.clock import Clock
from mailsim.servers.config import config
from mailsim.servers.envelope import Client, Recipient, Submission
from mailsim.servers.ids import Ids
from mailsim.servers.log import Log
from mailsim.servers.queue import Queue
from mailsim.servers.sieve_runs import SieveRuns
from mailsim.servers.store import Store

ROOT = Path(__file__).parents[3]
NETWORK = network_of(json.loads((ROOT / "mailsim/lab/network.json").read_text("utf-8")))
RECORDS = {
    ("ugb.sn", "MX"): ("10 mx.ugb.sn.",),
    ("miage.sn", "MX"): ("10 mx.miage.sn.",),
    ("mx.ugb.sn", "A"): ("192.168.20.1",),
    ("mx.miage.sn", "A"): ("192.168.30.1",),
    ("mail.minfo.sn", "A"): ("192.168.10.1",),
    ("null.sn", "MX"): ("0 .",),
    ("loop.sn", "MX"): ("10 mail.minfo.sn.",),
    ("backup.sn", "MX"): ("10 mx.gone.sn.", "20 mx.ugb.sn.", "30 mail.minfo.sn."),
    ("direct.sn", "A"): ("192.168.20.1",),
}


@dataclass
class FakeNames:
    records: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=lambda: dict(RECORDS))
    broken: bool = False

    def lookup(self, name: str, rdtype: str) -> Any:
        if self.broken:
            return SimpleNamespace(rcode="SERVFAIL", records=())
        found = self.records.get((name, rdtype), ())
        exists = any(known == name for known, _ in self.records)
        return SimpleNamespace(rcode="NOERROR" if exists else "NXDOMAIN", records=found)


class FakeWorld:
    """A world without servers, filter and name server."""

    def __init__(
        self, stage: Stage = Stage.MAIL, folder: Path | None = None, *, fixed: bool = True
    ) -> None:
        self.network = NETWORK
        self.clock = Clock(fixed=fixed)
        self.ids = Ids("queue")
        self.log = Log(self.clock)
        self.config = config(NETWORK, stage, Release.NOBLE)
        self.names = FakeNames()
        self.store = Store(folder)
        self.filter: Any = None
        self.accounts = LabAccounts(NETWORK, "queue")
        self.sieve_runs = SieveRuns()
        self.routes: dict[str, tuple[str, int]] = {}
        self.queue = Queue(self)  # type: ignore[arg-type] # as much of a World as a Queue needs

    def set(self, **settings: Any) -> None:
        self.config = replace(self.config, **settings)

    def send(self, *recipients: str, content: bytes = b"", **more: Any) -> str:
        return self.queue.accept(submission(*recipients, content=content, **more))

    def run(self, *steps: Callable[[], Awaitable[None] | None]) -> None:
        """Start the queue, do the steps, each followed by rest, and close."""
        import asyncio

        async def work() -> None:
            self.queue.start()
            await self.queue.idle()
            for step in steps:
                made = step()
                if made is not None:
                    await made
                await self.queue.idle()
            await self.queue.close()

        asyncio.run(work())

    @property
    def lines(self) -> list[str]:
        """The log's lines behind stamp and host, without process ids."""
        import re

        return [re.sub(r"\[\d+\]:", ":", line[21:], count=1) for line in self.log.lines()]


MESSAGE = (
    b"From: user@minfo.sn\r\nTo: autre_user@minfo.sn\r\nSubject: essai\r\n"
    b"Message-ID: <1@poste.minfo.sn>\r\n\r\nBonjour\r\n"
)
POSTE = Client("192.168.10.50", "poste.minfo.sn", "poste.minfo.sn", 40_000)


def submission(*recipients: str, content: bytes = b"", **more: Any) -> Submission:
    asked = tuple(Recipient(one) for one in recipients)
    given: dict[str, Any] = {
        "sender": "user@minfo.sn",
        "recipients": asked,
        "content": content or MESSAGE,
        "client": POSTE,
        "helo": "poste.minfo.sn",
        "protocol": "ESMTP",
    }
    return Submission(**{**given, **more})


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


@dataclass
class FakeMta:
    """Answers by verb ("GREETING", "." for the content's end): a text, or a list of texts that
    are used up; "" closes the connection."""

    answers: dict[str, str | list[str]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    context: ssl.SSLContext | None = None

    async def handle(self, peer: Any) -> None:
        buffer = b""
        if not self.answer(peer, "GREETING", "220 mx.ugb.sn ESMTP"):
            return
        while data := await peer.read():
            buffer += data
            while b"\r\n" in buffer:
                line, buffer = buffer.split(b"\r\n", 1)
                self.said.append(line.decode())
                verb = line.decode().split(" ")[0].split(":")[0].upper()
                default = "354 Go" if verb == "DATA" else "250 2.0.0 Ok"
                if not self.answer(peer, verb, default) or verb == "QUIT":
                    return
                if verb == "STARTTLS" and self._last.startswith("220"):
                    if self.context:
                        await peer.start_tls(self.context)
                        continue
                    await peer.read()
                    peer.write(b"this is no TLS\r\n")
                    return
                if verb == "DATA" and self._last.startswith("354"):
                    while b"\r\n.\r\n" not in buffer:
                        buffer += await peer.read()
                    content, buffer = buffer.split(b"\r\n.\r\n", 1)
                    self.contents.append(content)
                    if not self.answer(peer, ".", "250 2.0.0 Ok: queued as 12345ABCDE"):
                        return

    def answer(self, peer: Any, verb: str, default: str) -> bool:
        given = self.answers.get(verb, default)
        if isinstance(given, list):
            given = given.pop(0) if given else default
        self._last = given
        if given:
            peer.write(given.encode() + b"\r\n")
        return bool(given)


def with_mta(world: FakeWorld, mta: FakeMta, *steps: Callable[[], object]) -> None:
    """Run the queue with this MTA at 192.168.20.1."""
    import asyncio

    from mailsim.net.serving import serve

    async def work() -> None:
        listener = await serve(mta.handle)
        world.routes["192.168.20.1"] = ("127.0.0.1", listener.port)
        world.queue.start()
        await world.queue.idle()
        for step in steps:
            step()
            await world.queue.idle()
        await world.queue.close()
        await listener.close()

    asyncio.run(work())


@pytest.fixture
def relay(world: FakeWorld) -> Callable[..., None]:
    """`relay(mta, *steps)`: run the world's queue with this MTA."""
    return lambda mta, *steps: with_mta(world, mta, *steps)


@pytest.fixture
def make() -> Callable[..., FakeWorld]:
    """Another world: `make(Stage.SIEVE, folder)`."""
    return FakeWorld


@pytest.fixture
def mta() -> type[FakeMta]:
    return FakeMta


@pytest.fixture
def sub() -> Callable[..., Submission]:
    return submission
