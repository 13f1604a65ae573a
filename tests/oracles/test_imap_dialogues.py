"""The simulator's IMAP dialogues, said to a real Dovecot.

Where a dialogue and this Dovecot differ, the dialogue is wrong.  It is a 2.3.19, bookworm's; what
differs by right is UIDVALIDITY, mod-sequences, times and the order of mailboxes.
"""

from __future__ import annotations

import socket
import ssl

import pytest

from mailsim.model.stage import Release, Stage
from tests.oracles.conftest import CAREFUL, PASSWORD, Servers
from tests.servers.imap.played_imap import FILES, Target, read
from tests.servers.played import Played

pytestmark = pytest.mark.oracle

NAMES = [
    name
    for name in FILES
    if not read(name).all("oracle") and Release.BOOKWORM in read(name).releases
]


@pytest.fixture
def target(servers: Servers, box: str) -> Target:
    context = ssl.create_default_context(cafile=servers.ca)

    def connect(played: Played) -> socket.socket:
        port = servers.ports[played.setting.service]
        clear = played.setting.stage < Stage.TLS
        source = None if clear else (CAREFUL, 0)
        return socket.create_connection((servers.address, port), source_address=source)

    # The oracle has a certificate, where the stage has none yet.
    return Target(
        Release.BOOKWORM, connect, context, lambda _: (box, PASSWORD), r" STARTTLS(?= AUTH=)"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_real_dovecot_says_what_the_dialogue_shows(target: Target, name: str) -> None:
    target.play(read(name))
