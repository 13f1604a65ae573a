"""Loopback ports that lead into another network namespace: nobody outside this machine reaches them.

A connection to 127.0.0.1:PORT is answered by one that a socket of the namespace makes, so that the
server sees the namespace's address and its firewall judges it.  Linux alone has namespaces.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, cast

from mailsim.errors import LabError, NetworkError

LOOPBACK: Final = "127.0.0.1"
_NEWNET: Final = 0x40000000  # setns(2): CLONE_NEWNET
_CHUNK: Final = 65_536
_ANSWER: Final = 5.0  # seconds that a name server has
_CONNECT: Final = 10.0
_TRIES: Final = 20  # until a port is free for TCP and UDP alike

Connect = Callable[[socket.socket], Awaitable[None]]


class Namespace:
    """Makes sockets that belong to the namespace; a thread of its own is in it."""

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(1, "mailsim-netns")
        try:
            self._thread.submit(_enter, path).result()
        except OSError as error:
            self.close()
            raise LabError("net.no-namespace", path=path, reason=error.strerror) from None

    def make(self, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
        """An IPv4 socket that does not block."""
        made = self._thread.submit(socket.socket, socket.AF_INET, kind).result()
        made.setblocking(False)  # noqa: FBT003 - the socket's own signature
        return made

    async def connect(
        self,
        address: tuple[str, int],
        timeout: float = _CONNECT,  # noqa: ASYNC109 - the caller's
    ) -> socket.socket:
        """A connection to it.  Raises OSError; TimeoutError where nothing answers in time."""
        made = self.make()
        try:
            async with asyncio.timeout(timeout):
                await asyncio.get_running_loop().sock_connect(made, address)
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        """Its sockets live on."""
        self._thread.shutdown(wait=False)


def _enter(path: Path) -> None:
    """Put this thread, and no other, into the namespace (setns(2))."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if libc.setns(descriptor, _NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)


class Forward:
    """A loopback port whose connections go to `address` in the namespace."""

    def __init__(self, namespace: Namespace, address: tuple[str, int]) -> None:
        self._namespace = namespace
        self._address = address
        self._writers: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self.port = 0

    async def open(self, *, datagrams: bool = False) -> None:
        """Listen; with `datagrams` on the same port for UDP.  Raises NetworkError."""
        for _ in range(_TRIES):
            self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
            self.port = self._server.sockets[0].getsockname()[1]
            if not datagrams or await self._listen_datagrams():
                return
            self._server.close()
        raise NetworkError("net.no-port", port=self.port, host=LOOPBACK, reason="UDP")

    async def _listen_datagrams(self) -> bool:
        loop = asyncio.get_running_loop()
        factory = partial(_Datagrams, self._namespace, self._address)
        try:
            self._datagrams, _ = await loop.create_datagram_endpoint(
                factory, local_addr=(LOOPBACK, self.port)
            )
        except OSError:
            return False
        return True

    def drop(self) -> None:
        """Cut all connections; go on listening."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        """Stop listening, cut all."""
        if self._server is not None:
            self._server.close()
        if self._datagrams is not None:
            self._datagrams.abort()
        self.drop()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            connected = await self._namespace.connect(self._address)
            there = await asyncio.open_connection(sock=connected)
        except OSError:
            # Refused or filtered: whoever came to loopback is cut off.
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(there[1])
        try:
            await asyncio.gather(_pour(reader, there[1]), _pour(there[0], writer))
        finally:
            for one in (there[1], writer):
                one.transport.abort()
                self._writers.discard(one)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until the one end says that it sends no more; then the other is told so."""
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
        return
    writer.transport.abort()


class _Datagrams(asyncio.DatagramProtocol):
    """Questions and their answers; a question without an answer is forgotten."""

    def __init__(self, namespace: Namespace, address: tuple[str, int]) -> None:
        self._namespace = namespace
        self._address = address
        self._asking: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's datagram transports are not all of that class.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, _: Exception | None) -> None:
        for task in self._asking:
            task.cancel()

    def datagram_received(self, data: bytes, came_from: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._ask(data, came_from))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, data: bytes, came_from: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        asking = self._namespace.make(socket.SOCK_DGRAM)
        with asking, suppress(OSError):
            await loop.sock_connect(asking, self._address)
            async with asyncio.timeout(_ANSWER):
                await loop.sock_sendall(asking, data)
                answer = await loop.sock_recv(asking, _CHUNK)
            self._transport.sendto(answer, came_from)
