"""Zones in master-file form, read by dnspython and indexed by owner and type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailsim.errors import LabError

if TYPE_CHECKING:
    import dns.rrset


@dataclass(slots=True)
class Zone:
    """One zone: `sets` maps an owner's name (lower case, final dot) to its record sets by type;
    `inner` has the names that exist only because something stands below them (RFC 4592)."""

    origin: str
    sets: dict[str, dict[str, dns.rrset.RRset]] = field(default_factory=dict)
    inner: set[str] = field(default_factory=set)

    def exists(self, name: str) -> bool:
        """Whether the name has records, or names below it."""
        return name in self.sets or name in self.inner

    def wildcard(self, name: str) -> dict[str, dns.rrset.RRset] | None:
        """The records of the wildcard that covers `name` (RFC 4592): the one under the closest
        name that exists, if there is one."""
        rest = name
        while rest != self.origin:
            rest = rest.partition(".")[2]
            if self.exists(rest):
                return self.sets.get(f"*.{rest}")
        return None


def read_zones(texts: Mapping[str, str]) -> dict[str, Zone]:
    """Each zone by its origin with a final dot.  Raises LabError for one that cannot be read."""
    return {f"{name.lower()}.": _read(name, text) for name, text in texts.items()}


def _read(name: str, text: str) -> Zone:
    import dns.exception  # noqa: PLC0415 - over 100 ms that only a lab with queries needs
    import dns.rdatatype  # noqa: PLC0415
    import dns.rrset  # noqa: PLC0415
    import dns.zone  # noqa: PLC0415

    try:
        parsed = dns.zone.from_text(text, origin=name, relativize=False)
    except (dns.exception.DNSException, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise LabError("servers.zone-broken", zone=name, reason=reason) from None
    zone = Zone(f"{name.lower()}.")
    for owner, rdataset in parsed.iterate_rdatasets():
        key = owner.to_text().lower()
        rrset = dns.rrset.from_rdata_list(owner, rdataset.ttl, list(rdataset))
        zone.sets.setdefault(key, {})[dns.rdatatype.to_text(rdataset.rdtype)] = rrset
        _note_inner(zone, key)
    return zone


def _note_inner(zone: Zone, name: str) -> None:
    above = name.partition(".")[2]
    while above != zone.origin and above.endswith(zone.origin) and above not in zone.inner:
        zone.inner.add(above)
        above = above.partition(".")[2]
