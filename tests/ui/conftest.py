from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailsim import Lab


@pytest.fixture(autouse=True)
def _own_home(lab_home: Path) -> Path:
    """No test of this folder meets a lab that runs on this machine."""
    return lab_home


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab in this process at the stage before any security, all of it repeatable."""
    with Lab(stage="mail", seed=1) as made:
        yield made
