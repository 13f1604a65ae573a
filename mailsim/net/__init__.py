"""The only user of sockets and ssl: names to addresses, streams, TLS."""

from mailsim.net.address import endpoint
from mailsim.net.stream import Stream, Timeouts, clock
from mailsim.net.tls import TlsInfo, client_context

__all__ = ["Stream", "Timeouts", "TlsInfo", "client_context", "clock", "endpoint"]
