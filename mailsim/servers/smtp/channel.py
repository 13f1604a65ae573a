"""One SMTP connection as the commands use it: reading, answering, TLS, disturbances."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailsim.errors import TlsError
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.smtp.server import SmtpServer
from mailsim.servers import replies
from mailsim.servers.disturbance import Answer, Delay, Drop, Truncate
from mailsim.servers.envelope import Client
from mailsim.servers.networks import in_networks
from mailsim.servers.smtp.journal import LOST, TIMEOUT, Journal
from mailsim.servers.smtp.restrictions import Restrictions
from mailsim.servers.smtp.state import State
from mailsim.servers.smtp.words import Word
from mailsim.wire.quirk import Quirk
from mailsim.wire.smtp import Bdat, Command, Reply

if TYPE_CHECKING:
    import ssl

    from mailsim.net.serving import Peer
    from mailsim.net.tls import TlsInfo
    from mailsim.servers.world import World

LINE_LIMIT = 2048  # line_length_limit
SETTLING = 2.0
"""Seconds that a repeating run waits for a message to come to rest before it reads on."""
_AHEAD = 100  # octets shown of what came too early
_CLOSING = 421
_HANGUPS = (_CLOSING, 521)
_HANDSHAKE = 300.0  # smtpd_starttls_timeout
# What OpenSSL says of a handshake that fails, by the message's id.
_TLS_ENDS = {"net.tls-left": "lost connection", "net.tls-silence": "Connection timed out"}


class ClosedError(Exception):
    """The conversation is over; `reason` is what the log says of it, or ""."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class GreetAgain(Exception):
    """The session goes back to its greeting."""


Handler = Callable[["Channel", list[Word]], Awaitable[bool]]
"""What does a command; False where it failed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: what does it, whether it counts as junk, may come before TLS, ends a group."""

    handler: Handler
    junk: bool = False
    before_tls: bool = False
    last: bool = False


