"""A lab's servers in the test's own process, and the ways in which a connection ends badly."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.net.ca import LabCa
from mailsim.servers.embedded import Embedded
from mailsim.servers.world import World
from tests.servers.played import Setting

Cut = Callable[[socket.socket], None]


class Site:
    """A lab's servers in this process, and what went wrong on their loop."""

    def __init__(self, folder: Path, *, fixed: bool = False) -> None:
        self.servers = Embedded(
            network(),
            stage=Stage.SIEVE,
            release=Release.NOBLE,
            seed="cuts",
            fixed=fixed,
            ca=LabCa.load(folder, network()),
        )
        self.errors: list[str] = []
        self.servers._loop.set_exception_handler(
            lambda _, context: self.errors.append(str(context))
        )
        self.servers.start()
        self.tasks = self.servers.call(lambda _: len(asyncio.all_tasks()))

    def connect(self, service: str) -> socket.socket:
        return socket.create_connection(self.servers.endpoints[service], 20)

    def become(self, setting: Setting) -> None:
        """Another stage, with other faults."""
        self.servers.call(lambda _: self.servers.reset(setting.stage))

        def change(world: World) -> None:
            for fault in sorted(setting.faults):
                world.fault(fault, on=True)
            world.config = replace(
                setting.apply(world.config), smtpd_error_sleep_time=0, smtpd_sasl_failure_delay=0
            )

        self.servers.call(change)

    def reach(self, setting: Setting) -> socket.socket:
        return self.connect(setting.service)

    def password(self, user: str) -> str:
        found = self.servers.call(lambda world: world.accounts.get(user))
        assert found is not None
        return found.reveal().decode()

    def arrived(self, user: str) -> int:
        return self.servers.call(lambda world: len(world.store.messages(user)))

    def rest(self) -> None:
        """Until no connection is left, and no task but those of an idle lab."""
        for service in self.servers.endpoints:
            half(self.connect(service))  # those before it were accepted before it
        self.servers.call(self._no_peers, 20)
        assert self.servers.call(lambda _: len(asyncio.all_tasks())) == self.tasks
        self.well()

    def well(self) -> None:
        """Nothing went wrong since this was asked last."""
        found, self.errors[:] = list(self.errors), []
        assert found == []

    async def _no_peers(self, world: World) -> None:
        for listener in self.servers._listeners.values():
            while listener._peers:
                await listener._fewer()
        await world.queue.idle()


def close(connection: socket.socket) -> None:
    connection.close()


def reset(connection: socket.socket) -> None:
    """RST, and no FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def half(connection: socket.socket) -> None:
    """No more is said, and all is heard that comes."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):
        pass
    connection.close()


CUTS = (close, reset, half)
