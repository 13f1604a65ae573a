"""What is injected behind STARTTLS in the clear is never taken for what came under TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.load.watched import Watched

if TYPE_CHECKING:
    from tests.conftest import StartUp

MESSAGE = b"From: autre_user@minfo.sn\r\nSubject: essai\r\n\r\nessai\r\n"
SERVICES = {
    "imap": (rb"\* OK", b"a STARTTLS\r\n", b"a OK", b"b LOGIN user minfo\r\nc CREATE Intrus\r\n"),
    "pop3": (rb"\+OK", b"STLS\r\n", rb"\+OK", b"USER user\r\nPASS minfo\r\nDELE 1\r\nQUIT\r\n"),
}


@pytest.fixture
def lab(up: StartUp) -> Iterator[Watched]:
    """Where IMAP and POP3 have STARTTLS."""
    made = Watched(up("--stage", "tls"))
    yield made
    made.close()


def test_what_is_said_behind_starttls(lab: Watched) -> None:
    cases = [(service, *one) for service in SERVICES for one in ((None,), (7,))]
    for service, octets in cases:
        greeting, start, agreed, injected = SERVICES[service]
        wire = lab.reach(service)
        wire.until(greeting)
        wire.say(start + injected[:octets])
        wire.until(agreed)
        # The handshake takes it for the client's, which it is not: nothing of it is obeyed.
        with pytest.raises((ssl.SSLError, OSError)):
            lab.secure(wire).say(b"\r\n")
    assert mailboxes(lab) == [b"INBOX"]


def mailboxes(lab: Watched) -> list[bytes]:
    """What user has."""
    wire = lab.imap()
    wire.say(b'b LIST "" "*"\r\n')
    found = []
    while not (line := wire.line()).startswith(b"b OK"):
        assert line
        found.append(line.split()[-1])
    return found
