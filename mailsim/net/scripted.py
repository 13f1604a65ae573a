"""A server that answers by rote: for the replies that no real one of the lab gives."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from mailsim.net.closing import Closing

_LONGEST: Final = 2048
_PATIENCE: Final = 60.0  # seconds that a student may think
_USUAL: Final[Mapping[str, str]] = {"EHLO": "250 {name}", "HELO": "250 {name}", "QUIT": "221 Bye"}


class ScriptedPeer(Closing):
    """Listens on loopback and answers each SMTP command with the reply that `replies` has for it.

        with ScriptedPeer({"RCPT": "251 2.1.5 User not local"}) as peer:
            with SmtpTracer(peer.address, server_name=peer.name) as smtp:
                ...

    A verb that is not named gets 250; a 221 or 421 ends the connection.  It understands nothing:
    what it says is a quotation, no judgement.
    """

    name: Final = "peer.script"

    def __init__(self, replies: Mapping[str, str]) -> None:
        self._replies = {**_USUAL, **{verb.upper(): text for verb, text in replies.items()}}
        self._closing = False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where it listens, "host:port"."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def close(self) -> None:
        """Listen no more."""
        self._closing = True
        # close() alone does not wake a thread that waits in accept().
        with suppress(OSError):
            socket.create_connection(self._socket.getsockname(), 1.0).close()
        self._socket.close()
        self._thread.join(_PATIENCE)

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection, suppress(OSError):
                if self._closing:
                    return
                connection.settimeout(_PATIENCE)
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        connection.sendall(f"220 {self.name} ESMTP\r\n".encode())
        with connection.makefile("rb") as lines:
            while line := lines.readline(_LONGEST):
                verb = line.decode("ascii", "replace").strip().partition(" ")[0].upper()
                reply = self._replies.get(verb, "250 OK").format(name=self.name)
                connection.sendall(f"{reply}\r\n".encode())
                if reply.startswith(("221", "421")):
                    return
