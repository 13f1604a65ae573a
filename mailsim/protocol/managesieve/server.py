"""The server's side of a ManageSieve connection."""

from __future__ import annotations

from mailsim.errors import LocalProtocolError, RemoteProtocolError
from mailsim.protocol.core import DEFAULT_LIMITS, Core, Limits, Meter, Received, Role
from mailsim.protocol.managesieve.client import Answer
from mailsim.protocol.managesieve.states import GREETED, GREETING, State, after, legal
from mailsim.wire.managesieve import (
    Challenge,
    Command,
    Form,
    FrameReader,
    Response,
    ResponseReader,
    Status,
    parse_answer,
    parse_command,
)
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import NONE, Quirk


class ManageSieveServer(Core[Answer, Command]):
    """Responses and challenges in, commands out, one at a time.

    The first response tells the capabilities, and so does the first behind a
    TLS handshake (RFC 5804 §1.7, §2.2): `capability_data` makes its lines.  A
    command that the state does not allow comes like any other, for the answer to
    it is policy: `legal()` tells.

    `skips`: a literal over the limit does not raise; the command comes with a TooLong in it,
    before the literal does, and what follows is let go.
    """

    role = Role.SERVER

    def __init__(
        self,
        *,
        limits: Limits = DEFAULT_LIMITS,
        skips: bool = False,
        quirks: frozenset[Quirk] = NONE,
    ) -> None:
        self.state = State.OPENING
        self._limits = limits
        self._meter = Meter(limits.exchange)
        self._frames = FrameReader(
            limits.line, limits.block, self._meter.add, plus=True, skips=skips, quirks=quirks
        )
        self.parts: tuple[bytes, ...] = ()
        """The texts and literals of the command that came last."""
        self._outgoing: list[bytes] = []
        self._current: Command | None = None
        self._own = self._follower()

    # saying

    def legal(self) -> tuple[str, ...]:
        """The verbs that the state allows the client."""
        return legal(self.state)

    def send(self, value: Answer) -> None:
        """Queue the capabilities, or the answer to the last command; BYE may come unasked."""
        if not self._asked():
            if not isinstance(value, Response) or value.status is not Status.BYE:
                raise LocalProtocolError("managesieve.nothing-to-answer")
        elif not self._fits(value):
            verb = self._current.verb if self._current else GREETING
            raise LocalProtocolError("managesieve.wrong-form", verb=verb, form=self._form().value)
        self._outgoing.extend(value.units())
        self._answered(value)

    def send_raw(self, data: bytes) -> None:
        """Queue `data` as it is; a whole response in it is followed as the answer it is."""
        self._outgoing.append(data)
        self._own.feed(data)
        try:
            while found := self._own.next(self._form()):
                self._answered(found[0])
        except RemoteProtocolError:  # no response in the grammar: nothing is answered
            self._own = self._follower()

    def read_as(self, value: Command) -> None:
        """The command to be answered counts as `value`, though its grammar was not the RFC's."""
        self._current = value

    def give_up(self) -> None:
        """The command that was read last gets no answer, or has had a raw one; a SASL exchange
        is over."""
        self._current = None
        if self.state is State.SASL:
            self.state = State.NON_AUTHENTICATED

    def outgoing(self) -> tuple[bytes, ...]:
        units, self._outgoing = tuple(self._outgoing), []
        return units

    def _follower(self) -> ResponseReader:
        limits = self._limits
        return ResponseReader(limits.line, limits.block, Meter(limits.exchange).add)

    def _asked(self) -> bool:
        return self._current is not None or self.state in GREETED

    def _form(self) -> Form:
        if self._current is not None:
            return self._current.form
        return Form.DATA if self.state in GREETED else Form.PLAIN

    def _fits(self, value: Answer) -> bool:
        """Whether the answer has the form that the client will read."""
        if isinstance(value, Challenge):
            return self._form() is Form.SASL
        return not value.data or self._form() is Form.DATA

    def _answered(self, value: Answer) -> None:
        verb = self._current.verb if self._current else GREETING
        if self._asked() or value.outcome is Outcome.CLOSING:
            self.state = after(self.state, verb, value.outcome)
        self._current = None

    # hearing

    def receive(self, data: bytes) -> None:
        self._frames.feed(data)

    def begun(self, size: int) -> bytes:
        """At most `size` octets of the line that is not whole yet, from its beginning."""
        return self._frames.begun(size)

    def limit(self, line: int, block: int) -> None:
        """From now on a line and a literal may have so many octets."""
        self._frames.limit(line, block)

    @property
    def skipped(self) -> int:
        """Octets that were let go: of literals and lines that were too long."""
        return self._frames.skipped

    def skip_line(self) -> None:
        """Let the line go that was too long, up to its end."""
        self._frames.skip_line()

    @property
    def waiting(self) -> bool:
        return self._current is not None

    @property
    def closed(self) -> bool:
        return self.state is State.CLOSED

    def unread(self) -> bytes:
        return self._frames.unread()

    @property
    def tls_pending(self) -> bool:
        return self.state is State.TLS

    def tls_started(self) -> None:
        """Forget what came in the clear behind STARTTLS; the capabilities are to be told again."""
        if self.state is not State.OPENING:
            self.state = State.RENEWING
        self._frames.unread()
        self._current = None

    def next_event(self) -> Received[Command] | None:
        """The next command, once the last one is answered.

        After an OK to STARTTLS nothing is read: what follows in the clear is left
        for `unread()`; after LOGOUT nothing at all (RFC 5804 §2.3).
        """
        if len(self._frames) > self._limits.exchange:
            raise RemoteProtocolError("protocol.exchange-too-long", limit=self._limits.exchange)
        if self._current or self.state in (*GREETED, State.TLS, State.CLOSED):
            return None
        frame = self._frames.next()
        if frame is None:
            return None
        self._meter.reset()
        parse = parse_answer if self.state is State.SASL else parse_command
        self._current = parse(frame.parts)
        self.parts = frame.parts
        return Received(self._current, frame.units)
