"""A line asked, a line answered, over loopback: the client's end of a lab's control port."""

from __future__ import annotations

import socket

from mailsim.errors import ConnectionLost, ConnectionRefused, ConnectionTimeout

_CHUNK = 65_536


class LineConnection:
    """A blocking TCP connection that speaks in lines.  Errors are NetworkErrors.

    `timeout`: the longest silence, in seconds; `limit`: the most octets of a line.
    """

    def __init__(self, host: str, port: int, *, timeout: float, limit: int) -> None:
        self._where = {"server": host, "port": port}
        self._timeout = timeout
        self._limit = limit
        self._buffer = bytearray()
        try:
            self._socket = socket.create_connection((host, port), timeout)
        except TimeoutError:
            raise ConnectionTimeout("net.connect-timeout", seconds=timeout, **self._where) from None
        except OSError:
            raise ConnectionRefused("net.refused", **self._where) from None

    def send(self, *lines: bytes) -> None:
        """Send the lines, each with its LF."""
        try:
            self._socket.sendall(b"".join(line + b"\n" for line in lines))
        except OSError:
            raise ConnectionLost("net.lost", server=self._where["server"]) from None

    def line(self) -> bytes:
        """The next line without its LF.  Raises ConnectionLost at the end or over the limit."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            data = self._read()
            if not data or searched > self._limit:
                raise ConnectionLost("net.closed", server=self._where["server"])
            self._buffer += data
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def wait_for_end(self) -> None:
        """Read until the other end has closed."""
        while self._read():
            continue

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _read(self) -> bytes:
        try:
            return self._socket.recv(_CHUNK)
        except TimeoutError:
            waited = self._timeout
            raise ConnectionTimeout(
                "net.silence", server=self._where["server"], seconds=waited
            ) from None
        except OSError:
            return b""
