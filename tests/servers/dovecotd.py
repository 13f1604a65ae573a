"""Dovecot's services on a connection that is none: what the client says is given, what is said
back kept."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from typing import Any, cast

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.net.serving import Peer
from mailsim.servers.dovecot import Channel
from mailsim.servers.world import World
from tests.servers.smtpd import Client

PASSWORD = "minfo"


class Dovecot:
    """A world with its Dovecot's settings; `talk` holds one conversation of a session's kind."""

    def __init__(
        self,
        kind: type[Channel[Any, Any]],
        service: str,
        stage: Stage = Stage.MAIL,
        release: Release = Release.NOBLE,
        *,
        fixed: bool = True,
        **settings: Any,
    ) -> None:
        self._kind = kind
        self._service = service
        self.world = World(network(), stage=stage, release=release, seed="dovecot", fixed=fixed)
        patience = {"smtpd_sasl_failure_delay": 0.0, "pop3_lock_timeout": 0.0}
        self.world.config = replace(self.world.config, **(patience | settings))
        self.context: ssl.SSLContext | None = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def session(self, service: str = "") -> Channel[Any, Any]:
        """A session that nobody has begun."""
        make = cast("Any", self._kind)
        made = make(self.world, service or self._service, tls=lambda _: self.context)
        return cast("Channel[Any, Any]", made)

    def talk(self, *said: str | bytes, service: str = "") -> Client:
        """Say each piece when the server reads; text gets its line end."""
        return asyncio.run(self.conversation(*said, service=service))

    async def conversation(self, *said: str | bytes, service: str = "") -> Client:
        """The same on a loop that runs."""
        pieces = [one if isinstance(one, bytes) else f"{one}\r\n".encode() for one in said]
        client = Client(pieces)
        await self.session(service).run(cast("Peer", client))
        assert client.closing
        return client

    def deliver(self, *messages: bytes, user: str = "user") -> None:
        """Put messages into the user's INBOX."""
        for message in messages:
            self.world.store.deliver(user, "INBOX", message)

    @property
    def log(self) -> list[str]:
        """What Dovecot wrote, without the stamp and what differs from seed to seed."""
        return [line.partition("dovecot: ")[2] for line in self.world.log.lines()]
