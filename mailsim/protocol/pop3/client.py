"""The client's side of a POP3 connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mailsim.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from mailsim.protocol.core import DEFAULT_LIMITS, Core, Limits, Meter, Received, Role
from mailsim.protocol.pipeline import Pipeline
from mailsim.protocol.pop3.states import ENDED, GREETING, State, after, assumed, legal
from mailsim.protocol.sasl import Mechanism, SaslClient, encode_initial
from mailsim.secret import Secret
from mailsim.wire.outcome import Outcome
from mailsim.wire.pop3 import (
    COMMAND_LINE,
    Auth,
    Capa,
    Command,
    Form,
    Reply,
    ReplyReader,
    SaslAnswer,
    Status,
    Utf8,
    capabilities,
    parse_command,
    timestamp,
)
from mailsim.wire.quirk import NONE, Quirk


@dataclass(frozen=True, slots=True, eq=False)
class Authenticate:
    """AUTH with a mechanism's stepper: the core answers its challenges by itself.

    `initial` False keeps the first response for the server's empty challenge.
    """

    sasl: SaslClient
    initial: bool = True

    verb: ClassVar[str] = "AUTH"
    form: ClassVar[Form] = Form.SASL

    @classmethod
    def by(cls, mechanism: Mechanism, *, initial: bool = True) -> Authenticate:
        """An AUTH by `mechanism`."""
        return cls(SaslClient(mechanism), initial)

    def units(self) -> tuple[bytes, ...]:
        """The command's line, with the initial response where there is one and it fits."""
        name = self.sasl.mechanism.name
        first = self.sasl.initial() if self.initial else None
        token = None if first is None else Secret(encode_initial(first))
        # RFC 5034: the line's limit of 255 octets holds with the initial response in it.
        if token and len("AUTH  \r\n") + len(name) + len(token) > COMMAND_LINE:
            self.sasl.postpone(first or b"")
            token = None
        return Auth(name, token).units()


@dataclass(frozen=True, slots=True, eq=False)
class _Answer(SaslAnswer):
    """A response that the core itself has sent, for the command that began the exchange."""

    command: Authenticate


class Pop3Client(Core[Command, Reply]):
    """Commands in, replies out; several commands may wait for their replies (RFC 2449 §6.6).

    `capabilities` are those of the last CAPA, None before it; `timestamp` is the
    greeting's, None when the server does not take APOP.
    """

    role = Role.CLIENT

    def __init__(self, *, limits: Limits = DEFAULT_LIMITS, quirks: frozenset[Quirk] = NONE) -> None:
        self.state = State.OPENING
        self.capabilities: dict[str, tuple[str, ...]] | None = None
        self.timestamp: str | None = None
        self.utf8 = False
        self._meter = Meter(limits.exchange)
        self._reader = ReplyReader(limits.line, limits.block, self._meter.add, quirks)
        self._raw = b""
        self._said: Pipeline[State, Command] = Pipeline(self.state, assumed)
        self._followed = True
        self._failure: ProtocolError | None = None
        self._eof = False

    # saying

    def legal(self) -> tuple[str, ...]:
        """The verbs that may be said now, all replies owed taken as positive."""
        # RFC 6856 §2.1: no STLS after UTF8.
        return tuple(v for v in legal(self._said.ahead) if v != "STLS" or not self.utf8)

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
        if self._raw:  # half a line went before: on the wire they are one
            for unit in units:
                self.send_raw(unit)
        else:
            self._followed = True
            self._said.queue(value, units)

    def send_raw(self, data: bytes) -> None:
        """Queue `data` as it is; whole lines in it are followed as the commands they are.

        LF alone is taken for a line's end, for servers take it so.
        """
        self._said.write(data)
        self._followed = False
        *lines, self._raw = (self._raw + data).split(b"\n")
        for line in lines:
            in_sasl = self.state is State.SASL and not self._said.owed
            raw = line.removesuffix(b"\r")
            self._said.queue(SaslAnswer(Secret(raw)) if in_sasl else parse_command(raw))

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
        if self._eof or self.state is State.TLS or self.state in ENDED:
            return False
        return bool(self._said.owed) or self.state is State.OPENING

    @property
    def closed(self) -> bool:
        return self.state in ENDED

    def unread(self) -> bytes:
        return self._reader.unread()

    @property
    def tls_pending(self) -> bool:
        return self.state is State.TLS

    def tls_started(self) -> None:
        """Forget the capabilities (RFC 2595 §4), and all that came or was asked in the clear."""
        if self.state is not State.OPENING:
            self.state = State.AUTHORIZATION
        self.capabilities = None
        self._reader.unread()
        self._raw = b""
        self._said.restart(self.state)

    def next_event(self) -> Received[Reply] | None:
        """The next whole reply.

        After the reply to STLS nothing is read: what follows in the clear is left
        for `unread()`.
        """
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure
        if self.state is State.TLS:
            return None
        found = self._reader.next(self._form())
        if found is None:
            if self._eof and self._reader.begun:
                raise RemoteProtocolError("pop3.cut-short")
            return None
        reply, units = found
        self._meter.reset()
        return Received(reply, units, self._settle(reply))

    def _form(self) -> Form:
        if self.state is State.OPENING or not self._said.owed:
            return Form.LINE
        return self._said.owed[0].form

    def _settle(self, reply: Reply) -> Command | None:
        if self.state is State.OPENING:
            self.timestamp = timestamp(reply)
            self._move(GREETING, reply.outcome)
            return None
        if not self._said.owed:
            self._unasked(reply)
            return None
        value = self._said.owed.popleft()
        self._move(value.verb, reply.outcome)
        self._learn(value, reply)
        return value.command if isinstance(value, _Answer) else value

    def _move(self, verb: str, outcome: Outcome) -> None:
        before, self.state = self.state, after(self.state, verb, outcome)
        if self.state in ENDED:
            self._said.restart(self.state)
        else:
            self._said.moved(before, verb, self.state)

    def _unasked(self, reply: Reply) -> None:
        """-ERR may say why the server closes; nothing else may come unasked.

        After raw bytes the server may have seen commands where the grammar has none.
        """
        if self._followed and reply.status is not Status.ERR:
            raise RemoteProtocolError("pop3.unasked-reply", reply=str(reply))

    def _learn(self, value: Command, reply: Reply) -> None:
        if isinstance(value, Capa) and reply.ok:
            self.capabilities = capabilities(reply)
        elif isinstance(value, Utf8):
            self.utf8 = self.utf8 or reply.ok
        elif isinstance(value, Authenticate):
            self._step(value, reply)
        elif isinstance(value, _Answer):
            self._step(value.command, reply)
        elif reply.outcome is Outcome.INTERMEDIATE and self._said.owed:
            # A line sent raw behind AUTH turns out to be the answer to its challenge.
            self._said.owed[0] = SaslAnswer(Secret(b"".join(self._said.owed[0].units())[:-2]))

    def _step(self, command: Authenticate, reply: Reply) -> None:
        """Answer a challenge, or see to it that success was due."""
        sasl = command.sasl
        if reply.outcome is Outcome.INTERMEDIATE:
            if not self._said.owed:
                answer = _Answer(
                    Secret(sasl.answer(reply.text.encode("utf-8", "surrogateescape"))), command
                )
                self._said.queue(answer, answer.units())
            return
        if reply.ok:
            sasl.succeed()
        self._failure = sasl.failure
