"""The client's side of an SMTP or LMTP connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from mailsim.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from mailsim.protocol.core import DEFAULT_LIMITS, Core, Limits, Meter, Received, Role
from mailsim.protocol.sasl import Mechanism, SaslClient, encode_initial
from mailsim.protocol.smtp.raw import RawFollower
from mailsim.protocol.smtp.states import (
    END_OF_DATA,
    GREETING,
    HANDSHAKE,
    LAST,
    RESPONSE,
    TABLE,
    State,
    after,
)
from mailsim.secret import Secret
from mailsim.wire.lines import LineBuffer, weight
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import NONE, Quirk
from mailsim.wire.smtp import (
    Auth,
    Bdat,
    Command,
    Content,
    Ehlo,
    Helo,
    Lhlo,
    Reply,
    SaslAnswer,
    parse_reply_line,
)

# A command line holds 512 octets, CRLF included (RFC 5321 §4.5.3.1.4): a longer
# initial response waits for the server's first challenge instead.
_COMMAND_LINE = 512
_DEAF = (State.TLS, State.CLOSED)


@dataclass(frozen=True, slots=True, eq=False)
class Authenticate:
    """AUTH with a mechanism's stepper: the core answers its challenges by itself."""

    sasl: SaslClient

    verb: ClassVar[str] = "AUTH"

    @classmethod
    def by(cls, mechanism: Mechanism) -> Authenticate:
        """An AUTH by `mechanism`."""
        return cls(SaslClient(mechanism))

    def units(self) -> tuple[bytes, ...]:
        """The command's line, with the initial response where there is one and it fits."""
        name = self.sasl.mechanism.name
        first = self.sasl.initial()
        token = None if first is None else Secret(encode_initial(first))
        if token and len("AUTH  \r\n") + len(name) + len(token) > _COMMAND_LINE:
            self.sasl.postpone(first or b"")
            token = None
        return Auth(name, token).units()


