from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailsim import Lab
from mailsim.lab.container.engine import engine_there, is_root

RELEASES = os.environ.get("MAILSIM_TEST_RELEASES", "bookworm trixie").split()


@pytest.fixture(scope="session")
def real_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of the container labs: kept between runs where MAILSIM_TEST_HOME names one, so that
    its authority, and so its images, are too."""
    if engine_there() is None or not is_root():
        pytest.skip("no engine answers here, or this is not root on Linux")
    return Path(os.environ.get("MAILSIM_TEST_HOME") or tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module", params=RELEASES)
def real(real_home: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A container lab at stage tls, built where it is missing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSIM_HOME", str(real_home))
        patch.setenv("MAILSIM_LANG", "en")
        release = str(request.param)
        with Lab(
            backend="container",
            release=release,
            stage="tls",
            seed=1,
            name=f"ctr-{release}-{os.getpid()}",
        ) as lab:
            yield lab


@pytest.fixture
def fresh(real: Lab, real_home: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The same lab, pristine, at stage tls."""
    # After the folder's own fixture, which gives each test a home that no other has.
    monkeypatch.setenv("MAILSIM_HOME", str(real_home))
    real.reset(stage="tls")
    return real


Shell = Callable[[Lab, str], str]


@pytest.fixture
def shell() -> Shell:
    """Runs a script in a lab's container, as `mailsim shell` would; what it writes."""

    def run(lab: Lab, script: str) -> str:
        words: list[str] = lab._about.document["shell"]
        command = [*(one for one in words[:-1] if one != "--tty"), "sh", "-ec", script]
        done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        return done.stdout.decode()

    return run


@pytest.fixture
def container() -> Callable[[Lab], str]:
    """Which container a lab has: another one after it was made anew."""

    def named(lab: Lab) -> str:
        about = lab._about.document
        command = [about["shell"][0], "inspect", "--format", "{{.Id}}", about["container"]]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode().strip()

    return named


@pytest.fixture
def peer_unit() -> Callable[[Lab], str]:
    """The unit of mx.ugb.sn: Debian 13 names Postfix's instances otherwise."""

    def named(lab: Lab) -> str:
        return "postfix@ugb" if lab.release.value == "trixie" else "postfix@postfix-ugb"

    return named
