"""A client for the load tests, a process of its own: many SMTP connections at once.

`client.py PORT SECONDS CONNECTIONS PREFIX FILE` sends until the time is over, each message with
a Message-ID of its own, and finishes what it has begun.  FILE gets a line for each message
that was answered 250, at once; the standard output, at the end, a JSON document of what went
otherwise.  All of it is bounded: what it reads, how long it waits, how much it keeps.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

PATIENCE = 60.0  # seconds for one reply: all the others are served meanwhile
LONGEST = 4096  # octets of a reply's line
MESSAGES = 20  # on one connection
LOCAL = ("user", "autre_user", "cheikh", "mactar", "admin")


@dataclass
class Load:
    """What all connections share."""

    port: int
    until: float
    prefix: str
    accepted: IO[str]
    numbers: Iterator[int] = field(default_factory=itertools.count)
    counts: Counter[str] = field(default_factory=Counter)
    """Accepted messages, connections, refusals by reply, and what broke, by kind."""


@dataclass
class Message:
    """One message: for local users, peers, both, or for nobody, so that it bounces."""

    number: int
    prefix: str

    @property
    def name(self) -> str:
        return f"{self.prefix}.{self.number}@poste.minfo.sn"

    @property
    def sender(self) -> str:
        return f"{LOCAL[self.number % 3]}@minfo.sn"

    @property
    def recipients(self) -> list[str]:
        user = f"{LOCAL[self.number // 10 % len(LOCAL)]}@minfo.sn"
        chosen = {
            6: [user, "root@minfo.sn" if not user.startswith("admin") else "user@minfo.sn"],
            7: ["secretaire@ugb.sn"],
            8: ["etudiant@miage.sn", user],
            9: ["personne@ugb.sn"],
        }
        return chosen.get(self.number % 10, [user])

    @property
    def content(self) -> bytes:
        head = f"From: {self.sender}\r\nTo: {', '.join(self.recipients)}\r\nSubject: essai\r\n"
        # Lines that begin with dots, and a size that differs from message to message.
        body = f"Message {self.number}\r\n..deux points\r\n" + "Bonjour.\r\n" * (self.number % 70)
        date = "Date: Mon, 21 Jun 2010 08:00:00 +0000\r\n"
        return f"{head}{date}Message-ID: <{self.name}>\r\n\r\n{body}".encode()


class Client:
    """One connection after the other, one at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load

    async def run(self) -> None:
        while time.monotonic() < self._load.until:
            try:
                await self._connection()
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                self._load.counts[f"broken: {type(error).__name__}: {error}"] += 1
                await asyncio.sleep(0.05)

    async def _connection(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._load.port, limit=LONGEST
        )
        self._load.counts["connections"] += 1
        try:
            await self._talk()
        finally:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _talk(self) -> None:
        await self._reply("220")
        await self._say("EHLO poste.minfo.sn", "250")
        # The server itself sends: it may relay.
        await self._say("XCLIENT NAME=localhost ADDR=127.0.0.1", "220")
        await self._say("EHLO poste.minfo.sn", "250")
        for _ in range(MESSAGES):
            if time.monotonic() >= self._load.until:
                break
            await self._send(Message(next(self._load.numbers), self._load.prefix))
        await self._say("QUIT", "221")

    async def _send(self, message: Message) -> None:
        commands = [f"MAIL FROM:<{message.sender}>"]
        commands += [f"RCPT TO:<{one}>" for one in message.recipients]
        if message.number % 2:  # RFC 2920: in one go
            self._write("\r\n".join([*commands, "DATA"]))
            for _ in commands:
                await self._reply("250")
            await self._reply("354")
        else:
            for command in commands:
                await self._say(command, "250")
            await self._say("DATA", "354")
        self._writer.write(message.content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        await self._reply("250")
        self._load.counts["accepted"] += 1
        self._load.accepted.write(
            f"{message.name} {message.sender} {' '.join(message.recipients)}\n"
        )

    async def _say(self, command: str, wanted: str) -> None:
        self._write(command)
        await self._reply(wanted)

    def _write(self, line: str) -> None:
        self._writer.write(line.encode() + b"\r\n")

    async def _reply(self, wanted: str) -> None:
        """Raises ValueError for another reply, EOFError for none."""
        async with asyncio.timeout(PATIENCE):
            while (line := await self._reader.readline())[3:4] == b"-":
                pass
        if not line.endswith(b"\n"):
            raise EOFError(f"closed where {wanted} was awaited")
        if line[:3] != wanted.encode():
            raise ValueError(line.decode("utf-8", "replace").strip())


async def main(port: str, seconds: str, connections: str, prefix: str, file: str) -> None:
    with open(file, "w", encoding="utf-8", buffering=1) as accepted:  # noqa: ASYNC230, PTH123 - a line at a time, and each at once
        load = Load(int(port), time.monotonic() + float(seconds), prefix, accepted)
        async with asyncio.TaskGroup() as group:
            for _ in range(int(connections)):
                group.create_task(Client(load).run())
    print(json.dumps(load.counts), flush=True)  # noqa: T201 - for whoever started it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
