"""The foreign domains' mail servers, ugb.sn and miage.sn: aiosmtpd on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsim.errors import LabError
from mailsim.net.serving import connect, listen
from mailsim.servers.queue.talk import Talk
from mailsim.wire.content import crlf
from mailsim.wire.smtp import Content, Data, Ehlo, Mail, Path, Quit, Rcpt, Reply, Xclient

if TYPE_CHECKING:
    import asyncio

    from mailsim.servers.peer_session import PeerSession
    from mailsim.servers.world import World

_LOOPBACK = "127.0.0.1"


async def serve_peers(world: World) -> Peers:
    """Start the MTAs of all foreign domains; `world.routes` says where they are reached."""
    peers = Peers(world)
    for domain in world.network.peers:
        await peers.start(domain)
    return peers


class Peers:
    """Foreign MTAs.  Each takes mail for its own users alone and keeps it in the world's store
    under the full address; what it did is in the log as `ugb.sn/aiosmtpd`.

    `server` is where minfo.sn's port 25 is reached: None until somebody says so, then the
    peers can send.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.server: tuple[str, int] | None = None
        self._servers: dict[str, asyncio.Server] = {}
        self._routes: dict[str, tuple[str, int]] = {}
        self._ports: dict[str, int] = {}
        self._open: dict[PeerSession, None] = {}
        self._pids: dict[str, int] = {}

    async def start(self, domain: str) -> None:
        """Let the domain's MTA listen; nothing happens if it does."""
        if domain in self._servers:
            return
        self._known(domain)
        server = await listen(
            lambda: self._session(domain), host=_LOOPBACK, port=self._ports.get(domain, 0)
        )
        port = self._ports[domain] = server.sockets[0].getsockname()[1]
        self._servers[domain] = server
        self._routes[self.address(domain)] = (_LOOPBACK, port)
        self.world.routes[self.address(domain)] = (_LOOPBACK, port)

    async def stop(self, domain: str) -> None:
        """Let it listen no more: connections to it are refused, until `start`."""
        self._known(domain)
        server = self._servers.pop(domain, None)
        if server:
            server.close()
            self._routes.pop(self.address(domain), None)
            self.world.routes.pop(self.address(domain), None)

    @property
    def running(self) -> tuple[str, ...]:
        """The domains whose MTA listens."""
        return tuple(self._servers)

    def address(self, domain: str) -> str:
        """The address of the domain's MTA in the lab's network."""
        network = self.world.network
        return network.host(network.peers[domain]).address

    def move(self, world: World) -> None:
        """Serve another world from here on: the lab was reset."""
        self.world = world
        self._pids.clear()
        world.routes.update(self._routes)

    async def close(self) -> None:
        """Stop them all and cut their connections."""
        for domain in tuple(self._servers):
            await self.stop(domain)
        for session in tuple(self._open):
            session.cut()

    async def send(
        self, sender: str, *recipients: str, content: bytes | str, domain: str = ""
    ) -> list[Reply]:
        """Send a message to minfo.sn from the MTA of the sender's domain; the replies to
        MAIL, each RCPT and the content.  Raises LabError and NetworkErrors."""
        origin = domain or sender.rpartition("@")[2]
        self._known(origin)
        if self.server is None:
            raise LabError("peers.no-server")
        talk = Talk(await connect(*self.server))
        try:
            await self._introduce(talk, self.world.network.peers[origin], self.address(origin))
            return await self._transaction(talk, sender, recipients, crlf(content))
        finally:
            talk.peer.close()

    async def _introduce(self, talk: Talk, name: str, address: str) -> None:
        """Be that host, by XCLIENT, as far as the server is concerned."""
        await talk.hear()
        await talk.ask(Ehlo(name))
        await talk.ask(Xclient((("NAME", name), ("ADDR", address))))
        await talk.ask(Ehlo(name))

    async def _transaction(
        self, talk: Talk, sender: str, recipients: tuple[str, ...], content: bytes
    ) -> list[Reply]:
        replies = await talk.ask(Mail(Path(sender)))
        if replies[0].outcome.ok:
            for one in recipients:
                replies += await talk.ask(Rcpt(Path(one)))
        if any(reply.outcome.ok for reply in replies[1:]):
            (go,) = await talk.ask(Data())
            replies += await talk.ask(Content(content)) if go.code == 354 else [go]
        if not talk.core.closed:
            await talk.ask(Quit())
        return replies

    def _known(self, domain: str) -> None:
        if domain not in self.world.network.peers:
            known = ", ".join(self.world.network.peers)
            raise LabError("peers.unknown", domain=domain, known=known)

    def _session(self, domain: str) -> PeerSession:
        """The protocol of one connection.  aiosmtpd is imported when the first one comes: that
        takes a tenth of a second, which a start has no use for."""
        from mailsim.servers.peer_session import PeerSession  # noqa: PLC0415

        session = PeerSession(self, domain, lambda gone: self._open.pop(gone, None))
        self._open[session] = None
        return session

    def log(self, domain: str, text: str) -> None:
        """A line of the domain's MTA."""
        if domain not in self._pids:
            self._pids[domain] = self.world.ids.pid()
        host = self.world.network.peers[domain].replace(".", "-").removesuffix("-sn")
        self.world.log.write(f"{domain}/aiosmtpd", self._pids[domain], text, host=host)
