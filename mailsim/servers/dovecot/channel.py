"""One connection to a Dovecot service, as its commands use it: reading, saying, TLS, disturbances."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from mailsim.errors import TlsError
from mailsim.protocol.core import Core, Received
from mailsim.servers.disturbance import Answer, Delay, Drop, Truncate
from mailsim.servers.dovecot import wording
from mailsim.servers.dovecot.journal import CLOSED, LOGGED_OUT, Journal
from mailsim.servers.dovecot.login import Login

if TYPE_CHECKING:
    import ssl

    from mailsim.net.serving import Peer
    from mailsim.servers.world import World

Said = TypeVar("Said")
Heard = TypeVar("Heard")

LOGIN_TIMEOUT = 180.0  # CLIENT_LOGIN_TIMEOUT_MSECS
_HANDSHAKE = 180.0
_TLS_ENDS = {"net.tls-left": CLOSED, "net.tls-silence": "Inactivity"}


class ClosedError(Exception):
    """The conversation is over; `reason` is what the log says of it."""

    def __init__(self, reason: str = CLOSED) -> None:
        super().__init__(reason)
        self.reason = reason


class Channel(ABC, Generic[Said, Heard]):
    """A connection to one client, that a session of each protocol builds on.

    `service` is an endpoint's name ("imap", "imaps", "managesieve" …), `protocol` Dovecot's
    ("imap", "pop3", "managesieve"); `tls` gives the server's context for the kind of certificate
    that the settings name, None for none.  `received` and `sent` count octets since the login, as the
    log has them.
    """

    peer: Peer
    core: Core[Said, Heard]

    def __init__(
        self,
        world: World,
        service: str,
        protocol: str,
        *,
        tls: Callable[[str], ssl.SSLContext | None],
    ) -> None:
        self.world = world
        self.service = service
        self.protocol = protocol
        self.config = world.config
        self.version = self.config.release.dovecot
        self.journal = Journal(world, protocol)
        self.login = Login(world, self.config, protocol, self.journal, self.pause)
        self.received = 0
        self.sent = 0
        self.over = False
        """Whether the connection ends with what was said."""
        self._tls = tls
        self._out = bytearray()
        self._cut: int | None = None

    # what each protocol has of its own

    @abstractmethod
    async def serve(self) -> None:
        """Greet, and answer until the end.  May raise ClosedError."""

    @abstractmethod
    async def answer_instead(self, text: str) -> None:
        """Say a disturbance's answer in place of the command's own."""

    @abstractmethod
    def bye(self, text: str) -> bytes:
        """What the client is told when the server ends the connection unasked."""

    @abstractmethod
    def counts(self) -> str:
        """What the log tells of a session at its end: `in=… out=…`."""

    # the connection's life

    async def run(self, peer: Peer) -> None:
        """Serve the connection to its end."""
        self.peer = peer
        self.world.clock.tick()
        reason = CLOSED
        try:
            reason = await self._serve()
        except asyncio.CancelledError:
            reason = wording.SHUTTING_DOWN
            if not peer.closing:
                peer.write(bytes(self._out) + self.bye("Server shutting down."))
            raise
        finally:
            self.ended(reason)
            self.login.release()
            peer.close()

    async def _serve(self) -> str:
        try:
            if self.service in ("imaps", "pop3s"):
                await self.start_tls(self.context())
            await self.serve()
            await self.flush()
        except ClosedError as end:
            if end.reason != CLOSED:
                await self.flush()
            return end.reason
        return LOGGED_OUT

    def ended(self, reason: str) -> None:
        """Write in the log that it has ended, and why."""
        if self.login.user:
            self.journal.disconnected(reason, self.counts())
            return
        if reason == CLOSED and self.journal.tls == "TLS":
            self.journal.tls = f"TLS: {CLOSED}"
        self.journal.aborted(reason, self.login.aborted())

    # reading and saying

    async def event(self) -> Received[Heard]:
        """What the client sends next.  Raises ClosedError at the end, after too long a silence,
        and RemoteProtocolError as the core does."""
        while (found := self.core.next_event()) is None:
            await self.flush()
            data = await self._read()
            if not data:
                raise ClosedError
            self.core.receive(data)
        self.received += sum(map(len, found.units))
        return found

    @property
    def patience(self) -> float:
        """How long the client may be silent, in seconds."""
        return LOGIN_TIMEOUT

    async def say(self, value: Said) -> None:
        """Answer."""
        self.core.send(value)
        await self.put(b"".join(self.core.outgoing()))

    async def put(self, said: bytes) -> None:
        """Write octets behind what was said before."""
        if self._cut is not None:
            self._out += said[: self._cut]
            await self.flush()
            self.peer.close()
            raise ClosedError
        self._out += said
        self.sent += len(said)

    async def flush(self) -> None:
        """Send what was said."""
        if self._out:
            self.peer.write(bytes(self._out))
            self._out.clear()
            await self.peer.drain()

    async def pause(self, seconds: float) -> None:
        """Let the client wait; what was said goes first."""
        await self.flush()
        await asyncio.sleep(seconds)

    async def hang_up(self, text: str, reason: str) -> NoReturn:
        """Say goodbye unasked, and end the connection.  Raises ClosedError."""
        await self.put(self.bye(text))
        raise ClosedError(reason)

    async def too_late(self) -> NoReturn:
        """The client was silent for too long.  Raises ClosedError."""
        await self.hang_up(self.login.inactivity, self.login.inactivity_reason)

    async def _read(self) -> bytes:
        try:
            return await self.peer.read(timeout=self.patience)
        except TimeoutError:
            await self.too_late()

    # TLS

    def context(self) -> ssl.SSLContext | None:
        """The server's TLS context, if it has a certificate."""
        return self._tls(self.config.certificate) if self.config.certificate else None

    @property
    def offers_tls(self) -> bool:
        """Whether STARTTLS (STLS) is offered now."""
        return self.config.ssl != "no" and not self.journal.tls

    async def start_tls(self, context: ssl.SSLContext | None) -> None:
        """The handshake.  Raises ClosedError when it fails."""
        await self.flush()
        if context is None:
            raise ClosedError(wording.TLS_FAILED)
        self.journal.tls = "TLS handshaking"
        try:
            await self.peer.start_tls(context, timeout=_HANDSHAKE)
        except TlsError as error:
            ended = _TLS_ENDS.get(error.message_id, "SSL_accept() failed")
            self.journal.tls = f"TLS handshaking: {ended}"
            raise ClosedError(ended) from None
        self.core.tls_started()
        self.journal.tls = "TLS"
        self.login.secured = True

    # disturbances

    async def disturbed(self, command: str) -> bool:
        """Whether a disturbance has answered in place of the command; delays pass here."""
        action = self.world.disturbances.at(
            self.protocol,
            command,
            service=self.service,
            address=self.login.user or self.journal.user,
            client=self.world.network.client.address,
        )
        if isinstance(action, Answer):
            await self.answer_instead(action.text)
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
