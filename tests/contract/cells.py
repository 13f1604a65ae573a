"""What the contract is held against: each backend, as each release, at each stage.

MAILSIM_CONTRACT_RELEASES  bookworm trixie, or others, or `all`
MAILSIM_CONTRACT_STAGES    mail tls sieve, or others, or `all`
MAILSIM_CONTRACT_FAULTS    F8, or others, or `all`: those that are switched on a real system too
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final, TypeVar

from mailsim.model.stage import Release, Stage

T = TypeVar("T", Release, Stage)

BACKENDS: Final = ("embedded", "container")
RELEASES: Final = (Release.BOOKWORM, Release.TRIXIE)
STAGES: Final = (Stage.MAIL, Stage.TLS, Stage.SIEVE)
# What a backend has that not all have; a test that needs it says so by @pytest.mark.needs.
CAPABILITIES: Final = {
    "embedded": frozenset({"clock"}),
    "container": frozenset({"https", "inside"}),
}
LACKING: Final = {
    "https": "the simulator has no web server: its ports 80 and 443 are a model",
    "inside": "the simulator has no machine inside: no files, no units",
    "clock": "a real server's clock is not the lab's",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One lab: the same tests are run in each."""

    backend: str
    release: Release
    stage: Stage

    def __str__(self) -> str:
        return f"{self.backend}-{self.release.value}-{self.stage.value}"

    @property
    def order(self) -> tuple[int, int, Stage]:
        """Backend, release, stage: who follows this order restarts little."""
        return (BACKENDS.index(self.backend), list(Release).index(self.release), self.stage)


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a test has its sense: from a stage on, up to another, where a backend has something."""

    since: Stage = Stage.MAIL
    until: Stage = Stage.SIEVE
    needs: frozenset[str] = frozenset()

    def against(self, cell: Cell) -> str:
        """Why it has none there; "" where it has."""
        for one in sorted(self.needs - CAPABILITIES[cell.backend]):
            return LACKING[one]
        if cell.stage < self.since:
            return f"begins with stage {self.since.value}"
        if self.until < cell.stage:
            return f"ends with stage {self.until.value}"
        return ""


def all_cells() -> list[Cell]:
    """Those that the environment asks for, in their order."""
    found = [
        Cell(backend, release, stage)
        for backend in BACKENDS
        for release in _chosen("RELEASES", RELEASES, tuple(Release)[:-1])
        for stage in _chosen("STAGES", STAGES, tuple(Stage)[1:])
    ]
    return sorted(found, key=lambda one: one.order)


def tried(fault: object, cell: Cell | None) -> bool:
    """Whether the fault is switched in that lab."""
    chosen = os.environ.get("MAILSIM_CONTRACT_FAULTS", "F8").replace(",", " ").split()
    return cell is None or cell.backend == "embedded" or bool({fault, "all"} & set(chosen))


def _chosen(name: str, usual: tuple[T, ...], every: tuple[T, ...]) -> list[T]:
    words = os.environ.get(f"MAILSIM_CONTRACT_{name}", "").replace(",", " ").split()
    if words == ["all"]:
        return list(every)
    kind = type(usual[0])
    return [kind.of(one) for one in words] or list(usual)
