"""The network's firewall as a table: what a connection to a port of the server meets (FW1 to FW5).

On the embedded lab it is a model.  What is told here follows from the settings alone; the servers
that really listen ask it, so that both agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailsim.errors import UsageError
from mailsim.model.endpoint import PortState
from mailsim.model.service import SERVICES, Port
from mailsim.model.stage import Stage
from mailsim.servers.config import Config

# What the thesis's server has besides its mail: nothing answers there on the embedded lab.
_MODELLED: Final = {
    22: ("ssh", Stage.DNS),
    80: ("http", Stage.MAIL),
    443: ("https", Stage.TLS),
}
# What a student looks for and never finds: ManageSieve's old port (SIE6), and what lives on loopback.
_ABSENT: Final = {23: "telnet", 2000: "sieve", 3306: "mysql"}
_NAMES: Final = {
    **{one.port: one.name for one in SERVICES.values()},
    **{port: name for port, (name, _) in _MODELLED.items()},
    **_ABSENT,
}
SCANNED: Final = tuple(sorted(_NAMES))
"""The ports that a student scans."""


def state(config: Config, port: int, *, udp: bool = False) -> PortState:
    """What a client in the network meets at this port of the server.

    The rules throw away what they do not name, whether something listens or not; so a closed port
    shows only where there is no firewall, or a hole in it that nothing fills.  Raises UsageError.
    """
    if not 1 <= port <= 65_535:
        raise UsageError("net.bad-port", port=port, where=config.myhostname)
    # Fault F9 leaves no port at all: the questions may come in, but no answer goes out.
    if config.open_ports is not None and port not in config.open_ports:
        return PortState.FILTERED
    return PortState.OPEN if _listens(config, port, udp=udp) else PortState.CLOSED


def service_name(port: int) -> str:
    """What students look for at this port; "" for what nobody does."""
    return _NAMES.get(port, "")


def scan(config: Config, ports: Iterable[int] = SCANNED) -> tuple[Port, ...]:
    """The state of these TCP ports, in their order.  Raises UsageError."""
    return tuple(
        Port(port, _NAMES.get(port, ""), state(config, port), port in _MODELLED) for port in ports
    )


def _listens(config: Config, port: int, *, udp: bool) -> bool:
    if udp:
        return port == SERVICES["dns"].port
    if port in _MODELLED:
        return config.stage >= _MODELLED[port][1]
    return any(SERVICES[name].port == port for name in config.services)
