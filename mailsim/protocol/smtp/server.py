"""The server's side of an SMTP or LMTP connection."""

from __future__ import annotations

from mailsim.errors import LocalProtocolError, RemoteProtocolError
from mailsim.protocol.core import DEFAULT_LIMITS, Core, Limits, Meter, Received, Role
from mailsim.protocol.smtp.states import END_OF_DATA, GREETING, LAST, State, after
from mailsim.secret import Secret
from mailsim.wire.content import END_OF_DATA as DOT
from mailsim.wire.content import dot_unstuff
from mailsim.wire.lines import LineBuffer
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import NONE, Quirk
from mailsim.wire.smtp import (
    Bdat,
    Command,
    Content,
    Reply,
    SaslAnswer,
    parse_command,
)


class SmtpServer(Core[Reply, Command]):
    """Replies out, commands in: one command at a time, the next when it has its reply.

    A 354 turns the reading to the message's content, which comes as one
    `Content`; a BDAT comes whole, with its chunk.  After a 220 to STARTTLS
    nothing is read: `unread()` holds what a client injected in the clear.
    """

    role = Role.SERVER

    def __init__(
        self,
        *,
        lmtp: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        quirks: frozenset[Quirk] = NONE,
    ) -> None:
        self.state = State.OPENING
        self._lmtp = lmtp
        self._limits = limits
        self._quirks = quirks
        self._buffer = LineBuffer(limits.line, quirks)
        self._meter = Meter(limits.exchange)
        self._outgoing: list[bytes] = []
        self._current: Command | None = None
        self._bdat: tuple[bytes, Bdat] | None = None
        self._content: list[bytes] = []
        self._recipients = 0

    # saying

    def send(self, value: Reply) -> None:
        """Queue the reply to the command that was read last, or the greeting, or a 421."""
        if self.state is State.OPENING:
            verb = GREETING
        elif self._current is not None:
            verb = self._answered(self._current, value)
        elif value.outcome is Outcome.CLOSING:
            verb = ""
        else:
            raise LocalProtocolError("smtp.nothing-to-answer", reply=str(value))
        self._outgoing.extend(value.units())
        self.state = after(self.state, verb, value.outcome)

    def send_raw(self, data: bytes) -> None:
        """Queue `data` as it is: a server that misbehaves."""
        self._outgoing.append(data)

    def outgoing(self) -> tuple[bytes, ...]:
        units, self._outgoing = tuple(self._outgoing), []
        return units

    def _answered(self, command: Command, reply: Reply) -> str:
        verb = LAST if isinstance(command, Bdat) and command.last else command.verb
        if verb in ("MAIL", "RSET"):
            self._recipients = 0
        elif verb == "RCPT" and reply.outcome.ok:
            self._recipients += 1
        # LMTP: one reply for each accepted recipient (RFC 2033 §4.2).
        if self._lmtp and verb in (END_OF_DATA, LAST) and self._recipients > 1:
            self._recipients -= 1
        else:
            self._current = None
        return verb

    # hearing

    def receive(self, data: bytes) -> None:
        if not data:
            self.state = State.CLOSED
        self._buffer.feed(data)

    @property
    def waiting(self) -> bool:
        """Whether a command still has to be answered."""
        return self._current is not None

    @property
    def closed(self) -> bool:
        return self.state is State.CLOSED

    def unread(self) -> bytes:
        return self._buffer.rest()

    @property
    def tls_pending(self) -> bool:
        return self.state is State.TLS

    def tls_started(self) -> None:
        """Forget what the client said in the clear (RFC 3207 §4.2)."""
        if self.state is not State.OPENING:
            self.state = State.CONNECTED
        self._recipients = 0

    def next_event(self) -> Received[Command] | None:
        """The next command, content, chunk or SASL response, once the last one is answered."""
        if self._current is not None or self.state in (State.TLS, State.CLOSED, State.OPENING):
            return None
        event = self._read()
        if event is not None:
            self._current = event.value
            self._meter.reset()
        return event

    def _read(self) -> Received[Command] | None:
        if self._bdat:
            return self._chunk(*self._bdat)
        if self.state is State.DATA:
            return self._message()
        raw = self._buffer.line()
        if raw is None:
            return None
        self._meter.add(len(raw))
        if self.state is State.AUTH:
            return Received(SaslAnswer(Secret(raw.rstrip(b"\r\n"))), (raw,))
        command = parse_command(raw, self._quirks)
        if isinstance(command, Bdat):
            return self._chunk(raw, command)
        return Received(command, (raw,))

    def _message(self) -> Received[Command] | None:
        """The content up to the lone dot: only CRLF "." CRLF ends it (RFC 5321 §4.1.1.4)."""
        while (raw := self._buffer.line()) is not None:
            if raw == DOT or (Quirk.BARE_LF in self._quirks and raw == b".\n"):
                block = b"".join(self._content)
                self._content = []
                units = (block, raw) if block else (raw,)
                return Received(Content(dot_unstuff(block)), units)
            self._meter.add(len(raw))
            self._content.append(raw)
        return None

    def _chunk(self, raw: bytes, command: Bdat) -> Received[Command] | None:
        """The octets behind BDAT, whatever they are (RFC 3030 §2)."""
        self._bdat = (raw, command)
        data = self._take(command.octets)
        if data is None:
            return None
        self._bdat = None
        return Received(Bdat(data, command.last), (raw, data) if data else (raw,))

    def _take(self, octets: int) -> bytes | None:
        self._meter.add(0)
        if octets > self._limits.block:
            raise RemoteProtocolError("smtp.chunk-too-long", size=octets, limit=self._limits.block)
        return self._buffer.take(octets)
