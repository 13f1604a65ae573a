"""An IMAP server for tests: a world, and ImapSession on a port of its own, in a thread."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.net.ca import LabCa
from mailsim.net.serving import Listener, Peer, serve
from mailsim.servers.imap import ImapSession
from mailsim.servers.world import World

T = TypeVar("T")

USER, PASSWORD = "user", "minfo"
PATIENCE = 20.0


class Imapd:
    """The server; `world` belongs to its loop: ask it by `call`."""

    def __init__(self, ca: LabCa | None = None) -> None:
        self._ca = ca
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._listeners: dict[str, Listener] = {}
        self.errors: list[Exception] = []
        self.world: World = new_world()

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(PATIENCE)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def call(self, work: Callable[[World], T]) -> T:
        async def run() -> T:
            return work(self.world)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(PATIENCE)

    def reset(self, world: World) -> None:
        """Serve another world; connections are cut."""
        asyncio.run_coroutine_threadsafe(self._move(world), self._loop).result(PATIENCE)

    def port(self, service: str = "imap") -> int:
        return self._listeners[service].port

    def connect(self, service: str = "imap") -> socket.socket:
        connected = socket.create_connection(("127.0.0.1", self.port(service)), PATIENCE)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def deliver(self, *messages: bytes, mailbox: str = "INBOX", user: str = USER) -> None:
        def put(world: World) -> None:
            for message in messages:
                world.store.deliver(user, mailbox, message, received=world.clock.now())

        self.call(put)

    async def _open(self) -> None:
        for service in ("imap", "imaps"):
            self._listeners[service] = await serve(
                self._handler(service), on_error=self.errors.append
            )

    def _handler(self, service: str) -> Callable[[Peer], Any]:
        async def handle(peer: Peer) -> None:
            await ImapSession(self.world, service, tls=self._context).run(peer)

        return handle

    def _context(self, kind: str) -> ssl.SSLContext | None:
        return self._ca.server_context(kind) if kind and self._ca else None

    async def _move(self, world: World) -> None:
        for listener in self._listeners.values():
            listener.drop()
        await asyncio.sleep(0)
        self.world.store.close()
        self.world = world

    async def _close(self) -> None:
        for listener in self._listeners.values():
            await listener.close()
        self.world.store.close()


def new_world(
    stage: Stage = Stage.SASL, release: Release = Release.NOBLE, **settings: Any
) -> World:
    made = World(network(), stage=stage, release=release, seed="imap", fixed=True)
    patience = {"smtpd_sasl_failure_delay": 0.0}
    made.config = replace(made.config, **(patience | settings))
    return made


@contextmanager
def served(ca: LabCa | None = None) -> Iterator[Imapd]:
    """A server, and at the end nothing may have gone wrong in it."""
    imapd = Imapd(ca)
    imapd.start()
    try:
        yield imapd
    finally:
        imapd.stop()
    assert imapd.errors == []
