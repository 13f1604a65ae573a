from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailsim import Lab
from mailsim.lab.container.engine import engine_there, is_root

RELEASE = os.environ.get("MAILSIM_TEST_RELEASE", "bookworm")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A container lab at stage tls, built where it is missing; the home is kept between runs
    where MAILSIM_TEST_HOME names one, so that its authority, and so its images, are too."""
    if engine_there() is None or not is_root():
        pytest.skip("no engine answers here, or this is not root on Linux")
    home = Path(os.environ.get("MAILSIM_TEST_HOME") or tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSIM_HOME", str(home))
        patch.setenv("MAILSIM_LANG", "en")
        with Lab(backend="container", release=RELEASE, stage="tls", seed=1, name="test") as lab:
            yield lab


@pytest.fixture
def fresh(real: Lab) -> Lab:
    """The same lab, pristine, at stage tls."""
    real.reset(stage="tls")
    return real
