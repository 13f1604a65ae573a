"""What was asked and answered, and how it is counted.

A cell is (protocol, release, stage, command, real status).  One that was met in several
situations is equal only where the simulator said the same in all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from tests.fidelity.wire import Answer

# These open and end a connection; what they offer is compared as capabilities.
_LEFT_OUT: Final = ("EHLO", "LHLO", "QUIT", "LOGOUT")


@dataclass(frozen=True, slots=True)
class Observation:
    """One command said to both in one situation (`state`, with who said it)."""

    protocol: str
    release: str
    stage: str
    state: str
    command: str
    real: Answer
    simulated: Answer

    @property
    def counted(self) -> bool:
        """Whether it makes a cell."""
        return self.command.split(" ")[0].upper() not in _LEFT_OUT

    @property
    def same_code(self) -> bool:
        """Equal code or status."""
        return self.real.status == self.simulated.status

    @property
    def same(self) -> bool:
        """Equal code and enhanced code, equal status and response code."""
        return self.same_code and self.real.detail == self.simulated.detail

    @property
    def cell(self) -> tuple[str, str, str, str, str]:
        """The cell to which it belongs."""
        return self.protocol, self.release, self.stage, self.command, self.real.status


@dataclass(frozen=True, slots=True)
class Figures:
    """Cells, and how many of them are equal."""

    cells: int
    equal: int
    refusals: int
    refusals_equal: int
    """In code."""
    observations: int

    @property
    def share(self) -> float:
        """Of all cells, in per cent."""
        return 100 * self.equal / self.cells if self.cells else 100.0

    @property
    def refusal_share(self) -> float:
        """Of the refusals, in per cent."""
        return 100 * self.refusals_equal / self.refusals if self.refusals else 100.0

    def to_json(self) -> dict[str, Any]:
        """With the shares, to two places."""
        shares = {"share": round(self.share, 2), "refusal_share": round(self.refusal_share, 2)}
        return asdict(self) | shares


def figures(observations: Iterable[Observation]) -> Figures:
    """Count them."""
    cells = by_cell(observations)
    refusals = [all_of for all_of in cells.values() if all_of[0].real.refusal]
    return Figures(
        len(cells),
        sum(all(one.same for one in all_of) for all_of in cells.values()),
        len(refusals),
        sum(all(one.same_code for one in all_of) for all_of in refusals),
        sum(map(len, cells.values())),
    )


def by_cell(
    observations: Iterable[Observation],
) -> dict[tuple[str, str, str, str, str], list[Observation]]:
    """What counts, cell by cell."""
    found: dict[tuple[str, str, str, str, str], list[Observation]] = defaultdict(list)
    for one in observations:
        if one.counted:
            found[one.cell].append(one)
    return found


def different(observations: Iterable[Observation]) -> Iterator[Observation]:
    """The first observation of each cell that is not equal."""
    for all_of in by_cell(observations).values():
        unlike = [one for one in all_of if not one.same]
        if unlike:
            yield unlike[0]
