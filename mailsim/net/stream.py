"""A blocking connection: TCP, and TLS on it when asked for."""

from __future__ import annotations

import errno
import socket
import ssl
import struct
import sys
import time
from dataclasses import dataclass

from mailsim.errors import (
    ConnectionLost,
    ConnectionRefused,
    ConnectionTimeout,
    NameNotFound,
    NetworkError,
    TlsError,
    UsageError,
)
from mailsim.model import Endpoint
from mailsim.net.address import is_address
from mailsim.net.tls import TlsInfo, TlsLayer

_CHUNK = 65_536


clock = time.monotonic
"""Seconds that only go forward."""


def set_timeout(connected: socket.socket, seconds: float) -> None:
    """Let sending and receiving wait `seconds`, then raise TimeoutError or BlockingIOError.

    Python's own timeout costs a poll() a call; Linux's kernel can keep the time itself.
    """
    if sys.platform == "linux":
        connected.settimeout(None)
        timeval = struct.pack("@ll", int(seconds), max(1, int(seconds % 1 * 1_000_000)))
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
    else:
        connected.settimeout(seconds)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds.

    `silence` is the longest the server may send nothing; `exchange` the longest
    one exchange may last, so that a server that drips cannot hold a client.
    """

    connect: float = 10.0
    silence: float = 30.0
    exchange: float = 300.0


class Stream:
    """Bytes to and from an endpoint.  Errors are NetworkErrors."""

    def __init__(
        self, endpoint: Endpoint, *, timeouts: Timeouts | None = None, local_address: str = ""
    ) -> None:
        self.endpoint = endpoint
        self.timeouts = timeouts or Timeouts()
        self.tls: TlsLayer | None = None
        self._deadline = clock() + self.timeouts.exchange
        self._patience = -1.0
        self._socket = self._connect(local_address)
        self._wait(self.timeouts.silence)

    def _connect(self, local_address: str) -> socket.socket:
        host, port = self.endpoint.reached
        where = {"server": host, "port": port}
        if local_address and not is_address(local_address):
            raise UsageError("net.bad-local", address=local_address)
        source = (local_address, 0) if local_address else None
        try:
            connected = socket.create_connection((host, port), self.timeouts.connect, source)
        except (socket.gaierror, UnicodeError):
            raise NameNotFound("net.name-not-found", **where) from None
        except ConnectionRefusedError:
            raise ConnectionRefused("net.refused", **where) from None
        except TimeoutError:
            seconds = self.timeouts.connect
            raise ConnectionTimeout("net.connect-timeout", seconds=seconds, **where) from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL and local_address:
                raise UsageError("net.bad-local", address=local_address) from None
            reason = error.strerror or str(error)
            raise NetworkError("net.unreachable", reason=reason, **where) from None
        # An APPEND or a DATA in two writes would wait 40 ms for a delayed acknowledgement.
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    @property
    def local(self) -> str:
        """The address that the connection leaves from."""
        return str(self._socket.getsockname()[0])

    def begin(self) -> None:
        """An exchange begins: its time runs from here."""
        self._deadline = clock() + self.timeouts.exchange
        self._wait(self.timeouts.silence)

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        if self.tls is None:
            self._send(data)
            return
        self.tls.write(data)
        self._send(self.tls.to_send())

    def read(self, timeout: float | None = None) -> bytes:
        """What has come, at least one octet; b"" when the peer has closed.

        Waits at most `timeout` seconds (None: the silence allowed).
        """
        if self.tls is None:
            return self._receive(timeout)
        while (data := self.tls.read(_CHUNK)) is None:
            self.tls.received(self._receive(timeout))
            self._send(self.tls.to_send())
        return data

    def start_tls(self, context: ssl.SSLContext) -> TlsInfo:
        """The TLS handshake; the certificate must name the endpoint's server."""
        layer = TlsLayer(context, self.endpoint.server)
        try:
            while not layer.handshake():
                self._send(layer.to_send())
                data = self._receive(None)
                if not data:
                    raise TlsError("net.tls-closed", server=self.endpoint.server)
                layer.received(data)
        finally:
            self._last_words(layer.to_send())
        self.tls = layer
        return layer.info()

    def close(self) -> None:
        """Close, with TLS's close_notify where there is TLS; never fails."""
        if self.tls is not None:
            self.tls.close()
            self._last_words(self.tls.to_send())
        self._socket.close()

    def _last_words(self, data: bytes) -> None:
        """The end of the handshake, or the alert that says why it failed."""
        try:
            self._send(data)
        except NetworkError:
            return

    def _send(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while rest:
            waited = self._limit(self.timeouts.silence)
            try:
                # Not sendall(): a peer that takes an octet at a time would hold it for ever.
                sent = self._socket.send(rest)
            except (TimeoutError, BlockingIOError):
                raise self._timeout(waited) from None
            except OSError:
                raise ConnectionLost("net.lost", server=self.endpoint.server) from None
            if sent == len(rest):
                return
            rest = memoryview(rest)[sent:]

    def _receive(self, timeout: float | None) -> bytes:
        waited = self._limit(self.timeouts.silence if timeout is None else timeout)
        try:
            return self._socket.recv(_CHUNK)
        except (TimeoutError, BlockingIOError):
            raise self._timeout(waited) from None
        except OSError:
            raise ConnectionLost("net.lost", server=self.endpoint.server) from None

    def _limit(self, seconds: float) -> float:
        """Let what comes next wait so long, or to the exchange's end; which limit it is."""
        left = self._deadline - clock()
        if left <= 0:
            raise self._timeout(self.timeouts.exchange)
        if seconds > left:
            self._wait(left)
            return self.timeouts.exchange
        self._wait(seconds)
        return seconds

    def _wait(self, seconds: float) -> None:
        """How long sending and receiving may wait from here on."""
        if seconds != self._patience:
            self._patience = seconds
            set_timeout(self._socket, seconds)

    def _timeout(self, seconds: float) -> ConnectionTimeout:
        return ConnectionTimeout("net.silence", server=self.endpoint.server, seconds=seconds)
