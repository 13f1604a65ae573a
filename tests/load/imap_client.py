"""IMAP sessions for the load tests, a process of its own.

`imap_client.py PORT SECONDS WRITERS READERS IDLERS FILE` has them all on user's INBOX until the
time is over.  Writers append messages, mark their own as deleted and expunge them; readers
follow what they are told and ask again and again whether they count as the server does;
idlers sit in IDLE.  FILE gets a line "+name" for each message that was taken and "-name" before
one is deleted; the standard output, at the end, a JSON document of what was counted.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

PATIENCE = 60.0
LONGEST = 1 << 20
_EXISTS = re.compile(rb"\* (\d+) EXISTS")
_EXPUNGE = re.compile(rb"\* (\d+) EXPUNGE")
_FETCH = re.compile(rb"\* (\d+) FETCH \(.*?UID (\d+)")
_APPENDED = re.compile(rb"\[APPENDUID \d+ (\d+)\]")
KEPT = 40
"""So many of its own messages a writer leaves there before it deletes one."""


@dataclass
class Load:
    """What all sessions share."""

    port: int
    until: float
    log: IO[str]
    numbers: Iterator[int] = field(default_factory=itertools.count)
    counts: Counter[str] = field(default_factory=Counter)


class Wrong(Exception):
    """The server and the session do not count alike, or a command was refused."""


class Session:
    """One connection, which keeps the list of UIDs that it has been told of."""

    def __init__(self, load: Load, number: int) -> None:
        self.load = load
        self.number = number
        self.uids: list[int | None] = []
        """By sequence number; None for a message whose UID was not told yet."""
        self._tags = itertools.count(1)

    async def run(self) -> None:
        self.reader, self.writer = await asyncio.open_connection(
            "127.0.0.1", self.load.port, limit=LONGEST
        )
        self.load.counts["sessions"] += 1
        try:
            await self.line()
            await self.command("LOGIN user minfo")
            await self.command("SELECT INBOX")
            await self.work()
            await self.command("LOGOUT")
        finally:
            self.writer.close()

    async def work(self) -> None:
        raise NotImplementedError

    async def line(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            found = await self.reader.readline()
        if not found.endswith(b"\n"):
            raise Wrong("closed")
        return found

    async def command(self, text: str) -> bytes:
        """The tagged reply's line; what comes before it is followed."""
        tag = f"t{next(self._tags)}"
        self.writer.write(f"{tag} {text}\r\n".encode())
        return await self.answer(tag, text)

    async def answer(self, tag: str, text: str) -> bytes:
        while True:
            line = await self.line()
            if line.startswith(tag.encode() + b" "):
                if not line.startswith(tag.encode() + b" OK"):
                    raise Wrong(f"{text}: {line.decode()}")
                return line
            self.follow(line)

    def follow(self, line: bytes) -> None:
        """What the server tells of the mailbox."""
        if found := _EXISTS.match(line):
            if int(found[1]) < len(self.uids):
                raise Wrong(f"EXISTS {int(found[1])} where {len(self.uids)} are known")
            self.uids += [None] * (int(found[1]) - len(self.uids))
        elif found := _EXPUNGE.match(line):
            if not 1 <= int(found[1]) <= len(self.uids):
                raise Wrong(f"EXPUNGE {int(found[1])} of {len(self.uids)}")
            del self.uids[int(found[1]) - 1]
        elif found := _FETCH.match(line):
            number, uid = int(found[1]), int(found[2])
            if number > len(self.uids) or self.uids[number - 1] not in (None, uid):
                raise Wrong(f"{number} has UID {uid}, not {self.uids[number - 1 : number]}")
            self.uids[number - 1] = uid

    async def refresh(self) -> None:
        """Ask for all UIDs: each must be the one that is known, and they must ascend."""
        await self.command("FETCH 1:* (UID)" if self.uids else "NOOP")
        known = [uid for uid in self.uids if uid is not None]
        if known != sorted(set(known)):
            raise Wrong("UIDs do not ascend")
        self.load.counts["views checked"] += 1


class Writer(Session):
    """Appends, and expunges its own oldest messages."""

    async def work(self) -> None:
        own: list[tuple[str, int]] = []
        while time.monotonic() < self.load.until:
            own.append(await self._append())
            if len(own) > KEPT:
                name, uid = own.pop(random.randrange(len(own)))
                self.load.log.write(f"-{name}\n")
                await self.command(f"UID STORE {uid} +FLAGS.SILENT (\\Deleted)")
                await self.command(f"UID EXPUNGE {uid}")
                self.load.counts["expunged"] += 1

    async def _append(self) -> tuple[str, int]:
        name = f"{self.number}.{next(self.load.numbers)}"
        text = f"Subject: {name}\r\nMessage-ID: <{name}@load>\r\n\r\n{'x' * 200}\r\n"
        tag = f"t{next(self._tags)}"
        self.writer.write(f"{tag} APPEND INBOX {{{len(text)}+}}\r\n{text}\r\n".encode())
        found = _APPENDED.search(await self.answer(tag, "APPEND"))
        if found is None:
            raise Wrong("no APPENDUID")
        self.load.log.write(f"+{name}\n")
        self.load.counts["appended"] += 1
        return name, int(found[1])


class Reader(Session):
    """Looks again and again, and changes flags."""

    async def work(self) -> None:
        while time.monotonic() < self.load.until:
            await self.command("NOOP")
            await self.refresh()
            if self.uids:
                number = random.randint(1, len(self.uids))
                sign = random.choice("+-")
                await self.command(f"STORE {number} {sign}FLAGS.SILENT (\\Flagged)")
            await asyncio.sleep(random.random() / 10)


class Idler(Session):
    """Sits in IDLE, and must count right when it comes back."""

    async def work(self) -> None:
        while time.monotonic() < self.load.until:
            tag = f"t{next(self._tags)}"
            self.writer.write(f"{tag} IDLE\r\n".encode())
            end = time.monotonic() + random.uniform(2, 8)
            while (left := end - time.monotonic()) > 0:
                try:
                    async with asyncio.timeout(left):
                        line = await self.reader.readline()
                except TimeoutError:
                    break
                self.follow(line)
            self.writer.write(b"DONE\r\n")
            await self.answer(tag, "IDLE")
            await self.refresh()


async def main(port: str, seconds: str, writers: str, readers: str, idlers: str, file: str) -> None:
    kinds = [Writer] * int(writers) + [Reader] * int(readers) + [Idler] * int(idlers)
    with open(file, "w", encoding="utf-8", buffering=1) as log:  # noqa: ASYNC230, PTH123 - a line at a time, and each at once
        load = Load(int(port), time.monotonic() + float(seconds), log)
        sessions = [kind(load, number) for number, kind in enumerate(kinds)]
        ended = await asyncio.gather(*(one.run() for one in sessions), return_exceptions=True)
    for one in ended:
        if one is not None:
            load.counts[f"broken: {type(one).__name__}: {one}"] += 1
    print(json.dumps(load.counts), flush=True)  # noqa: T201 - for whoever started it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
