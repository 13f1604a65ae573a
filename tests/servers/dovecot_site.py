"""A simulator in which Dovecot's services listen, for tests that come by a socket."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from functools import partial

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.net.ca import LabCa
from mailsim.net.serving import Listener, Peer, serve
from mailsim.servers.embedded import Embedded
from mailsim.servers.managesieve import ManageSieveSession
from mailsim.servers.pop3 import Pop3Session
from mailsim.servers.world import World
from tests.servers.played import Played
from tests.servers.played_dovecot import MAIL, settings, user

SESSIONS = {"pop3": Pop3Session, "pop3s": Pop3Session, "managesieve": ManageSieveSession}


class Site:
    """A simulator with a listener for each of Dovecot's services."""

    def __init__(self, release: Release, ca: LabCa, stage: Stage = Stage.SIEVE) -> None:
        self._ca = ca
        self.lab = Embedded(
            network(), stage=stage, release=release, seed="tests", fixed=True, ca=ca
        )
        self._listeners: dict[str, Listener] = {}

    def start(self) -> None:
        self.lab.start()
        for service in SESSIONS:
            self._listeners[service] = self.lab.call(partial(self._listen, service))

    def stop(self) -> None:
        for listener in self._listeners.values():
            self.lab.call(partial(_close, listener))
        self.lab.stop()

    async def _listen(self, service: str, _: World) -> Listener:
        async def handle(peer: Peer) -> None:
            session = SESSIONS[service](self.lab.world, service, tls=self._context)
            await session.run(peer)

        return await serve(handle)

    def _context(self, kind: str) -> ssl.SSLContext | None:
        return self._ca.server_context(kind) if kind else None

    def port(self, service: str) -> int:
        """Where it listens."""
        return self._listeners[service].port

    def password(self, name: str) -> str:
        found = self.lab.world.accounts.get(name)
        assert found is not None
        return found.reveal().decode()


async def _close(listener: Listener, _: World) -> None:
    await listener.close()


def _prepare(world: World, played: Played) -> None:
    for fault in sorted(played.setting.faults):
        world.fault(fault, on=True)
    # A wrong password's delay is seen on a clock and not in what is said.
    world.config = replace(world.config, smtpd_sasl_failure_delay=0.0, **settings(played))
    for name in played.all("mail"):
        world.store.deliver(user(played), "INBOX", MAIL[name])
    for one in played.all("script"):
        name, _, text = one.partition(" ")
        world.store.put_script(user(played), name, text.encode())


def furnished(site: Site, played: Played) -> socket.socket:
    """A connection for this dialogue: settings, mailbox and scripts are as it wants them."""
    site.lab.call(lambda _: site.lab.reset(played.setting.stage))
    site.lab.call(lambda world: _prepare(world, played))
    return socket.create_connection(("127.0.0.1", site.port(played.setting.service)))
