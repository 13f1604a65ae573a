"""Datagrams on an asyncio loop, for the simulator's name server: loopback alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

Answerer = Callable[[bytes, Callable[[bytes], None]], None]
"""Called with each datagram and with what sends an answer to whom it came from."""


class DatagramListener(asyncio.DatagramProtocol):
    """A UDP socket; `answerer` is called on the loop for each datagram."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer
        self._transport: asyncio.DatagramTransport | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def port(self) -> int:
        """The port it is bound to."""
        assert self._transport is not None  # noqa: S101 - there since serve_datagrams returned
        return int(self._transport.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """One datagram came."""

        def send(answer: bytes) -> None:
            if self._transport is not None and not self._transport.is_closing():
                self._transport.sendto(answer, addr)

        self._answerer(data, send)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        del exc
        if not self._gone.done():
            self._gone.set_result(None)

    async def close(self) -> None:
        """Close the socket; it is closed when this returns."""
        if self._transport is not None:
            self._transport.close()
            await self._gone


async def serve_datagrams(
    answerer: Answerer, *, port: int, host: str = "127.0.0.1"
) -> DatagramListener:
    """Listen on `port` of loopback.  Raises OSError where it is taken."""
    loop = asyncio.get_running_loop()
    _, listener = await loop.create_datagram_endpoint(
        lambda: DatagramListener(answerer), local_addr=(host, port)
    )
    return listener
