"""The name server: UDP and TCP on one port, the answers from the world's names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from mailsim.errors import LabError
from mailsim.net.datagram_server import DatagramListener, serve_datagrams
from mailsim.net.serving import Listener, Peer, serve
from mailsim.servers.disturbance import Action, Answer, Delay, Drop, Truncate
from mailsim.servers.dns.responder import Responder
from mailsim.servers.world import World

IDLE: Final = 30.0  # seconds: BIND's tcp-idle-timeout
_ATTEMPTS: Final = 20
_LONGEST: Final = 65_535


class DnsListener:
    """The running name server.  Another `world` is answered from as soon as it is set."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._udp: DatagramListener | None = None
        self._tcp: Listener | None = None
        self._late: set[asyncio.TimerHandle] = set()

    @property
    def world(self) -> World:
        """Whose names are answered."""
        return self._world

    @world.setter
    def world(self, world: World) -> None:
        self._world = world
        self._responder = Responder(world.names)

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
        for handle in self._late:
            handle.cancel()
        self._late.clear()
        if self._udp:
            await self._udp.close()
        if self._tcp:
            await self._tcp.close()

    @property
    def _silent(self) -> bool:
        opened = self.world.config.open_ports
        return opened is not None and 53 not in opened

    def _datagram(self, query: bytes, send: Callable[[bytes], None]) -> None:
        if self._silent:
            return
        answer = self._responder.answer(query, tcp=False)
        if answer is None:
            return
        action = self._disturbed(query)
        if action is None:
            send(answer)
        elif isinstance(action, Delay):
            self._later(action.seconds, lambda: send(answer))
        elif not isinstance(action, Drop):
            send(self._changed(query, answer, action))

    def _later(self, seconds: float, work: Callable[[], None]) -> None:
        def now() -> None:
            self._late.discard(handle)
            work()

        handle = asyncio.get_running_loop().call_later(seconds, now)
        self._late.add(handle)

    def _disturbed(self, query: bytes) -> Action | None:
        if not self.world.disturbances.rules:
            return None
        name, rdtype = _asked(query)
        return self.world.disturbances.at("dns", rdtype, service="dns", address=name)

    def _changed(self, query: bytes, answer: bytes, action: Action) -> bytes:
        """The answer as the rule wants it; a truncated one says so (TC, RFC 1035 §4.1.1)."""
        if isinstance(action, Answer):
            return self._responder.refused(query, action.text)
        if isinstance(action, Truncate):
            return answer[:2] + bytes([answer[2] | 2]) + answer[3 : max(12, action.octets)]
        return answer

    async def _connection(self, peer: Peer) -> None:
        """Queries one after the other, each behind its length (RFC 1035 §4.2.2, RFC 7766 §6.2.1)."""
        held = bytearray()
        try:
            while data := await peer.read(timeout=IDLE):
                if self._silent:
                    continue
                held += data
                while len(held) >= 2 and len(held) >= 2 + (size := int.from_bytes(held[:2], "big")):
                    query = bytes(held[2 : 2 + size])
                    del held[: 2 + size]
                    if not await self._answer(peer, query):
                        return
                await peer.drain()
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
        elif action is not None:
            answer = self._changed(query, answer, action)
        peer.write(len(answer).to_bytes(2, "big") + answer)
        return True


def _asked(query: bytes) -> tuple[str, str]:
    """The name (without its final dot) and the type of the first question, for rules."""
    import dns.exception  # noqa: PLC0415 - late, as in zones.py
    import dns.message  # noqa: PLC0415
    import dns.rdatatype  # noqa: PLC0415

    try:
        question = dns.message.from_wire(query, ignore_trailing=True).question[0]
    except (dns.exception.DNSException, ValueError, IndexError):
        return "", ""
    return question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)


async def serve_dns(world: World, *, host: str = "127.0.0.1") -> DnsListener:
    """Start the name server on a port that the system chose.  Raises LabError."""
    listener = DnsListener(world)
    await listener.open(host)
    return listener
