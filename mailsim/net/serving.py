"""Listening and connecting on an asyncio loop: a task for each connection, loopback alone."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from functools import partial

from mailsim.errors import ConnectionRefused, ConnectionTimeout, NetworkError, TlsError, UsageError
from mailsim.net.peer import Address, Load, Peer

__all__ = ["Listener", "Peer", "connect", "listen", "serve"]

_WAITING = 1024  # connections that wait in the kernel until they are accepted

Handler = Callable[[Peer], Awaitable[None]]


class Listener:
    """A listening socket and the connections that came by it."""

    def __init__(
        self,
        handler: Handler,
        listening: socket.socket,
        limit: int,
        on_error: Callable[[Exception], None] | None,
    ) -> None:
        self.port: int = listening.getsockname()[1]
        self._handler = handler
        self._listening = listening
        self._limit = limit
        self._on_error = on_error
        self._loop = asyncio.get_running_loop()
        self._load = Load()
        # Peers in the order of their coming; the value is None once the handler has ended.
        self._peers: dict[Peer, asyncio.Task[None] | None] = {}
        self._one_less = asyncio.Event()
        self._accepting = self._loop.create_task(self._accept())

    def drop(self) -> None:
        """Cut all connections now; go on listening."""
        for peer, task in list(self._peers.items()):
            peer.abort()
            if task:
                task.cancel()

    async def close(self) -> None:
        """Stop listening and end all connections; their handlers are cancelled."""
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._listening.close()
        tasks = [task for task in self._peers.values() if task]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        while self._peers:
            self.drop()
            await self._fewer()

    async def _accept(self) -> None:
        while True:
            while len(self._peers) >= self._limit:
                await self._fewer()
            try:
                accepted, address = await self._loop.sock_accept(self._listening)
            except OSError:
                # It was gone before it was accepted, or the process has no more files to open.
                await asyncio.sleep(0.1)
                continue
            await self._begin(accepted, address[:2])

    async def _begin(self, accepted: socket.socket, address: Address) -> None:
        peer = Peer(address, self._load)
        peer.made, peer.lost = self._start, self._gone
        try:
            # asyncio sets it where the socket names its protocol: an accepted one does not.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(lambda: peer, accepted)
        except OSError:
            accepted.close()

    def _start(self, peer: Peer) -> None:
        task = self._loop.create_task(self._run(peer))
        self._peers[peer] = task
        task.add_done_callback(partial(self._ended, peer))

    async def _run(self, peer: Peer) -> None:
        await self._handler(peer)

    def _ended(self, peer: Peer, task: asyncio.Task[None]) -> None:
        """The handler is through: so is the connection."""
        self._peers[peer] = None
        peer.close()
        self._gone(peer)
        error = None if task.cancelled() else task.exception()
        # A failed handshake is the client's affair, and nobody's bug.
        if isinstance(error, Exception) and not isinstance(error, TlsError):
            self._report(error)

    def _gone(self, peer: Peer) -> None:
        """Forget the peer, if both its handler and its connection have ended."""
        if self._peers.get(peer) is None and peer.gone:
            self._peers.pop(peer, None)
            self._one_less.set()

    def _report(self, error: Exception) -> None:
        if self._on_error:
            self._on_error(error)
        else:
            context = {"message": "A connection's handler failed", "exception": error}
            self._loop.call_exception_handler(context)

    async def _fewer(self) -> None:
        """Wait until a connection has ended."""
        self._one_less.clear()
        await self._one_less.wait()


async def serve(
    handler: Handler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    limit: int = 500,
    on_error: Callable[[Exception], None] | None = None,
) -> Listener:
    """Listen on `host`, a loopback address, and run `handler` for each connection.

    Port 0 takes one that is free.  At `limit` open connections the next ones wait until one
    ends.  What a handler raises ends its connection and goes to `on_error`.  Raises
    UsageError for an address that others could reach, NetworkError when the port is taken.
    """
    reached = _loopback(host)
    family = socket.AF_INET6 if ":" in reached else socket.AF_INET
    try:
        listening = socket.create_server((reached, port), family=family, backlog=_WAITING)
    except OSError as error:
        raise _no_port(error, host, port) from None
    listening.setblocking(False)  # noqa: FBT003 # the socket's own signature
    return Listener(handler, listening, limit, on_error)


async def listen(
    factory: Callable[[], asyncio.BaseProtocol], *, host: str = "127.0.0.1", port: int = 0
) -> asyncio.Server:
    """Listen for a library that brings an asyncio protocol of its own, and so cannot be served
    by `serve`: `factory` makes one for each connection.  Raises as `serve` does."""
    reached = _loopback(host)
    try:
        return await asyncio.get_running_loop().create_server(factory, reached, port)
    except OSError as error:
        raise _no_port(error, host, port) from None


async def connect(host: str, port: int, *, timeout: float = 10.0) -> Peer:  # noqa: ASYNC109
    """A connection to `host`, a loopback address.  Raises UsageError and NetworkErrors."""
    where = {"server": host, "port": port}
    reached = _loopback(host)
    loop = asyncio.get_running_loop()
    peer = Peer((reached, port))
    try:
        await asyncio.wait_for(loop.create_connection(lambda: peer, reached, port), timeout)
    except ConnectionRefusedError:
        raise ConnectionRefused("net.refused", **where) from None
    except TimeoutError:
        raise ConnectionTimeout("net.connect-timeout", seconds=timeout, **where) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise NetworkError("net.unreachable", reason=reason, **where) from None
    return peer


def _no_port(error: OSError, host: str, port: int) -> NetworkError:
    reason = error.strerror or str(error)
    return NetworkError("net.no-port", port=port, host=host, reason=reason)


def _loopback(host: str) -> str:
    """The address of `host`: nothing leaves the lab, and nobody comes in."""
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise UsageError("net.not-loopback", host=host) from None
    if not address.is_loopback:
        raise UsageError("net.not-loopback", host=host)
    return str(address)
