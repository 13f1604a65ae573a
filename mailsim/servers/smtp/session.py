"""One SMTP connection: reads commands, has them answered, keeps the order and the log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailsim.errors import RemoteProtocolError, TlsError
from mailsim.protocol.core import Limits, Received
from mailsim.protocol.smtp.server import SmtpServer
from mailsim.servers.disturbance import Answer, Delay, Drop, Truncate
from mailsim.servers.envelope import Client
from mailsim.servers.smtp import replies
from mailsim.servers.smtp.journal import LOST, TIMEOUT, TOO_MANY, Journal
from mailsim.servers.smtp.names import in_networks
from mailsim.servers.smtp.restrictions import Restrictions
from mailsim.servers.smtp.state import ESMTP, UNKNOWN, State
from mailsim.servers.smtp.words import Word, split
from mailsim.wire.quirk import Quirk
from mailsim.wire.smtp import Bdat, Command, Reply

if TYPE_CHECKING:
    import ssl

    from mailsim.net.serving import Peer
    from mailsim.net.tls import TlsInfo
    from mailsim.servers.world import World

LINE_LIMIT = 2048  # line_length_limit
AHEAD = 100  # octets shown of what came too early
_HANGUPS = (421, 521)
_HEADER = re.compile(r"[!-9;-~]+[ \t]*:")
# smtpd_forbidden_commands
_FORBIDDEN = re.compile(r"(?:CONNECT|GET|POST)\Z|[^A-Z]", re.IGNORECASE)
_HANDSHAKE = 300.0  # smtpd_starttls_timeout
_PROGRAMS = {"smtp": "postfix/smtpd", "reinjection": "postfix/smtpd"}
SETTLING = 2.0
"""Seconds that a repeating run waits for a message to come to rest before it reads on."""


class ClosedError(Exception):
    """The conversation is over; `reason` is what the log says of it, or ""."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class GreetAgain(Exception):
    """The session goes back to its greeting."""


