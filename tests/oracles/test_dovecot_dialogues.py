"""The simulator's POP3 and ManageSieve dialogues, said to a real Dovecot that has the lab's
settings.

Where a dialogue and this Dovecot differ, the dialogue is wrong.  It is a 2.3.19, bookworm's.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from mailsim.lab.network import network
from mailsim.model.stage import Release
from tests.oracles.conftest import ACCOUNTS, PASSWORD, _address, _lacking
from tests.oracles.dovecot import RealDovecot
from tests.servers.played_dovecot import FILES, Target, read

pytestmark = pytest.mark.oracle

NETWORK = network()
NAMES = [
    name
    for name in FILES
    if not read(name).all("oracle") and Release.BOOKWORM in read(name).releases
]


def same(found: str, wanted: str) -> bool:
    """Whether a row is the simulator's: of Sieve's extensions it has some."""
    if wanted.startswith('"SIEVE" "'):
        return set(wanted[9:-1].split()) <= set(found[9:-1].split())
    return found == wanted


@pytest.fixture(scope="session")
def dovecot() -> Iterator[RealDovecot]:
    if missing := _lacking():
        if os.environ.get("MAILSIM_REQUIRE_ORACLES") == "1":
            pytest.fail(f"MAILSIM_REQUIRE_ORACLES=1, but {missing}")
        pytest.skip(missing)
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mailsim-", dir="/tmp"))
        )
        folder.chmod(0o755)
        authority = trustme.CA()
        certificate = authority.issue_cert(NETWORK.server.name)
        authority.cert_pem.write_to_path(folder / "ca.pem")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(folder / "chain.pem", append=True)
        passwords = dict.fromkeys(ACCOUNTS, PASSWORD)
        yield RealDovecot(NETWORK, folder, _address(), passwords, stack)


@pytest.mark.parametrize("name", NAMES)
def test_the_real_dovecot_says_what_the_dialogue_shows(dovecot: RealDovecot, name: str) -> None:
    context = ssl.create_default_context(cafile=dovecot.folder / "ca.pem")
    Target(
        Release.BOOKWORM,
        NETWORK.server.name,
        dovecot.connect,
        context,
        dovecot.passwords.__getitem__,
        same,
        not_ours='"NOTIFY" "mailto"',
    ).play(read(name))
