"""A name server's answers from the lab's zones, made with dnspython alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zone


class Zones:
    """Answers by the zones' text; every other name is NXDOMAIN.

    Those of `listing` have every name (fault F23).
    """

    def __init__(self, zones: Mapping[str, str]) -> None:
        self.listing: frozenset[str] = frozenset()
        self._zones = {
            dns.name.from_text(name): dns.zone.from_text(text, origin=name, relativize=False)
            for name, text in zones.items()
        }

    def answer(self, raw: bytes) -> bytes:
        question = dns.message.from_wire(raw)
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.RA | dns.flags.AA
        asked = question.question[0]
        reply.set_rcode(dns.rcode.NXDOMAIN)
        for zone in self._of(asked.name):
            if zone.origin and zone.origin.to_text(omit_final_dot=True) in self.listing:
                self._list(reply, asked.name, asked.rdtype)
            else:
                self._fill(reply, zone, asked.name, asked.rdtype)
        return reply.to_wire()

    def _of(self, name: dns.name.Name) -> Iterator[dns.zone.Zone]:
        found = [origin for origin in self._zones if name.is_subdomain(origin)]
        if found:
            yield self._zones[max(found, key=len)]

    @staticmethod
    def _list(
        reply: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> None:
        reply.set_rcode(dns.rcode.NOERROR)
        data = {dns.rdatatype.A: "127.0.0.2", dns.rdatatype.TXT: "Listed"}.get(kind)
        if data:
            reply.answer.append(dns.rrset.from_text(name, 3600, "IN", kind, data))

    @staticmethod
    def _fill(
        reply: dns.message.Message,
        zone: dns.zone.Zone,
        name: dns.name.Name,
        kind: dns.rdatatype.RdataType,
    ) -> None:
        assert zone.origin is not None
        node = zone.get_node(name)
        below = any(known.is_subdomain(name) for known in zone.nodes)
        if node is None and not below:
            reply.authority.append(zone.find_rrset(zone.origin, "SOA"))
            return
        reply.set_rcode(dns.rcode.NOERROR)
        alias = zone.get_rrset(name, "CNAME")
        found = zone.get_rrset(name, kind)
        if alias is not None and found is None:
            reply.answer.append(alias)
            found = zone.get_rrset(alias[0].target, kind)
        if found is not None:
            reply.answer.append(found)
        else:
            reply.authority.append(zone.find_rrset(zone.origin, "SOA"))
