"""Whether the server answers: each service's first words, and what to say where one is silent."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailsim.errors import LabError
from mailsim.lab.container.server import Server, shortened
from mailsim.lab.network import network
from mailsim.language import word
from mailsim.model.endpoint import PortState, Protocol
from mailsim.model.service import IMPLICIT_TLS, SERVICES
from mailsim.model.stage import Release, Stage
from mailsim.servers import firewall
from mailsim.servers.config import Config, config

if TYPE_CHECKING:
    from mailsim.lab.container.buildlog import Report
    from mailsim.net.forwarding import Namespace

PATIENCE: Final = 180.0  # seconds in which all must answer; what has failed is seen before
_AGAIN: Final = 0.1
_LOOKED: Final = 15  # tries after which systemd is asked what has become of it
_TRY: Final = 3.0  # seconds for one connection and its first words
_FILTERED: Final = 0.5  # seconds after which a port is taken for filtered
_GREETING: Final[Mapping[Protocol, bytes]] = {
    Protocol.SMTP: b"220",
    Protocol.POP3: b"+OK",
    Protocol.IMAP: b"* OK",
    Protocol.MANAGESIEVE: b'"',
}
_UNITS: Final[Mapping[Protocol, str]] = {
    Protocol.POP3: "dovecot",
    Protocol.IMAP: "dovecot",
    Protocol.MANAGESIEVE: "dovecot",
    Protocol.DNS: "named",
}
# Until Debian 12 and Ubuntu 24.04 Postfix's main instance is one among the others.
_POSTFIX: Final = {Release.BOOKWORM: "postfix@-", Release.NOBLE: "postfix@-"}
_JOURNAL: Final = ("journalctl", "--no-pager", "--boot")
_LINES: Final = "5"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must answer: name, port, the first octets (b"": a connection is enough), its unit."""

    name: str
    port: int
    greeting: bytes
    unit: str
    outside: bool = True


def wanted(stage: Stage, release: Release) -> list[Wanted]:
    """What answers at that stage, in the order in which it comes up."""
    made = config(network(), stage, release)
    found = [_service(name, release) for name in made.services if _open(made, name)]
    if stage >= Stage.MAIL:
        found.append(Wanted("webmail", 80, b"", "apache2"))
    if stage >= Stage.AMAVIS:
        # The last to come up; it listens on loopback alone.
        found.append(Wanted("amavis", 10024, b"220", "amavis", outside=False))
    return found


def _open(made: Config, name: str) -> bool:
    return firewall.state(made, SERVICES[name].port) is PortState.OPEN


def _service(name: str, release: Release) -> Wanted:
    one = SERVICES[name]
    silent = one.port in IMPLICIT_TLS or one.protocol is Protocol.DNS
    greeting = b"" if silent else _GREETING[one.protocol]
    unit = _UNITS.get(one.protocol) or _POSTFIX.get(release, "postfix")
    return Wanted(name, one.port, greeting, unit)


async def wait(
    server: Server, outside: Namespace, inside: Namespace, services: list[Wanted], report: Report
) -> Wanted | None:
    """Until all of them answer; the first that does not."""
    deadline = time.monotonic() + PATIENCE
    for one in services:
        report(word("container.step-wait", service=one.name))
        host = network().server.address if one.outside else "127.0.0.1"
        space = outside if one.outside else inside
        tries = 0
        while not await _answers(space, (host, one.port), one.greeting):
            tries += 1
            over = time.monotonic() > deadline
            if over or (tries % _LOOKED == 0 and await asyncio.to_thread(_failed, server, one)):
                return one
            await asyncio.sleep(_AGAIN)
    return None


def _failed(server: Server, one: Wanted) -> bool:
    """systemd has given it up: it need not be waited for."""
    return _unit(server, one) == "failed"


def _unit(server: Server, one: Wanted) -> str:
    state = server.run("systemctl", "is-active", one.unit, check=False)
    return state.stdout.decode().strip() or "?"


async def _answers(space: Namespace, address: tuple[str, int], greeting: bytes) -> bool:
    with suppress(OSError):
        connection = await space.connect(address, _TRY)
        with connection:
            if not greeting:
                return True
            async with asyncio.timeout(_TRY):
                said = await asyncio.get_running_loop().sock_recv(connection, 512)
            return said.startswith(greeting)
    return False


def silent(server: Server, one: Wanted, stage: Stage, log: Path) -> LabError:
    """The unit's state and last lines, where the whole journal is now, and what to try."""
    journal = server.run(*_JOURNAL, check=False).stdout
    with log.open("ab") as file:
        file.write(journal)
    stages = list(Stage)
    return LabError(
        "container.not-started",
        service=one.name,
        unit=one.unit,
        state=_unit(server, one),
        lines=_last_words(server, one),
        before=stages[max(0, stages.index(stage) - 1)].value,
        log=log,
    )


def _last_words(server: Server, one: Wanted) -> str:
    """What its programs have said last; what systemd says of them, where they said nothing."""
    for wanted in (f"_SYSTEMD_UNIT={one.unit}.service", f"--unit={one.unit}"):
        words = (*_JOURNAL, "--lines", _LINES, "--output", "cat", wanted)
        said = server.run(*words, check=False).stdout.decode("utf-8", "replace")
        if said.strip():
            return shortened(said)
    return shortened("")


async def states(space: Namespace, ports: Mapping[str, int]) -> dict[str, PortState]:
    """What a client meets at these TCP ports of the server, all tried at once."""
    found = await asyncio.gather(*(_state(space, port) for port in ports.values()))
    return dict(zip(ports, found, strict=True))


async def _state(space: Namespace, port: int) -> PortState:
    try:
        connected = await space.connect((network().server.address, port), _FILTERED)
    except TimeoutError:
        return PortState.FILTERED
    except OSError:
        return PortState.CLOSED
    _shut(connected)
    return PortState.OPEN


def _shut(connected: socket.socket) -> None:
    with connected, suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)
