"""Who exists: hosts, addresses, domains, accounts, zones.  Read from one versioned JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mailsim.errors import LabError

VERSION = 1


@dataclass(frozen=True, slots=True)
class Host:
    """A machine: its name, its IPv4 address, what it is there for ("server", "client", "peer", "spammer")."""

    name: str
    address: str
    role: str


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox's owner.  `password` is "" where the lab's seed makes it."""

    user: str
    domain: str
    password: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        """The mail address."""
        return f"{self.user}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Network:
    """The lab's world.

    `domain` is the thesis's own (minfo.sn) and `server` its host; `peers` maps each
    foreign domain to the host of its MTA; `aliases` what /etc/aliases says; `dnsbl`
    the block list's zone; `lan` the network that the thesis's `mynetworks` trusts;
    `zones` maps a zone's name to its text in master-file form (RFC 1035 §5).
    """

    name: str
    domain: str
    lan: str
    dnsbl: str
    hosts: tuple[Host, ...]
    accounts: tuple[Account, ...]
    aliases: Mapping[str, str]
    peers: Mapping[str, str]
    zones: Mapping[str, str]

    def host(self, name: str) -> Host:
        """The host of that name, its first label or its address.  Raises LabError."""
        for host in self.hosts:
            if name in (host.name, host.name.partition(".")[0], host.address):
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise LabError("lab.unknown-host", name=name, known=known)

    def of_role(self, role: str) -> Host:
        """The first host of that role."""
        return next(host for host in self.hosts if host.role == role)

    @property
    def server(self) -> Host:
        """The thesis's server."""
        return self.of_role("server")

    @property
    def client(self) -> Host:
        """The student's workstation: who a client is that does not say otherwise."""
        return self.of_role("client")

    def users(self, domain: str = "") -> tuple[str, ...]:
        """The local parts at `domain` ("": the thesis's own)."""
        return tuple(a.user for a in self.accounts if a.domain == (domain or self.domain))


def network_of(document: Mapping[str, Any]) -> Network:
    """The network that the JSON document describes.  Raises LabError for another version or a
    document that lacks something."""
    if document.get("version") != VERSION:
        raise LabError("lab.network-version", found=document.get("version"), known=VERSION)
    try:
        return Network(
            name=document["name"],
            domain=document["domain"],
            lan=document["lan"],
            dnsbl=document["dnsbl"],
            hosts=tuple(Host(h["name"], h["address"], h["role"]) for h in document["hosts"]),
            accounts=tuple(
                Account(a["user"], a["domain"], a.get("password", "")) for a in document["accounts"]
            ),
            aliases=dict(document["aliases"]),
            peers=dict(document["peers"]),
            zones={name: "\n".join(rows) + "\n" for name, rows in document["zones"].items()},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise LabError("lab.network-broken", reason=str(error)) from None
