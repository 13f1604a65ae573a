"""Commands said in one go: which still wait for their answers, and where they will have led."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Generic, Protocol, TypeVar


class Verbed(Protocol):
    """A command, as far as the state tables know it."""

    @property
    def verb(self) -> str:
        """The table's verb."""


C = TypeVar("C", bound=Verbed)
S = TypeVar("S", bound=Enum)


class Pipeline(Generic[S, C]):
    """What a client has said and is owed an answer to (`owed`), and what it has yet to write.

    `ahead` is the state once every answer owed is positive, in which the client may
    go on meanwhile; `assumed(state, verb)` is the table's word for one answer.
    """

    __slots__ = ("_assumed", "_outgoing", "_unsaid", "ahead", "owed")

    def __init__(self, state: S, assumed: Callable[[S, str], S]) -> None:
        self.owed: deque[C] = deque()
        self.ahead = state
        self._assumed = assumed
        self._outgoing: list[bytes] = []
        self._unsaid = 0

    def queue(self, value: C, units: tuple[bytes, ...] = ()) -> None:
        """One more command; without units its bytes have been written raw."""
        self._outgoing.extend(units)
        self.owed.append(value)
        self._unsaid += 1
        self.ahead = self._assumed(self.ahead, value.verb)

    def write(self, data: bytes) -> None:
        """Bytes to write as they are."""
        self._outgoing.append(data)

    def outgoing(self) -> tuple[bytes, ...]:
        """The units to write now; they are handed over once."""
        units, self._outgoing = tuple(self._outgoing), []
        self._unsaid = 0
        return units

    def withdraw(self, state: S) -> None:
        """Take back what was not handed over."""
        while self._unsaid and self.owed:
            self.owed.pop()
            self._unsaid -= 1
        self._look_ahead(state)

    def moved(self, before: S, verb: str, state: S) -> None:
        """The answer to `verb` led from `before` to `state`.

        As it was assumed to, or all is looked through again: so a long pipeline whose
        commands are granted costs no more than its length.
        """
        if state is not self._assumed(before, verb) or not self.owed:
            self._look_ahead(state)

    def restart(self, state: S) -> None:
        """Nothing is owed any more."""
        self.owed.clear()
        self.ahead = state

    def _look_ahead(self, state: S) -> None:
        self.ahead = state
        for value in self.owed:
            self.ahead = self._assumed(self.ahead, value.verb)
