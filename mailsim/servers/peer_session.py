"""One connection to a foreign domain's MTA: aiosmtpd's session, which disturbances reach too.

Imported when the first connection comes: aiosmtpd takes a tenth of a second.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from aiosmtpd.smtp import SMTP

from mailsim.servers import replies
from mailsim.servers.disturbance import PEER, Answer, Delay, Drop, Truncate
from mailsim.servers.queue.fields import header_of
from mailsim.servers.queue.fields import message_id as message_id_of
from mailsim.wire.content import crlf
from mailsim.wire.smtp.path import split_path

if TYPE_CHECKING:
    from mailsim.servers.peers import Peers

_SIZE: Final = 10_240_000
_CLOSING: Final = "421"
_Method = Callable[[Any, Any], Awaitable[None]]


class PeerSession(SMTP):
    """aiosmtpd, but for the greeting, commands and content that a disturbance answers, delays
    or cuts.  `done` is called when the connection is lost.
    """

    def __init__(self, peers: Peers, domain: str, done: Callable[[PeerSession], object]) -> None:
        super().__init__(
            _Handler(peers, domain),
            hostname=peers.world.network.peers[domain],
            ident="ESMTP aiosmtpd",
            data_size_limit=_SIZE,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )
        self._peers = peers
        self._done = done
        self._greeted = False
        self._left: int | None = None  # octets that a truncated answer may still have

    def connection_lost(self, error: Exception | None) -> None:
        self._done(self)
        super().connection_lost(error)

    def cut(self) -> None:
        """Cut the connection: what is not sent is lost."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def push(self, status: str | bytes) -> None:
        """Send a line of an answer.  The connection's first one is the greeting."""
        if not self._greeted:
            self._greeted = True
            status = await self.instead("GREETING") or status
        raw = status.encode() if isinstance(status, str) else status
        if self._left is None:
            await super().push(raw)
        else:
            await self._push_part(raw + b"\r\n")
        if raw[:4].decode("latin-1") == f"{_CLOSING} ":  # RFC 5321 §3.8
            self._hang_up()

    async def instead(self, command: str, address: str = "") -> str:
        """What a disturbance answers in place of the command, or ""; delays pass here."""
        world = self._peers.world
        # All come from loopback; in the lab's network it is minfo.sn's server that relays.
        client = world.network.server.address
        action = world.disturbances.at(
            "smtp", command, service=PEER, address=address, client=client
        )
        if isinstance(action, Answer):
            return action.text
        if isinstance(action, Delay):
            await asyncio.sleep(action.seconds)
        elif isinstance(action, Truncate):
            self._left = action.octets
        elif isinstance(action, Drop):
            self.cut()
            raise asyncio.CancelledError
        return ""

    async def _push_part(self, raw: bytes) -> None:
        left = self._left or 0
        self._writer.write(raw[:left])
        await self._writer.drain()
        self._left = left - len(raw)
        if self._left <= 0 or raw[3:4] == b" ":  # that was the answer's last line
            self._hang_up()

    def _hang_up(self) -> None:
        """Close when all is sent, and end aiosmtpd's task as its QUIT does."""
        if self.transport:
            self.transport.close()
        raise asyncio.CancelledError


def _disturbed(verb: str, method: _Method) -> _Method:
    """The method of a command, behind what disturbs it."""

    @wraps(method)  # HELP reads the method's syntax
    async def command(session: PeerSession, argument: str | None) -> None:
        if said := await session.instead(verb, _address(argument or "")):
            await session.push(said)
        else:
            await method(session, argument)

    return command


def _address(argument: str) -> str:
    """The path of MAIL and RCPT, for disturbances by address."""
    found = split_path(argument.partition(":")[2].lstrip())
    return found[1] if found else ""


for _name in tuple(vars(SMTP)):
    if _name.startswith("smtp_"):
        setattr(PeerSession, _name, _disturbed(_name[5:], getattr(SMTP, _name)))


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
            return str(replies.RELAY_DENIED(name=address))
        if not self._user(local):
            return str(replies.UNKNOWN_VIRTUAL_USER(name=address))
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(rcpt_options)
        return str(replies.RCPT_OK())

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Into the mailboxes, in one step."""
        if said := await server.instead("."):
            return str(said)
        world = self._peers.world
        queue_id = world.ids.queue_id(self._domain)
        content = crlf(bytes(envelope.content))
        message_id = message_id_of(header_of(content))
        client = self._client(session.host_name or "")
        self._log(f"{queue_id}: client={client}")
        self._log(f"{queue_id}: message-id={message_id or '<>'}")
        try:
            with world.store.step():
                number = world.store.keep(content)
                for address in envelope.rcpt_tos:
                    sender = envelope.mail_from or ""
                    self._save(queue_id, client, sender, address, number, message_id)
        except sqlite3.Error as error:  # a full disk; aiosmtpd would say 500
            self._log(f"{queue_id}: warning: write queue file: {error}")
            return str(replies.WRITE_ERROR())
        self._log(f"{queue_id}: removed")
        return str(replies.QUEUED(queue_id=queue_id))

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
        return f"{helo}[{hosts.get(helo, '127.0.0.1')}]"

    def _user(self, local: str) -> str:
        """The mailbox's user; postmaster is the first one (RFC 5321 §4.5.1)."""
        users = self._peers.world.network.users(self._domain)
        name = local.lower()
        return users[0] if name == "postmaster" and users else name if name in users else ""

    def _log(self, text: str) -> None:
        """Once the present step is kept."""
        self._peers.world.store.after(lambda: self._peers.log(self._domain, text))
