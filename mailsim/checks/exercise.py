"""An exercise: setup, check and cleanup; its solution is in the notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from mailsim.checks.evidence import Evidence
from mailsim.checks.values import Draw, Values
from mailsim.checks.verdict import Finding, Verdict
from mailsim.knowledge import Ref


class Site(Protocol):
    """The lab, as a setup and a cleanup need it."""

    def deliver(self, message: str, sender: str | None = ..., recipients: str | None = ...) -> str:
        """Hand a message to the queue."""
        ...

    def idle(self, timeout: float = ...) -> None:
        """Wait until all is delivered."""

    def fault(self, name: str, *, on: bool = ...) -> tuple[str, ...]:
        """Switch one of the thesis's errors."""
        ...


def no_values(_: Draw) -> Mapping[str, str]:
    """The same for everyone."""
    return {}


def nothing(_: Site, __: Values) -> None:
    """Nothing to set up, nothing to clean."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """`id` is "01.2": the notebook's number and its own; `title` an id of messages/checks.json.

    `rows`: the inventory's ids that it exercises; `hidden`: the values that are not shown, for
    the student is to find them.
    """

    id: str
    title: str
    check: Callable[[Evidence, Values], Finding]
    thesis: str
    ref: Ref
    rows: tuple[str, ...]
    draw: Callable[[Draw], Mapping[str, str]] = no_values
    setup: Callable[[Site, Values], None] = nothing
    cleanup: Callable[[Site, Values], None] = nothing
    hidden: tuple[str, ...] = ()

    def values(self, seed: str) -> Values:
        """The values of the student whose lab has this seed."""
        return Values(self.draw(Draw(seed, self.id)))

    def shown(self, seed: str) -> Values:
        """Those of them that the task gives."""
        values = self.values(seed)
        return Values({name: one for name, one in values.items() if name not in self.hidden})

    def judge(self, evidence: Evidence, seed: str) -> Verdict:
        """The verdict, from the lab's evidence alone."""
        finding = self.check(evidence, self.values(seed))
        return Verdict(self.id, self.title, finding, finding.ref or self.ref, self.thesis)
