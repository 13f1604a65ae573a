"""The foreign domains' mail servers, ugb.sn and miage.sn: aiosmtpd on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mailsim.errors import LabError
from mailsim.net.serving import connect
from mailsim.servers.queue.fields import header_of
from mailsim.servers.queue.fields import message_id as message_id_of
from mailsim.servers.queue.talk import Talk
from mailsim.wire.content import crlf
from mailsim.wire.smtp import Content, Data, Ehlo, Mail, Path, Quit, Rcpt, Reply, Xclient

if TYPE_CHECKING:
    from mailsim.servers.world import World

_LOOPBACK = "127.0.0.1"
_SIZE = 10_240_000


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
        self._open: dict[Any, None] = {}
        self._pids: dict[str, int] = {}

    async def start(self, domain: str) -> None:
        """Let the domain's MTA listen; nothing happens if it does."""
        if domain in self._servers:
            return
        self._known(domain)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: self._session(domain), _LOOPBACK, self._ports.get(domain, 0)
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
            if session.transport:
                session.transport.abort()

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

    def _session(self, domain: str) -> Any:
        """The protocol of one connection.  aiosmtpd is imported when the first one comes: that
        takes a tenth of a second, which a start has no use for."""
        from aiosmtpd.smtp import SMTP  # noqa: PLC0415

        session = SMTP(
            _Handler(self, domain),
            hostname=self.world.network.peers[domain],
            ident="ESMTP aiosmtpd",
            data_size_limit=_SIZE,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )
        _on_end(session, lambda: self._open.pop(session, None))
        self._open[session] = None
        return session

    def log(self, domain: str, text: str) -> None:
        """A line of the domain's MTA."""
        if domain not in self._pids:
            self._pids[domain] = self.world.ids.pid()
        host = self.world.network.peers[domain].replace(".", "-").removesuffix("-sn")
        self.world.log.write(f"{domain}/aiosmtpd", self._pids[domain], text, host=host)


def _on_end(session: Any, done: Callable[[], object]) -> None:
    """Call `done` when the connection is lost."""
    before = session.connection_lost

    def lost(error: Exception | None) -> None:
        done()
        before(error)

    session.connection_lost = lost


class _Handler:
    """What aiosmtpd asks at RCPT and at the content's end.  The names are aiosmtpd's."""

    def __init__(self, peers: Peers, domain: str) -> None:
        self._peers = peers
        self._domain = domain

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, rcpt_options: list[str]
    ) -> str:
        """Only the domain's own users (RFC 5321 §3.6.2 lets a server decline to relay)."""
        del server, session
        local, _, domain = address.rpartition("@")
        if domain.lower() != self._domain:
            return f"554 5.7.1 <{address}>: Relay access denied"
        if not self._user(local):
            return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Into the mailboxes, in one step."""
        del server
        world = self._peers.world
        queue_id = world.ids.queue_id(self._domain)
        content = crlf(bytes(envelope.content))
        message_id = message_id_of(header_of(content))
        client = self._client(session.host_name or "")
        self._log(f"{queue_id}: client={client}")
        self._log(f"{queue_id}: message-id={message_id or '<>'}")
        with world.store.step():
            number = world.store.keep(content)
            for address in envelope.rcpt_tos:
                self._save(queue_id, client, envelope.mail_from or "", address, number, message_id)
        self._log(f"{queue_id}: removed")
        return f"250 2.0.0 Ok: queued as {queue_id}"

    def _save(
        self, queue_id: str, client: str, sender: str, address: str, number: int, message_id: str
    ) -> None:
        world, domain = self._peers.world, self._domain
        host, date = world.network.peers[domain], world.clock.header()
        name = client.partition("[")[0]
        head = (
            f"Return-Path: <{sender}>\r\nDelivered-To: {address}\r\n"
            f"Received: from {name} ({client.replace('[', ' [')})\r\n"
            f"\tby {host} (aiosmtpd) with ESMTP id {queue_id}\r\n\tfor <{address}>; {date}\r\n"
        )
        world.store.deliver(
            f"{self._user(address.rpartition('@')[0])}@{domain}",
            "INBOX",
            number,
            head=head.encode("utf-8", "surrogateescape"),
            message_id=message_id,
            received=world.clock.now(),
        )
        self._log(
            f"{queue_id}: to=<{address}>, relay=virtual, delay=0, delays=0/0/0/0, dsn=2.0.0, "
            "status=sent (delivered to mailbox)"
        )

    def _client(self, helo: str) -> str:
        """All come from loopback: who it is, is what EHLO says."""
        hosts = {host.name: host.address for host in self._peers.world.network.hosts}
        return f"{helo}[{hosts.get(helo, _LOOPBACK)}]"

    def _user(self, local: str) -> str:
        """The mailbox's user; postmaster is the first one (RFC 5321 §4.5.1)."""
        users = self._peers.world.network.users(self._domain)
        name = local.lower()
        return users[0] if name == "postmaster" and users else name if name in users else ""

    def _log(self, text: str) -> None:
        self._peers.log(self._domain, text)
