"""Loopback ports that lead into a namespace: here into this process's own, which needs root."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mailsim.errors import LabError
from mailsim.net.forwarding import Forward, Namespace

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root enters a namespace"
)

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def here() -> Iterator[Namespace]:
    made = Namespace(Path("/proc/self/ns/net"))
    yield made
    made.close()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All that came, once no more comes: the end must be told through."""
    writer.write(await reader.read())
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def _served(here: Namespace, handle: Handle) -> tuple[asyncio.Server, Forward]:
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    forward = Forward(here, server.sockets[0].getsockname()[:2])
    await forward.open()
    return server, forward


def test_what_is_sent_comes_back_through_it_and_so_does_its_end(here: Namespace) -> None:
    async def run() -> bytes:
        server, forward = await _served(here, _echo)
        reader, writer = await asyncio.open_connection("127.0.0.1", forward.port)
        writer.write(b"x" * 300_000)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        await forward.close()
        server.close()
        await server.wait_closed()
        return answer

    assert asyncio.run(run()) == b"x" * 300_000


def test_a_refused_connection_is_cut(here: Namespace) -> None:
    async def run() -> bytes:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = taken.getsockname()
        forward = Forward(here, address)
        await forward.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", forward.port)
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()
            await forward.close()

    assert asyncio.run(run()) == b""


def test_drop_cuts_what_is_open_and_listens_on(here: Namespace) -> None:
    async def run() -> bytes:
        arrived = asyncio.Event()

        async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.set()
            await _echo(reader, writer)

        server, forward = await _served(here, note)
        reader, writer = await asyncio.open_connection("127.0.0.1", forward.port)
        writer.write(b"half")
        await writer.drain()
        await arrived.wait()
        forward.drop()
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        again, other = await asyncio.open_connection("127.0.0.1", forward.port)
        other.write(b"again")
        other.write_eof()
        answer = await again.read()
        other.close()
        await other.wait_closed()
        await forward.close()
        server.close()
        return answer

    assert asyncio.run(run()) == b"again"


def test_questions_by_datagram_are_answered_on_the_same_port(here: Namespace) -> None:
    class Upper(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.transport.sendto(data.upper(), addr)  # type: ignore[attr-defined]

    async def run() -> bytes:
        loop = asyncio.get_running_loop()
        server, _ = await loop.create_datagram_endpoint(Upper, local_addr=("127.0.0.1", 0))
        forward = Forward(here, server.get_extra_info("sockname"))
        await forward.open(datagrams=True)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)  # noqa: FBT003 - the socket's own signature
            await loop.sock_connect(asking, ("127.0.0.1", forward.port))
            await loop.sock_sendall(asking, b"minfo.sn")
            async with asyncio.timeout(10):
                answer = await loop.sock_recv(asking, 512)
        server.close()
        await forward.close()
        return answer

    assert asyncio.run(run()) == b"MINFO.SN"


def test_a_namespace_that_is_not_there_is_told() -> None:
    with pytest.raises(LabError, match="cannot be entered"):
        Namespace(Path("/proc/self/ns/none"))
