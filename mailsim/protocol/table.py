"""Transition tables: the one place where a protocol's states stand.

The cores follow them, the list of legal next commands is read from them, and
the state diagrams are drawn from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from mailsim.wire.outcome import Outcome

S = TypeVar("S", bound=Enum)


@dataclass(frozen=True, slots=True)
class Transition(Generic[S]):
    """In `state`, `verb` answered with `outcome` leads to `target`."""

    state: S
    verb: str
    outcome: Outcome
    target: S


class Table(Generic[S]):
    """A protocol's transitions.

    A verb with no row in a state is not allowed there.  An outcome with no row
    leaves the state as it is: a refused command changes nothing.
    """

    def __init__(self, initial: S, rows: Iterable[Transition[S]]) -> None:
        self.initial = initial
        self.rows = tuple(rows)
        self._next = {(row.state, row.verb, row.outcome): row.target for row in self.rows}
        self._moving = {
            (row.verb, row.outcome): row.target for row in self.rows if row.state is not row.target
        }
        self._legal: dict[S, tuple[str, ...]] = {}
        for row in self.rows:
            verbs = self._legal.get(row.state, ())
            if row.verb not in verbs:
                self._legal[row.state] = (*verbs, row.verb)

    def legal(self, state: S) -> tuple[str, ...]:
        """The verbs that `state` allows, in the table's order."""
        return self._legal.get(state, ())

    def target(self, state: S, verb: str, outcome: Outcome) -> S:
        """The state after `verb`, which `state` allows, was answered with `outcome`."""
        return self._next.get((state, verb, outcome), state)

    def after(self, state: S, verb: str, outcome: Outcome) -> S:
        """The state after `verb` was answered with `outcome`, allowed or not.

        The answer decides: a server that accepts what the table does not allow
        (sent with `send_raw()`) moves the state all the same.
        """
        if verb in self.legal(state):
            return self.target(state, verb, outcome)
        return self._moving.get((verb, outcome), state) if outcome.ok else state

    def mermaid(self) -> str:
        """The state diagram in Mermaid's language, one arrow for each pair of states."""
        arrows: dict[tuple[S, S], list[str]] = {}
        for row in self.rows:
            labels = arrows.setdefault((row.state, row.target), [])
            label = (
                row.verb if row.outcome is Outcome.SUCCESS else f"{row.verb} ({row.outcome.value})"
            )
            if label not in labels:
                labels.append(label)
        lines = [f"    {a.name} --> {b.name}: {', '.join(v)}" for (a, b), v in arrows.items()]
        return "\n".join(["stateDiagram-v2", f"    [*] --> {self.initial.name}", *lines, ""])