class SmtpClient(Core[Command, Reply]):
    """Commands in, replies out.

    `extensions` maps each EHLO keyword to its parameters, as the last EHLO answer
    gave them.  With `lmtp`, the end of the message is answered once for each
    accepted recipient (RFC 2033 §4.2).
    """

    role = Role.CLIENT

    def __init__(
        self,
        *,
        lmtp: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        quirks: frozenset[Quirk] = NONE,
    ) -> None:
        self.state = State.OPENING
        self.extensions: dict[str, str] = {}
        self.authenticated = False
        self._lmtp = lmtp
        self._quirks = quirks
        self._buffer = LineBuffer(limits.line, quirks)
        self._meter = Meter(limits.exchange)
        self._outgoing: list[bytes] = []
        self._pending: deque[Command] = deque()
        self._unsaid = 0
        self._recipients = 0
        self._raw = RawFollower(quirks)
        self._followed = True
        self._lines: list[str] = []
        self._units: list[bytes] = []
        self._code = 0
        self._failure: ProtocolError | None = None

    # saying

    def legal(self) -> tuple[str, ...]:
        """The verbs that may be said now, all replies owed taken as positive."""
        return _legal(self._expected_state(), self._lmtp, self.authenticated)

    def send(self, value: Command) -> None:
        """Queue a command or the message's content; several may be owed their replies."""
        if self.state is State.TLS:
            raise LocalProtocolError("protocol.tls-pending")
        # The content waits for the 354: DATA ends a pipelined group (RFC 2920 §3.1).
        too_early = isinstance(value, Content) and self.state is not State.DATA
        if too_early or _key(value) not in self.legal():
            raise LocalProtocolError(
                "protocol.not-now",
                verb=value.verb,
                state=self._expected_state().value,
                legal=", ".join(self.legal()) or "-",
            )
        units = value.units()
        if self._raw.begun:  # half a line went before: on the wire they are one
            for unit in units:
                self.send_raw(unit)
        else:
            self._queue(value, units)

    def send_raw(self, data: bytes) -> None:
        """Queue `data` as it is; whole lines in it are followed as the commands they are."""
        self._outgoing.append(data)
        self._meter.reset()
        self._followed = False
        for value in self._raw.follow(data, self._expected_state()):
            self._pending.append(value)

    def outgoing(self) -> tuple[bytes, ...]:
        units = tuple(self._outgoing)
        self._outgoing.clear()
        self._unsaid = 0
        return units

    def withdraw(self) -> None:
        while self._unsaid and self._pending:
            self._pending.pop()
            self._unsaid -= 1
        super().withdraw()

    def _queue(self, value: Command, units: Sequence[bytes]) -> None:
        self._meter.reset()
        self._followed = True
        self._outgoing.extend(units)
        self._pending.append(value)
        self._unsaid += 1

    def _expected_state(self) -> State:
        state = self.state
        for value in self._pending:
            hopeful = Outcome.INTERMEDIATE if value.verb == "DATA" else Outcome.SUCCESS
            state = after(state, _key(value), hopeful)
        return state

    # hearing

    def receive(self, data: bytes) -> None:
        if not data:
            self.state = State.CLOSED
        self._buffer.feed(data)

    @property
    def waiting(self) -> bool:
        if self._failure:
            return True
        if self.state in _DEAF:
            return False
        return bool(self._pending) or self.state is State.OPENING

    @property
    def closed(self) -> bool:
        return self.state is State.CLOSED

    def unread(self) -> bytes:
        begun, self._units, self._lines = self._units, [], []
        return b"".join((*begun, self._buffer.rest()))

    @property
    def tls_pending(self) -> bool:
        return self.state is State.TLS

    def tls_started(self) -> None:
        """Forget all that was learnt in the clear (RFC 3207 §4.2)."""
        self.state = State.OPENING if self.state is State.OPENING else State.CONNECTED
        self._forget()
        self._pending.clear()

    def next_event(self) -> Received[Reply] | None:
        """The next whole reply.

        After the reply to STARTTLS nothing is read: what follows in the clear is
        left for `unread()`.
        """
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure
        if self.state is State.TLS:
            return None
        while (raw := self._buffer.line()) is not None:
            self._meter.add(weight(raw))
            self._units.append(raw)
            code, last, text = parse_reply_line(raw, self._quirks)
            if self._lines and code != self._code:  # one code a reply (RFC 5321 §4.2.1)
                raise RemoteProtocolError("smtp.mixed-codes", first=self._code, second=code)
            self._code = code
            self._lines.append(text)
            if last:
                return self._reply()
        return None

    def _reply(self) -> Received[Reply]:
        reply = Reply(self._code, tuple(self._lines))
        units = tuple(self._units)
        self._lines.clear()
        self._units.clear()
        return Received(reply, units, self._settle(reply))

    def _settle(self, reply: Reply) -> Command | None:
        outcome = reply.outcome
        if self.state is State.OPENING:
            self.state = after(self.state, GREETING, outcome)
            return None
        if not self._pending:
            self._unasked(reply)
            return None
        value = self._pending[0]
        verb = _key(value)
        if not (self._lmtp and self._more_to_come(verb, outcome)):
            self._pending.popleft()
        self._learn(value, reply)
        self.state = after(self.state, verb, outcome)
        if self.state is State.CLOSED:
            self._pending.clear()
        return value

    def _unasked(self, reply: Reply) -> None:
        """Only 421 may come unasked (RFC 5321 §3.8).

        After raw bytes the server may have seen commands, or a content's end, where
        the grammar has none (SMTP smuggling): its replies are then taken as they come.
        """
        if reply.outcome is Outcome.CLOSING:
            self.state = State.CLOSED
        elif self._followed:
            raise RemoteProtocolError("smtp.unasked-reply", reply=str(reply))
        elif self.state is State.DATA:
            self.state = after(self.state, END_OF_DATA, reply.outcome)

    def _more_to_come(self, verb: str, outcome: Outcome) -> bool:
        """LMTP answers the message once for each accepted recipient (RFC 2033 §4.2)."""
        if verb not in (END_OF_DATA, LAST) or self._recipients <= 1:
            return False
        self._recipients -= 1
        return outcome is not Outcome.CLOSING

    def _learn(self, value: Command, reply: Reply) -> None:
        if isinstance(value, (Ehlo, Lhlo, Helo)) and reply.outcome.ok:
            self.extensions = _extensions(reply)
        elif value.verb in ("MAIL", "RSET"):
            self._recipients = 0
        elif value.verb == "RCPT" and reply.outcome.ok:
            self._recipients += 1
        elif value.verb in ("AUTH", RESPONSE):
            self._authenticate(value, reply)
        elif value.verb == "XCLIENT" and reply.outcome.ok:
            # To the server we are a new client, who has yet to say EHLO and AUTH.
            self._forget()

    def _forget(self) -> None:
        self.extensions = {}
        self.authenticated = False

    def _authenticate(self, value: Command, reply: Reply) -> None:
        sasl = value.sasl if isinstance(value, (Authenticate, _Answer)) else None
        if reply.outcome is Outcome.INTERMEDIATE and sasl:
            token = sasl.answer(reply.lines[0].encode("utf-8", "surrogateescape"))
            self._outgoing.append(token + b"\r\n")
            self._pending.appendleft(_Answer(Secret(token), sasl))
        elif reply.outcome is not Outcome.INTERMEDIATE:
            self.authenticated = reply.outcome is Outcome.SUCCESS
            if sasl and self.authenticated:
                sasl.succeed()
            self._failure = sasl.failure if sasl else None


@dataclass(frozen=True, slots=True, eq=False)
class _Answer(SaslAnswer):
    """A response that the core itself has sent, with the exchange it belongs to."""

    sasl: SaslClient


@cache
def _legal(state: State, lmtp: bool, authenticated: bool) -> tuple[str, ...]:  # noqa: FBT001
    hello = {"LHLO"} if lmtp else {"EHLO", "HELO"}
    absent = {"EHLO", "HELO", "LHLO", GREETING, HANDSHAKE} - hello
    if authenticated:
        absent.add("AUTH")  # one a session (RFC 4954)
    return tuple(verb for verb in TABLE.legal(state) if verb not in absent)


def _key(value: Command) -> str:
    """The table's verb: the last chunk counts apart."""
    return LAST if isinstance(value, Bdat) and value.last else value.verb


def _extensions(reply: Reply) -> dict[str, str]:
    """ehlo-line = ehlo-keyword *( SP ehlo-param )   ; RFC 5321 §4.1.1.1

    Keywords are compared in any case of letters; the first line is the host's name.
    """
    found: dict[str, str] = {}
    for text in reply.lines[1:]:
        keyword, _, parameters = text.partition(" ")
        found[keyword.upper()] = parameters
    return found


__all__ = ["Authenticate", "Content", "SmtpClient"]
