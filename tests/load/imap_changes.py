"""IMAP sessions that change one mailbox until the server is gone, a process of its own.

`imap_changes.py PORT SESSIONS PREFIX FILE` has them all on user's INBOX: each appends messages and
copies, moves, marks and expunges its own, while the plain EXPUNGE of each takes what the others have marked.
FILE gets a line before each step ("? step names") and one behind its answer
("! step names", with what was told of it), at once: what was between the two when the server was
killed may have happened or not.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import re
import sys
from collections.abc import Iterator
from typing import IO

PATIENCE = 60.0
LONGEST = 1 << 20
KEPT = 12
"""So many messages of its own a session leaves in INBOX before it only takes away."""
_APPENDED = re.compile(rb"\[APPENDUID (\d+) (\S+)\]")
_COPIED = re.compile(rb"\[COPYUID (\d+) \S+ (\S+)\]")
_MODSEQ = re.compile(rb"(?:HIGHESTMODSEQ|MODSEQ \()\W*(\d+)")


class Session:
    """One connection and its messages: their UIDs in INBOX by their names."""

    def __init__(self, port: int, prefix: str, log: IO[str]) -> None:
        self._port = port
        self._log = log
        self._random = random.Random(prefix)
        self._names = (f"{prefix}.{number}" for number in itertools.count())
        self._tags = itertools.count(1)
        self._own: dict[str, int] = {}

    async def run(self) -> None:
        """Until the connection ends."""
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port, limit=LONGEST
        )
        with contextlib.suppress(OSError, EOFError):
            await self._line()
            for command in ("LOGIN user minfo", "ENABLE CONDSTORE", "SELECT INBOX"):
                await self._ask(command)
            while True:
                await self._change()
        self._writer.close()

    async def _change(self) -> None:
        if not self._own or (len(self._own) < KEPT and self._random.random() < 0.5):
            await self._append(self._random.choice((1, 1, 1, 3)))
            return
        some = self._some()
        await self._random.choice((self._copy, self._move, self._delete, self._flag))(some)

    def _some(self) -> list[str]:
        """A few of its own messages, in the order of their UIDs."""
        count = min(len(self._own), self._random.choice((1, 1, 2, 5)))
        return sorted(self._random.sample(list(self._own), count), key=self._own.__getitem__)

    async def _append(self, count: int) -> None:
        """One message, or several at once (RFC 3502)."""
        names = list(itertools.islice(self._names, count))
        texts = [f"Subject: {one}\r\n\r\n{'x' * (len(one) * 97 % 3000)}\r\n" for one in names]
        pieces = "".join(f" {{{len(text)}+}}\r\n{text}" for text in texts)
        answered = await self._step("append", names, f"APPEND INBOX{pieces}")
        told = self._told("INBOX", _APPENDED, answered)
        self._own.update(zip(names, told, strict=True))
        self._done("append", names, told)

    async def _copy(self, names: list[str]) -> None:
        answered = await self._step("copy", names, f"UID COPY {self._set(names)} Trash")
        self._done("copy", names, self._told("Trash", _COPIED, answered))

    async def _move(self, names: list[str]) -> None:
        answered = await self._step("move", names, f"UID MOVE {self._set(names)} Trash")
        self._done("move", names, self._told("Trash", _COPIED, answered))
        self._forget(names)

    async def _flag(self, names: list[str]) -> None:
        sign = self._random.choice("+-")
        step = {"+": "flag", "-": "unflag"}[sign]
        command = rf"UID STORE {self._set(names)} {sign}FLAGS (\Flagged)"
        await self._step(step, names, command)
        self._done(step, names)

    async def _delete(self, names: list[str]) -> None:
        """STORE and EXPUNGE, one behind the other's answer or both at once."""
        asked = self._set(names)
        store = rf"UID STORE {asked} +FLAGS (\Deleted)"
        expunge = self._random.choice(("EXPUNGE", f"UID EXPUNGE {asked}"))
        if self._random.random() < 0.5:
            await self._step("delete", names, store)
            self._done("delete", names)
            await self._step("expunge", names, expunge)
        else:
            self._begin("delete", names)
            self._begin("expunge", names)
            tags = self._say(store), self._say(expunge)
            await self._answer(tags[0])
            self._done("delete", names)
            await self._answer(tags[1])
        self._done("expunge", names)
        self._forget(names)

    # what is written down

    def _begin(self, step: str, names: list[str]) -> None:
        self._log.write(f"? {step} {','.join(names)}\n")

    def _done(self, step: str, names: list[str], uids: list[int] | None = None) -> None:
        told = f" {','.join(map(str, uids))}" if uids else ""
        self._log.write(f"! {step} {','.join(names)}{told}\n")

    def _told(self, mailbox: str, pattern: re.Pattern[bytes], answered: bytes) -> list[int]:
        """The new UIDs (RFC 4315 §3)."""
        found = pattern.search(answered)
        if found is None:
            raise ValueError(answered)
        self._log.write(f"! uidvalidity {mailbox} {int(found[1])}\n")
        return list(_uids(found[2].decode()))

    # what is said

    async def _step(self, step: str, names: list[str], command: str) -> bytes:
        self._begin(step, names)
        return await self._ask(command)

    async def _ask(self, command: str) -> bytes:
        return await self._answer(self._say(command))

    def _say(self, command: str) -> bytes:
        tag = f"t{next(self._tags)}"
        self._writer.write(f"{tag} {command}\r\n".encode())
        return tag.encode() + b" "

    async def _answer(self, tag: bytes) -> bytes:
        """All up to the tagged OK.  Raises EOFError at the end, ValueError for another answer."""
        lines = [await self._line()]
        while not lines[-1].startswith(tag):
            lines.append(await self._line())
        if not lines[-1].startswith(tag + b"OK"):
            raise ValueError(lines[-1])
        said = b"".join(lines)
        highest = max(map(int, _MODSEQ.findall(said)), default=0)
        if highest:
            self._log.write(f"! modseq INBOX {highest}\n")
        return said

    async def _line(self) -> bytes:
        try:
            async with asyncio.timeout(PATIENCE):
                line = await self._reader.readline()
        except TimeoutError:  # an OSError, as an end is
            raise ValueError("no answer") from None
        if not line.endswith(b"\n"):
            raise EOFError
        return line

    def _set(self, names: list[str]) -> str:
        return ",".join(str(self._own[one]) for one in names)

    def _forget(self, names: list[str]) -> None:
        for one in names:
            del self._own[one]


def _uids(told: str) -> Iterator[int]:
    """uid-set: `4,6:8`"""
    for part in told.split(","):
        first, _, last = part.partition(":")
        yield from range(int(first), int(last or first) + 1)


async def main(port: str, sessions: str, prefix: str, file: str) -> None:
    with open(file, "w", encoding="utf-8", buffering=1) as log:  # noqa: ASYNC230, PTH123 - a line at a time, and each at once
        async with asyncio.TaskGroup() as group:
            for number in range(int(sessions)):
                group.create_task(Session(int(port), f"{prefix}.{number}", log).run())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
