"""What the lab's names mean: looked up in memory, by the servers and for the name server."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailsim.model.network import Network
from mailsim.servers.dns.zones import Labels, Zone, labels, labels_of, read_zones, suffixes

if TYPE_CHECKING:
    import dns.rrset

LISTED: Final = "127.0.0.2"
CHAIN: Final = 11
"""How many aliases are followed: BIND's max-query-restarts."""
_BESIDE_ALIAS: Final = ("RRSIG", "NSEC", "KEY")  # what may stand beside a CNAME
_KEPT: Final = 4096
_NOT_LOADED: Final = "zone {zone}/IN: loading from master file failed: {reason}"
_ROOT: Final = """\
$TTL 3600
@ IN SOA {server}. root.{domain}. 1 10800 3600 604800 3600
@ IN NS {server}.
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """`rcode` is "NOERROR", "NXDOMAIN" or "SERVFAIL"; `records` the data of the type asked for,
    in zone-file form, at the end of the aliases; `ttl` in seconds."""

    rcode: str
    records: tuple[str, ...] = ()
    ttl: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What the zones have of a name: record sets in the order of the answer, aliases first; the
    zone that the last name is in; whether the last set is of the type asked for."""

    sets: tuple[dns.rrset.RRset, ...]
    zone: Zone
    rcode: str = "NOERROR"
    answered: bool = False
    open: bool = False
    """An alias leads to another zone, and nobody asked to go there."""


class Names:
    """The network's zones.  `zones` are their texts; they are read when first asked.

    A zone that cannot be read answers SERVFAIL, as with BIND (RFC 1035 §5.2); `report` is told, once, in the
    words of named's log.  `dnsbl_lists_all`: the block list has everything (fault F23).
    """

    def __init__(self, network: Network, report: Callable[[str], object] | None = None) -> None:
        self.zones = network.zones
        self.server = network.server.name
        self.dnsbl_lists_all = False
        self.own = _own(network)
        self._dnsbl = labels(network.dnsbl)
        self._root = _ROOT.format(server=network.server.name, domain=network.domain)
        self._report = report
        self._read: dict[Labels, Zone] = {}
        self._answers: dict[tuple[str, str, bool], Answer] = {}

    def check(self) -> None:
        """Raise LabError for a zone that cannot be read."""
        for zone in self._all().values():
            if zone.broken:
                raise zone.broken

    def lookup(self, name: str, rdtype: str) -> Answer:
        """What a resolver would say; of what is no name, that it does not exist."""
        key = (name.lower(), rdtype, self.dnsbl_lists_all)
        if key not in self._answers:
            if len(self._answers) >= _KEPT:  # names come from strangers
                self._answers.clear()
            self._answers[key] = self._lookup(labels(name), rdtype.upper())
        return self._answers[key]

    def reverse(self, address: str) -> str:
        """The name of an address, without its final dot; "" if it has none."""
        try:
            pointer = ipaddress.ip_address(address).reverse_pointer
        except ValueError:
            return ""
        records = self.lookup(pointer, "PTR").records
        return records[0].rstrip(".") if records else ""

    def find(self, name: Labels, rdtype: str, *, recursive: bool = True) -> Found:
        """The record sets for `name`, aliases followed (RFC 1034 §4.3.2): out of the zone that
        they begin in only if `recursive`, as BIND does."""
        sets: list[dns.rrset.RRset] = []
        seen: set[Labels] = set()
        first = self.zone_of(name)
        while True:
            zone = self.zone_of(name)
            if zone is not first and not recursive:
                return Found(tuple(sets), first, open=True)
            if name in seen or len(seen) > CHAIN:
                return Found(tuple(sets), zone, "SERVFAIL")
            found = self._here(zone, name, rdtype)
            sets += found.sets
            if found.rcode != "NOERROR" or not found.open:
                return replace(found, sets=tuple(sets))
            seen.add(name)
            name = labels_of(sets[-1][0].target)

    def _here(self, zone: Zone, name: Labels, rdtype: str) -> Found:
        """What the zone has of the name itself; `open` for an alias that is to be followed."""
        if zone.broken or zone.gives_away(name):
            return Found((), zone, "SERVFAIL")
        here = self._at(zone, name)
        if here is None:
            return Found((), zone, "NXDOMAIN")
        wanted = tuple(one for kind, one in here.items() if rdtype in (kind, "ANY"))
        if not wanted and "CNAME" in here and rdtype not in _BESIDE_ALIAS:
            return Found((here["CNAME"],), zone, open=True)
        return Found(wanted, zone, answered=bool(wanted))

    def zone_of(self, name: Labels) -> Zone:
        """The zone that the name is in: the longest origin that it ends with, the root at last."""
        zones = self._all()
        return next(zones[one] for one in suffixes(name) if one in zones)

    def _all(self) -> dict[Labels, Zone]:
        if not self._read:
            self._read = read_zones(self.zones, self._root)
            for zone in self._read.values():
                if zone.broken and self._report:
                    self._report(_NOT_LOADED.format(**zone.broken.params))
        return self._read

    def _at(self, zone: Zone, name: Labels) -> dict[str, dns.rrset.RRset] | None:
        """The records of `name`; None where it does not exist."""
        if self.dnsbl_lists_all and zone.origin == self._dnsbl != name:
            return _listed(name)
        if name in zone.sets:
            return zone.sets[name]
        if zone.exists(name):
            return {}
        covering = zone.wildcard(name)
        return None if covering is None else _renamed(covering, name)

    def _lookup(self, name: Labels | None, rdtype: str) -> Answer:
        if name is None:
            return Answer("NXDOMAIN")
        found = self.find(name, rdtype)
        if not found.answered:
            return Answer(found.rcode)
        ttl = min(one.ttl for one in found.sets)
        return Answer("NOERROR", tuple(one.to_text() for one in found.sets[-1]), ttl)


def _own(network: Network) -> frozenset[Labels]:
    """The origins that the lab's server is the master of; the others' answers it only passes on."""
    lan = ".".join(reversed(network.server.address.split(".")[:3])) + ".in-addr.arpa"
    own = (network.domain, network.dnsbl, lan, "0.0.127.in-addr.arpa")
    return frozenset(found for one in own if one in network.zones and (found := labels(one)))


def _listed(name: Labels) -> dict[str, dns.rrset.RRset]:
    import dns.name  # noqa: PLC0415
    import dns.rrset  # noqa: PLC0415

    owner = dns.name.Name((*name, b""))
    return {
        "A": dns.rrset.from_text(owner, 300, "IN", "A", LISTED),
        "TXT": dns.rrset.from_text(owner, 300, "IN", "TXT", '"Listed"'),
    }


def _renamed(sets: dict[str, dns.rrset.RRset], name: Labels) -> dict[str, dns.rrset.RRset]:
    """A wildcard's records under the name that was asked for (RFC 1034 §4.3.2, step 3c)."""
    import dns.name  # noqa: PLC0415
    import dns.rrset  # noqa: PLC0415

    owner = dns.name.Name((*name, b""))
    return {
        rdtype: dns.rrset.from_rdata_list(owner, one.ttl, list(one)) for rdtype, one in sets.items()
    }
