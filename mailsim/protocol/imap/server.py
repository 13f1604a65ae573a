"""The server's side of an IMAP connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mailsim.errors import LocalProtocolError, RemoteProtocolError
from mailsim.protocol.core import DEFAULT_LIMITS, Core, Limits, Received, Role
from mailsim.protocol.imap.states import BYE, GREETING, PREAUTH, State, after, allows, legal
from mailsim.wire.imap import commands, responses
from mailsim.wire.imap.command_reader import (
    read_client_response,
    read_command,
    read_done,
    read_tag,
)
from mailsim.wire.imap.frames import Announced, FrameReader
from mailsim.wire.imap.response_reader import read_response
from mailsim.wire.imap.response_writer import write_response
from mailsim.wire.imap.responses import Response, Status
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import NONE, Quirk

READY = responses.Continuation("Ready for additional command text")
"""What asks for a literal, in the words of the example of RFC 3501 §7.5."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """A command with its tag."""

    tag: str
    command: commands.Request


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is no command, to be answered with BAD: tagged, or untagged where `tag` is None."""

    tag: str | None
    error: RemoteProtocolError


Event: TypeAlias = "Tagged | Malformed | commands.Response | commands.Done"


class ImapServer(Core[Response, Event]):
    """Responses in, commands out, one at a time: the next comes once this one is answered.

    A command that the state does not allow comes like any other, for the answer to it
    is policy: `legal()` tells.  The core asks for literals by itself, in the words of
    `ready`; unless `admit`, which is shown the units of the command so far and the literal,
    says no: then the command is Malformed, and ends where it was announced.  Of a literal
    that does not wait to be asked for (RFC 7888 §4) it must not say so, but may raise
    RemoteProtocolError.
    """

    role = Role.SERVER

    def __init__(
        self,
        *,
        limits: Limits = DEFAULT_LIMITS,
        quirks: frozenset[Quirk] = NONE,
        ready: responses.Continuation = READY,
        admit: Callable[[tuple[bytes, ...], Announced], bool] | None = None,
    ) -> None:
        self.state = State.OPENING
        self.utf8 = False
        self._limits = limits
        self._ready = ready
        self._admit = admit
        self._reader = FrameReader(
            line=limits.line,
            block=limits.block,
            frame=limits.exchange,
            commands=True,
            asks=True,
            quirks=quirks,
        )
        self._outgoing: list[bytes] = []
        self._current: Tagged | Malformed | None = None
        self._listening = False
        self._asked: Announced | None = None

    # saying

    def legal(self) -> tuple[str, ...]:
        """The commands that the state allows the client."""
        return legal(self.state)

    def allows(self, command: commands.Request) -> bool:
        """Whether the state allows `command`; one that the table does not know may come any time."""
        return allows(self.state, command.name)

    @property
    def current_tag(self) -> str | None:
        """The tag of the command that waits for its answer."""
        return self._current.tag if self._current else None

    @property
    def begun(self) -> bytes:
        """The first line of a command that is not whole, or what there is of it."""
        return self._reader.begun

    @property
    def overlong(self) -> bool:
        """Whether the line that comes is over the limit already (Quirk.CUT_LINE)."""
        return self._reader.overlong

    @property
    def awaited(self) -> tuple[int, int] | None:
        """Of the literal that is awaited how many octets there are, and how many there will be."""
        literal = self._reader.announced
        return (self._reader.arrived, literal.size) if literal else None

    def send(self, value: Response) -> None:
        """Queue the greeting, data, a continuation request, or the answer to the last command."""
        self._check(value)
        self._outgoing.extend(write_response(value, utf8=self.utf8))
        self._said(value)

    def send_raw(self, data: bytes) -> None:
        """Queue `data` as it is; a whole response in it is followed as the one it is."""
        self._outgoing.append(data)
        for value in self._responses(data):
            self._said(value)

    def outgoing(self) -> tuple[bytes, ...]:
        units, self._outgoing = tuple(self._outgoing), []
        return units

    def _responses(self, data: bytes) -> list[Response]:
        limits = self._limits
        reader = FrameReader(line=limits.line, block=limits.block, frame=limits.exchange)
        found = []
        try:
            reader.feed(data)
            while (units := reader.next()) is not None:
                found.append(read_response(units, utf8=self.utf8))
        except RemoteProtocolError:  # no response in the grammar: nothing is answered
            return found
        return found

    def _check(self, value: Response) -> None:
        if self.state is State.TLS:
            raise LocalProtocolError("protocol.tls-pending")
        if isinstance(value, responses.Continuation):
            if not self._continues():
                raise LocalProtocolError("imap.nothing-to-continue", verb="+")
        elif isinstance(value, Status) and value.tag is not None:
            if self._current is None or self._current.tag != value.tag:
                raise LocalProtocolError("imap.nothing-to-answer", tag=value.tag)
        elif self.state is State.OPENING and not _is_greeting(value):
            raise LocalProtocolError("imap.no-greeting")

    def _continues(self) -> bool:
        current = self._current
        return isinstance(current, Tagged) and current.command.name in ("AUTHENTICATE", "IDLE")

    def _said(self, value: Response) -> None:
        match value:
            case responses.Continuation():
                self._listening = self._continues()
            case responses.Enabled(names):
                enabled = {name.upper() for name in names}
                self.utf8 = self.utf8 or not enabled.isdisjoint({"UTF8=ACCEPT", "IMAP4REV2"})
            case Status(tag=None):
                self._said_of_its_own(value)
            case Status():
                self._answered(value)

    def _said_of_its_own(self, status: Status) -> None:
        if self.state is State.OPENING:
            verb = {"PREAUTH": PREAUTH, "BYE": BYE}.get(status.condition, GREETING)
            self.state = after(self.state, verb, status.outcome)
        elif status.condition == "BYE":
            current = self._current
            asked = isinstance(current, Tagged) and current.command.name == "LOGOUT"
            if not asked:
                self.state = after(self.state, BYE, Outcome.CLOSING)
        elif status.condition == "BAD" and self._current is not None and self._current.tag is None:
            self._current = None

    def _answered(self, status: Status) -> None:
        if isinstance(self._current, Tagged):
            self.state = after(self.state, self._current.command.name, status.outcome)
        self._current = None
        self._listening = False

    # hearing

    def receive(self, data: bytes) -> None:
        self._reader.feed(data)

    @property
    def waiting(self) -> bool:
        return self._current is not None

    @property
    def closed(self) -> bool:
        return self.state is State.LOGOUT

    def unread(self) -> bytes:
        return self._reader.rest()

    @property
    def tls_pending(self) -> bool:
        return self.state is State.TLS

    def tls_started(self) -> None:
        """Forget what came in the clear behind STARTTLS (RFC 3501 §6.2.1)."""
        if self.state is not State.OPENING:
            self.state = State.NOT_AUTHENTICATED
        self._reader.rest()
        self._current = None

    def next_event(self) -> Received[Event] | None:
        """The next command once the last one is answered, or the next line within one.

        After the OK to STARTTLS nothing is read: what follows in the clear is left
        for `unread()`.
        """
        if len(self._reader) > self._limits.exchange:
            raise RemoteProtocolError("protocol.exchange-too-long", limit=self._limits.exchange)
        if self.state in (State.OPENING, State.TLS, State.LOGOUT):
            return None
        if self._current is not None:
            return self._line() if self._listening else None
        units = self._reader.next()
        while units is None and self._unasked():
            units = self._reader.next() if self._ask() else self._reader.cut_short()
        if units is None:
            return None
        self._current = self._command(units)
        return Received(self._current, units)

    def _unasked(self) -> bool:
        literal = self._reader.announced
        return literal is not None and literal is not self._asked

    def _ask(self) -> bool:
        """Let the announced literal come, and say so if it waits; False where it is not wanted."""
        self._asked = literal = self._reader.announced
        if literal is None:
            return True
        if self._admit is not None and not self._admit(self._reader.units, literal):
            return False
        if literal.size > self._limits.block:
            size, limit = str(literal.size), self._limits.block
            raise RemoteProtocolError("imap.literal-too-long", size=size, limit=limit)
        if literal.synchronizing:
            self._outgoing.extend(write_response(self._ready))
        self._reader.ask()
        return True

    def _command(self, units: tuple[bytes, ...]) -> Tagged | Malformed:
        try:
            return Tagged(*read_command(units, utf8=self.utf8))
        except RemoteProtocolError as error:
            return Malformed(read_tag(units[0]), error)

    def _line(self) -> Received[Event] | None:
        line = self._reader.line()
        if line is None or self._current is None:
            return None
        idle = isinstance(self._current, Tagged) and self._current.command.name == "IDLE"
        # IDLE is over with DONE; a mechanism must be told to listen again by another "+".
        self._listening = False
        try:
            return Received(read_done(line) if idle else read_client_response(line), (line,))
        except RemoteProtocolError as error:
            return Received(Malformed(self._current.tag, error), (line,))


def _is_greeting(value: Response) -> bool:
    return isinstance(value, Status) and value.condition in ("OK", "PREAUTH", "BYE")
