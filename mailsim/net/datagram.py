"""A blocking UDP socket towards one endpoint."""

from __future__ import annotations

import socket

from mailsim.errors import (
    ConnectionLost,
    ConnectionRefused,
    ConnectionTimeout,
    NameNotFound,
    NetworkError,
)
from mailsim.model import Endpoint
from mailsim.net.stream import clock

# The length field of UDP's header has 16 bits (RFC 768): no datagram is longer.
_LARGEST = 65_535


class Datagram:
    """Datagrams to and from an endpoint.  Errors are NetworkErrors.

    The socket is connected: what another address or port sends never comes up, and
    an ICMP "port unreachable" does, as ConnectionRefused.
    """

    def __init__(self, endpoint: Endpoint, *, local_address: str = "") -> None:
        self.endpoint = endpoint
        self._socket = self._connect(local_address)

    def _connect(self, local_address: str) -> socket.socket:
        host, port = self.endpoint.reached
        where = {"server": host, "port": port}
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (socket.gaierror, UnicodeError):
            raise NameNotFound("net.name-not-found", **where) from None
        family, kind, number, _, address = found[0]
        opened = socket.socket(family, kind, number)
        try:
            if local_address:
                opened.bind((local_address, 0))
            opened.connect(address)
        except OSError as error:
            opened.close()
            reason = error.strerror or str(error)
            raise NetworkError("net.unreachable", reason=reason, **where) from None
        return opened

    def send(self, data: bytes) -> None:
        """Send `data` as one datagram."""
        try:
            self._socket.send(data)
        except OSError as error:
            raise self._failed(error) from None

    def receive(self, deadline: float, waited: float) -> bytes:
        """The next datagram; `deadline` by `clock()`, `waited` the seconds that the error names."""
        left = deadline - clock()
        if left <= 0:
            raise self._silence(waited)
        self._socket.settimeout(left)
        try:
            return self._socket.recv(_LARGEST)
        except TimeoutError:
            raise self._silence(waited) from None
        except OSError as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _silence(self, waited: float) -> ConnectionTimeout:
        return ConnectionTimeout("net.silence", server=self.endpoint.server, seconds=waited)

    def _failed(self, error: OSError) -> NetworkError:
        host, port = self.endpoint.reached
        # Windows says "reset" where the others say "refused".
        if isinstance(error, (ConnectionRefusedError, ConnectionResetError)):
            return ConnectionRefused("net.refused", server=host, port=port)
        return ConnectionLost("net.lost", server=self.endpoint.server)
