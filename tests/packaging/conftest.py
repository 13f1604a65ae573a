from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.rendering import PROVISION, ansible
from tools import settings as written


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All releases, stages and faults, rendered once for all workers."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    to = folder / "rendered.json"
    with _alone(folder / "rendered.lock"):
        if not to.exists():
            ansible(
                PROVISION / "settings.yml",
                mailsim_settings_to=str(to),
                mailsim_settings_faults=written.FAULTS,
            )
    return written.read(to)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        if sys.platform != "win32":  # where ansible does not run either
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
