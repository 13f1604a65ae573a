"""What changes mail or scripts, cut behind every octet: done as a whole, or not at all."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from mailsim.model.stage import Stage
from mailsim.servers.world import World
from tests.load.cut_site import CUTS, Cut, Site

TOKEN = b"AHVzZXIAbWluZm8="
KEPT = b"Subject: reste\r\n\r\nreste\r\n"
SCRIPT = b"keep; # entier\r\n"
APPENDED = b"Subject: essai\r\n\r\nentier\r\n"
GREETINGS = {"imaps": b"* OK", "pop3s": b"+OK", "managesieve": b"OK"}
Turn = tuple[bytes, bytes]
"""What is said, and the beginning of the line that answers it."""
APPEND: list[Turn] = [
    (b"a LOGIN user minfo\r\n", b"a OK"),
    (b"b APPEND INBOX {%d}\r\n" % len(APPENDED), b"+ OK"),
    (APPENDED + b"\r\n", b"b OK"),
    (b"c LOGOUT\r\n", b"c OK"),
]
MOVE: list[Turn] = [
    (b"a LOGIN user minfo\r\n", b"a OK"),
    (b"b SELECT INBOX\r\n", b"b OK"),
    (b"c UID MOVE 1:* Garde\r\n", b"c OK"),
    (b"d LOGOUT\r\n", b"d OK"),
]
DELE: list[Turn] = [
    (b"AUTH PLAIN " + TOKEN + b"\r\n", b"+OK"),
    (b"DELE 1\r\n", b"+OK"),
    (b"QUIT\r\n", b"+OK"),
]
PUTSCRIPT: list[Turn] = [
    (b'AUTHENTICATE "PLAIN" "' + TOKEN + b'"\r\n', b"OK"),
    (b'PUTSCRIPT "a" {%d+}\r\n' % len(SCRIPT) + SCRIPT + b"\r\n", b"OK"),
    (b"LOGOUT\r\n", b"OK"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("ca"))
    yield made
    made.servers.stop()
    assert made.errors == []


def until(connection: socket.socket, wanted: bytes) -> None:
    """Read up to a line that begins so."""
    heard = b""
    while not any(line.startswith(wanted) for line in heard.splitlines(keepends=True)[-1:]) or (
        not heard.endswith(b"\n")
    ):
        more = connection.recv(4096)
        assert more, heard
        heard += more


def wire(site: Site, service: str) -> socket.socket:
    """A connection under TLS, greeted."""
    connection = site.connect(service)
    if service == "managesieve":
        until(connection, b"OK")
        connection.sendall(b"STARTTLS\r\n")
        until(connection, b"OK")
    context = ssl.create_default_context(cafile=str(site.servers.ca.certificate))
    secured = context.wrap_socket(connection, server_hostname="mail.minfo.sn")
    until(secured, GREETINGS[service])
    return secured


def talk(connection: socket.socket, script: list[Turn], octets: int) -> int:
    """So many octets of it; how many turns were answered."""
    for number, (said, wanted) in enumerate(script):
        connection.sendall(said[:octets])
        if octets < len(said):
            return number
        until(connection, wanted)
        octets -= len(said)
    return len(script)


def cut_everywhere(site: Site, service: str, script: list[Turn], cut: Cut, done: int) -> None:
    """Nothing before the turn `done` was answered; all of it from then on."""
    site.servers.call(lambda _: site.servers.reset(Stage.SIEVE))
    for octets in range(sum(len(said) for said, _ in script) + 1):
        site.servers.call(furnish)
        before = site.servers.call(kept)
        with wire(site, service) as connection:
            answered = talk(connection, script, octets)
            cut(connection)
        site.servers.call(site._no_peers, 20)
        assert (site.servers.call(kept) != before) is (answered >= done), octets
        site.servers.call(whole)
    site.rest()


def furnish(world: World) -> None:
    """One message in INBOX, a mailbox beside it, and no script."""
    for name in ("INBOX", "Garde"):
        world.store.create("user", name)
        box = world.store.open("user", name)
        box.expunge(tuple(box.uids))
    world.store.deliver("user", "INBOX", KEPT)
    for script in world.store.scripts("user"):
        world.store.delete_script("user", script.name)


def kept(world: World) -> tuple[object, ...]:
    boxes = tuple(len(world.store.messages("user", name)) for name in ("INBOX", "Garde"))
    return boxes, world.store.script("user", "a")


def whole(world: World) -> None:
    """Each message and each script is one of ours, to its last octet."""
    found = [one for name in ("INBOX", "Garde") for one in world.store.messages("user", name)]
    assert {one.content for one in found} <= {KEPT, APPENDED}
    assert world.store.script("user", "a") in (None, SCRIPT)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("service", "script", "done"),
    [("imaps", APPEND, 3), ("imaps", MOVE, 3), ("pop3s", DELE, 3), ("managesieve", PUTSCRIPT, 2)],
    ids=["APPEND", "MOVE", "DELE", "PUTSCRIPT"],
)
def test_it_is_cut_behind_every_octet(
    site: Site, service: str, script: list[Turn], done: int, cut: Cut
) -> None:
    cut_everywhere(site, service, script, cut, done)
