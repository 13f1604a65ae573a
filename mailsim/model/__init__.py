"""Plain values that everything above shares: what exists, where it is reached, what was seen."""

from mailsim.model.endpoint import Endpoint, Protocol, Security
from mailsim.model.journey import Journey, Stop, StopKind
from mailsim.model.log import LogLine

__all__ = [
    "Endpoint",
    "Journey",
    "LogLine",
    "Protocol",
    "Security",
    "Stop",
    "StopKind",
]
