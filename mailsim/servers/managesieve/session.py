"""One ManageSieve connection from greeting to goodbye."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from mailsim.errors import RemoteProtocolError
from mailsim.model.stage import Release
from mailsim.protocol.core import Limits
from mailsim.protocol.managesieve.client import Answer
from mailsim.protocol.managesieve.server import ManageSieveServer
from mailsim.protocol.managesieve.states import GREETED, State
from mailsim.servers.dovecot import wording
from mailsim.servers.dovecot.channel import Channel, ClosedError
from mailsim.servers.dovecot.journal import CLOSED
from mailsim.servers.dovecot.sieve import extensions
from mailsim.servers.managesieve import authenticated, authorization, checking, parsing, replies
from mailsim.servers.managesieve.authorization import AUTH_LIMIT, InvalidError
from mailsim.servers.managesieve.parsing import Line, LineError
from mailsim.wire.managesieve import Command, Item, Response, capability_data
from mailsim.wire.quirk import Quirk

if TYPE_CHECKING:
    import ssl

    from mailsim.servers.world import World

_IDLE: Final = 1800.0  # CLIENT_IDLE_TIMEOUT_MSECS; RFC 5804 §1.2 wants thirty minutes at least
_LOGIN_LINE: Final = 1026  # LOGIN_MAX_INBUF_SIZE
_LOGIN_LITERAL: Final = 8192  # MAX_MANAGESIEVE_LINE
_LINE: Final = 65_536  # managesieve_max_line_length
_MOST_INVALID: Final = 3  # CLIENT_MAX_BAD_COMMANDS of managesieve-login
_MOST_BAD: Final = 20  # and of managesieve
_NAME: Final = 80  # octets shown of a command's name
_WITH_SCRIPT: Final = (b"PUTSCRIPT", b"CHECKSCRIPT")
_AUTHENTICATE: Final = b"AUTHENTICATE"
_MAX_REDIRECTS: Final = "4"  # sieve_max_redirects


class ManageSieveSession(Channel[Answer, Command]):
    """A managesieve-login and, behind it, a managesieve:
    `await ManageSieveSession(world, "managesieve", tls=…).run(peer)`."""

    core: ManageSieveServer

    def __init__(
        self,
        world: World,
        service: str = "managesieve",
        *,
        tls: Callable[[str], ssl.SSLContext | None],
    ) -> None:
        super().__init__(world, service, "managesieve", tls=tls)
        self.core = ManageSieveServer(
            limits=Limits(line=_LOGIN_LINE, block=_LOGIN_LITERAL),
            skips=True,
            quirks=frozenset({Quirk.BARE_LF, Quirk.PLAIN_LITERAL}),
        )
        self.user = ""
        self.unread_initial = ""
        """What AUTHENTICATE brought when it was refused for want of TLS."""
        self._bad = 0

    async def serve(self) -> None:
        """Greet with the capabilities, then answer commands until LOGOUT."""
        if not await self.disturbed("GREETING"):
            greeting = wording.greeting(self.config.release)
            await self.say(replies.GREETING(data=self.capabilities(), greeting=greeting))
        while not self.over:
            if await self._heard():
                await self._command(parsing.read(self.core.parts))
            await self.be_fair()

    async def _heard(self) -> bool:
        """Read a line; False for one that was too long and is answered already."""
        try:
            await self.event()
        except RemoteProtocolError:
            await self._overflow()
            return False
        return True

    async def _overflow(self) -> None:
        if self.user:
            name = self.core.begun(_LINE).split(b" ", 1)[0][:_NAME]
            self.core.skip_line()
            await self._error(name.decode("utf-8", "replace").upper(), replies.TOO_LONG)
            return
        if self._in_auth:
            raise ClosedError(authorization.TOO_LARGE)
        await self.hang_up(wording.BUFFER_FULL, "Input buffer full")

    async def _command(self, line: Line) -> None:
        verb = line.name.upper()
        if await self.disturbed(verb):
            return
        if self.user:
            await self._after_login(verb, line)
        else:
            await self._before_login(verb, line)

    async def _before_login(self, verb: str, line: Line) -> None:
        handler = authorization.COMMANDS.get(verb)
        try:
            if handler is None:
                raise InvalidError
            await handler(self, line)
        except InvalidError:
            self._bad += 1
            if self._bad >= _MOST_INVALID:
                await self.hang_up(replies.TOO_MANY, "Too many invalid commands.")
            await self.say(replies.INVALID())
        except LineError as error:
            if error.fatal:
                await self.hang_up(error.text, error.text)
            await self.say(replies.REFUSED(text=error.text))

    async def _after_login(self, verb: str, line: Line) -> None:
        handler = authenticated.COMMANDS.get(verb)
        if verb == "UNAUTHENTICATE" and self.config.release is Release.FULL:
            handler = authenticated.unauthenticate
        try:
            if handler is None:
                raise LineError(replies.UNKNOWN)
            await handler(self, line)
        except LineError as error:
            if error.fatal:
                await self.hang_up(error.text, error.text)
            await self._error(verb, error.text)
        except sqlite3.Error:  # a full disk: the scripts are as they were
            stamp = f"{self.world.clock.utc():%Y-%m-%d %H:%M:%S}"
            await self.say(replies.STORAGE(stamp=stamp))
        else:
            self._bad = 0

    async def _error(self, verb: str, text: str) -> None:
        said = replies.ERROR(command=verb, text=text)
        await (self.say(said) if self.core.waiting else self.put(_raw(said)))
        self._bad += 1
        if self._bad >= _MOST_BAD:
            self.leave_line_end()
            await self.hang_up(replies.TOO_MANY, replies.TOO_MANY)

    async def open(self, user: str) -> None:
        """The client is `user`; octets are counted from here on."""
        self.user = user
        self._bad = self.received = self.sent = 0
        await self.say(replies.LOGGED_IN())

    def leave(self) -> None:
        """The client is nobody again (UNAUTHENTICATE)."""
        self.journal.write(f"Unauthenticated {self.counts()}")
        self.login.release()
        self.user = ""

    def leave_line_end(self) -> None:
        """Pigeonhole hangs up before it has read the end of the last line, and counts so."""
        self.received -= len(b"\r\n")

    # scripts

    def check(self, script: bytes, name: str, *, upload: bool = True) -> checking.Verdict:
        """Whether a script compiles, and what Pigeonhole says of it."""
        return checking.check(self.world, self.user, script, name, upload=upload)

    def too_large(self, size: int) -> Response | None:
        """The refusal of a script of so many octets, or None (sieve_max_script_size)."""
        limit = self.config.sieve_max_script_size
        return replies.TOO_LARGE(limit=limit) if 0 < limit < size else None

    def over_quota(self, name: str, size: int) -> Response | None:
        """The refusal where the user's quota has no room for such a script, or None."""
        if refusal := self.too_large(size):
            return refusal
        most, octets = self.config.sieve_quota_max_scripts, self.config.sieve_quota_max_storage
        if not (most or octets):
            return None
        others = [one for one in self.world.store.scripts(self.user) if one.name != name]
        if 0 < most <= len(others):
            return replies.TOO_MANY_SCRIPTS(limit=most)
        if 0 < octets < size + sum(one.size for one in others):
            return replies.TOO_MUCH(limit=octets)
        return None

    def capabilities(self) -> tuple[tuple[Item, ...], ...]:
        """What is offered now (RFC 5804 §1.7), in Pigeonhole's order."""
        name = wording.greeting(self.config.release).removesuffix(" ready.")
        found: dict[str, str | None] = {"IMPLEMENTATION": f"{name} Pigeonhole"}
        found["SIEVE"] = " ".join(extensions(self.config))
        if self.user:
            found["MAXREDIRECTS"] = _MAX_REDIRECTS
        else:
            found["SASL"] = " ".join(self.login.mechanisms)
            if self.offers_tls:
                found["STARTTLS"] = None
        if self.user and self.config.release is Release.FULL:
            found["UNAUTHENTICATE"] = None
        return capability_data({**found, "VERSION": "1.0"})

    # what the channel asks for

    def measure(self) -> None:
        """How long the line and its literals may be."""
        if self.user:
            verb = self.core.begun(_NAME).split(b" ", 1)[0].upper()
            script = self.config.sieve_max_script_size or Limits().block
            self.core.limit(_LINE, script if verb in _WITH_SCRIPT else _LINE)
        elif self._in_auth:
            self.core.limit(AUTH_LIMIT + _LOGIN_LINE, AUTH_LIMIT)
        else:
            self.core.limit(_LOGIN_LINE, _LOGIN_LITERAL)

    @property
    def _in_auth(self) -> bool:
        begun = self.core.begun(len(_AUTHENTICATE)).upper()
        return self.core.state is State.SASL or begun == _AUTHENTICATE

    @property
    def patience(self) -> float:
        """How long the client may be silent."""
        return _IDLE if self.user else super().patience

    async def too_late(self) -> None:
        """The client was silent for too long."""
        if self.user:
            await self.hang_up(replies.INACTIVITY, replies.INACTIVITY)
        await super().too_late()

    async def answer_instead(self, text: str) -> None:
        """A disturbance's answer, whatever it fits."""
        raw = text.encode("utf-8", "surrogateescape") + b"\r\n"
        if self.core.state in GREETED:
            # A greeting that is none ends the connection for both.
            self.over = True
        self.core.give_up()
        await self.put(raw)

    def bye(self, text: str) -> bytes:
        """BYE, unasked."""
        return _raw(replies.BYE(text=text))

    def shutdown(self) -> bytes:
        """What is said when the server stops."""
        if self.user:
            return self.bye(replies.SHUTTING_DOWN)
        return _raw(replies.BYE_LATER(text=wording.SHUTTING_DOWN))

    def counts(self) -> str:
        """`bytes=52/905`: what was heard and what was said since the login."""
        return f"bytes={self.received + self.core.skipped}/{self.sent}"

    def ended(self, reason: str) -> None:
        """A client that leaves without a word is not written as disconnected."""
        if self.user and reason == CLOSED:
            self.journal.write(f"{CLOSED} {self.counts()}")
        else:
            super().ended(reason)


def _raw(said: Response) -> bytes:
    return b"".join(said.units())
