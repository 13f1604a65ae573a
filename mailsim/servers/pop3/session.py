"""One POP3 connection from greeting to goodbye."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsim.errors import RemoteProtocolError
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.pop3.server import Pop3Server
from mailsim.protocol.pop3.states import State
from mailsim.servers.dovecot import wording
from mailsim.servers.dovecot.channel import Channel, ClosedError
from mailsim.servers.pop3 import authorization, parsing, replies, transaction
from mailsim.servers.pop3.maildrop import Maildrop
from mailsim.wire.pop3 import Command, Reply
from mailsim.wire.quirk import Quirk

if TYPE_CHECKING:
    import ssl

    from mailsim.servers.world import World

_IDLE: Final = 600.0  # CLIENT_IDLE_TIMEOUT_MSECS; RFC 1939 §3 wants ten minutes at least
_LINE: Final = 2048  # MAX_INBUF_SIZE
_LOGIN_LINE: Final = 1026  # LOGIN_MAX_INBUF_SIZE, what is behind the command's name
_LOGIN_NAME: Final = 8  # CLIENT_MAX_CMD_LEN
_MOST_INVALID: Final = 3  # CLIENT_MAX_BAD_COMMANDS of pop3-login
_MOST_BAD: Final = 20  # and of pop3
_GREETING: Final = "GREETING"


@dataclass(slots=True)
class Count:
    """How often, and how many octets."""

    count: int = 0
    octets: int = 0

    def __str__(self) -> str:
        return f"{self.count}/{self.octets}"


class Pop3Session(Channel[Reply, Command]):
    """A pop3-login and, behind it, a pop3: `await Pop3Session(world, service, tls=…).run(peer)`.

    `service` is "pop3" or "pop3s".
    """

    core: Pop3Server

    def __init__(
        self, world: World, service: str, *, tls: Callable[[str], ssl.SSLContext | None]
    ) -> None:
        super().__init__(world, service, "pop3", tls=tls)
        self.core = Pop3Server(limits=Limits(line=_LOGIN_LINE), quirks=frozenset({Quirk.BARE_LF}))
        self.user: str | None = None
        """Whom USER named."""
        self.timestamp = self._timestamp() if "APOP" in self.config.auth_mechanisms else ""
        self.drop: Maildrop | None = None
        self.topped, self.retrieved = Count(), Count()
        self.highest_expunged = -1
        self.updated = False
        """Whether QUIT has removed what was marked."""
        self._bad = 0
        self._locked = ""

    async def serve(self) -> None:
        """Greet, then answer commands until QUIT."""
        if not await self.disturbed(_GREETING):
            await self.say(replies.GREETING(greeting=self._greeting()))
        while not self.over:
            try:
                await self._command(await self.event())
            except parsing.ArgumentError as error:
                await self.say(error.reply)
                await self._count_bad()
            await self.be_fair()

    async def _command(self, event: Received[Command]) -> None:
        name, argument = parsing.split(event.units[0])
        if self.drop is None:
            await self._before_login(name, argument)
        else:
            await self._after_login(self.drop, name, argument)

    async def _before_login(self, name: str, argument: str) -> None:
        handler = authorization.COMMANDS.get(name)
        if await self.disturbed(name, argument if name == "USER" else ""):
            return
        if handler is not None:
            self._bad = 0 if name != "AUTH" else self._bad
            await handler(self, argument)
            return
        await self.say(replies.UNKNOWN())
        self._bad += 1
        if self._bad >= _MOST_INVALID:
            await self.put(_raw(replies.TOO_MANY_INVALID()))
            raise ClosedError("Disconnected: Too many bad commands")

    async def _after_login(self, drop: Maildrop, name: str, argument: str) -> None:
        handler = transaction.COMMANDS.get(name)
        if await self.disturbed(name):
            return
        if handler is None:
            await self.say(replies.UNKNOWN_NAMED(name=name) if name else replies.UNKNOWN())
            await self._count_bad()
        elif await handler(self, drop, argument.lstrip(" ")):
            self._bad = 0
        else:
            await self._count_bad()

    async def _count_bad(self) -> None:
        self._bad += 1
        if self._bad > _MOST_BAD:
            await self.put(_raw(replies.TOO_MANY_BAD()))
            raise ClosedError("Too many bad commands.")

    async def open(self, user: str) -> None:
        """The client is `user`: lock and open the maildrop (RFC 1939 §4)."""
        if self.config.pop3_lock_session:
            await self.flush()
            if not await self.world.anvil.lock(user, self.config.pop3_lock_timeout):
                await self.say(replies.LOCKED())
                raise ClosedError("Couldn't lock POP3 session")
            self._locked = user
        try:
            self.drop = Maildrop(self.world.store, user)
        except sqlite3.Error:  # a full disk, and no INBOX yet
            await self.say(transaction.storage_error(self))
            raise ClosedError("Couldn't open INBOX") from None
        self._bad = 0
        await self.say(replies.LOGGED_IN())

    # what the channel asks for

    async def event(self) -> Received[Command]:
        """What the client sends next; a line that is too long ends the connection."""
        try:
            return await super().event()
        except RemoteProtocolError:
            if self.drop is not None:
                await self.hang_up("Input line too long.", "Input line too long")
            if self._in_auth:
                raise ClosedError(authorization.TOO_LARGE) from None
            await self.hang_up(wording.BUFFER_FULL, "Input buffer full")

    def measure(self) -> None:
        """How long the line may be that is to be read."""
        if self.drop is not None:
            limit = _LINE
        elif self._in_auth:
            limit = authorization.AUTH_LIMIT + _LOGIN_LINE
        else:
            name, space, _ = self.core.begun(_LOGIN_NAME + 1).partition(b" ")
            limit = _LOGIN_LINE + min(len(name + space), _LOGIN_NAME)
        self.core.limit_line(limit)

    @property
    def _in_auth(self) -> bool:
        asked = self.core.state is State.SASL
        return asked or self.core.begun(len(b"AUTH ")).upper() == b"AUTH "

    @property
    def patience(self) -> float:
        """How long the client may be silent."""
        return super().patience if self.drop is None else _IDLE

    async def too_late(self) -> None:
        """The client was silent for too long."""
        if self.drop is not None:
            reason = f"Inactivity - no input for {_IDLE:.0f} secs"
            await self.hang_up(wording.INACTIVITY, reason)
        await super().too_late()

    async def answer_instead(self, text: str) -> None:
        """A disturbance's answer, whatever it fits."""
        said = replies.reply(text)
        if self.core.state is State.OPENING:
            await self.say(said)
            self.over = not said.ok
        else:
            self.core.give_up()
            await self.put(_raw(said))

    def bye(self, text: str) -> bytes:
        """-ERR, unasked."""
        return _raw(replies.BYE(text=text))

    def shutdown(self) -> bytes:
        """What is said when the server stops."""
        return super().shutdown() if self.drop is None else _raw(replies.SHUTTING_DOWN())

    def counts(self) -> str:
        """`top=0/0, retr=1/512, del=0/1, size=512`"""
        drop = self.drop
        messages, octets = (len(drop), drop.octets) if drop else (0, 0)
        deleted = len(drop.deleted) if drop and self.updated else 0
        return f"top={self.topped}, retr={self.retrieved}, del={deleted}/{messages}, size={octets}"

    def ended(self, reason: str) -> None:
        """Without QUIT nothing is removed (RFC 1939 §6); what was read is seen all the same."""
        if self.drop is not None and not self.updated and reason != wording.SHUTTING_DOWN:
            # On a full disk it stays unseen: that is all there is to lose.
            with suppress(sqlite3.Error):
                self.drop.update(expunge=False)
        if self._locked:
            self.world.anvil.unlock(self._locked)
        super().ended(reason)

    # the greeting

    def _greeting(self) -> str:
        return f"{wording.greeting(self.config.release)} {self.timestamp}".rstrip()

    def _timestamp(self) -> str:
        """APOP's, as Dovecot makes it: `<pid.uid.time.random@host>`   ; RFC 1939 §7"""
        world = self.world
        number, now = world.ids.pid(), int(world.clock.now())
        random = base64.b64encode(world.ids.bytes("apop", 16)).decode()
        return f"<{number:x}.1.{now:x}.{random}@{world.network.server.name}>"


def _raw(reply: Reply) -> bytes:
    return b"".join(reply.units())
