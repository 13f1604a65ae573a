"""The lab's services: the one table of their names, protocols and ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mailsim.model.endpoint import PortState, Protocol, Security


@dataclass(frozen=True, slots=True)
class Service:
    """What a server offers: the name that students give it, what it speaks, on which port."""

    name: str
    protocol: Protocol
    port: int
    security: Security = Security.NONE


# RFC 8314 §7.3 registers `submissions`; the others stand in the IANA port registry.
_ALL: Final = (
    Service("smtp", Protocol.SMTP, 25),
    Service("submission", Protocol.SMTP, 587),
    Service("submissions", Protocol.SMTP, 465, Security.IMPLICIT),
    Service("pop3", Protocol.POP3, 110),
    Service("pop3s", Protocol.POP3, 995, Security.IMPLICIT),
    Service("imap", Protocol.IMAP, 143),
    Service("imaps", Protocol.IMAP, 993, Security.IMPLICIT),
    Service("managesieve", Protocol.MANAGESIEVE, 4190),
    Service("dns", Protocol.DNS, 53),
)
SERVICES: Final[Mapping[str, Service]] = MappingProxyType({one.name: one for one in _ALL})
"""By name, in the order in which they are shown."""
# LMTP must not be spoken on SMTP's port (RFC 2033 §5); 24 is the registry's "any private mail
# system".
_LMTP: Final = 24
IMPLICIT_TLS: Final = frozenset(one.port for one in _ALL if one.security is Security.IMPLICIT)
"""The ports where TLS is there from the first byte."""


def usual_port(protocol: Protocol, security: Security = Security.NONE) -> int:
    """The protocol's port; its only one where it has none for that security."""
    if protocol is Protocol.LMTP:
        return _LMTP
    # Backwards: 25 is SMTP's before 587 is.
    ports = {one.security: one.port for one in reversed(_ALL) if one.protocol is protocol}
    return ports.get(security, ports[Security.NONE])


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the server, as a scan finds it; `modelled`: no server stands behind it here."""

    number: int
    service: str
    state: PortState
    modelled: bool = False

    def __str__(self) -> str:
        return f"{self.number:>5}/tcp  {self.service:<12} {self.state.value}"
