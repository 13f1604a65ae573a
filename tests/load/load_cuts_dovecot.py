"""IMAP, POP3 and ManageSieve cut at every step: nothing half done, nothing held, nothing lost."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import cast

import pytest

from mailsim.dialogue import Side
from mailsim.lab.network import network
from mailsim.model import Security
from mailsim.model.stage import Release
from mailsim.servers.world import World
from tests.load.cut_site import CUTS, Cut, Site
from tests.load.load_connections import memory
from tests.servers import dovecot_site, played_dovecot
from tests.servers.imap import played_imap, test_imap_dialogues
from tests.servers.played import Played

RELEASE = Release.NOBLE
SERVER = network().server.name
MOST = 64  # MB more than before


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("ca"), fixed=True)
    yield made
    made.servers.stop()
    assert made.errors == []


@pytest.fixture(scope="module")
def context(site: Site) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=site.servers.ca.certificate)


State = tuple[object, ...]


def state(world: World) -> State:
    """The messages with flags and content, the mailboxes, the scripts; no times."""
    rows = world.store.mail_state()
    messages = [(*row[1:3], *row[4:6], row[-1]) for row in rows if row[0] == "message"]
    return world.store.mailboxes(), messages, world.store.script_state()


def gone(site: Site) -> None:
    """Until the server has seen the end of all connections that were made."""
    site.servers.call(site._no_peers, 20)


# --- every dialogue, behind every turn and within every command ------------------------------------


Turn = tuple[Side, bool, bytes]


def turns(played: Played) -> list[list[Turn]]:
    """Of each exchange who says what, in one piece, under TLS or not."""
    return [
        [
            (side, secure, b"".join(unit.raw for unit in units))
            for (side, secure), units in groupby(
                one.lines, key=lambda unit: (unit.side, unit.secure)
            )
        ]
        for one in played.transcript.dialogue.exchanges
    ]


@dataclass(frozen=True)
class ImapPlayer:
    """An IMAP dialogue, up to where it is cut."""

    target: played_imap.Target

    def play(self, played: Played, count: int, kept_back: int, cut: Cut) -> None:
        secure = played.transcript.dialogue.endpoint.security is Security.IMPLICIT
        said = dict(one.split(" ", 1) for one in played.all("meanwhile"))
        with self.target._wire(played) as wire, self.target._wire(played) as other:
            self.target._begin(wire, other, played, secure=secure)
            for number, exchange in enumerate(turns(played), 1):
                for command in said.get(str(number), "").split("; ") if count else ():
                    if command:
                        other.ask(command)
                for turn in exchange[:count]:
                    count -= 1
                    secure = self._turn(wire, turn, secure, 0 if count else kept_back)
            cut(wire.socket)
            cut(other.socket)

    @staticmethod
    def _turn(wire: played_imap.Wire, turn: Turn, secure: bool, kept_back: int) -> bool:  # noqa: FBT001 - what the turn before it left
        side, now, raw = turn
        if now is not secure:
            wire.start_tls()
        if side is Side.CLIENT:
            wire.send(raw[: len(raw) - kept_back])
        else:
            wire.lines(raw.count(b"\n"))
        return now


@dataclass(frozen=True)
class Player:
    """The same of POP3 and ManageSieve."""

    target: played_dovecot.Target

    def play(self, played: Played, count: int, kept_back: int, cut: Cut) -> None:
        with self.target._wire(played) as wire:
            secure = self.target._begin(wire, played)
            flat = [turn for exchange in turns(played) for turn in exchange][:count]
            for number, (side, now, raw) in enumerate(flat, 1):
                if now is not secure:
                    wire.start_tls()
                    secure = now
                if side is Side.CLIENT:
                    wire.send(raw[: len(raw) - (kept_back if number == count else 0)])
                else:
                    self.target._unit(wire, side, raw, played)
            cut(wire.socket)


def reach(site: Site, played: Played) -> socket.socket:
    return site.connect(played.setting.service)


def begin_imap(site: Site, played: Played) -> None:
    """The server as an IMAP dialogue wants it."""
    site.servers.call(lambda _: site.servers.reset(played.setting.stage))

    def change(world: World) -> None:
        settings = test_imap_dialogues.settings(played)
        world.config = replace(world.config, smtpd_sasl_failure_delay=0.0, **settings)
        test_imap_dialogues.furnish(world)

    site.servers.call(change)


def begin(site: Site, played: Played) -> None:
    """As a POP3 or ManageSieve dialogue wants it."""
    site.servers.call(lambda _: site.servers.reset(played.setting.stage))
    site.servers.call(lambda world: dovecot_site._prepare(world, played))


def those_of(read: Callable[[str], Played], names: list[str]) -> list[Played]:
    """The dialogues of this release in which something is said."""
    return [
        one
        for one in map(read, names)
        if RELEASE in one.releases and "no-tls" not in one.all("end")
    ]


@pytest.mark.parametrize("protocol", ["imap", "pop3", "managesieve"])
def test_every_dialogue_is_cut_behind_every_turn(
    site: Site, context: ssl.SSLContext, protocol: str
) -> None:
    """A command that is cut before its end does nothing, and one that was answered stays done."""
    connect = partial(reach, site)
    if protocol == "imap":
        imap = played_imap.Target(RELEASE, connect, context, lambda _: ("user", "minfo"))
        player: ImapPlayer | Player = ImapPlayer(imap)
        prepare, dialogues = begin_imap, those_of(played_imap.read, played_imap.FILES)
    else:
        names = [one for one in played_dovecot.FILES if one.startswith(protocol)]
        other = played_dovecot.Target(RELEASE, SERVER, connect, context, site.password)
        player, prepare = Player(other), begin
        dialogues = those_of(played_dovecot.read, names)
    before = memory(os.getpid())
    count = sum(cut_up(site, player, prepare, played) for played in dialogues)
    site.rest()
    print(protocol, count, "cuts", before, memory(os.getpid()), "MB")  # noqa: T201 - the figures are for who runs it
    assert count > 200
    assert memory(os.getpid()) - before < MOST


def cut_up(
    site: Site, player: ImapPlayer | Player, prepare: Callable[[Site, Played], None], played: Played
) -> int:
    """Cut it behind each turn; each command of one line also before its CRLF.  How often."""
    count = 0

    def left(number: int, kept_back: int = 0) -> State:
        """What is there when it was cut behind that turn."""
        nonlocal count
        prepare(site, played)
        player.play(played, number, kept_back, CUTS[count % len(CUTS)])
        gone(site)
        site.well()
        count += 1
        found = site.servers.call(state)
        if played.name.startswith("pop3") and not quitted(flat[:number]):
            # Without QUIT nothing is removed (RFC 1939 §6).
            assert len(cast("list[object]", found[1])) == len(played.all("mail")), played.name
        return found

    flat = [turn for exchange in turns(played) for turn in exchange]
    answered = left(0)
    asked: list[State] = []
    for number, (side, _, raw) in enumerate(flat, 1):
        if side is Side.SERVER:
            answered, before = left(number), answered
            # Whoever heard no answer does not know whether it was done, but it is whole or not at all.
            if not played.all("meanwhile"):
                assert all(one in (before, answered) for one in asked), f"{played.name}: {number}"
            asked = []
        elif asked or not one_command(raw) or played.all("meanwhile"):
            left(number)
            asked = []
        else:
            assert left(number, 2) == answered, f"{played.name}: {raw!r} without its end"
            asked.append(left(number))
    return count


def quitted(said: list[Turn]) -> bool:
    return any(side is Side.CLIENT and b"QUIT" in raw.upper() for side, _, raw in said)


def one_command(raw: bytes) -> bool:
    """Several at once may be done in part."""
    return raw.endswith(b"\r\n") and raw.count(b"\n") == 1
