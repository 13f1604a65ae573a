from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

import pytest

from mailsim import Lab
from mailsim.lab.container.engine import engine_there, is_root

RELEASE: Final = "bookworm"


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One lab of the real system, begun at stage mail, for whoever goes on from there."""
    if engine_there() is None or not is_root():
        pytest.skip("no container engine answers here, or this is not root on Linux")
    home = os.environ.get("MAILSIM_TEST_HOME") or str(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSIM_HOME", home)
        patch.setenv("MAILSIM_LANG", "en")
        name = f"tools-{os.getpid()}"
        with Lab(backend="container", release=RELEASE, stage="mail", seed=1, name=name) as lab:
            yield lab
