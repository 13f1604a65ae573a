"""The server's side of a POP3 connection."""

from __future__ import annotations

from mailsim.errors import LocalProtocolError, RemoteProtocolError
from mailsim.protocol.core import DEFAULT_LIMITS, Core, Limits, Meter, Received, Role
from mailsim.protocol.pop3.states import ENDED, GREETING, State, after, legal
from mailsim.secret import Secret
from mailsim.wire.lines import LineBuffer
from mailsim.wire.pop3 import (
    Command,
    Form,
    Reply,
    ReplyReader,
    SaslAnswer,
    Status,
    parse_command,
)
from mailsim.wire.quirk import NONE, Quirk


class Pop3Server(Core[Reply, Command]):
    """Replies in, commands out, one at a time: the next comes once this one is answered.

    A command that the state does not allow comes like any other, for the answer
    to it is policy: `legal()` tells.
    """

    role = Role.SERVER

    def __init__(self, *, limits: Limits = DEFAULT_LIMITS, quirks: frozenset[Quirk] = NONE) -> None:
        self.state = State.OPENING
        self._limits = limits
        self._buffer = LineBuffer(limits.line, quirks)
        self._outgoing: list[bytes] = []
        self._current: Command | None = None
        self._own = self._follower()

    # saying

    def legal(self) -> tuple[str, ...]:
        """The verbs that the state allows the client."""
        return legal(self.state)

    def send(self, value: Reply) -> None:
        """Queue the greeting, or the answer to the last command; -ERR may come unasked."""
        if self._current is None and self.state is not State.OPENING:
            if value.status is not Status.ERR:
                raise LocalProtocolError("pop3.nothing-to-answer")
        elif not self._fits(value):
            verb = self._current.verb if self._current else GREETING
            raise LocalProtocolError("pop3.wrong-form", verb=verb, form=self._form().value)
        self._outgoing.extend(value.units())
        self._answered(value)

    def send_raw(self, data: bytes) -> None:
        """Queue `data` as it is; a whole reply in it is followed as the answer it is."""
        self._outgoing.append(data)
        self._own.feed(data)
        try:
            while found := self._own.next(self._form()):
                self._answered(found[0])
        except RemoteProtocolError:  # no reply in the grammar: nothing is answered
            self._own = self._follower()

    def read_as(self, value: Command) -> None:
        """The command to be answered counts as `value`, though its grammar was not the RFC's."""
        self._current = value

    def give_up(self) -> None:
        """The command that was read last gets no reply, or has had a raw one; a SASL exchange
        is over."""
        self._current = None
        if self.state is State.SASL:
            self.state = State.AUTHORIZATION

    def outgoing(self) -> tuple[bytes, ...]:
        units, self._outgoing = tuple(self._outgoing), []
        return units

    def _follower(self) -> ReplyReader:
        limits = self._limits
        return ReplyReader(limits.line, limits.block, Meter(limits.exchange).add)

    def _form(self) -> Form:
        return self._current.form if self._current else Form.LINE

    def _fits(self, reply: Reply) -> bool:
        """Whether the reply has the form that the client will read."""
        if reply.status is Status.CHALLENGE:
            return self._form() is Form.SASL
        listing = reply.ok and self._form() is Form.LISTING
        content = reply.ok and self._form() is Form.CONTENT
        return (reply.lines is not None) == listing and (reply.content is not None) == content

    def _answered(self, reply: Reply) -> None:
        if self.state is State.OPENING:
            self.state = after(self.state, GREETING, reply.outcome)
        elif self._current is not None:
            self.state = after(self.state, self._current.verb, reply.outcome)
            self._current = None

    # hearing

    def receive(self, data: bytes) -> None:
        self._buffer.feed(data)

    def begun(self, size: int) -> bytes:
        """At most `size` octets of what has come and was not read."""
        return self._buffer.peek(size)

    def limit_line(self, limit: int) -> None:
        """From now on a line may have so many octets, CRLF included."""
        self._buffer.limit = limit

    @property
    def waiting(self) -> bool:
        return self._current is not None

    @property
    def closed(self) -> bool:
        return self.state in ENDED

    def unread(self) -> bytes:
        return self._buffer.rest()

    @property
    def tls_pending(self) -> bool:
        return self.state is State.TLS

    def tls_started(self) -> None:
        """Forget what came in the clear behind STLS (RFC 2595 §4)."""
        if self.state is not State.OPENING:
            self.state = State.AUTHORIZATION
        self._buffer.rest()
        self._current = None

    def next_event(self) -> Received[Command] | None:
        """The next command, once the last one is answered.

        RFC 2449 §6.6: each pipelined command is processed in turn.  After a
        positive answer to STLS nothing is read: what follows in the clear is left
        for `unread()`.
        """
        if len(self._buffer) > self._limits.exchange:
            raise RemoteProtocolError("protocol.exchange-too-long", limit=self._limits.exchange)
        if self._current or self.state in (State.OPENING, State.TLS, *ENDED):
            return None
        raw = self._buffer.line()
        if raw is None:
            return None
        line = raw.removesuffix(b"\n").removesuffix(b"\r")
        in_sasl = self.state is State.SASL
        self._current = SaslAnswer(Secret(line)) if in_sasl else parse_command(line)
        return Received(self._current, (raw,))
