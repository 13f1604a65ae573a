"""One SMTP connection from greeting to goodbye: which command comes when, and what stands in its way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from mailsim.errors import RemoteProtocolError
from mailsim.protocol.core import Received
from mailsim.servers import replies
from mailsim.servers.queue.refused import Refused
from mailsim.servers.smtp.channel import LINE_LIMIT, Channel, ClosedError, Entry, GreetAgain
from mailsim.servers.smtp.commands import table
from mailsim.servers.smtp.journal import LOST, TIMEOUT, TOO_MANY
from mailsim.servers.smtp.state import ESMTP, UNKNOWN
from mailsim.servers.smtp.words import Word, split
from mailsim.wire.smtp import Bdat, Command, Content, Reply, SaslAnswer

if TYPE_CHECKING:
    import ssl

    from mailsim.net.serving import Peer
    from mailsim.servers.world import World

_HEADER = re.compile(r"[!-9;-~]+[ \t]*:")
# smtpd_forbidden_commands
_FORBIDDEN = re.compile(r"(?:CONNECT|GET|POST)\Z|[^A-Z]", re.IGNORECASE)


class SmtpSession(Channel):
    """The smtpd of one connection: `await SmtpSession(world, service, tls=…).run(peer)`."""

    def __init__(
        self, world: World, service: str, *, tls: Callable[[str], ssl.SSLContext | None]
    ) -> None:
        super().__init__(world, service, tls=tls)
        self.commands = table(self.version)

    async def run(self, peer: Peer) -> None:
        """Serve the connection to its end."""
        self.peer = peer
        self.world.clock.tick()
        self.journal.write(f"connect from {self.state.client}")
        try:
            await self._serve()
        except asyncio.CancelledError:
            self._shut_down()
            raise
        finally:
            self.uncount()
            self.journal.goodbye(self.state, self.commands)
            peer.close()

    async def _serve(self) -> None:
        try:
            if self.config.smtpd_tls_wrappermode and not await self._wrapped():
                return
            again = True
            while again:
                again = await self._greeted()
        except ClosedError as end:
            await self._ended(end.reason)
        except RemoteProtocolError:
            await self._ended("")

    async def _ended(self, reason: str) -> None:
        if reason == TIMEOUT:
            self.core.give_up()
            self._out += _raw(replies.TIMEOUT(host=self.config.myhostname))
        if reason:
            self.journal.broken_off(reason, self.state, self.core.content_size)
        if reason != LOST:
            await self.flush()

    def _shut_down(self) -> None:
        """The server stops: RFC 5321 §3.8 lets it say so at any time."""
        self.core.give_up()
        if not self.peer.closing:
            bye = _raw(replies.SHUTDOWN(host=self.config.myhostname))
            self.peer.write(bytes(self._out) + bye)

    async def _wrapped(self) -> bool:
        """TLS before anything is said (smtpd_tls_wrappermode)."""
        context = self.context()
        if context is None:
            text = (
                f"Wrapper-mode request dropped from {self.state.client} for service {self.service}."
            )
            why = (
                " TLS context initialization failed. For details see earlier warnings in your logs."
            )
            self.journal.warn(text + why)
            return False
        await self.start_tls(context)
        return True

    async def _greeted(self) -> bool:
        """Greet, then serve commands; True when XCLIENT makes it begin again."""
        state, config = self.state, self.config
        looked = state.illegal_pipelining or config.smtpd_tls_wrappermode
        if not looked and self.flag_pipelining():
            await self.say(replies.SYNCHRONIZATION())
            await self.flush()
            return False
        if self._is_one_too_many():
            await self.say(
                replies.TOO_MANY_CONNECTIONS(host=config.myhostname, address=state.client.address)
            )
            await self.flush()
            return False
        await self._greet()
        if config.smtpd_sasl_auth_enable and not state.tls and not config.smtpd_tls_auth_only:
            state.sasl_active = True
        try:
            await self._converse()
        except GreetAgain:
            self.core.give_up()
            self.core.begin_again()
            return True
        await self.flush()
        return False

    def _is_one_too_many(self) -> bool:
        count, limit = self.count(), self.config.smtpd_client_connection_count_limit
        if not 0 < limit < count:
            return False
        shown = f"{count} from {self.state.client} for service {self.service}"
        self.journal.warn(f"Connection concurrency limit exceeded: {shown}")
        return True

    async def _greet(self) -> None:
        if await self.disturbed("GREETING"):
            return
        refusal = None if self.config.smtpd_delay_reject else self.restrictions.client()
        if refusal:
            self.state.access_denied = True
            self.state.errors += 1
        await self.say(refusal or replies.banner(self.config.release, self.config.myhostname))

    async def _converse(self) -> None:
        while not self.over:
            if self.state.errors >= self.config.smtpd_hard_error_limit:
                self.core.give_up()
                await self.say(replies.TOO_MANY_ERRORS(host=self.config.myhostname))
                self.journal.broken_off(TOO_MANY, self.state, 0)
                return
            self.core.takes_chunks = not (self._needs_tls or self.state.access_denied)
            await self._command(await self.event())

    async def _command(self, event: Received[Command]) -> None:
        if await self._unasked(event.value):
            return
        line = await self._line(event.units[0])
        if line is None:
            return
        words = split(line)
        if not words:
            await self.say(replies.BAD_SYNTAX())
            self.state.errors += 1
            return
        verb = words[0].text.upper()
        entry = self.commands.get(verb)
        self.journal.asked[verb if entry else UNKNOWN] += 1
        self.chunk = event.value if isinstance(event.value, Bdat) else None
        if await self._hindered(verb, entry, words, line) or entry is None:
            return
        await self._perform(verb, entry, words)

    async def _unasked(self, value: Command) -> bool:
        """Content or a response that nobody waits for: a disturbance has asked for it."""
        if isinstance(value, Content):
            return not await self.refuse(replies.NO_RECIPIENTS())
        if isinstance(value, SaslAnswer):
            return not await self.refuse(replies.AUTH_DISABLED())
        return False

    async def _line(self, raw: bytes) -> str | None:
        """The line's text; None for one that is answered before it is understood."""
        if self.rejects_bare_lf and raw.endswith(b"\n") and not raw.endswith(b"\r\n"):
            await self.reject_bare_lf()
            raise ClosedError
        if not raw.endswith(b"\n"):
            head = raw[:30].decode("utf-8", "replace")
            self.journal.warn(f"{self.state.client}: request longer than {LINE_LIMIT}: {head}...")
        try:
            return raw.rstrip(b"\r\n")[:LINE_LIMIT].decode()
        except UnicodeDecodeError:
            await self.say(replies.BAD_UTF8())
            self.state.errors += 1
            return None

    async def _hindered(self, verb: str, entry: Entry | None, words: list[Word], line: str) -> bool:
        """Whether something stands before the command: no SMTP at all, no access, no TLS yet."""
        state = self.state
        if entry is None:
            state.where = UNKNOWN
            if self._breaks_rules(words[0].text):
                self.journal.warn(f"non-SMTP command from {state.client}: {line[:100]}")
                await self.say(replies.RULE_BREAKER())
                raise ClosedError
        reply = None
        if state.access_denied and verb != "QUIT":
            reply = replies.ACCESS_DENIED(client=state.client)
        elif entry is None:
            reply = replies.NOT_RECOGNIZED()
        elif self._needs_tls and not entry.before_tls:
            reply = replies.STARTTLS_FIRST()
        if reply is None:
            return False
        if not await self.disturbed(verb):
            await self.say(reply)
        state.errors += 1
        return True

    async def _perform(self, verb: str, entry: Entry, words: list[Word]) -> None:
        state = self.state
        state.where = verb
        grouped = state.protocol == ESMTP and not entry.last
        if not grouped and not state.illegal_pipelining and self.flag_pipelining():
            await self.say(replies.SYNCHRONIZATION())
            raise ClosedError
        self.core.read_as("" if verb == "BDAT" else verb)
        if await self.disturbed(verb, _address(verb, words)):
            return
        try:
            done = await entry.handler(self, words)
        except Refused as refused:
            done = await self.refuse(refused.reply)
        if done:
            self.journal.done[verb] += 1
        else:
            state.errors += 1
        if entry.junk:
            state.errors += state.junk > self.config.smtpd_junk_command_limit
            state.junk += 1
        if verb == "QUIT":
            self.over = True

    @property
    def _needs_tls(self) -> bool:
        return self.config.smtpd_tls_security_level == "encrypt" and not self.state.tls

    @staticmethod
    def _breaks_rules(word: str) -> bool:
        return bool(_HEADER.match(word) or _FORBIDDEN.match(word))


def _address(verb: str, words: list[Word]) -> str:
    """The path of MAIL and RCPT, for disturbances by address."""
    if verb not in ("MAIL", "RCPT") or len(words) < 3:
        return ""
    return words[2].text.removeprefix("<").removesuffix(">")


def _raw(reply: Reply) -> bytes:
    return b"".join(reply.units())
