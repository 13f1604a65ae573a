"""The simulator as one thing to start: a thread, its loop, the servers in it, and the world."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar, overload

from mailsim.errors import LabError
from mailsim.model.endpoint import PortState
from mailsim.model.endpoint import Protocol as Spoken
from mailsim.model.network import Network
from mailsim.model.service import SERVICES
from mailsim.model.stage import Release, Stage
from mailsim.net.ca import LabCa
from mailsim.net.serving import Listener, Peer, serve
from mailsim.servers.dns.server import DnsListener, serve_dns
from mailsim.servers.firewall import state
from mailsim.servers.peers import Peers, serve_peers
from mailsim.servers.store import Store
from mailsim.servers.world import World

T = TypeVar("T")


class Session(Protocol):
    """What speaks a protocol on a connection."""

    def __init__(
        self, world: World, service: str, *, tls: Callable[[str], ssl.SSLContext | None]
    ) -> None: ...

    async def run(self, peer: Peer) -> None:
        """Serve the connection to its end."""


# Loaded when somebody comes: a lab is up in half the time.
def _smtp() -> type[Session]:
    from mailsim.servers.smtp import SmtpSession  # noqa: PLC0415

    return SmtpSession


def _pop3() -> type[Session]:
    from mailsim.servers.pop3 import Pop3Session  # noqa: PLC0415

    return Pop3Session


def _imap() -> type[Session]:
    from mailsim.servers.imap import ImapSession  # noqa: PLC0415

    return ImapSession


def _managesieve() -> type[Session]:
    from mailsim.servers.managesieve import ManageSieveSession  # noqa: PLC0415

    return ManageSieveSession


_SESSIONS: Mapping[Spoken, Callable[[], type[Session]]] = {
    Spoken.SMTP: _smtp,
    Spoken.POP3: _pop3,
    Spoken.IMAP: _imap,
    Spoken.MANAGESIEVE: _managesieve,
}
_LISTENING = tuple(name for name, one in SERVICES.items() if one.protocol in _SESSIONS)
SERVED = tuple(name for name in SERVICES if name in _LISTENING or name == "dns")
"""The services that there is a server for, in the order in which they are shown."""
LOOPBACK = "127.0.0.1"
PATIENCE = 10.0  # seconds that a thread has to start or to end


class Embedded:
    """The embedded lab's servers.  Start it, ask it by `call`, stop it, from any thread.

    `endpoints` says where each service is reached: name → (host, port).  `seed`, `fixed` and
    `folder` are the World's.
    """

    def __init__(
        self,
        network: Network,
        *,
        stage: Stage,
        release: Release,
        seed: str,
        fixed: bool,
        ca: LabCa,
        folder: Path | None = None,
    ) -> None:
        self.network = network
        self.release = release
        self.seed = seed
        self.fixed = fixed
        self.folder = folder
        self.ca = ca
        self.world: World = self._new_world(stage)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mailsim", daemon=True)
        self._listeners: dict[str, Listener] = {}
        self._dns: DnsListener | None = None
        self._peers: Peers | None = None
        self._turn = asyncio.Lock()
        """Held by who resets or closes: one after the other."""
        self._closed = False

    # from any thread

    def start(self) -> None:
        """Start thread and servers; all listen when this returns.  Raises LabError."""
        self._thread.start()
        try:
            self.call(self._open)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all connections, servers and the thread; what a folder keeps is whole."""
        if not self._thread.is_alive():
            return
        try:
            self.call(self._close)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)

    @overload
    def call(
        self, work: Callable[[World], Coroutine[Any, Any, T]], timeout: float | None = None
    ) -> T: ...

    @overload
    def call(self, work: Callable[[World], T], timeout: float | None = None) -> T: ...

    def call(self, work: Callable[[World], Any], timeout: float | None = None) -> Any:
        """What `work(world)` gives, run on the simulator's loop.

        Raises what it raises, TimeoutError after `timeout` seconds, LabError when the lab
        has stopped.
        """
        if not self._thread.is_alive():
            raise LabError("lab.stopped")

        async def run() -> Any:
            result = work(self.world)
            return await result if inspect.isawaitable(result) else result

        asked = run()
        try:
            future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        except RuntimeError:  # the loop has just closed
            asked.close()
            raise LabError("lab.stopped") from None
        try:
            return future.result(timeout)
        except CancelledError:
            raise LabError("lab.stopped") from None

    @property
    def endpoints(self) -> dict[str, tuple[str, int]]:
        """Where each service that this stage has is reached."""
        reached = {name: (LOOPBACK, one.port) for name, one in self._listeners.items()}
        if self._dns:
            reached["dns"] = (LOOPBACK, self._dns.port)
        offered = self.world.config.services
        return {name: reached[name] for name in SERVED if name in offered and name in reached}

    # on the loop

    async def reset(self, stage: Stage | None = None) -> None:
        """The pristine stage again: a new world on the same ports; connections are cut.

        Raises LabError where the store cannot be emptied: then the old world goes on.
        """
        async with self._turn:
            if self._closed:
                raise LabError("lab.stopped")
            await self._empty()
            self._cut()  # who came meanwhile speaks with the old world
            self._enter(self._new_world(stage or self.world.config.stage, self.world.store))
            for domain in self.network.peers if self._peers else ():
                await self.peer(domain, up=True)

    async def peer(self, domain: str, *, up: bool) -> list[str]:
        """Let a foreign domain's server run, or stop it; those that run.  Raises LabError."""
        if self._peers is None:
            raise LabError("lab.stopped")
        await (self._peers.start(domain) if up else self._peers.stop(domain))
        return sorted(self._peers.running)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._give_up())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _give_up(self) -> None:
        """Nobody waits any longer: who still asks something in another thread is told so."""
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _new_world(self, stage: Stage, store: Store | None = None) -> World:
        return World(
            self.network,
            stage=stage,
            release=self.release,
            seed=self.seed,
            fixed=self.fixed,
            folder=self.folder,
            store=store,
        )

    async def _open(self, world: World) -> None:
        self._dns = await serve_dns(world, host=LOOPBACK)
        self._peers = await serve_peers(world)
        for service in _LISTENING:
            self._listeners[service] = await serve(
                self._handler(service), host=LOOPBACK, limit=world.config.default_process_limit
            )
        self._peers.server = (LOOPBACK, self._listeners["smtp"].port)
        world.queue.start()

    def _handler(self, service: str) -> Callable[[Peer], Awaitable[None]]:
        session = _SESSIONS[SERVICES[service].protocol]
        smtp = SERVICES[service].protocol is Spoken.SMTP
        context = partial(self._context, "SMTP Server" if smtp else "IMAP Server")

        async def handle(peer: Peer) -> None:
            if await self._refused(service, peer):
                return
            await self.world.queue.calm()
            await session()(self.world, service, tls=context).run(peer)

        return handle

    async def _refused(self, service: str, peer: Peer) -> bool:
        """Whether its port is closed (the connection is cut) or filtered (silence)."""
        met = state(self.world.config, SERVICES[service].port)
        if met is PortState.CLOSED:
            peer.abort()
        while met is PortState.FILTERED and await peer.read():
            pass
        return met is not PortState.OPEN

    def _context(self, unit: str, kind: str) -> ssl.SSLContext | None:
        return self.ca.server_context(kind, unit) if kind else None

    async def _empty(self) -> None:
        """Throw away all mail.  Raises LabError; then it is there as before, and delivered."""
        queue, store = self.world.queue, self.world.store
        self._cut()
        await queue.close()
        try:
            store.clear()
        except sqlite3.Error as error:  # a full disk
            queue.start()
            raise LabError("lab.not-reset", folder=self.folder or "-", reason=str(error)) from None

    def _cut(self) -> None:
        for listener in self._listeners.values():
            listener.drop()

    def _enter(self, world: World) -> None:
        """All servers serve this world from here on."""
        self.world = world
        if self._dns:
            self._dns.world = world
        if self._peers:
            self._peers.move(world)
        world.queue.start()

    async def _close(self, _: World) -> None:
        async with self._turn:
            if self._closed:
                return
            self._closed = True
            for listener in self._listeners.values():
                await listener.close()
            if self._peers:
                await self._peers.close()
            if self._dns:
                await self._dns.close()
            await self.world.queue.close()
            self.world.store.close()
