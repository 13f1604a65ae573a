"""A service: what it is called in the lab, what it speaks, where it is reached now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mailsim.errors import UsageError


class Protocol(Enum):
    """The protocols that are traced, by the word that names them everywhere."""

    SMTP = "smtp"
    LMTP = "lmtp"
    POP3 = "pop3"
    IMAP = "imap"
    MANAGESIEVE = "managesieve"
    DNS = "dns"


class Security(Enum):
    """How TLS comes to a connection."""

    NONE = "none"
    """In the clear until the client says STARTTLS (STLS)."""
    IMPLICIT = "implicit"
    """TLS from the first byte (RFC 8314 §3)."""


class PortState(Enum):
    """What a connection to a port meets."""

    OPEN = "open"
    CLOSED = "closed"
    """Nothing listens: the answer is a refusal."""
    FILTERED = "filtered"
    """A firewall throws the question away: there is no answer."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service by its lab name, and where it answers.

    `name` is what transcripts show ("smtp", or "host:port" of any other server);
    `server` the host's name, which TLS verifies and transcripts show, and `port` the
    service's own port there.  `address` and `reached_port` are where the
    connection really goes (127.0.0.1:40025 for the lab's mail.minfo.sn:25);
    "" and 0 stand for the server and port themselves; `state` what a lab says of the port.
    Raises UsageError for a port that is none.
    """

    name: str
    protocol: Protocol
    server: str
    port: int
    security: Security = Security.NONE
    address: str = ""
    reached_port: int = 0
    state: PortState = PortState.OPEN

    def __post_init__(self) -> None:
        for port in (self.port, self.reached_port):
            if not 0 <= port <= 65_535:
                raise UsageError("net.bad-port", port=port, where=self.name)

    @property
    def reached(self) -> tuple[str, int]:
        """The host and port to connect to."""
        return self.address or self.server, self.reached_port or self.port

    def __str__(self) -> str:
        return f"{self.server}:{self.port}"