class Channel:
    """A connection to one client.

    `service` is "smtp", "submission" or "submissions"; `tls` gives the server's context for
    the kind of certificate that the settings name, None for none.  `commands` are those that
    this version of Postfix knows.
    """

    peer: Peer
    commands: Mapping[str, Entry]

    def __init__(
        self, world: World, service: str, *, tls: Callable[[str], ssl.SSLContext | None]
    ) -> None:
        self.world = world
        self.service = service
        self.config = world.config.service(service)
        host = world.network.client
        self.state = State(replace(_known(world, host.address), port=world.ids.port()))
        program = "postfix/smtpd" if service == "smtp" else f"postfix/{service}/smtpd"
        self.journal = Journal(world.log, program, world.ids.pid())
        self.restrictions = Restrictions(world, self.config, self.state, self.journal)
        self.version = self.config.release.postfix
        self.core = SmtpServer(
            limits=Limits(line=LINE_LIMIT + 1),
            quirks=frozenset({Quirk.BARE_LF, Quirk.CUT_LINE}),
            size_limit=self.config.message_size_limit or Limits().block,
        )
        self.chunk: Bdat | None = None
        self._counted: tuple[str, str] | None = None
        self._tls = tls
        self._out = bytearray()
        self.over = False
        """Whether the connection ends with what was said."""
        self._cut: int | None = None
        self.rejects_bare_lf = False
        """Whether this client's bare line feeds are refused."""
        self.admit()

    async def say(self, reply: Reply) -> None:
        """Answer the command, later where the client has made many errors."""
        if self.state.errors >= self.config.smtpd_soft_error_limit:
            await self.pause(self.config.smtpd_error_sleep_time)
        self.core.send(reply)
        said = b"".join(self.core.outgoing())
        self.over = self.over or reply.code in _HANGUPS
        if self._cut is not None:
            await self._truncate(said)
        self._out += said

    async def refuse(self, reply: Reply) -> bool:
        """Answer with a refusal; False, as a handler says that the command failed."""
        await self.say(reply)
        return False

    async def pause(self, seconds: float) -> None:
        """Let the client wait; what was said goes first."""
        await self.flush()
        await asyncio.sleep(seconds)

    async def flush(self) -> None:
        """Send what was said."""
        if self._out:
            self.peer.write(bytes(self._out))
            self._out.clear()
            await self.peer.drain()

    async def event(self) -> Received[Command]:
        """What the client sends next: a command, content, a response.  Raises ClosedError."""
        while (found := self.core.next_event()) is None:
            await self.flush()
            try:
                data = await self.peer.read(timeout=self.config.smtpd_timeout)
            except TimeoutError:
                raise ClosedError(TIMEOUT) from None
            if not data:
                raise ClosedError(LOST)
            self.core.receive(data)
        return found

    async def disturbed(self, command: str, address: str = "") -> bool:
        """Whether a disturbance has answered in place of the command; delays pass here."""
        action = self.world.disturbances.at(
            "smtp",
            command,
            service=self.service,
            address=address,
            client=self.state.client.address,
        )
        if action is None:
            return False
        if isinstance(action, Answer):
            await self._answer_instead(action.text)
            return True
        if isinstance(action, Delay):
            await self.pause(action.seconds)
        elif isinstance(action, Truncate):
            self._cut = action.octets
        elif isinstance(action, Drop):
            await self.flush()
            self.peer.abort()
            raise ClosedError
        return False

    def flag_pipelining(self) -> bool:
        """Whether the client spoke before it was answered, where it must not; the log says so."""
        state = self.state
        if not state.tls:
            self.core.receive_early(self.peer.take())
        # A chunk is read together with its command.
        chunk = self.chunk.data if self.chunk and state.where == "BDAT" else b""
        ahead = (chunk + self.core.ahead())[:_AHEAD]
        if not ahead:
            return False
        text = _escaped(ahead)
        after = f"improper command pipelining after {state.where} from {state.client}"
        self.journal.write(f"{after}: {text}")
        state.illegal_pipelining = True
        return self.config.smtpd_forbid_unauth_pipelining

    def context(self) -> ssl.SSLContext | None:
        """The server's TLS context, if it has a certificate."""
        return self._tls(self.config.certificate) if self.config.certificate else None

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """The handshake.  Raises ClosedError when it fails."""
        await self.flush()
        client = self.state.client
        try:
            info = await self.peer.start_tls(context, timeout=_HANDSHAKE)
        except TlsError as error:
            ended = _TLS_ENDS.get(error.message_id, "-1")
            self.journal.write(f"SSL_accept error from {client}: {ended}")
            raise ClosedError(LOST) from None
        self.core.tls_started()
        self.state.tls = shown(info)
        self.state.sasl_active = self.config.smtpd_sasl_auth_enable
        self.state.sasl_username = self.state.sasl_method = ""
        text = f"Anonymous TLS connection established from {client}: {self.state.tls}"
        self.journal.write(text)

    def count(self) -> int:
        """How many connections the client's address has with this service, this one included.

        0 for who is not counted: XCLIENT's hosts, and mynetworks
        (smtpd_client_event_limit_exceptions).
        """
        address = self.state.client.address
        if self.state.xclient_allowed or in_networks(address, self.config.mynetworks):
            return 0
        self._counted = (self.service, address)
        self.world.smtp_connections[self._counted] += 1
        return self.world.smtp_connections[self._counted]

    def uncount(self) -> None:
        """The connection has ended."""
        counts = self.world.smtp_connections
        if self._counted:
            counts[self._counted] -= 1
            if not counts[self._counted]:
                del counts[self._counted]

    def become(self, client: Client) -> None:
        """Take the client for another, as XCLIENT says."""
        self.state.client = client
        self.admit()

    async def reject_bare_lf(self) -> None:
        """What smtpd_forbid_bare_newline = reject says, and the log with it."""
        state = self.state
        text = f"{state.queue_id}: reject: {state.where} from {state.client}: bare <LF> received;"
        sender = f" from=<{state.mail.sender}>" if state.mail else ""
        helo = f" helo=<{state.helo}>" if state.helo is not None else ""
        self.journal.write(f"{text}{sender} proto={state.protocol}{helo}")
        await self.say(replies.BARE_LF(host=self.config.myhostname))

    def admit(self) -> None:
        """What is allowed to the client whom we take it for."""
        config, address = self.config, self.state.client.address
        self.state.xclient_allowed = in_networks(address, config.smtpd_authorized_xclient_hosts)
        excluded: tuple[str, ...] = ()
        for word in config.smtpd_forbid_bare_newline_exclusions:
            excluded += config.mynetworks if word == "$mynetworks" else (word,)
        mode = config.smtpd_forbid_bare_newline
        secured = mode in ("normalize", "reject") and not in_networks(address, excluded)
        self.rejects_bare_lf = secured and mode == "reject"
        self.core.quirks = frozenset({Quirk.BARE_LF_LINE if secured else Quirk.BARE_LF})

    async def _answer_instead(self, text: str) -> None:
        reply = replies.reply(text)
        if self.core.waiting or reply.code == _CLOSING or self.core.opening:
            await self.say(reply)
        if reply.code == _CLOSING:
            await self.flush()
            raise ClosedError

    async def _truncate(self, said: bytes) -> None:
        self._out += said[: self._cut]
        await self.flush()
        raise ClosedError


def _known(world: World, address: str) -> Client:
    """The client with the name that its address leads to and that leads back (Postfix)."""
    reverse = world.names.reverse(address).rstrip(".")
    if not reverse:
        return Client(address)
    proven = address in world.names.lookup(reverse, "A").records
    return Client(address, reverse if proven else "unknown", reverse)


def shown(info: TlsInfo) -> str:
    """`TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)`"""
    return f"{info.version} with cipher {info.cipher} ({info.bits}/{info.bits} bits)"


def _escaped(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace").encode("unicode_escape").decode()
