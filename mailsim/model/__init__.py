"""Plain values that everything above shares: what exists, where it is reached, what was seen."""

from mailsim.model.endpoint import Endpoint, PortState, Protocol, Security
from mailsim.model.journey import Journey, Stop, StopKind
from mailsim.model.log import LogLine

__all__ = [
    "Endpoint",
    "Journey",
    "LogLine",
    "PortState",
    "Protocol",
    "Security",
    "Stop",
    "StopKind",
]
