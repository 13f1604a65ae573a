"""What the four cores have in common: values in, bytes out, bytes in, values out.

A core does no input or output.  Its user moves the bytes:

    core.send(command)                         a value to say
    for unit in core.outgoing(): write(unit)   the bytes to write now
    core.receive(read())                       the bytes that came
    while (event := core.next_event()): ...    the values in them

A *unit* is what a transcript shows as one thing: a line with its CRLF, or a
block (message content, a literal, a chunk).  Joined, the units are exactly the
bytes that travel.  After each event `outgoing()` may have more to write: the
next SASL response, a literal that the server has asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from mailsim.errors import RemoteProtocolError

V_co = TypeVar("V_co", covariant=True)
C = TypeVar("C")
V = TypeVar("V")


class Role(Enum):
    """Which side of the connection a core is."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a peer may send before it is taken for hostile; octets.

    `exchange` bounds what one exchange may cost in memory: the weight of its units
    (`mailsim.wire.lines.weight`), and `UNIT_COST` for each, so that a flood of tiny lines
    is bounded too.  The whole stays under 64 MB: while a block comes it is there once
    more, and so is what could not be understood.
    """

    line: int = 65_536
    block: int = 12 * 1024 * 1024
    exchange: int = 32 * 1024 * 1024


UNIT_COST = 256
DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Received(Generic[V_co]):
    """A value that came, with the units that carried it.

    `answers` is the command that it answers (client role), or None for what
    nobody asked for: a greeting, unsolicited data.
    """

    value: V_co
    units: tuple[bytes, ...]
    answers: object | None = None


class Core(ABC, Generic[C, V]):
    """A state machine that takes values `C` to send and gives values `V` received."""

    role: Role

    @abstractmethod
    def send(self, value: C) -> None:
        """Queue `value`.  Raises LocalProtocolError if the state does not allow it."""

    @abstractmethod
    def send_raw(self, data: bytes) -> None:
        """Queue `data` as it is, followed as far as the grammar understands it."""

    @abstractmethod
    def outgoing(self) -> tuple[bytes, ...]:
        """The units to write now; they are handed over once."""

    def withdraw(self) -> None:
        """Take back what was queued and not handed over yet, as if it had never been sent."""
        self.outgoing()

    @abstractmethod
    def receive(self, data: bytes) -> None:
        """Take in what has arrived; b"" says that the peer has closed."""

    @abstractmethod
    def next_event(self) -> Received[V] | None:
        """The next value, or None until more has arrived.  Raises RemoteProtocolError."""

    @property
    @abstractmethod
    def waiting(self) -> bool:
        """Whether the peer still owes an answer (client), or the exchange is open."""

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether the protocol is at its end: nothing more may be said."""

    @abstractmethod
    def unread(self) -> bytes:
        """Take out the bytes that no event has used: what came after STARTTLS in the
        clear, or the beginning of a broken line."""

    @property
    @abstractmethod
    def tls_pending(self) -> bool:
        """Whether STARTTLS (STLS) was agreed on: the handshake comes next, nothing is read."""

    @abstractmethod
    def tls_started(self) -> None:
        """TLS covers the connection from here on: what was known of the peer is forgotten
        where its RFC says so (RFC 3207 §4.2)."""


class Meter:
    """Counts what the units of one exchange cost, and stops a flood."""

    __slots__ = ("_limit", "_spent")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._spent = 0

    def add(self, octets: int, units: int = 1) -> None:
        """So many octets more, in so many units.  Raises RemoteProtocolError over the limit."""
        self._spent += octets + units * UNIT_COST
        if self._spent > self._limit:
            raise RemoteProtocolError("protocol.exchange-too-long", limit=self._limit)

    def reset(self) -> None:
        """A new exchange begins."""
        self._spent = 0
