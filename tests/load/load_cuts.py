"""Connections that are cut at every step: the lab goes on, and nothing is left of them."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import groupby

import pytest

from mailsim.dialogue import Side
from mailsim.lab.network import network
from mailsim.model.stage import Release
from tests.load.cut_site import CUTS, Cut, Site
from tests.servers.played import FILES, Played, Target, read


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("ca"))
    yield made
    made.servers.stop()
    assert made.errors == []


def hear(connection: socket.socket) -> None:
    """One whole reply."""
    data = b""
    while not data.endswith(b"\r\n") or data.splitlines()[-1][3:4] != b" ":
        more = connection.recv(4096)
        assert more, data
        data += more
    assert data[:1] in b"23", data


def talk(connection: socket.socket, script: list[bytes], octets: int) -> None:
    """So many octets of the script, each command once the one before it was answered."""
    hear(connection)
    for command in script:
        connection.sendall(command[:octets])
        if octets < len(command):
            return
        hear(connection)
        octets -= len(command)


MESSAGE = [
    b"EHLO poste.minfo.sn\r\n",
    b"MAIL FROM:<user@minfo.sn> SIZE=100\r\n",
    b"RCPT TO:<cheikh@minfo.sn>\r\n",
    b"DATA\r\n",
    b"From: user@minfo.sn\r\nSubject: essai\r\n\r\n..deux points\r\n.\r\n",
    b"QUIT\r\n",
]


@pytest.mark.parametrize("cut", CUTS)
def test_a_dialogue_is_cut_behind_every_octet(site: Site, cut: Cut) -> None:
    whole = len(b"".join(MESSAGE))
    accepted = len(b"".join(MESSAGE[:5]))
    before = site.arrived("cheikh")
    for octets in range(whole + 1):
        connection = site.connect("smtp")
        talk(connection, MESSAGE, octets)
        cut(connection)
    site.rest()
    # What was pending is cancelled, and nothing that was complete undone (RFC 5321 §4.1.1.10).
    assert site.arrived("cheikh") - before == whole + 1 - accepted


@pytest.mark.parametrize("cut", CUTS)
def test_a_group_of_commands_is_cut_behind_every_octet(site: Site, cut: Cut) -> None:
    """All at once and not one reply read: what the server writes meets a closed connection."""
    whole = b"".join(MESSAGE)
    for octets in range(len(whole) + 1):
        connection = site.connect("smtp")
        connection.sendall(whole[:octets])
        cut(connection)
    site.rest()


def hello(name: str = "mail.minfo.sn") -> bytes:
    """The first flight of a TLS client."""
    context = ssl.create_default_context()
    out = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_a_handshake_is_cut(site: Site, cut: Cut, service: str) -> None:
    flight = hello()
    for octets in range(0, len(flight) + 1, 7):
        connection = site.connect(service)
        if service == "submission":
            talk(connection, [b"EHLO poste.minfo.sn\r\n", b"STARTTLS\r\n"], 31)
        connection.sendall(flight[:octets])
        cut(connection)
    site.rest()


def test_a_login_is_cut_under_tls(site: Site) -> None:
    """With close_notify and without, behind each command."""
    context = ssl.create_default_context(cafile=str(site.servers.ca.certificate))
    commands = [b"EHLO poste.minfo.sn\r\n", b"AUTH LOGIN\r\n", b"dXNlcg==\r\n", b"bWluZm8=\r\n"]
    for count in range(len(commands) + 1):
        for cut in CUTS:
            raw = site.connect("submissions")
            with context.wrap_socket(raw, server_hostname="mail.minfo.sn") as connection:
                talk(connection, commands[:count], 10_000)
                cut(connection)
    site.rest()


@pytest.mark.parametrize("cut", CUTS)
def test_a_question_by_tcp_is_cut(site: Site, cut: Cut) -> None:
    question = b"\x12\x34\x01\x00\x00\x01\0\0\0\0\0\0\x05minfo\x02sn\0\x00\x0f\x00\x01"
    sent = len(question).to_bytes(2, "big") + question
    for octets in range(len(sent) + 1):
        connection = site.connect("dns")
        connection.sendall(sent[:octets])
        cut(connection)
    with closing(site.connect("dns")) as connection:
        connection.sendall(sent)
        assert connection.recv(4096)[2:4] == b"\x12\x34"
    site.well()


def test_a_reset_in_the_midst_of_it_all(site: Site) -> None:
    """Connections at every step of a dialogue; then the lab is reset, and is as good as new."""
    for _ in range(3):
        steps = [site.connect("smtp") for _ in MESSAGE]
        for count, connection in enumerate(steps):
            talk(connection, MESSAGE[:count], 10_000)
        site.servers.call(lambda _: site.servers.reset())
        for connection in steps:
            with closing(connection):
                assert heard_the_end(connection)
        site.rest()
        assert site.arrived("cheikh") == 0


def heard_the_end(connection: socket.socket) -> bool:
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        return True
    return True


# --- every dialogue -----------------------------------------------------------------------------------


def those_of(release: Release) -> list[Played]:
    """The dialogues that this release has, those of one setting beside each other."""
    found = [one for one in map(read, FILES) if release in one.releases]
    return sorted(found, key=lambda one: (one.setting.stage.value, sorted(one.setting.faults)))


def groups(played: Played) -> list[tuple[Side, bool, bytes]]:
    """Who says what, in one piece, under TLS or not."""
    grouped = groupby(played.lines, key=lambda unit: (unit.side, unit.secure))
    return [(side, now, b"".join(unit.raw for unit in units)) for (side, now), units in grouped]


def places(played: Played) -> list[int]:
    """Behind which turns a dialogue is cut: all, or of a very long one the first and the last."""
    turns = list(range(1, len(groups(played)) + 1))
    return turns if len(turns) <= 40 else turns[:20] + turns[-5:]


def test_every_dialogue_is_cut_behind_every_command(site: Site) -> None:
    """The replies are read as far as they go, or not at all: then they meet a closed connection."""
    context = ssl.create_default_context(cafile=str(site.servers.ca.certificate))
    target = Target(network(), Release.NOBLE, site.reach, context, site.password)
    for setting, dialogues in groupby(those_of(Release.NOBLE), key=lambda one: one.setting):
        site.become(setting)
        for played in dialogues:
            if "no-tls" not in played.all("end"):
                for count in places(played):
                    play(target, played, count)
        site.rest()


def play(target: Target, played: Played, count: int) -> None:
    """The first so many turns of a dialogue; then the connection is gone."""
    with ExitStack() as stack:
        for _ in range(int(played.transcript.first("beside") or 0)):
            target._begin(stack.enter_context(target.wire(played.setting)), played)
        wire = stack.enter_context(target.wire(played.setting))
        target._begin(wire, played)
        secure = played.lines[0].secure
        for side, now, raw in groups(played)[:count]:
            if now is not secure:
                wire.start_tls()
                secure = now
            target._unit(wire, side, raw, played.name)
        if count % 2:
            wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
