from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mailsim.model.network import network_of
from mailsim.model.stage import Release, Stage
from mailsim.servers.clock import Clock
from mailsim.servers.config import config
from mailsim.servers.envelope import Client, Recipient, Submission
from mailsim.servers.ids import Ids
from mailsim.servers.log import Log
from mailsim.servers.queue import Queue
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

    def __init__(self, stage: Stage = Stage.MAIL, folder: Path | None = None) -> None:
        self.network = NETWORK
        self.clock = Clock(fixed=True)
        self.ids = Ids("queue")
        self.log = Log(self.clock)
        self.config = config(NETWORK, stage, Release.NOBLE)
        self.names = FakeNames()
        self.store = Store(folder)
        self.filter: Any = None
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
POSTE = Client("192.168.10.50", "poste.minfo.sn", "poste.minfo.sn")


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
