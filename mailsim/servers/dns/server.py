"""The name server: UDP and TCP on one port, the answers from the world's names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from mailsim.errors import LabError
from mailsim.model.endpoint import PortState
from mailsim.model.service import SERVICES
from mailsim.model.stage import Release
from mailsim.net.datagram_server import DatagramListener, serve_datagrams
from mailsim.net.serving import Listener, Peer, serve
from mailsim.servers.disturbance import Action, Answer, Delay, Drop, Truncate
from mailsim.servers.dns.responder import Responder
from mailsim.servers.dns.wire import asked_of, truncated
from mailsim.servers.firewall import state
from mailsim.servers.world import World

IDLE: Final = 30.0  # seconds: BIND's tcp-idle-timeout
_ATTEMPTS: Final = 20
_ANNOUNCED: Final = 2  # octets of a message's length before it, by TCP
# BIND 9.18 gives its zones to anybody who asks; 9.20 to nobody, unless allow-transfer says so.
_TRANSFERS: Final = (Release.BOOKWORM, Release.NOBLE, Release.FULL)


class DnsListener:
    """The running name server.  Another `world` is answered from as soon as it is set."""

    def __init__(self, world: World) -> None:
        self._udp: DatagramListener | None = None
        self._tcp: Listener | None = None
        self._late: set[asyncio.TimerHandle] = set()
        self.world = world

    @property
    def world(self) -> World:
        """Whose names are answered."""
        return self._world

    @world.setter
    def world(self, world: World) -> None:
        self._world = world
        self._forget()
        self._responder = Responder(world.names, transfers=world.config.release in _TRANSFERS)

    @property
    def port(self) -> int:
        """The port of both."""
        assert self._tcp is not None  # noqa: S101 - there since serve_dns returned
        return self._tcp.port

    async def open(self, host: str) -> None:
        """Listen on a port that is free for both.  Raises LabError when none is found."""
        for _ in range(_ATTEMPTS):
            tcp = await serve(self._connection, host=host)
            try:
                self._udp = await serve_datagrams(self._datagram, port=tcp.port, host=host)
            except OSError:
                await tcp.close()
                continue
            self._tcp = tcp
            return
        raise LabError("servers.no-port", service="dns")

    async def close(self) -> None:
        """Stop listening; late answers are forgotten."""
        self._forget()
        if self._udp:
            await self._udp.close()
        if self._tcp:
            await self._tcp.close()

    def _forget(self) -> None:
        """No late answer comes, and TCP connections are cut: another world has no part in them."""
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        if self._tcp:
            self._tcp.drop()

    @property
    def _silent(self) -> bool:
        return state(self.world.config, SERVICES["dns"].port, udp=True) is PortState.FILTERED

    def _datagram(self, query: bytes, send: Callable[[bytes], None]) -> None:
        if self._silent:
            return
        answer = self._responder.answer(query, tcp=False)
        if answer is None:
            return
        action = self._disturbed(query)
        if isinstance(action, Answer):
            send(self._responder.failure(query, action.text))
        elif isinstance(action, Truncate):
            send(truncated(answer, action.octets))
        elif isinstance(action, Delay):
            self._later(action.seconds, lambda: send(answer))
        elif action is None:
            send(answer)

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        def now() -> None:
            self._late.discard(handle)
            work()

        handle = asyncio.get_running_loop().call_later(seconds, now)
        self._late.add(handle)

    def _disturbed(self, query: bytes) -> Action | None:
        if not self.world.disturbances.rules:
            return None
        name, rdtype = asked_of(query)
        return self.world.disturbances.at("dns", rdtype, service="dns", address=name)

    async def _connection(self, peer: Peer) -> None:
        """Queries one after the other, each behind its length (RFC 1035 §4.2.2).  A client has
        so many seconds for each, however it cuts it."""
        held = bytearray()
        loop = asyncio.get_running_loop()
        until = loop.time() + IDLE
        try:
            while data := await peer.read(timeout=max(0.0, until - loop.time())):
                if self._silent:
                    continue
                held += data
                while (query := _first(held)) is not None:
                    if not await self._answer(peer, query):
                        return
                    await peer.drain()
                    until = loop.time() + IDLE
        except TimeoutError:
            return

    async def _answer(self, peer: Peer, query: bytes) -> bool:
        """Answer one query; whether the connection goes on."""
        answer = self._responder.answer(query, tcp=True)
        if answer is None:
            return False
        action = self._disturbed(query)
        if isinstance(action, Drop):
            return False
        if isinstance(action, Delay):
            await asyncio.sleep(action.seconds)
        elif isinstance(action, Answer):
            answer = self._responder.failure(query, action.text)
        framed = len(answer).to_bytes(_ANNOUNCED, "big") + answer
        if isinstance(action, Truncate):
            peer.write(framed[: _ANNOUNCED + action.octets])
            return False
        peer.write(framed)
        return True


def _first(held: bytearray) -> bytes | None:
    """Take the first message from what has come; None where it is not all there."""
    end = _ANNOUNCED + int.from_bytes(held[:_ANNOUNCED], "big")
    if len(held) < end:
        return None
    message = bytes(held[_ANNOUNCED:end])
    del held[:end]
    return message


async def serve_dns(world: World, *, host: str = "127.0.0.1") -> DnsListener:
    """Start the name server on a port that the system chose.  Raises LabError."""
    listener = DnsListener(world)
    await listener.open(host)
    return listener
