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
_PIECE = 65_536
_TURN = 20  # commands that are answered before others have their turn
# How OpenSSL numbers what a client that is none most often makes it say.
_OPENSSL = {
    "wrong version number": "0A00010B",
    "http request": "0A00009C",
    "no shared cipher": "0A0000C1",
    "unsupported protocol": "0A000102",
}


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
        self._said = 0
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

    def shutdown(self) -> bytes:
        """What the client is told when the server stops."""
        return self.bye(wording.SHUTTING_DOWN)

    def measure(self) -> None:
        """Called before each look at what has come: how much of it is a line may depend."""

    @abstractmethod
    def counts(self) -> str:
        """What the log tells of a session at its end: `in=… out=…`."""

    # the connection's life

    async def run(self, peer: Peer) -> None:
        """Serve the connection to its end."""
        self.peer = peer
        self.world.clock.tick()
        self.journal.begin()
        self.login.begin()
        reason = CLOSED
        try:
            reason = await self._serve()
        except asyncio.CancelledError:
            reason = wording.SHUTTING_DOWN
            if not peer.closing:
                peer.write(bytes(self._out) + self.shutdown())
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
        self.measure()
        while (found := self.core.next_event()) is None:
            await self.flush()
            data = await self._read()
            if not data:
                raise ClosedError
            self.core.receive(data)
            self.measure()
        self.received += sum(map(len, found.units))
        return found

    @property
    def patience(self) -> float:
        """How long the client may be silent, in seconds."""
        return LOGIN_TIMEOUT

    async def be_fair(self) -> None:
        """To be called between commands: a client that says much at once neither fills memory
        with answers nor keeps the others waiting."""
        self._said += 1
        if len(self._out) >= _PIECE:
            await self.flush()
        if self._said % _TURN == 0:
            await asyncio.sleep(0)

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
        if len(self._out) >= _PIECE:
            # Who asks for much in one piece must take it, or it would pile up here.
            await self.flush()
            self.check_peer()

    def check_peer(self) -> None:
        """To be called when much was sent: for a client that is gone no more is made.
        Raises ClosedError."""
        if self.peer.closing:
            raise ClosedError

    async def flush(self) -> None:
        """Send what was said."""
        out, self._out = bytes(self._out), bytearray()
        for start in range(0, len(out), _PIECE):
            self.peer.write(out[start : start + _PIECE])
            await self.peer.drain()

    async def pause(self, seconds: float) -> None:
        """Let the client wait; what was said goes first."""
        await self.flush()
        await asyncio.sleep(seconds)

    async def hang_up(self, text: str, reason: str) -> NoReturn:
        """Say goodbye unasked, and end the connection.  Raises ClosedError."""
        await self.put(self.bye(text))
        raise ClosedError(reason)

    async def too_late(self) -> None:
        """The client was silent for too long.  Raises ClosedError."""
        await self.hang_up(self.login.inactivity, self.login.inactivity_reason)

    async def _read(self) -> bytes:
        try:
            return await self.peer.read(timeout=self.patience)
        except TimeoutError:
            await self.too_late()
            raise ClosedError from None

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
        if self.core.unread():
            # What was sent behind STARTTLS in the clear is taken for the handshake's beginning.
            self.no_tls("wrong version number")
        try:
            await self.peer.start_tls(context, timeout=LOGIN_TIMEOUT)
        except TlsError as error:
            self.no_tls("" if error.message_id == "net.tls-left" else _reason(error))
        self.core.tls_started()
        self.journal.tls = "TLS"
        self.login.secured = True

    def no_tls(self, reason: str) -> NoReturn:
        """The handshake has failed: OpenSSL's reason, "" for a client that left."""
        if not reason:
            self.journal.tls += f": {CLOSED}"
            raise ClosedError
        number = _OPENSSL.get(reason, "0A000000")
        text = f"SSL_accept() failed: error:{number}:SSL routines::{reason}"
        self.journal.tls += f": {text}"
        raise ClosedError(f"{CLOSED}: {text}")

    # disturbances

    async def disturbed(self, command: str, address: str = "") -> bool:
        """Whether a disturbance has answered in place of the command; delays pass here.

        `address` is the user whom the command names; else it is the one who is known.
        """
        action = self.world.disturbances.at(
            self.protocol,
            command,
            service=self.service,
            address=address or self.login.user or self.journal.user,
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


def _reason(error: TlsError) -> str:
    return str(error.params.get("reason", error.message_id))
