"""The lab's network: the student's workstation, and a cable from it to the server.

Both ends are in namespaces of their own, the server's its container's: nothing of it is seen in
the machine's own network, so that labs do not meet and no rule is left behind.

    poste.minfo.sn 192.168.10.50 eth0 ---- eth0 192.168.10.1 mail.minfo.sn
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mailsim.lab.container.engine import run
from mailsim.lab.network import network

_FOLDER: Final = Path("/run/netns")
_CARD: Final = "eth0"


class Lan:
    """The workstation's namespace; it is there from `begin` to `end`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = _FOLDER / name

    def begin(self) -> None:
        """Make the workstation.  Raises LabError."""
        run(["ip", "netns", "add", self.name])
        _ip(self.name, "link", "set", "lo", "up")

    def plug(self, pid: int) -> None:
        """Lay the cable to the container whose first process this is; it goes with it."""
        found = network()
        prefix = found.lan.split("/")[1]
        # The last container's end may still be on its way out.
        run(["ip", "-n", self.name, "link", "delete", _CARD], check=False)
        _ip(self.name, "link", "add", _CARD, "type", "veth", "peer", _CARD, "netns", str(pid))
        inside = ["nsenter", "-t", str(pid), "-n", "ip"]
        run([*inside, "address", "add", f"{found.server.address}/{prefix}", "dev", _CARD])
        run([*inside, "link", "set", _CARD, "up"])
        _ip(self.name, "address", "add", f"{_workstation()}/{prefix}", "dev", _CARD)
        _ip(self.name, "link", "set", _CARD, "up")
        # The peers' addresses are the server's too.
        _ip(self.name, "route", "add", "default", "via", found.server.address)

    def end(self) -> None:
        """Take it away, if it is there."""
        if self.path.exists():
            run(["ip", "netns", "delete", self.name], check=False)


def _workstation() -> str:
    return next(one.address for one in network().hosts if one.role == "client")


def _ip(namespace: str, *words: str) -> None:
    run(["ip", "-n", namespace, *words])
