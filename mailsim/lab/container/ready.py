"""Whether the server answers: each service's first words, and what to say where one is silent."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsim.errors import LabError
from mailsim.lab.container.server import Server, shortened
from mailsim.lab.network import network
from mailsim.model.endpoint import PortState, Protocol
from mailsim.model.service import IMPLICIT_TLS, SERVICES
from mailsim.model.stage import Release, Stage
from mailsim.servers import firewall
from mailsim.servers.config import Config, config

if TYPE_CHECKING:
    from mailsim.lab.container.buildlog import Report
    from mailsim.net.forwarding import Namespace

PATIENCE: Final = 60.0  # seconds in which all must answer
_AGAIN: Final = 0.1
_TRY: Final = 3.0  # seconds for one connection and its first words
_FILTERED: Final = 0.5  # seconds after which a port is taken for filtered
_GREETING: Final[Mapping[Protocol, bytes]] = {
    Protocol.SMTP: b"220",
    Protocol.POP3: b"+OK",
    Protocol.IMAP: b"* OK",
    Protocol.MANAGESIEVE: b'"',
}
_UNITS: Final[Mapping[Protocol, str]] = {
    Protocol.SMTP: "postfix@-",
    Protocol.POP3: "dovecot",
    Protocol.IMAP: "dovecot",
    Protocol.MANAGESIEVE: "dovecot",
    Protocol.DNS: "named",
}
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
    found = [_service(name) for name in made.services if _open(made, name)]
    if stage >= Stage.MAIL:
        found.append(Wanted("webmail", 80, b"", "apache2"))
    if stage >= Stage.AMAVIS:
        # The last to come up; it listens on loopback alone.
        found.append(Wanted("amavis", 10024, b"220", "amavis", outside=False))
    return found


def _open(made: Config, name: str) -> bool:
    return firewall.state(made, SERVICES[name].port) is PortState.OPEN


def _service(name: str) -> Wanted:
    one = SERVICES[name]
    silent = one.port in IMPLICIT_TLS or one.protocol is Protocol.DNS
    greeting = b"" if silent else _GREETING[one.protocol]
    return Wanted(name, one.port, greeting, _UNITS[one.protocol])


async def wait(
    server: Server,
    outside: Namespace,
    inside: Namespace,
    stage: Stage,
    release: Release,
    report: Report,
) -> None:
    """Until all of them answer.  Raises LabError that names the first that does not."""
    deadline = time.monotonic() + PATIENCE
    from mailsim.language import word  # noqa: PLC0415 - for who waits

    for one in wanted(stage, release):
        report(word("container.step-wait", service=one.name))
        host = network().server.address if one.outside else "127.0.0.1"
        space = outside if one.outside else inside
        while not await _answers(space, (host, one.port), one.greeting):
            if time.monotonic() > deadline:
                raise _silent(server, one, stage)
            await asyncio.sleep(_AGAIN)


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


def _silent(server: Server, one: Wanted, stage: Stage) -> LabError:
    """The unit's state and last lines, and what to try."""
    state = server.run("systemctl", "is-active", one.unit, check=False)
    said = server.run(
        "journalctl", "--unit", one.unit, "--lines", _LINES, "--output", "cat", "--no-pager",
        check=False,
    )  # fmt: skip
    return LabError(
        "container.not-started",
        service=one.name,
        seconds=PATIENCE,
        unit=one.unit,
        state=state.stdout.decode().strip() or "?",
        lines=shortened(said.stdout.decode("utf-8", "replace")),
        stage=stage.value,
        look=f"{server.engine.name} exec -it {server.name} bash",
    )


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
