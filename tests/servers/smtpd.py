"""smtpd on a connection that is none: what the client says is given, what is said back kept."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.net.serving import Peer
from mailsim.net.tls import TlsInfo
from mailsim.servers.envelope import Submission
from mailsim.servers.smtp import SmtpSession
from mailsim.servers.world import World

INFO = TlsInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", "", "", (), "", 256)
SILENT = b"silent"
"""Stands for a client that says nothing until the time is over."""


class Client:
    """The other end, as a Peer shows it."""

    def __init__(self, said: Iterable[bytes]) -> None:
        self.address = ("127.0.0.1", 40_000)
        self.closing = self.aborted = False
        self.heard = b""
        self.early = b""
        self.read_after: list[int] = []
        self._said = iter(said)

    async def read(self, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - Peer's own
        assert timeout
        self.read_after.append(len(self.heard))
        said = next(self._said, b"")
        if said == SILENT:
            raise TimeoutError
        return said

    def take(self) -> bytes:
        early, self.early = self.early, b""
        return early

    def write(self, data: bytes) -> None:
        self.heard += data

    async def drain(self) -> None:
        """All is taken at once."""

    async def start_tls(self, *_: object, **__: object) -> TlsInfo:
        return INFO

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    @property
    def lines(self) -> list[str]:
        return self.heard.decode().splitlines()

    @property
    def codes(self) -> list[str]:
        """The first line of each reply, its code and enhanced code alone."""
        return [line.split(" ")[0] for line in self.lines if line[3:4] == " "]


class Spool:
    """A queue that keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[Submission] = []
        self.waited: list[str] = []

    def new_id(self) -> str:
        return f"Q{len(self.taken) + 1}"

    def accept(self, submission: Submission) -> str:
        self.taken.append(submission)
        return f"Q{len(self.taken)}"

    async def settled(self, queue_id: str) -> None:
        self.waited.append(queue_id)


class Smtpd:
    """A world with its smtpd's settings; `talk` holds one conversation."""

    def __init__(
        self,
        stage: Stage = Stage.MAIL,
        release: Release = Release.NOBLE,
        *,
        fixed: bool = True,
        **settings: Any,
    ) -> None:
        self.world = World(network(), stage=stage, release=release, seed="smtpd", fixed=fixed)
        self.spool = Spool()
        self.world.queue = cast("Any", self.spool)
        patience = {"smtpd_sasl_failure_delay": 0.0, "smtpd_error_sleep_time": 0.0}
        self.world.config = replace(self.world.config, **(patience | settings))
        self.context: ssl.SSLContext | None = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def talk(self, *said: str | bytes, service: str = "smtp", early: bytes = b"") -> Client:
        """Say each piece when the server reads; text gets its line end."""
        pieces = [one if isinstance(one, bytes) else f"{one}\r\n".encode() for one in said]
        client = Client(pieces)
        client.early = early
        session = SmtpSession(self.world, service, tls=lambda _: self.context)
        asyncio.run(session.run(cast("Peer", client)))
        assert client.closing
        return client

    @property
    def log(self) -> list[str]:
        """The lines without stamp and process."""
        return [line.partition("]: ")[2] for line in self.world.log.lines()]
