"""Writes down what travels, as it travels."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mailsim.dialogue.values import Dialogue, Exchange, Line, Note, Side
from mailsim.model import Endpoint


class Recorder:
    """Collects lines into exchanges, exchanges into the dialogue.

    `clock` gives seconds, from any origin; the first reading becomes 0.
    """

    __slots__ = ("_clock", "_closed", "_lines", "_notes", "_start", "endpoint", "secure")

    def __init__(self, endpoint: Endpoint, clock: Callable[[], float]) -> None:
        self.endpoint = endpoint
        self.secure = False
        self._clock = clock
        self._start = clock()
        self._closed: list[Exchange] = []
        self._lines: list[Line] = []
        self._notes: list[Note] = []

    def client(self, units: Iterable[bytes]) -> None:
        """The client wrote these units."""
        self._add(Side.CLIENT, units)

    def server(self, units: Iterable[bytes]) -> None:
        """These units came from the server."""
        self._add(Side.SERVER, units)

    def note(self, note_id: str, **params: str) -> None:
        """Remark on the open exchange."""
        self._notes.append(Note(note_id, params))

    def close(self) -> Exchange:
        """Close the open exchange and return it."""
        exchange = Exchange(tuple(self._lines), tuple(self._notes))
        self._lines, self._notes = [], []
        if exchange.lines or exchange.notes:
            self._closed.append(exchange)
        return exchange

    @property
    def dialogue(self) -> Dialogue:
        """All so far, the open exchange included."""
        open_exchange = Exchange(tuple(self._lines), tuple(self._notes))
        more = (open_exchange,) if open_exchange.lines or open_exchange.notes else ()
        return Dialogue(self.endpoint, (*self._closed, *more))

    def _add(self, side: Side, units: Iterable[bytes]) -> None:
        at = self._clock() - self._start
        for unit in units:
            self._lines.append(Line(side, unit, self.secure, at))
