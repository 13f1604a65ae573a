"""An IMAP client on a connection that is none: the server's session runs in the same loop."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, cast

from mailsim.net.serving import Peer
from mailsim.net.tls import TlsInfo
from mailsim.servers.imap import ImapSession
from mailsim.servers.world import World

INFO = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", "", "", (), "", 256)
_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")
PATIENCE = 20.0
LOGIN = "LOGIN user minfo"


class Pipe:
    """The other end, as a Peer shows it."""

    def __init__(self) -> None:
        self.address = ("127.0.0.1", 40_000)
        self.closing = self.aborted = False
        self.heard = b""
        self.early = b""
        self.silent = False
        """Whether the client says nothing until the time is over."""
        self._said: asyncio.Queue[bytes] = asyncio.Queue()
        self._news = asyncio.Event()

    def say(self, data: bytes) -> None:
        self._said.put_nowait(data)

    async def more(self) -> None:
        """Wait until the server has said something more."""
        self._news.clear()
        await self._news.wait()

    async def read(self, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - Peer's own
        assert timeout
        if self.silent:
            raise TimeoutError
        return await self._said.get()

    def take(self) -> bytes:
        early, self.early = self.early, b""
        return early

    def write(self, data: bytes) -> None:
        self.heard += data
        self._news.set()

    async def drain(self) -> None:
        """All is taken at once."""

    async def start_tls(self, *_: object, **__: object) -> TlsInfo:
        return INFO

    def close(self) -> None:
        self.closing = True
        self._news.set()

    def abort(self) -> None:
        self.aborted = True
        self.close()


class Talk:
    """One connection: `await talk.ask("NOOP")` gives the lines that answer, literals within."""

    def __init__(self, world: World, service: str = "imap") -> None:
        self.pipe = Pipe()
        self.session = ImapSession(
            world, service, tls=lambda _: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        )
        self._task = asyncio.create_task(self.session.run(cast("Peer", self.pipe)))
        self._count = 0

    async def greeting(self) -> bytes:
        return (await self._until(lambda _: True))[-1]

    async def ask(self, command: str | bytes) -> list[bytes]:
        self._count += 1
        tag = f"c{self._count}".encode()
        raw = command if isinstance(command, bytes) else command.encode()
        self.pipe.say(tag + b" " + raw + b"\r\n")
        return await self._until(lambda line: line.startswith((tag + b" ", b"+ ")))

    async def done(self) -> list[bytes]:
        """End IDLE."""
        self.pipe.say(b"DONE\r\n")
        tag = f"c{self._count} ".encode()
        return await self._until(lambda line: line.startswith(tag))

    async def unasked(self) -> list[bytes]:
        """What comes by itself."""
        return await self._until(lambda _: True)

    async def login(self, mailbox: str = "INBOX", verb: str = "SELECT") -> list[bytes]:
        await self.greeting()
        assert (await self.ask("LOGIN user minfo"))[-1].startswith(b"c1 OK")
        return await self.ask(f"{verb} {mailbox}")

    async def stop(self) -> None:
        """The server stops."""
        self._task.cancel()
        await asyncio.wait([self._task], timeout=PATIENCE)

    async def end(self) -> None:
        """The client hangs up."""
        self.pipe.say(b"")
        await asyncio.wait_for(self._task, PATIENCE)

    async def _until(self, last: Callable[[bytes], bool]) -> list[bytes]:
        lines: list[bytes] = []
        async with asyncio.timeout(PATIENCE):
            while True:
                while (line := self._line()) is not None:
                    lines.append(line)
                    if last(line):
                        return lines
                if self.pipe.closing:
                    return [*lines, self.pipe.heard] if self.pipe.heard else lines
                await self.pipe.more()

    def _line(self) -> bytes | None:
        """The next line, its literals within."""
        heard, at = self.pipe.heard, 0
        while True:
            end = heard.find(b"\r\n", at) + 2
            if end < 2:
                return None
            literal = _LITERAL.search(heard, at, end)
            if not literal:
                self.pipe.heard = heard[end:]
                return heard[:end]
            at = end + int(literal[1])
            if at > len(heard):
                return None


def run(scene: Callable[[], Awaitable[Any]]) -> Any:
    """Play a scene on a loop of its own."""
    return asyncio.run(scene())  # type: ignore[arg-type]


def log(world: World) -> list[str]:
    """What Dovecot has written, without stamps."""
    return [line.partition("dovecot: ")[2] for line in world.log.lines()]
