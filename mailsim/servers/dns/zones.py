"""Zones in master-file form, read by dnspython and indexed by owner and type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailsim.errors import LabError

if TYPE_CHECKING:
    import dns.name
    import dns.rrset

Labels = tuple[bytes, ...]
"""A name's labels in lower case, without the root's empty one: (b"mail", b"minfo", b"sn")."""

_LONGEST_LABEL = 63  # octets, RFC 1035 §2.3.4
_LONGEST_NAME = 255


@dataclass(slots=True)
class Zone:
    """One zone, or why it cannot be read (`broken`).

    `sets` maps an owner's name to its record sets by type; `inner` has the names that exist
    only because something stands below them; `cuts` those that the zone gives away.
    """

    origin: Labels
    sets: dict[Labels, dict[str, dns.rrset.RRset]] = field(default_factory=dict)
    inner: set[Labels] = field(default_factory=set)
    cuts: set[Labels] = field(default_factory=set)
    broken: LabError | None = None

    def exists(self, name: Labels) -> bool:
        """Whether the name has records, or names below it (RFC 1034 §4.3.3)."""
        return name in self.sets or name in self.inner

    def gives_away(self, name: Labels) -> bool:
        """Whether the name is another server's: at or below a cut (RFC 1034 §4.2.1)."""
        return bool(self.cuts) and any(one in self.cuts for one in suffixes(name))

    def wildcard(self, name: Labels) -> dict[str, dns.rrset.RRset] | None:
        """The records of the wildcard that covers `name`: the one under the closest name that
        exists, if there is one (RFC 1034 §4.3.3)."""
        for above in suffixes(name[1:]):
            if self.exists(above):
                return self.sets.get((b"*", *above))
        return None

    def all_sets(self) -> list[dns.rrset.RRset]:
        """Every record set, the SOA first."""
        soa = self.sets[self.origin]["SOA"]
        every = [one for here in self.sets.values() for one in here.values()]
        return [soa, *(one for one in every if one is not soa)]

    def absence(self, ttl: int | None = None) -> dns.rrset.RRset:
        """The SOA that says how long an absence may be remembered (RFC 2308 §3): `ttl` seconds,
        or as long as the zone says."""
        import dns.rrset  # noqa: PLC0415

        own = self.sets[self.origin]["SOA"]
        seconds = min(own.ttl, own[0].minimum) if ttl is None else ttl
        return dns.rrset.from_rdata_list(own.name, seconds, list(own))

    def add(self, rrset: dns.rrset.RRset) -> None:
        """Put a record set in its place."""
        import dns.rdatatype  # noqa: PLC0415

        name, rdtype = labels_of(rrset.name), dns.rdatatype.to_text(rrset.rdtype)
        self.sets.setdefault(name, {})[rdtype] = rrset
        if rdtype == "NS" and name != self.origin:
            self.cuts.add(name)
        self.hold(name)

    def hold(self, name: Labels) -> None:
        """Note the names between `name` and the origin: they exist."""
        for above in suffixes(name[1:]):
            if len(above) <= len(self.origin) or above in self.inner:
                return
            self.inner.add(above)


def labels(name: str) -> Labels | None:
    """The labels of a name as mail and people write it, with or without its final dot; None
    for what is no domain name (RFC 1035 §2.3.4)."""
    if name in ("", "."):
        return ()
    found = name.removesuffix(".").encode("utf-8", "surrogateescape").lower().split(b".")
    if not all(0 < len(one) <= _LONGEST_LABEL for one in found):
        return None
    length = sum(len(one) + 1 for one in found) + 1
    return tuple(found) if length <= _LONGEST_NAME else None


def labels_of(name: dns.name.Name) -> Labels:
    """The same of dnspython's absolute names."""
    return tuple(one.lower() for one in name.labels[:-1])


def suffixes(name: Labels) -> Iterator[Labels]:
    """The name and all above it, the root last."""
    return (name[at:] for at in range(len(name) + 1))


def read_zones(texts: Mapping[str, str], root: str) -> dict[Labels, Zone]:
    """Each zone by its origin.  The lab's own root comes with them, with the text `root`: what
    stands in no zone does not exist.  What cannot be read is there too, `broken`."""
    zones = {zone.origin: zone for zone in (_read(*one) for one in {".": root, **texts}.items())}
    for origin in zones:
        if origin:
            zones[()].hold((b"", *origin))
    return zones


def _read(name: str, text: str) -> Zone:
    import dns.exception  # noqa: PLC0415 - tens of milliseconds that only a lab with queries needs
    import dns.rrset  # noqa: PLC0415
    import dns.zone  # noqa: PLC0415

    origin = labels(name)
    zone = Zone((name.encode(),) if origin is None else origin)
    try:
        parsed = dns.zone.from_text(text, origin=name, relativize=False)
    except (dns.exception.DNSException, ValueError) as error:
        reason = str(error) or type(error).__name__
        zone.broken = LabError("servers.zone-broken", zone=name, reason=reason)
        return zone
    for owner, rdataset in parsed.iterate_rdatasets():
        zone.add(dns.rrset.from_rdata_list(owner, rdataset.ttl, list(rdataset)))
    return zone
