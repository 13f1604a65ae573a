"""The simulator's dialogues, said to a real Postfix that has the lab's settings.

Where a dialogue and this Postfix differ, the dialogue is wrong.  It is a 3.7 (bookworm's) that
also takes the other releases' settings: what differs between the releases on the wire are
settings that 3.7 has too.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
import trustme

from mailsim.lab.network import network
from mailsim.model.stage import Release
from mailsim.servers.accounts import LabAccounts
from tests.oracles.conftest import _lacking as lacking_servers
from tests.oracles.stages import RealLab, environment
from tests.oracles.zones import Zones
from tests.servers.played import FILES, Target, read

pytestmark = pytest.mark.oracle

NETWORK = network()
# resolute has trixie's settings.
RELEASES = (Release.BOOKWORM, Release.NOBLE, Release.TRIXIE)
RUNS = [
    (name, release)
    for name in FILES
    if not read(name).all("oracle")
    for release in RELEASES
    if release in read(name).releases
]
PARAMETERS = sorted(
    {
        read(name).transcript.first("source").removeprefix("postconf(5) ")
        for name in FILES
        if read(name).transcript.first("source").startswith("postconf(5) ")
    }
)


class Oracle:
    """The real servers and what a client needs to trust them."""

    def __init__(self, folder: Path) -> None:
        self.passwords = {
            one.user: one.password
            for one in LabAccounts(NETWORK, "oracle").listed()
            if one.domain == NETWORK.domain
        }
        self.zones = Zones(NETWORK.zones)
        self.lab = RealLab(NETWORK, folder, self.zones.answer, self.passwords)
        self.context = ssl.create_default_context(cafile=folder / "ca.pem")

    def play(self, name: str, release: Release) -> None:
        listing = "F23" in read(name).setting.faults
        self.zones.listing = frozenset({NETWORK.dnsbl} if listing else ())
        connect = partial(self.lab.connect, release=release)
        Target(NETWORK, release, connect, self.context, self.passwords.__getitem__).play(read(name))


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    if missing := _missing():
        if os.environ.get("MAILSIM_REQUIRE_ORACLES") == "1":
            pytest.fail(f"MAILSIM_REQUIRE_ORACLES=1, but {missing}")
        pytest.skip(missing)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mailsim-", dir="/tmp"))
        )
        folder.chmod(0o755)
        _write_certificates(folder)
        found = Oracle(folder)
        wanted = dict.fromkeys((read(name).setting, release) for name, release in RUNS)
        found.lab.start(wanted, stack)
        yield found


def _missing() -> str:
    """What is missing for a Postfix in a network of its own, or ""."""
    if lacking := lacking_servers():
        return lacking
    command = ["unshare", "--net", "--mount", "nsenter", "--version"]
    done = subprocess.run(command, capture_output=True, env=environment(), check=False)
    return "" if done.returncode == 0 else "no private network namespace can be made here"


def _write_certificates(folder: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert(NETWORK.server.name)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(folder / "chain.pem", append=True)


@pytest.mark.parametrize(("name", "release"), RUNS)
def test_the_real_postfix_says_what_the_dialogue_shows(
    oracle: Oracle, name: str, release: Release
) -> None:
    oracle.play(name, release)


def test_the_parameters_that_are_named_as_sources_exist(oracle: Oracle) -> None:
    known = oracle.lab.parameters()
    restrictions = {one for one in PARAMETERS if one.startswith(("permit_", "reject_", "defer_"))}
    assert set(PARAMETERS) - restrictions <= known