Handler = Callable[["SmtpSession", list[Word]], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: what does it, whether it counts as junk, may come before TLS, ends a group."""

    handler: Handler
    junk: bool = False
    before_tls: bool = False
    last: bool = False


class SmtpSession:
    """The smtpd of one connection.

    `service` is "smtp", "submission", "submissions" or "reinjection"; `tls` gives the
    server's context for the kind of certificate that the settings name, None for none.
    """

    def __init__(
        self, world: World, service: str, *, tls: Callable[[str], ssl.SSLContext | None]
    ) -> None:
        self.world = world
        self.service = service
        self.config = world.config.service(service)
        host = world.network.client
        self.state = State(_known(world, host.address))
        program = _PROGRAMS.get(service, f"postfix/{service}/smtpd")
        self.journal = Journal(world.log, program, world.ids.pid())
        self.restrictions = Restrictions(world, self.config, self.state, self.journal)
        self.version = self.config.release.postfix
        self.core = SmtpServer(
            limits=Limits(line=LINE_LIMIT + 1),
            quirks=frozenset({Quirk.BARE_LF, Quirk.CUT_LINE}),
            size_limit=self.config.message_size_limit or Limits().block,
        )
        self.chunk: Bdat | None = None
        self._tls = tls
        self._out = bytearray()
        self._over = False
        self._cut: int | None = None
        self.rejects_bare_lf = False
        """Whether this client's bare line feeds are refused."""

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
            self.journal.goodbye(self.state)
            peer.close()

    # what the commands use

    async def say(self, reply: Reply) -> None:
        """Answer the command, later where the client has made many errors."""
        if self.state.errors >= self.config.smtpd_soft_error_limit:
            await self.pause(self.config.smtpd_error_sleep_time)
        self.core.send(reply)
        said = b"".join(self.core.outgoing())
        self._over = self._over or reply.code in _HANGUPS
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
        chunk = self.chunk.data if state.where == "BDAT" else b""
        ahead = (chunk + self.core.ahead())[:AHEAD]
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
            self.journal.write(f"SSL_accept error from {client}: {error.params.get('reason', -1)}")
            raise ClosedError(LOST) from None
        self.core.tls_started()
        self.state.tls = shown(info)
        self.state.sasl_active = self.config.smtpd_sasl_auth_enable
        self.state.sasl_username = self.state.sasl_method = ""
        text = f"Anonymous TLS connection established from {client}: {self.state.tls}"
        self.journal.write(text)

    def become(self, client: Client) -> None:
        """Take the client for another, as XCLIENT says."""
        self.state.client = client
        self._admit()

    # the conversation

    async def _serve(self) -> None:
        self._admit()
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
        if not state.illegal_pipelining and not config.smtpd_tls_wrappermode:  # noqa: SIM102
            if self.flag_pipelining():
                await self.say(replies.SYNCHRONIZATION())
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

    async def _greet(self) -> None:
        if await self.disturbed("GREETING"):
            return
        refusal = None if self.config.smtpd_delay_reject else self.restrictions.client()
        if refusal:
            self.state.access_denied = True
            self.state.errors += 1
        await self.say(refusal or replies.banner(self.config.release, self.config.myhostname))

    async def _converse(self) -> None:
        while not self._over:
            if self.state.errors >= self.config.smtpd_hard_error_limit:
                self.core.give_up()
                await self.say(replies.TOO_MANY_ERRORS(host=self.config.myhostname))
                self.journal.broken_off(TOO_MANY, self.state, 0)
                return
            await self._command(await self.event())

    async def _command(self, event: Received[Command]) -> None:
        raw = event.units[0]
        if await self._unreadable(raw):
            return
        line = raw.rstrip(b"\r\n")[:LINE_LIMIT].decode()
        words = split(line)
        if not words:
            await self.say(replies.BAD_SYNTAX())
            self.state.errors += 1
            return
        verb = words[0].text.upper()
        entry = self._table().get(verb)
        self.journal.asked[verb if entry else UNKNOWN] += 1
        self.chunk = event.value if isinstance(event.value, Bdat) else None
        if await self._hindered(verb, entry, words, line) or entry is None:
            return
        await self._perform(verb, entry, words)

    async def _unreadable(self, raw: bytes) -> bool:
        """Lines that are answered before they are understood."""
        if self.rejects_bare_lf and raw.endswith(b"\n") and not raw.endswith(b"\r\n"):
            await self.reject_bare_lf()
            raise ClosedError
        if not raw.endswith(b"\n"):
            head = raw[:30].decode("utf-8", "replace")
            self.journal.warn(f"{self.state.client}: request longer than {LINE_LIMIT}: {head}...")
        try:
            raw.rstrip(b"\r\n")[:LINE_LIMIT].decode()
        except UnicodeDecodeError:
            await self.say(replies.BAD_UTF8())
            self.state.errors += 1
            return True
        return False

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
        if await entry.handler(self, words):
            self.journal.done[verb] += 1
        else:
            state.errors += 1
        if entry.junk:
            state.errors += state.junk > self.config.smtpd_junk_command_limit
            state.junk += 1
        if verb == "QUIT":
            self._over = True

    def _table(self) -> dict[str, Entry]:
        from mailsim.servers.smtp.commands import table  # noqa: PLC0415 - they know the session

        return table(self.version)

    async def reject_bare_lf(self) -> None:
        """What smtpd_forbid_bare_newline = reject says, and the log with it."""
        state = self.state
        text = f"NOQUEUE: reject: {state.where} from {state.client}: bare <LF> received;"
        sender = f" from=<{state.mail.sender}>" if state.mail else ""
        helo = f" helo=<{state.helo}>" if state.helo is not None else ""
        self.journal.write(f"{text}{sender} proto={state.protocol}{helo}")
        await self.say(replies.BARE_LF(host=self.config.myhostname))

    # who is at the other end

    @property
    def _needs_tls(self) -> bool:
        return self.config.smtpd_tls_security_level == "encrypt" and not self.state.tls

    def _admit(self) -> None:
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

    @staticmethod
    def _breaks_rules(word: str) -> bool:
        return bool(_HEADER.match(word) or _FORBIDDEN.match(word))

    # disturbances

    async def _answer_instead(self, text: str) -> None:
        reply = replies.reply(text)
        if self.core.waiting or reply.code == _HANGUPS[0] or self.core.opening:
            await self.say(reply)
        if reply.code == _HANGUPS[0]:
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


def _address(verb: str, words: list[Word]) -> str:
    """The path of MAIL and RCPT, for disturbances by address."""
    if verb not in ("MAIL", "RCPT") or len(words) < 3:
        return ""
    return words[2].text.removeprefix("<").removesuffix(">")


def _escaped(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace").encode("unicode_escape").decode()


def _raw(reply: Reply) -> bytes:
    return b"".join(reply.units())
