"""What Dovecot's login and mail processes write in the log of one connection.

imap-login: Login: user=<user>, method=PLAIN, rip=192.168.10.50, lip=192.168.10.1, mpid=1002, TLS, session=<…>
imap(user)<1002><…>: Disconnected: Logged out in=52 out=905
"""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailsim.servers.dovecot.wording import V24
from mailsim.servers.log import printable

if TYPE_CHECKING:
    from mailsim.servers.world import World

CLOSED = "Connection closed"
LOGGED_OUT = "Logged out"
_LONGEST_USER = 80
_LONGEST_MECHANISM = 64


@dataclass(frozen=True, slots=True)
class Aborted:
    """Why a client that never logged in had not: for people, and 2.4's word for it."""

    text: str
    event: str


class Journal:
    """Writes as `protocol`-login until `login` says who the user is, then as `protocol`(user)."""

    def __init__(self, world: World, protocol: str) -> None:
        self._world = world
        self._protocol = protocol
        self._24 = world.config.release.dovecot >= V24
        self._rip = world.network.client.address
        self._lip = world.network.server.address
        self.session = ""
        self.user = ""
        self.mechanism = ""
        self.tls = ""
        """"TLS" once it covers the connection, with the error that ended it behind ": "."""
        self._process = ""

    def begin(self) -> None:
        """The client has come."""
        self.session = _session_id(self._world, self._rip)

    def login(self, user: str) -> None:
        """The client is logged in: a process of its own serves it from here on."""
        self.user = user
        pid = self._world.ids.pid()
        self._write_login("Logged in" if self._24 else "Login", f"mpid={pid}")
        self._process = f"{self._protocol}({user})<{pid}><{self.session}>"

    def aborted(self, reason: str, why: Aborted | None) -> None:
        """The connection ends before a login: `reason` is what ended it."""
        if self._24:
            known = f" ({why.text}) ({why.event})" if why else ""
            self._write_login(f"Login aborted: {reason}{known}")
            return
        if reason == LOGGED_OUT:
            reason = "Aborted login by logging out"
        self._write_login(f"Disconnected: {reason}{f' ({why.text})' if why else ''}")

    def disconnected(self, reason: str, counts: str) -> None:
        """The end of a session: `Disconnected: Logged out in=… out=…`."""
        self.write(f"Disconnected: {reason} {counts}")

    def write(self, text: str) -> None:
        """A line of the user's own process."""
        self._world.log.write("dovecot", 0, f"{self._process}: {text}")

    def _write_login(self, text: str, mpid: str = "") -> None:
        method = printable(self.mechanism)[:_LONGEST_MECHANISM]
        elements = (
            f"user=<{printable(self.user)[:_LONGEST_USER]}>",
            f"method={method}" if method else "",
            f"rip={self._rip}",
            f"lip={self._lip}",
            mpid,
            self.tls,
            f"session=<{self.session}>",
        )
        shown = ", ".join(one for one in elements if one)
        self._world.log.write("dovecot", 0, f"{self._protocol}-login: {text}: {shown}")


def _session_id(world: World, address: str) -> str:
    """Base64 of the time's 48 low bits in microseconds, the client's port and its address.

    What the system's clock and ports would give stands in the lab's seed.
    """
    moment = (int(world.clock.now() * 1_000_000) & (2**48 - 1)).to_bytes(6, "little")
    made = moment + world.ids.bytes("session", 2) + ipaddress.ip_address(address).packed
    return base64.b64encode(made).decode()
