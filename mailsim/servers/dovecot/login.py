"""The login of IMAP, POP3 and ManageSieve: who may log in, when, and what the log says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import TYPE_CHECKING, Final, NoReturn

from mailsim.servers.dovecot import wording
from mailsim.servers.dovecot.auth import CLEARTEXT, Continue, Exchange, Rejected, plain
from mailsim.servers.dovecot.journal import Aborted, Journal

if TYPE_CHECKING:
    from mailsim.servers.config import Config
    from mailsim.servers.world import World

Ask = Callable[[str], Awaitable[str | None]]
"""Sends a challenge (base64) and gives the client's answer; None where it gave up with "*"."""
Pause = Callable[[float], Awaitable[None]]
"""Sends what was said, and waits so many seconds."""


PRIVATE = frozenset({"APOP"})
"""Mechanisms with a command of their own, never offered to AUTH."""


class Kind(Enum):
    """Why a login was refused; each protocol has its own code for it."""

    FAILED = "auth failed"
    ABORTED = "aborted authentication"
    BASE64 = "sent invalid base64 in response"
    MECHANISM = "tried to use unsupported auth mechanism"
    CLEARTEXT = "tried to use disallowed plaintext auth"
    """The mechanism would show the password, and TLS is not on."""
    TLS_REQUIRED = "TLS required"
    """ssl = required: no login at all before TLS."""
    TOO_MANY = "too many connections"
    """The login was right, but the user has too many connections: the connection ends."""


_EVENTS: Final = {
    Kind.BASE64: "invalid_base64",
    Kind.MECHANISM: "invalid_mech",
    Kind.CLEARTEXT: "cleartext_auth_disabled",
}


