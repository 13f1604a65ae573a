"""What a port scan of the thesis's server would show.

On the embedded lab the firewall is a model: what is told here comes from the settings, not from
packets; a filtered port accepts a connection there and says nothing.
"""

from __future__ import annotations

from typing import Final

from mailsim.lab.backend import Document
from mailsim.model.endpoint import PortState
from mailsim.model.stage import Stage
from mailsim.servers.config import PORTS, Config

# What the server has besides its mail services: the webmail, and the way in for its keeper.
_OTHERS: Final = (
    (22, "ssh", Stage.DNS),
    (80, "http", Stage.MAIL),
    (443, "https", Stage.TLS),
)


def scan(config: Config) -> list[Document]:
    """Each port that some stage uses, by number: its service's name and its state."""
    listening = {PORTS[name]: name for name in config.services}
    listening |= {port: name for port, name, since in _OTHERS if config.stage >= since}
    known = {port: name for name, port in PORTS.items()}
    known |= {port: name for port, name, _ in _OTHERS}
    return [
        {"port": port, "service": name, "state": _state(port, config, set(listening)).value}
        for port, name in sorted(known.items())
    ]


def _state(port: int, config: Config, listening: set[int]) -> PortState:
    if config.open_ports is not None and port not in config.open_ports:
        return PortState.FILTERED
    return PortState.OPEN if port in listening else PortState.CLOSED
