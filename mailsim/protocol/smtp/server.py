"""The server's side of an SMTP or LMTP connection."""

from __future__ import annotations

from mailsim.errors import LocalProtocolError, RemoteProtocolError
from mailsim.protocol.core import DEFAULT_LIMITS, Core, Limits, Meter, Received, Role
from mailsim.protocol.smtp.states import END_OF_DATA, GREETING, LAST, State, after
from mailsim.secret import Secret
from mailsim.wire.lines import LineBuffer
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import NONE, Quirk
from mailsim.wire.smtp import (
    Bdat,
    Command,
    Reply,
    SaslAnswer,
    parse_command,
)
from mailsim.wire.smtp.incoming import Incoming

SASL_LINE = 12_288
"""The longest response that AUTH's exchange must allow, in octets (RFC 4954)."""


class SmtpServer(Core[Reply, Command]):
    """Replies out, commands in: one command at a time, the next when it has its reply.

    A 354 turns the reading to the message's content, which comes as one
    `Content`; a BDAT comes whole, with its chunk.  After a 220 to STARTTLS
    nothing is read: `unread()` holds what a client injected in the clear.

    `size_limit`: content and chunks over it are read to their end but not kept (their
    `size` says so); 0: they are errors as soon as they pass `limits`.
    """

    role = Role.SERVER

    def __init__(
        self,
        *,
        lmtp: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        quirks: frozenset[Quirk] = NONE,
        size_limit: int = 0,
    ) -> None:
        self.state = State.OPENING
        self.quirks = quirks
        """What content may look like; it may change between commands."""
        self._lmtp = lmtp
        self._limits = limits
        self._size_limit = size_limit
        self._buffer = LineBuffer(limits.line, quirks)
        self._meter = Meter(limits.exchange)
        self._outgoing: list[bytes] = []
        self._current: Command | None = None
        self._verb = ""
        self._bdat: tuple[bytes, Bdat] | None = None
        self.takes_chunks = True
        """Whether a chunk is read behind BDAT; else its octets are the next commands, as they are
        to a server that refuses BDAT before it looks at it."""
        self._skipped = 0
        self._content: Incoming | None = None
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

    def read_as(self, verb: str) -> None:
        """The command to be answered counts as `verb`, though its grammar was not the RFC's."""
        self._verb = verb

    def give_up(self) -> None:
        """The command that was read last gets no reply, or has had a raw one."""
        self._current = None
        self._verb = ""

    def outgoing(self) -> tuple[bytes, ...]:
        units, self._outgoing = tuple(self._outgoing), []
        return units

    def _answered(self, command: Command, reply: Reply) -> str:
        verb = LAST if isinstance(command, Bdat) and command.last else self._verb or command.verb
        if verb in ("MAIL", "RSET"):
            self._recipients = 0
        elif verb == "RCPT" and reply.outcome.ok:
            self._recipients += 1
        # LMTP: one reply for each accepted recipient (RFC 2033 §4.2).
        if self._lmtp and verb in (END_OF_DATA, LAST) and self._recipients > 1:
            self._recipients -= 1
        else:
            self.give_up()
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

    def ahead(self, octets: int = 100) -> bytes:
        """What the client has sent before it was answered, left where it is."""
        return self._buffer.peek(octets)

    def receive_early(self, data: bytes) -> None:
        """Take in what may have come already; b"" says nothing."""
        if data:
            self.receive(data)

    def begin_again(self) -> None:
        """The greeting comes next: XCLIENT has made the client another (Postfix's XCLIENT_README)."""
        self.state = State.OPENING
        self._recipients = 0

    @property
    def opening(self) -> bool:
        """Whether the greeting is still to come."""
        return self.state is State.OPENING

    @property
    def content_size(self) -> int:
        """How much of a message's content or of a chunk has come so far."""
        if self._bdat:
            return self._skipped + len(self._buffer)
        return self._content.size if self._content else 0

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
        if not self._buffer and self._bdat is None:
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
        responding = self.state is State.AUTH
        self._buffer.limit = max(self._limits.line, SASL_LINE) if responding else self._limits.line
        raw = self._buffer.line()
        if raw is None:
            return None
        self._meter.add(len(raw))
        if responding:
            return Received(SaslAnswer(Secret(raw.rstrip(b"\r\n"))), (raw,))
        command = parse_command(raw, self.quirks)
        if isinstance(command, Bdat) and self.takes_chunks:
            return self._chunk(raw, command)
        return Received(command, (raw,))

    def _message(self) -> Received[Command] | None:
        """The content up to the lone dot."""
        if self._content is None:
            self._content = Incoming(self.quirks, self._size_limit)
        if not self._buffer:
            return None
        data = self._buffer.rest()
        if not self._size_limit:
            self._meter.add(len(data), data.count(b"\n"))
        found = self._content.feed(data)
        if found is None:
            return None
        self._content = None
        content, units, rest = found
        self._buffer.feed(rest)
        return Received(content, units)

    def _chunk(self, raw: bytes, command: Bdat) -> Received[Command] | None:
        """The octets behind BDAT, whatever they are (RFC 3030 §2)."""
        self._bdat = (raw, command)
        data = self._take(command.octets)
        if data is None:
            return None
        self._bdat = None
        size = -1 if len(data) == command.octets else command.octets
        return Received(Bdat(data, command.last, size), (raw, data) if data else (raw,))

    def _take(self, octets: int) -> bytes | None:
        self._meter.add(0)
        if self._size_limit and octets > self._size_limit:
            return self._discard(octets)
        if octets > self._limits.block:
            raise RemoteProtocolError("smtp.chunk-too-long", size=octets, limit=self._limits.block)
        return self._buffer.take(octets)

    def _discard(self, octets: int) -> bytes | None:
        """Let a chunk go that is too long to be kept; b"" when all of it has come."""
        gone = min(len(self._buffer), octets - self._skipped)
        self._buffer.take(gone)
        self._skipped += gone
        if self._skipped < octets:
            return None
        self._skipped = 0
        return b""