class RefusedError(Exception):
    """The login was refused; `text` is what Dovecot says."""

    def __init__(self, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


class Login:
    """The attempts of one connection.

    `protocol` is "imap", "pop3" or "sieve" (managesieve's name at the auth process); set
    `secured` when TLS is on.  `user` is "" until a login has succeeded; then `release` must
    be called at the connection's end.
    """

    def __init__(
        self, world: World, config: Config, protocol: str, journal: Journal, pause: Pause
    ) -> None:
        self._world = world
        self._config = config
        self._protocol = protocol
        self._journal = journal
        self._pause = pause
        self._begun = 0.0
        self._first = 0.0
        self._attempts = 0
        self._asked = self._unanswered = False
        self._last: Kind | None = None
        self._aborted = False
        self.secured = False
        self.user = ""

    def begin(self) -> None:
        """The client has come."""
        self._begun = self._world.clock.now()

    # what may be done now

    @property
    def cleartext(self) -> bool:
        """Whether USER and PASS, or LOGIN, may be sent now (IMAP: no LOGINDISABLED)."""
        config = self._config
        return self.secured or not (config.disable_plaintext_auth or config.ssl == "required")

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The mechanisms offered now."""
        config = self._config
        if not self.secured and config.ssl == "required":
            return ()
        return tuple(
            name
            for name in config.auth_mechanisms
            if name not in PRIVATE and (self.cleartext or name not in CLEARTEXT)
        )

    @property
    def inactivity(self) -> str:
        """What a client is told that says nothing for too long."""
        return wording.INACTIVITY_AUTH if self._asked else wording.INACTIVITY

    @property
    def inactivity_reason(self) -> str:
        """What the log says of such a client."""
        return "Inactivity during authentication" if self._asked else "Inactivity"

    # the login itself

    def check_cleartext(self, user: str = "") -> None:
        """To be called at USER, PASS and LOGIN.  Raises RefusedError before TLS."""
        if self.cleartext:
            return
        self._attempts += 1
        if not self._journal.user:
            self._journal.user = user
        kind = Kind.TLS_REQUIRED if self._config.ssl == "required" else Kind.CLEARTEXT
        raise RefusedError(kind, wording.cleartext_disallowed(self._config.release.dovecot))

    async def password(self, user: bytes, password: bytes) -> str:
        """USER and PASS, or LOGIN, as PLAIN.  The user; raises RefusedError."""
        return await self.authenticate("PLAIN", plain(user, password), _never)

    async def authenticate(self, mechanism: str, initial: str | None, ask: Ask) -> str:
        """AUTH, AUTHENTICATE: the user's name at the end.

        `initial` is the base64 of the initial response, None for none.  Raises RefusedError,
        and what `ask` raises.  The log has the login when this returns.
        """
        self._aborted = False
        self._journal.mechanism = mechanism
        try:
            user = await self._authenticate(mechanism.upper(), initial, ask)
        except RefusedError as refused:
            # Where the login process itself has ended the exchange, Dovecot remembers no reason.
            self._last = Kind.FAILED if self._unanswered else refused.kind
            self._aborted = refused.kind is Kind.ABORTED
            raise
        return self._admit(user)

    async def prove(self, mechanism: str, user: str, *, right: bool) -> str:
        """APOP: what the client proves, and whether it is right.  As `authenticate`."""
        self._attempts += 1
        self._first = self._first or self._world.clock.now()
        self._journal.mechanism = mechanism
        name = self._world.accounts.login(user)
        if not right:
            self._last = Kind.FAILED
            await self._rejected(Rejected(name), "")
        return self._admit(name)

    def _admit(self, user: str) -> str:
        limit = self._config.mail_max_userip_connections
        if not self._world.anvil.connect(self._protocol, self._address, user, limit):
            self._journal.user = user
            self._last = Kind.TOO_MANY
            raise RefusedError(Kind.TOO_MANY, wording.TOO_MANY_CONNECTIONS.format(limit=limit))
        self.user = user
        self._journal.login(user)
        return user

    def release(self) -> None:
        """The connection has ended, or the user has logged out of it (UNAUTHENTICATE)."""
        if self.user:
            self._world.anvil.disconnect(self._protocol, self._address, self.user)
            self.user = ""

    async def _authenticate(self, name: str, initial: str | None, ask: Ask) -> str:
        self._start(name)
        exchange = Exchange(self._world, name)
        result = exchange.begin(initial)
        bad = wording.BAD_INITIAL
        while isinstance(result, Continue):
            answer = await self._answer(ask, result.token)
            bad = wording.bad_continued(answer)
            self._unanswered = bad == wording.BAD_LETTERS
            result = exchange.go_on(answer)
        if isinstance(result, Rejected):
            await self._rejected(result, bad)
        return result.user

    async def _answer(self, ask: Ask, challenge: str) -> str:
        self._asked = self._unanswered = True
        answer = await ask(challenge)
        self._asked = False
        if answer is None:
            # Dovecot goes on to count it as unanswered: its log says so.
            raise RefusedError(Kind.ABORTED, wording.AUTH_ABORTED)
        return answer

    def _start(self, name: str) -> None:
        """Count the attempt.  Raises RefusedError where the mechanism is none, or none now."""
        self._attempts += 1
        config = self._config
        if not self.secured and config.ssl == "required":
            raise RefusedError(Kind.TLS_REQUIRED, wording.AUTH_NEEDS_TLS)
        self._first = self._first or self._world.clock.now()
        self._journal.mechanism = name
        if name not in config.auth_mechanisms or name in PRIVATE:
            raise RefusedError(Kind.MECHANISM, wording.BAD_MECHANISM)
        if name not in self.mechanisms:
            version = config.release.dovecot
            raise RefusedError(Kind.CLEARTEXT, wording.mechanism_disallowed(version))

    async def _rejected(self, result: Rejected, bad: str) -> NoReturn:
        self._journal.user = result.user or self._journal.user
        if result.base64:
            raise RefusedError(Kind.BASE64, bad)
        await self._pause(self._config.smtpd_sasl_failure_delay)
        raise RefusedError(Kind.FAILED, wording.AUTH_FAILED)

    # what the log says of a connection that ends without a login

    def aborted(self) -> Aborted | None:
        """Why there was no login, as the log adds it."""
        now = self._world.clock.now()
        if not self._attempts:
            text = f"no auth attempts in {int(now - self._begun)} secs"
            return Aborted(text, "no_auth_attempts")
        seconds = int(now - self._first) if self._first else 0
        if self._config.release.dovecot >= wording.V24:
            return self._aborted_24(seconds)
        if self._last is Kind.TOO_MANY:
            return None
        return Aborted(self._text_23(seconds), "")

    def _text_23(self, seconds: int) -> str:
        if self._attempts == 1 and self._unanswered:
            return f"client didn't finish SASL auth, waited {seconds} secs"
        if self._last in _EVENTS:
            return self._last.value
        return f"auth failed, {self._attempts} attempts in {seconds} secs"

    def _aborted_24(self, seconds: int) -> Aborted:
        text, event = "auth failed", "auth_failed"
        if self._aborted:
            text, event = "auth aborted by client", "auth_aborted_by_client"
        elif self._unanswered:
            text, event = "client didn't finish SASL auth", "auth_waiting_client"
        elif self._last is Kind.TOO_MANY:
            text, event = "connection limit reached", "connection_limit"
        elif self._last in _EVENTS:
            text = self._last.value.replace("plaintext", "cleartext")
            event = _EVENTS[self._last]
        tried = f"{self._attempts} attempts"
        if self._last is Kind.TOO_MANY:
            tried = f"1/{self._attempts} successful auths"
        return Aborted(f"{text}, {tried} in {seconds} secs", event)

    @property
    def _address(self) -> str:
        return self._world.network.client.address


async def _never(challenge: str) -> str | None:
    """PLAIN with its initial response asks for nothing."""
    raise AssertionError(challenge)
