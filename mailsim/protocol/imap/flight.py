"""Commands on their way: said, or being said, and not yet answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from mailsim.protocol.sasl import SaslClient
from mailsim.wire.imap.writer import Fragment


class Flight:
    """One command until its tagged response comes.

    `fragments` are the units not yet handed over; `tag` None is a raw line that has none.
    `continues`: the server may answer with "+" and the client goes on (AUTHENTICATE, IDLE).
    `paused`: it has, and waits for the client.  `said`: its first unit was handed over.
    """

    __slots__ = ("answers", "continues", "fragments", "paused", "said", "sasl", "tag", "verb")

    def __init__(
        self,
        tag: str | None,
        verb: str,
        answers: object,
        fragments: tuple[Fragment, ...] = (),
        sasl: SaslClient | None = None,
    ) -> None:
        self.tag = tag
        self.verb = verb
        self.answers = answers
        self.fragments = deque(fragments)
        self.sasl = sasl
        self.continues = verb in ("AUTHENTICATE", "IDLE")
        self.paused = False
        self.said = not fragments


class Flights:
    """The commands on their way, in order, and the units that wait for a "+"."""

    __slots__ = ("_all", "_fresh", "blocked")

    def __init__(self) -> None:
        self._all: list[Flight] = []
        self._fresh: list[Flight] = []
        self.blocked: Flight | None = None
        """The command whose literal the server has not yet asked for."""

    def __iter__(self) -> Iterator[Flight]:
        return iter(self._all)

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, flight: Flight) -> None:
        """One more command, said last."""
        self._all.append(flight)
        self._fresh.append(flight)

    def handed_over(self) -> None:
        """All that was added is on its way now."""
        self._fresh.clear()

    def withdraw(self) -> None:
        """Take back what was added since `handed_over`."""
        if self.blocked in self._fresh:
            self.blocked = None
        self._all = [flight for flight in self._all if flight not in self._fresh]
        self.handed_over()

    def clear(self) -> None:
        """No command is owed an answer any more."""
        self._all.clear()
        self.blocked = None

    @property
    def oldest(self) -> Flight | None:
        """The command whose answer comes next, if the server keeps the order."""
        return self._all[0] if self._all else None

    @property
    def paused(self) -> Flight | None:
        """The command within which the server waits for the client."""
        return next((flight for flight in self._all if flight.paused), None)

    @property
    def continuing(self) -> Flight | None:
        """The first command that a "+" may continue, literals aside."""
        return next((flight for flight in self._all if flight.continues), None)

    @property
    def owed(self) -> bool:
        """Whether the server owes an answer."""
        return any(not flight.paused for flight in self._all)

    def settle(self, tag: str | None) -> Flight | None:
        """Take out the oldest command with this tag; what it has not sent yet is never sent."""
        found = next((one for one in self._all if one.tag == tag and one.said), None)
        if found is not None:
            self._all.remove(found)
            if self.blocked is found:
                self.blocked = None
        return found

    def units(self) -> Iterator[bytes]:
        """Take out the units that may be written now, up to a literal that must be asked for.

        Commands keep their order: a literal is negotiated "before any subsequent
        command is initiated" (RFC 3501 §5.5).
        """
        for flight in self._all:
            while flight.fragments and self.blocked is None:
                fragment = flight.fragments.popleft()
                flight.said = True
                if fragment.waits:
                    self.blocked = flight
                yield fragment.data
