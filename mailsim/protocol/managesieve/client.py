"""The client's side of a ManageSieve connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailsim.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from mailsim.protocol.core import DEFAULT_LIMITS, Core, Limits, Meter, Received, Role
from mailsim.protocol.managesieve.raw import RawFollower
from mailsim.protocol.managesieve.states import GREETED, GREETING, State, after, assumed, legal
from mailsim.protocol.pipeline import Pipeline
from mailsim.protocol.sasl import Mechanism, SaslClient, encode
from mailsim.secret import Secret
from mailsim.wire.managesieve import (
    Auth,
    Capability,
    Challenge,
    Command,
    Form,
    Malformed,
    Response,
    ResponseReader,
    SaslAnswer,
    Status,
    Unknown,
    capabilities,
    parse_answer,
)
from mailsim.wire.quirk import NONE, Quirk

Answer = Response | Challenge


@dataclass(frozen=True, slots=True, eq=False)
class Authenticate:
    """AUTHENTICATE with a mechanism's stepper: the core answers its challenges by itself.

    `initial` False keeps the first response for the server's empty challenge.
    """

    sasl: SaslClient
    initial: bool = True

    verb: ClassVar[str] = "AUTHENTICATE"
    form: ClassVar[Form] = Form.SASL

    @classmethod
    def by(cls, mechanism: Mechanism, *, initial: bool = True) -> Authenticate:
        """An AUTHENTICATE by `mechanism`."""
        return cls(SaslClient(mechanism), initial)

    def units(self) -> tuple[bytes, ...]:
        """The command's line, with the initial response where there is one."""
        first = self.sasl.initial() if self.initial else None
        # RFC 5804 §2.1: an empty response is an empty string, not "=".
        token = None if first is None else Secret(encode(first))
        return Auth(self.sasl.mechanism.name, token).units()


@dataclass(frozen=True, slots=True, eq=False)
class _Answer(SaslAnswer):
    """A response that the core itself has sent, for the command that began the exchange."""

    command: Authenticate


