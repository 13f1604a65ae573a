"""The client's side of an IMAP connection."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from mailsim.errors import LocalProtocolError, ProtocolError, RemoteProtocolError
from mailsim.protocol.core import DEFAULT_LIMITS, Core, Limits, Received, Role
from mailsim.protocol.imap.flight import Flight, Flights
from mailsim.protocol.imap.raw import RawFollower
from mailsim.protocol.imap.states import BYE, GREETING, PREAUTH, State, after, allows, legal
from mailsim.protocol.imap.view import Selected
from mailsim.protocol.sasl import Mechanism, SaslClient
from mailsim.secret import Secret
from mailsim.wire.imap import commands, responses
from mailsim.wire.imap.command_writer import write_client_response, write_command
from mailsim.wire.imap.frames import FrameReader
from mailsim.wire.imap.response_reader import read_response
from mailsim.wire.imap.responses import Response, Status
from mailsim.wire.imap.tokens import Argument, Atom
from mailsim.wire.imap.writer import Literals
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import NONE, Quirk


@dataclass(frozen=True, slots=True, eq=False)
class Authenticate(commands.Request):
    """AUTHENTICATE with a mechanism's stepper: the core answers its challenges by itself.

    `initial`: send the first response with the command (RFC 4959 §3); None does so
    where the server offers SASL-IR.
    """

    sasl: SaslClient
    initial: bool | None = None

    @classmethod
    def by(cls, mechanism: Mechanism, *, initial: bool | None = None) -> Authenticate:
        """An AUTHENTICATE by `mechanism`."""
        return cls(SaslClient(mechanism), initial)

    @property
    def name(self) -> str:
        return "AUTHENTICATE"

    @property
    def arguments(self) -> tuple[Argument, ...]:
        return (Atom(self.sasl.mechanism.name),)

    def on_wire(self, *, initial: bool) -> commands.Authenticate:
        """The command to write, with the first response or without."""
        first = self.sasl.initial() if initial else None
        secret = None if first is None else Secret(first)
        return commands.Authenticate(self.sasl.mechanism.name, secret)


Said: TypeAlias = "commands.Request | commands.Response | commands.Done"


class ImapClient(Core[Said, Response]):
    """Commands in, responses out; several commands may be on their way (RFC 3501 §5.5).

    `capabilities` (upper case) are those of the greeting, the last CAPABILITY or the
    last OK that carried them, None where nothing is known; `selected` is what the
    server has said of the selected mailbox.  Literals are held back until the server asks.
    """

    role = Role.CLIENT

    def __init__(self, *, limits: Limits = DEFAULT_LIMITS, quirks: frozenset[Quirk] = NONE) -> None:
        self.state = State.OPENING
        self.capabilities: tuple[str, ...] | None = None
        self.enabled: frozenset[str] = frozenset()
        self.selected: Selected | None = None
        self._opening: Selected | None = None
        self._quirks = quirks
        self._reader = FrameReader(
            line=limits.line, block=limits.block, frame=limits.exchange, quirks=quirks
        )
        self._outgoing: list[bytes] = []
        self._flights = Flights()
        self._tags = (f"a{number:03}" for number in count(1))
        self._raw = RawFollower()
        self._followed = True
        self._failure: ProtocolError | None = None
        self._eof = False

    # saying

    def legal(self) -> tuple[str, ...]:
        """The commands that may be said now, all responses owed taken as OK."""
        return () if self._flights.continuing else legal(self._ahead())

    def send(self, value: Said) -> None:
        """Queue a command, DONE within IDLE, or a SASL response after a challenge."""
        if isinstance(value, commands.Request):
            self._check(value.name)
            self._command(value)
        else:
            self._go_on(value)

    def send_raw(self, data: bytes) -> None:
        """Queue `data` as it is; whole commands in it are followed, and so are the lines
        within IDLE and AUTHENTICATE."""
        self._outgoing.append(data)
        self._followed = False
        paused = self._flights.paused
        for found in self._raw.follow(data, answering=paused is not None):
            if isinstance(found, Flight):
                self._flights.add(found)
            elif paused is not None:
                paused.paused = False

    def outgoing(self) -> tuple[bytes, ...]:
        units, self._outgoing = tuple(self._outgoing), []
        self._flights.handed_over()
        return units

    def withdraw(self) -> None:
        self._flights.withdraw()
        super().withdraw()

    @property
    def utf8(self) -> bool:
        """Whether mailbox names are UTF-8 (RFC 6855 §3, RFC 9051 §5.1), not modified UTF-7."""
        known = set(self.capabilities or ())
        rev2_alone = "IMAP4REV2" in known and "IMAP4REV1" not in known
        return rev2_alone or not self.enabled.isdisjoint({"UTF8=ACCEPT", "IMAP4REV2"})

    def _ahead(self) -> State:
        state = self.state
        for flight in self._flights:
            state = after(state, flight.verb, Outcome.SUCCESS)
        return state

    def _check(self, verb: str) -> None:
        state = self._ahead()
        if state is State.TLS:
            raise LocalProtocolError("protocol.tls-pending")
        running = self._flights.continuing
        if running is not None:
            raise LocalProtocolError("imap.still-running", verb=running.verb)
        if not allows(state, verb):
            shown = ", ".join(self.legal()) or "-"
            raise LocalProtocolError("protocol.not-now", verb=verb, state=state.value, legal=shown)

    def _command(self, value: commands.Request) -> None:
        capabilities = self.capabilities or ()
        written, sasl = value, None
        if isinstance(value, Authenticate):
            initial = "SASL-IR" in capabilities if value.initial is None else value.initial
            written, sasl = value.on_wire(initial=initial), value.sasl
        tag = next(self._tags)
        literals = Literals.allowed_by(capabilities)
        fragments = write_command(tag, written, literals=literals, utf8=self.utf8)
        if self._raw:  # half a command went before: on the wire they are one
            self.send_raw(b"".join(fragment.data for fragment in fragments))
            return
        self._followed = True
        self._flights.add(Flight(tag, value.name, value, fragments, sasl))
        self._write()

    def _write(self) -> None:
        self._outgoing.extend(self._flights.units())

    def _go_on(self, value: commands.Response | commands.Done) -> None:
        paused = self._flights.paused
        verb = "IDLE" if isinstance(value, commands.Done) else "AUTHENTICATE"
        if paused is None or paused.verb != verb:
            raise LocalProtocolError("imap.nothing-to-continue", verb=verb)
        paused.paused = False
        self._outgoing.append(
            b"DONE\r\n" if isinstance(value, commands.Done) else write_client_response(value)
        )

    # hearing

    def receive(self, data: bytes) -> None:
        self._eof = self._eof or not data
        self._reader.feed(data)

    @property
    def waiting(self) -> bool:
        if self._failure:
            return True
        if self._eof or self.state in (State.TLS, State.LOGOUT):
            return False
        return self.state is State.OPENING or self._flights.owed or self._raw.awaits_continuation

    @property
    def closed(self) -> bool:
        return self._eof or self.state is State.LOGOUT

    def unread(self) -> bytes:
        return self._reader.rest()

    @property
    def tls_pending(self) -> bool:
        return self.state is State.TLS

    def tls_started(self) -> None:
        """Forget the capabilities (RFC 3501 §6.2.1), and all that came or was asked in the clear."""
        if self.state is not State.OPENING:
            self.state = State.NOT_AUTHENTICATED
        self.capabilities = None
        self._reader.rest()
        self._raw.drop()
        self._flights.clear()

    def next_event(self) -> Received[Response] | None:
        """The next whole response.

        After the OK to STARTTLS nothing is read: what follows in the clear is left
        for `unread()`.
        """
        if self._failure:
            failure, self._failure = self._failure, None
            raise failure
        if self.state is State.TLS:
            return None
        units = self._reader.next()
        if units is None:
            if self._eof and len(self._reader):
                raise RemoteProtocolError("imap.cut-short")
            return None
        response = read_response(units, utf8=self.utf8, quirks=self._quirks)
        return Received(response, units, self._settle(response))

    def _settle(self, response: Response) -> object | None:
        if self.state is State.OPENING:
            self._greeted(response)
            return None
        if isinstance(response, responses.Continuation):
            return self._continued(response)
        if isinstance(response, Status) and response.tag is not None:
            return self._answered(response)
        if self.state is State.LOGOUT:
            self._unasked(response)
        oldest = self._flights.oldest
        self._learn(response)
        if isinstance(response, Status) and response.condition == "BAD":
            # A line without a tag can only be answered so (RFC 3501 §7.1.3).
            tagless = self._flights.settle(None)
            return tagless.answers if tagless else None
        return oldest.answers if oldest else None

    def _greeted(self, response: Response) -> None:
        """greeting = "*" SP (resp-cond-auth / resp-cond-bye) CRLF"""
        greetings = {"OK": GREETING, "PREAUTH": PREAUTH, "BYE": BYE}
        status = response if isinstance(response, Status) else None
        if status is None or status.tag is not None or status.condition not in greetings:
            raise RemoteProtocolError("imap.no-greeting")
        self._capabilities_in(status)
        self.state = after(self.state, greetings[status.condition], status.outcome)

    def _continued(self, response: responses.Continuation) -> object | None:
        """A "+" asks for a literal, a SASL response, or says that IDLE has begun."""
        if (blocked := self._flights.blocked) is not None:
            self._flights.blocked = None
            self._write()
            return blocked.answers
        if self._raw.awaits_continuation:
            self._raw.continued()
            return None
        running = self._flights.continuing
        if running is None or running.paused:
            self._unasked(response)
            return None
        if running.sasl is None:
            running.paused = True
        else:
            token = running.sasl.answer(response.text.encode("utf-8", "surrogateescape"))
            self._outgoing.append(token + b"\r\n")
        return running.answers

    def _answered(self, status: Status) -> object | None:
        flight = self._flights.settle(status.tag)
        if flight is None:
            if self._raw and self._raw.tag == status.tag:
                self._raw.drop()
            else:
                self._unasked(status)
            return None
        self._write()
        self._capabilities_in(status)
        self._mailbox(flight, status)
        if self.state is not State.LOGOUT:
            self.state = after(self.state, flight.verb, status.outcome)
        if flight.sasl is not None:
            if status.outcome.ok:
                flight.sasl.succeed()
            self._failure = flight.sasl.failure
        return flight.answers

    def _unasked(self, response: Response) -> None:
        """A response that nothing said has called for.

        After raw bytes the server may have seen commands where the grammar has none.
        """
        if self._followed:
            shown = getattr(response, "tag", None) or type(response).__name__.upper()
            raise RemoteProtocolError("imap.unasked-response", response=shown)
        self._flights.settle(None)

    def _learn(self, response: Response) -> None:
        match response:
            case responses.Capability(names):
                self.capabilities = tuple(name.upper() for name in names)
            case responses.Enabled(names):
                self.enabled |= {name.upper() for name in names}
            case Status(condition="BYE"):
                self._farewell()
            case Status():
                self._capabilities_in(response)
        self._view(response)

    def _capabilities_in(self, status: Status) -> None:
        code = status.code
        if code and code.name == "CAPABILITY" and isinstance(code.value, tuple):
            self.capabilities = tuple(name.upper() for name in code.value)

    def _farewell(self) -> None:
        """BYE: part of a LOGOUT, whose OK is still to come, or the end (RFC 3501 §7.1.5)."""
        if not any(flight.verb == "LOGOUT" for flight in self._flights):
            self.state = after(self.state, BYE, Outcome.CLOSING)

    def _view(self, response: Response) -> None:
        oldest = self._flights.oldest
        if oldest is not None and isinstance(oldest.answers, commands.Select):
            if self._opening is None:
                self._opening = _described(oldest.answers)
            self._opening = self._opening.after(response)
        elif self.selected is not None:
            self.selected = self.selected.after(response)

    def _mailbox(self, flight: Flight, status: Status) -> None:
        if isinstance(flight.answers, commands.Select):
            opened = self._opening or _described(flight.answers)
            self._opening = None
            self.selected = opened.after(status) if status.outcome.ok else None
        elif flight.verb in ("CLOSE", "UNSELECT") and status.outcome.ok:
            self.selected = None
        elif self.selected is not None:
            self.selected = self.selected.after(status)


def _described(command: commands.Select) -> Selected:
    return Selected(command.mailbox, read_only=command.examine)
