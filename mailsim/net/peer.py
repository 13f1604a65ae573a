"""One connection on an asyncio loop: bytes both ways, TLS on it when asked for."""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from typing import cast

from mailsim.errors import TlsError
from mailsim.net.tls import TlsInfo, TlsLayer

Address = tuple[str, int]

_CHUNK = 65_536  # octets received at a time
_UNREAD = 256 * 1024  # octets that one connection may hold unread before its peer must wait
_UNREAD_BY_ALL = 16 * 1024 * 1024  # from here on each connection may hold but one chunk
_HANDSHAKE = 60.0  # seconds that a TLS handshake may last
_QUICK_ACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux alone has it

STALLED = 60.0
"""Seconds in which a peer must take something of what it is sent; then it is cut off."""


class Load:
    """What several connections hold unread, in octets."""

    def __init__(self) -> None:
        self.unread = 0


class _Scratch(threading.local):
    """Where a thread's loop receives; what came is copied out before the next can come."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(_CHUNK))


_SCRATCH = _Scratch()


class Peer(asyncio.BufferedProtocol):
    """The other end of one connection.

    Nothing here fails when the connection is gone: `read` says b"", what is written is lost.
    One task reads at a time; a read that is cancelled loses nothing.
    """

    def __init__(self, address: Address, load: Load | None = None) -> None:
        self.address = address
        self.tls: TlsInfo | None = None
        self.gone = False
        self.made: Callable[[Peer], None] | None = None
        self.lost: Callable[[Peer], None] | None = None
        self._load = load or Load()
        self._layer: TlsLayer | None = None
        self._chunks: deque[bytes] = deque()
        self._unread = 0
        self._ended = False  # no more comes
        self._held = False  # reading is paused
        self._silent = False  # something came, and nothing was sent since
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._writable = asyncio.Event()
        self._writable.set()

    # what servers and clients call

    @property
    def closing(self) -> bool:
        """Whether the connection is closed, or will be when all is sent."""
        return self._transport.is_closing()

    async def read(self, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 # as sockets name it
        """What has come, at least one octet; b"" when the peer has closed or is gone.

        What was written goes first: a peer that does not read is not heard either, or
        its answers would pile up.  Raises TimeoutError after `timeout` seconds.
        """
        if not self._writable.is_set():
            await self._writable.wait()
        if self._layer is None:
            if not self._chunks:
                await self._arrival(timeout)
            return self.take()
        try:
            return await self._decrypt(self._layer, timeout)
        except TlsError:
            self._send(self._layer.to_send())
            self.abort()
            return b""

    def take(self) -> bytes:
        """What has come and was not read yet, as it travelled: it does not wait.

        Before the answer to STARTTLS is written, this is what was injected behind it
        (RFC 3207 §4.2).
        """
        data = b"".join(self._chunks) if len(self._chunks) != 1 else self._chunks[0]
        self._chunks.clear()
        self._taken(len(data))
        return data

    def write(self, data: bytes) -> None:
        """Send `data`, now or when the peer takes it."""
        if self._layer is None:
            self._send(data)
            return
        try:
            self._layer.write(data)
        except ssl.SSLError:  # TLS broke: nothing can be said any more
            self.abort()
            return
        self._send(self._layer.to_send())

    async def drain(self) -> None:
        """Wait until the peer has taken most of what was written, or is gone."""
        await self._writable.wait()

    async def start_tls(
        self,
        context: ssl.SSLContext,
        server_name: str = "",
        *,
        timeout: float = _HANDSHAKE,  # noqa: ASYNC109
    ) -> TlsInfo:
        """The TLS handshake: as the client when `server_name` says who must answer, else as
        the server.  Raises TlsError, and then the connection is closed.
        """
        name = server_name or self.address[0]
        layer = TlsLayer(context, name, server_side=not server_name)
        try:
            async with asyncio.timeout(timeout):
                await self._shake_hands(layer, name)
        except TimeoutError:
            self.abort()
            raise TlsError("net.tls-silence", server=name, seconds=timeout) from None
        except TlsError:
            self._send(layer.to_send())  # the alert that says why
            self.close()
            raise
        self._layer = layer
        self.tls = layer.info()
        return self.tls

    def close(self) -> None:
        """Close when all is sent; with TLS's close_notify where there is TLS."""
        if self.closing:
            return
        if self._layer is not None:
            self._layer.close()
            self._send(self._layer.to_send())
        self._transport.close()
        if self._stall is None:
            self._watch()

    def abort(self) -> None:
        """Cut the connection: what is not sent is lost."""
        self._transport.abort()

    # receiving

    async def _arrival(self, seconds: float | None) -> None:
        """Wait until something comes, or the end."""
        if self._ended:
            return
        if self._silent and _QUICK_ACK is not None:
            # A client with Nagle's algorithm holds the rest of its command back until the
            # first part is acknowledged, which the kernel would put off by 40 ms.
            self._silent = False
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
        self._waiter = self._loop.create_future()
        try:
            if seconds is not None:
                self._limit(seconds)
            await self._waiter
        finally:
            self._waiter = None
            self._deadline = math.inf

    async def _decrypt(self, layer: TlsLayer, seconds: float | None) -> bytes:
        while (data := layer.read(_CHUNK)) is None:
            self._send(layer.to_send())
            layer.received(await self._next(seconds))
        self._send(layer.to_send())
        return data

    async def _next(self, seconds: float | None) -> bytes:
        """One chunk as it travelled, so that what waits behind it stays counted; b"" at the end."""
        if not self._chunks:
            await self._arrival(seconds)
        if not self._chunks:
            return b""
        data = self._chunks.popleft()
        self._taken(len(data))
        return data

    async def _shake_hands(self, layer: TlsLayer, name: str) -> None:
        while not layer.handshake():
            self._send(layer.to_send())
            data = await self._next(None)
            if not data:
                raise TlsError("net.tls-closed" if layer.client else "net.tls-left", server=name)
            layer.received(data)
        self._send(layer.to_send())

    def _taken(self, octets: int) -> None:
        self._unread -= octets
        self._load.unread -= octets
        if self._held and self._unread <= _CHUNK:
            self._held = False
            self._transport.resume_reading()

    def _limit(self, seconds: float) -> None:
        """Wake the reader after `seconds`.

        The timer of an earlier read is kept when it rings soon enough, and then set anew:
        a timer for each read would cost more than the read.
        """
        self._deadline = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done() or self._deadline == math.inf:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._ring)
        else:
            self._waiter.set_exception(TimeoutError())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # sending

    def _send(self, data: bytes) -> None:
        if data and not self._transport.is_closing():
            self._silent = False
            self._transport.write(data)

    def _watch(self) -> None:
        """See to it that the peer takes what it is sent."""
        self._unsent = self._transport.get_write_buffer_size()
        if self._unsent:
            self._stall = self._loop.call_later(STALLED, self._check)

    def _check(self) -> None:
        self._stall = None
        before = self._unsent
        if self._transport.get_write_buffer_size() >= before:
            self.abort()
        else:
            self._watch()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = cast("asyncio.Transport", transport)
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._scratch = _SCRATCH.view
        if self.made:
            self.made(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        del sizehint
        return self._scratch

    def buffer_updated(self, nbytes: int) -> None:
        self._chunks.append(bytes(self._scratch[:nbytes]))
        self._unread += nbytes
        self._load.unread += nbytes
        self._silent = True
        if self._unread > _UNREAD or self._load.unread > _UNREAD_BY_ALL:
            self._held = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return True  # the peer may still listen (half-closed)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._ended = self.gone = True
        for timer in (self._timer, self._stall):
            if timer is not None:
                timer.cancel()
        self._wake()
        self._writable.set()
        if self.lost:
            self.lost(self)

    def pause_writing(self) -> None:
        self._writable.clear()
        self._watch()

    def resume_writing(self) -> None:
        self._writable.set()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        if self.closing:
            self._watch()
