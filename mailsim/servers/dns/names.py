"""What the lab's names mean: looked up in memory, by the servers and for the name server."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsim.model.network import Network
from mailsim.servers.dns.zones import Zone, read_zones

if TYPE_CHECKING:
    import dns.rrset

LISTED: Final = "127.0.0.2"
CHAIN: Final = 8
"""How many aliases are followed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`rcode` is "NOERROR", "NXDOMAIN" or "SERVFAIL"; `records` the data of the type asked for,
    in zone-file form, at the end of the aliases; `ttl` in seconds."""

    rcode: str
    records: tuple[str, ...] = ()
    ttl: int = 0
    canonical: str = ""
    """The name at the end of the aliases, with its final dot."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the zones have of a name: record sets in the order of the answer (aliases first),
    the zone that the last name is in (None: the lab's own root), whether that name exists."""

    sets: tuple[dns.rrset.RRset, ...]
    zone: Zone | None
    name: str
    exists: bool = True


class Names:
    """The network's zones.  `zones` are their texts; they are read when first asked.

    `dnsbl_lists_all`: the block list has everything (fault F23).
    """

    def __init__(self, network: Network) -> None:
        self.zones = network.zones
        self.dnsbl = f"{network.dnsbl.lower()}."
        self.own = _own(network)
        self.dnsbl_lists_all = False
        self._read: dict[str, Zone] = {}
        self._answers: dict[tuple[str, str, bool], Answer] = {}

    def lookup(self, name: str, rdtype: str) -> Answer:
        """What a resolver would say.  Raises LabError for a zone that cannot be read."""
        key = (name.lower(), rdtype.upper(), self.dnsbl_lists_all)
        if key not in self._answers:
            if len(self._answers) >= 4096:  # names come from strangers
                self._answers.clear()
            self._answers[key] = self._lookup(key[0], key[1])
        return self._answers[key]

    def reverse(self, address: str) -> str:
        """The name of an address, without its final dot; "" if it has none."""
        try:
            pointer = ipaddress.ip_address(address).reverse_pointer
        except ValueError:
            return ""
        records = self.lookup(pointer, "PTR").records
        return records[0].rstrip(".") if records else ""

    def find(self, name: str, rdtype: str) -> Found:
        """The record sets for `name` (lower case, final dot), aliases followed (RFC 1034 §4.3.2)."""
        sets: list[dns.rrset.RRset] = []
        for _ in range(CHAIN):
            zone = self.zone_of(name)
            here = self._at(zone, name)
            if here is None:
                return Found(tuple(sets), zone, name, exists=False)
            if rdtype in here:
                return Found((*sets, here[rdtype]), zone, name)
            if rdtype == "ANY":
                return Found((*sets, *here.values()), zone, name)
            if "CNAME" not in here:
                return Found(tuple(sets), zone, name)
            sets.append(here["CNAME"])
            name = here["CNAME"][0].to_text().lower()
        return Found(tuple(sets), None, name)

    def zone_of(self, name: str) -> Zone | None:
        """The zone that the name is in: the longest origin that it ends with."""
        zones = self._all()
        rest = name
        while rest:
            if rest in zones:
                return zones[rest]
            rest = rest.partition(".")[2]
        return None

    def _all(self) -> dict[str, Zone]:
        if not self._read:
            self._read = read_zones(self.zones)
        return self._read

    def _at(self, zone: Zone | None, name: str) -> dict[str, dns.rrset.RRset] | None:
        """The records of `name`; None where it does not exist."""
        if zone is None:
            above = name == "." or any(origin.endswith(f".{name}") for origin in self._all())
            return {} if above else None
        if zone.origin == self.dnsbl and self.dnsbl_lists_all and name != zone.origin:
            return _listed(name)
        if name in zone.sets:
            return zone.sets[name]
        if zone.exists(name):
            return {}
        covering = zone.wildcard(name)
        return None if covering is None else _renamed(covering, name)

    def _lookup(self, name: str, rdtype: str) -> Answer:
        found = self.find(name if name.endswith(".") else f"{name}.", rdtype)
        if not found.exists:
            return Answer("NXDOMAIN", canonical=found.name)
        last = found.sets[-1] if found.sets else None
        if last is None or (not _is(last, rdtype)):
            return Answer("NOERROR", canonical=found.name)
        ttl = min(one.ttl for one in found.sets)
        return Answer("NOERROR", tuple(one.to_text() for one in last), ttl, found.name)


def _own(network: Network) -> frozenset[str]:
    """The origins that the lab's server is the master of; the others' answers it only passes on."""
    lan = ".".join(reversed(network.server.address.split(".")[:3])) + ".in-addr.arpa"
    own = (network.domain, network.dnsbl, lan, "0.0.127.in-addr.arpa")
    return frozenset(f"{name}." for name in own if name in network.zones)


def _is(rrset: dns.rrset.RRset, rdtype: str) -> bool:
    import dns.rdatatype  # noqa: PLC0415 - there already, for the zone was read

    return rdtype == "ANY" or dns.rdatatype.to_text(rrset.rdtype) == rdtype


def _listed(name: str) -> dict[str, dns.rrset.RRset]:
    import dns.rrset  # noqa: PLC0415

    return {
        "A": dns.rrset.from_text(name, 300, "IN", "A", LISTED),
        "TXT": dns.rrset.from_text(name, 300, "IN", "TXT", '"Listed"'),
    }


def _renamed(sets: dict[str, dns.rrset.RRset], name: str) -> dict[str, dns.rrset.RRset]:
    """A wildcard's records under the name that was asked for (RFC 4592)."""
    import dns.name  # noqa: PLC0415
    import dns.rrset  # noqa: PLC0415

    owner = dns.name.from_text(name)
    return {
        rdtype: dns.rrset.from_rdata_list(owner, one.ttl, list(one)) for rdtype, one in sets.items()
    }