class ManageSieveClient(Core[Command, Answer]):
    """Commands in, responses and challenges out.

    `capabilities` are those that the server told last, {} before it told any.
    """

    role = Role.CLIENT

    def __init__(self, *, limits: Limits = DEFAULT_LIMITS, quirks: frozenset[Quirk] = NONE) -> None:
        self.state = State.OPENING
        self.capabilities: dict[str, str | None] = {}
        self._meter = Meter(limits.exchange)
        self._reader = ResponseReader(limits.line, limits.block, self._meter.add, quirks)
        self._raw = RawFollower()
        self._said: Pipeline[State, Command] = Pipeline(self.state, assumed)
        self._followed = True
        self._failure: ProtocolError | None = None
        self._eof = False

    # saying

    def legal(self) -> tuple[str, ...]:
        """The verbs that may be said now, all responses owed taken as OK."""
        return legal(self._said.ahead)

    def send(self, value: Command) -> None:
        """Queue a command, or a SASL response after a challenge."""
        if self._said.ahead is State.TLS:
            raise LocalProtocolError("protocol.tls-pending")
        if value.verb not in self.legal():
            raise LocalProtocolError(
                "protocol.not-now",
                verb=value.verb,
                state=self._said.ahead.value,
                legal=", ".join(self.legal()) or "-",
            )
        units = value.units()
        if self._raw.begun:  # half a line went before: on the wire they are one
            for unit in units:
                self.send_raw(unit)
        else:
            self._followed = True
            self._said.queue(value, units)

    def send_raw(self, data: bytes) -> None:
        """Queue `data` as it is; whole lines in it are followed as the commands they are."""
        self._said.write(data)
        self._followed = False
        for value in self._raw.follow(data):
            in_sasl = self.state is State.SASL and not self._said.owed
            self._said.queue(_as_answer(value) if in_sasl else value)

    def outgoing(self) -> tuple[bytes, ...]:
        return self._said.outgoing()

    def withdraw(self) -> None:
        self._said.withdraw(self.state)
        super().withdraw()

    # hearing

    def receive(self, data: bytes) -> None:
        self._eof = self._eof or not data
        self._reader.feed(data)

    @property
    def waiting(self) -> bool:
        if self._failure:
            return True
        if self._eof or self.state in (State.TLS, State.CLOSED):
            return False
        return bool(self._said.owed) or self.state in GREETED

    @property
    def closed(self) -> bool:
        return self.state is State.CLOSED

    def unread(self) -> bytes:
        return self._reader.unread()

    @property
    def tls_pending(self) -> bool:
        return self.state is State.TLS

    def tls_started(self) -> None:
        """Forget the capabilities (RFC 5804 §2.2), and all that came or was asked in the clear.

        Behind STARTTLS the server tells its capabilities again, unasked.
        """
        if self.state is not State.OPENING:
            self.state = State.RENEWING
        self.capabilities = {}
        self._reader.unread()
        self._raw = RawFollower()
        self._said.restart(self.state)

    def next_event(self) -> Received[Answer] | None:
        """The next whole response, or a challenge.

        After the response to STARTTLS nothing is read: what follows in the clear
        is left for `unread()`.
        """
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure
        if self.state is State.TLS:
            return None
        found = self._reader.next(self._form())
        if found is None:
            if self._eof and self._reader.begun:
                raise RemoteProtocolError("managesieve.cut-short")
            return None
        value, units = found
        self._meter.reset()
        return Received(value, units, self._settle(value))

    def _form(self) -> Form:
        if self.state in GREETED:
            return Form.DATA
        return self._said.owed[0].form if self._said.owed else Form.PLAIN

    def _settle(self, value: Answer) -> Command | None:
        if self.state in GREETED:
            self._tell(value)
            self._move(GREETING, value)
            return None
        if not self._said.owed:
            self._unasked(value)
            return None
        command = self._said.owed.popleft()
        self._move(command.verb, value)
        self._learn(command, value)
        return command.command if isinstance(command, _Answer) else command

    def _move(self, verb: str, value: Answer) -> None:
        before, self.state = self.state, after(self.state, verb, value.outcome)
        if self.state is State.CLOSED:
            self._said.restart(self.state)
        else:
            self._said.moved(before, verb, self.state)

    def _unasked(self, value: Answer) -> None:
        """Only BYE may come at any time (RFC 5804 §1.2).

        After raw bytes the server may have seen commands where the grammar has none.
        """
        if isinstance(value, Response) and value.status is Status.BYE:
            self.state = self._said.ahead = State.CLOSED
        elif self._followed:
            raise RemoteProtocolError("managesieve.unasked-response", response=str(value))

    def _learn(self, command: Command, value: Answer) -> None:
        if isinstance(command, Capability):
            self._tell(value)
        elif isinstance(command, Authenticate):
            self._step(command, value)
        elif isinstance(command, _Answer):
            self._step(command.command, value)
        elif isinstance(value, Challenge) and self._said.owed:
            # A line sent raw behind AUTHENTICATE turns out to answer its challenge.
            self._said.owed[0] = _as_answer(self._said.owed[0])

    def _tell(self, value: Answer) -> None:
        if isinstance(value, Response) and value.ok:
            self.capabilities = capabilities(value)

    def _step(self, command: Authenticate, value: Answer) -> None:
        """Answer a challenge, or see to it that success was due."""
        sasl = command.sasl
        if isinstance(value, Challenge):
            if not self._said.owed:
                answer = _Answer(Secret(sasl.answer(value.token)), command)
                self._said.queue(answer, answer.units())
            return
        if value.ok:
            sasl.succeed(_final(value))
        self._failure = sasl.failure


def _final(response: Response) -> bytes | None:
    """The server's last word inside the mechanism: OK (SASL "...")   ; RFC 5804 §1.3"""
    last = response.arguments[0] if response.code == "SASL" and response.arguments else None
    return last if isinstance(last, bytes) else None


def _as_answer(command: Command) -> Command:
    """A line sent raw, taken for the string that answers a challenge."""
    parts = command.parts if isinstance(command, (Malformed, Unknown)) else ()
    return parse_answer(parts)
