"""The labs in which the contract is run: one at a time for the real system, kept as long as it serves."""

from __future__ import annotations

import os

import pytest

from mailsim import Lab
from mailsim.lab.container.engine import engine_there, is_root
from tests.contract.cells import Cell

SEED = 1


class Labs:
    """Hands out the lab of a cell; what it has is kept, stepped to another stage, and ended."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str], Lab] = {}
        self._changed: set[int] = set()

    def at(self, cell: Cell) -> Lab:
        """The lab, at its stage.  Skips where the machine cannot run it."""
        key = (cell.backend, cell.release.value)
        found = self._running.get(key)
        if found is None:
            self.end(cell.backend)
            found = self._running[key] = _start(cell)
        if found.stage is not cell.stage or id(found) in self._changed:
            self._changed.discard(id(found))
            found.reset(cell.stage)
        return found

    def changed(self, lab: Lab) -> None:
        """What has been done to it must be undone before anybody else sees it."""
        self._changed.add(id(lab))

    def end(self, backend: str = "") -> None:
        """End what runs on that backend, or everywhere."""
        for key in [one for one in self._running if backend in ("", one[0])]:
            self._running.pop(key).close()


def _start(cell: Cell) -> Lab:
    if cell.backend == "container" and (engine_there() is None or not is_root()):
        pytest.skip("no container engine answers here, or this is not root on Linux")
    # Workers of one run, and runs side by side, do not meet.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"contract-{cell.backend}-{cell.release.value}-{worker}-{os.getpid()}"
    return Lab(cell.backend, cell.release, cell.stage, SEED, name)
