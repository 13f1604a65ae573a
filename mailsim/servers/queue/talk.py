"""Commands to an SMTP server, and its replies: the sans-IO client core on a Peer."""

from __future__ import annotations

from mailsim.errors import ConnectionLost
from mailsim.net.serving import Peer
from mailsim.protocol.smtp import SmtpClient
from mailsim.wire.smtp import Command, Reply

COMMAND = 300.0
"""Seconds that a command's reply may take (RFC 5321 §4.5.3.2)."""


class Talk:
    """One connection as its client."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.core = SmtpClient()

    async def hear(self, patience: float = COMMAND) -> Reply:
        """The next reply.  Raises TimeoutError, ConnectionLost and RemoteProtocolError."""
        while (event := self.core.next_event()) is None:
            data = await self.peer.read(patience)
            if not data:
                raise ConnectionLost("net.lost", server=self.peer.address[0])
            self.core.receive(data)
        return event.value

    async def ask(self, *commands: Command, patience: float = COMMAND) -> list[Reply]:
        """The replies to commands that are sent in one go (RFC 2920 §3.1).

        A 421 closes the connection (RFC 5321 §3.8): it answers all that is left.
        """
        if self._over():
            raise ConnectionLost("net.lost", server=self.peer.address[0])
        self.say(*commands)
        replies = [await self.hear(patience)]
        for _ in commands[1:]:
            replies.append(replies[-1] if self._over() else await self.hear(patience))
        return replies

    def _over(self) -> bool:
        return self.core.closed

    def say(self, *commands: Command) -> None:
        """Send without waiting for replies."""
        for command in commands:
            self.core.send(command)
        self.peer.write(b"".join(self.core.outgoing()))
