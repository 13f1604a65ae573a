"""One SMTP connection to another MTA: the sans-IO client core on a Peer, as smtp_proto.c speaks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailsim.errors import ConnectionLost, MailsimError, ProtocolError, TlsError
from mailsim.net.serving import connect
from mailsim.net.tls import opportunistic_context
from mailsim.servers.queue.mail import Mail, Outcome
from mailsim.servers.queue.routing import Host
from mailsim.servers.queue.talk import Talk
from mailsim.servers.store import RecipientRow
from mailsim.wire.outcome import Outcome as Result
from mailsim.wire.smtp import (
    Command,
    Content,
    Data,
    Ehlo,
    Helo,
    Parameter,
    Path,
    Quit,
    Rcpt,
    Reply,
    StartTls,
    xtext_encode,
)
from mailsim.wire.smtp import (
    Mail as MailFrom,
)

if TYPE_CHECKING:
    from mailsim.servers.world import World

# smtp_connect_timeout, and the others': seconds, RFC 5321 §4.5.3.2.
CONNECT = 30.0
DATA_INIT = 120.0
DATA_DONE = 600.0


class SiteError(Exception):
    """The host cannot be talked to: another one may be tried."""

    def __init__(self, dsn: str, reason: str, diagnostic: str = "") -> None:
        super().__init__(reason)
        self.dsn = dsn
        self.reason = reason
        self.refused: list[Outcome] = []
        """Recipients refused for good before it happened."""
        self.diagnostic = diagnostic


@dataclass(slots=True)
class Transaction:
    """One message to one host, for some of its recipients."""

    world: World
    mail: Mail
    content: bytes = field(repr=False)
    domain: str
    host: Host
    tls: bool
    talk: Talk = field(init=False)
    connected: float = 0.0
    refused: list[Outcome] = field(default_factory=list)
    """The recipients refused for good, whatever becomes of the connection."""
    where: str = "performing the EHLO handshake"

    async def run(self, recipients: list[RecipientRow]) -> list[Outcome]:
        """Deliver; one outcome for each recipient.  Raises SiteError."""
        await self._connect()
        try:
            await self._greet()
            self.connected = self.world.clock.now()
            return await self._deliver(recipients)
        except TimeoutError:
            raise SiteError(
                "4.4.2", f"conversation with {self.host} timed out while {self.where}"
            ) from None
        except ConnectionLost:
            reason = f"lost connection with {self.host} while {self.where}"
            raise SiteError("4.4.2", reason) from None
        except ProtocolError as error:
            why = error.worded("en")
            raise SiteError("4.5.0", f"host {self.host} broke the protocol: {why}") from None
        finally:
            self.talk.peer.close()

    async def _connect(self) -> None:
        reached = self.world.routes.get(self.host.address)
        try:
            if reached is None:
                raise SiteError("4.4.1", f"connect to {self.host}:25: Connection refused")
            self.talk = Talk(await connect(*reached, timeout=CONNECT))
            _not_cancelled(self.talk)
        except MailsimError as error:
            late = error.message_id == "net.connect-timeout"
            why = "Connection timed out" if late else "Connection refused"
            raise SiteError("4.4.1", f"connect to {self.host}:25: {why}") from None

    # the session's beginning

    async def _greet(self) -> None:
        self.where = "receiving the initial server greeting"
        self._welcome(await self.talk.hear(), soft=True)
        self.where = "performing the EHLO handshake"
        await self._hello()
        if self.tls and "STARTTLS" in self.talk.core.extensions:
            await self._start_tls()
            await self._hello()

    async def _hello(self) -> None:
        name = self.world.config.myhostname
        (reply,) = await self.talk.ask(Ehlo(name))
        # RFC 5321 §4.1.1.1; smtp_helo() does it for all but 421, behind which nothing is said.
        if not reply.outcome.ok and not self.talk.core.closed:
            self.where = "performing the HELO handshake"
            (reply,) = await self.talk.ask(Helo(name))
        self._welcome(reply)
        if reply.lines[0].partition(" ")[0].lower() == name.lower():
            raise SiteError("5.4.6", f"mail for {self.domain} loops back to myself")

    def _welcome(self, reply: Reply, *, soft: bool = False) -> None:
        if not reply.outcome.ok:
            text = shown(reply)
            # smtp_skip_5xx_greeting: another host may be kinder.
            dsn = f"4{status(reply)[1:]}" if soft else status(reply)
            raise SiteError(dsn, f"host {self.host} refused to talk to me: {text}", text)

    async def _start_tls(self) -> None:
        self.where = "performing the STARTTLS handshake"
        (reply,) = await self.talk.ask(StartTls())
        if not reply.outcome.ok:
            return
        # RFC 3207 §4.2: what came behind the reply in the clear is not the server's.
        self.talk.core.unread()
        try:
            await self.talk.peer.start_tls(opportunistic_context(), self.host.name)
        except TlsError:
            raise SiteError("4.7.5", "Cannot start TLS: handshake failure") from None
        self.talk.core.tls_started()

    # the transaction

    async def _deliver(self, recipients: list[RecipientRow]) -> list[Outcome]:
        if too_big := self._too_big():
            return [self._outcome(one, "bounced", *too_big) for one in recipients]
        self.where = "sending MAIL FROM"
        commands = [self._mail(), *map(self._rcpt, recipients)]
        if "PIPELINING" in self.talk.core.extensions:
            first, *replies = await self.talk.ask(*commands)
        else:
            (first,) = await self.talk.ask(commands[0])
            replies = await self._one_by_one(commands[1:]) if first.outcome.ok else []
        if not first.outcome.ok:
            return await self._quit([self._said(one, first, "MAIL FROM") for one in recipients])
        pairs = list(zip(recipients, replies, strict=True))
        outcomes = [self._said(one, said, "RCPT TO") for one, said in pairs if not said.outcome.ok]
        self.refused = [one for one in outcomes if one.status == "bounced"]
        accepted = [one for one, said in pairs if said.outcome.ok]
        if accepted:
            outcomes += await self._send(accepted)
        return await self._quit(outcomes)

    async def _one_by_one(self, commands: list[Command]) -> list[Reply]:
        self.where = "sending RCPT TO"
        replies: list[Reply] = []
        for command in commands:
            replies += [replies[-1]] if self.talk.core.closed else await self.talk.ask(command)
        return replies

    async def _send(self, accepted: list[RecipientRow]) -> list[Outcome]:
        self.where = "sending DATA command"
        (reply,) = await self.talk.ask(Data(), patience=DATA_INIT)
        if reply.outcome is Result.SUCCESS:  # RFC 5321 §4.3.2: DATA is answered 354
            raise SiteError("4.5.0", f"host {self.host} broke the protocol: {reply} to DATA")
        if reply.outcome is not Result.INTERMEDIATE:
            return [self._said(one, reply, "DATA") for one in accepted]
        self.where = "sending end of data -- message may be sent more than once"
        # BDAT may bring content without a last line end; DATA cannot carry it so.
        last = b"" if self.content.endswith(b"\r\n") else b"\r\n"
        (reply,) = await self.talk.ask(Content(self.content + last), patience=DATA_DONE)
        return [self._said(one, reply, "end of DATA") for one in accepted]

    async def _quit(self, outcomes: list[Outcome]) -> list[Outcome]:
        """QUIT; its reply is not waited for, as smtp_skip_quit_response has it."""
        if not self.talk.core.closed:
            self.talk.say(Quit())
        return outcomes

    def _too_big(self) -> tuple[str, str] | None:
        limit = self.talk.core.extensions.get("SIZE", "")
        if (
            limit.isascii() and limit.isdecimal() and 0 < int(limit) < len(self.content)
        ):  # RFC 1870 §4
            size = len(self.content)
            return (
                "5.3.4",
                f"message size {size} exceeds size limit {limit} of server {self.host}",
            )
        if self.mail.envelope.smtputf8 and "SMTPUTF8" not in self.talk.core.extensions:
            # RFC 6531 §3.2: what needs it may not go without it.
            return "5.6.7", f"SMTPUTF8 is required, but was not offered by host {self.host}"
        return None

    def _mail(self) -> Command:
        envelope, offered = self.mail.envelope, self.talk.core.extensions
        wanted = [
            ("SIZE", "SIZE", str(len(self.content))),
            ("8BITMIME", "BODY", envelope.body if envelope.body in ("7BIT", "8BITMIME") else ""),
            ("DSN", "ENVID", xtext_encode(envelope.envid)),
            ("DSN", "RET", envelope.ret),
        ]
        given = [
            Parameter(key, value) for keyword, key, value in wanted if keyword in offered and value
        ]
        if envelope.smtputf8:
            given.append(Parameter("SMTPUTF8", ""))
        return MailFrom(Path(self.mail.row.sender), tuple(given))

    def _rcpt(self, one: RecipientRow) -> Command:
        given: list[Parameter] = []
        if "DSN" in self.talk.core.extensions:
            kind, _, address = (one.orcpt or f"rfc822;{one.original or one.address}").partition(";")
            given.append(Parameter("ORCPT", f"{kind};{xtext_encode(address)}"))
            if one.notify:
                given.append(Parameter("NOTIFY", one.notify))
        return Rcpt(Path(one.address), tuple(given))

    # what came of it

    def _said(self, one: RecipientRow, reply: Reply, command: str) -> Outcome:
        text = shown(reply)
        if reply.outcome is Result.SUCCESS:
            return self._outcome(one, "sent", status(reply), text, text)
        reason = f"host {self.host} said: {text} (in reply to {command} command)"
        fate = "bounced" if reply.outcome is Result.PERMANENT else "deferred"
        return self._outcome(one, fate, status(reply), reason, text)

    def _outcome(
        self, one: RecipientRow, fate: str, dsn: str, reason: str, diagnostic: str = ""
    ) -> Outcome:
        return Outcome(
            one,
            fate,
            dsn,
            reason,
            relay=f"{self.host}:25",
            remote=self.host.name if diagnostic else "",
            diagnostic=diagnostic,
            reported="DSN" in self.talk.core.extensions,
            connected=self.connected,
        )


def _not_cancelled(talk: Talk) -> None:
    """Python 3.11's wait_for() may swallow a cancellation that comes as it ends."""
    task = asyncio.current_task()
    if task and task.cancelling():
        talk.peer.abort()
        raise asyncio.CancelledError


def status(reply: Reply) -> str:
    """The reply's enhanced code, or its class's general one."""
    return str(reply.enhanced or f"{reply.code // 100}.0.0")


def shown(reply: Reply) -> str:
    """The whole reply in one line, as the log shows it."""
    *first, last = reply.lines
    return " ".join([*(f"{reply.code}-{line}" for line in first), f"{reply.code} {last}"])
