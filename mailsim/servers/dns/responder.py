"""From a query's octets to an answer's, as BIND 9.18 with recursion for its own network answers.

What the lab's server is master of carries AA; the foreign zones it answers as if it had
asked; whatever else there may be in the world does not exist here (NXDOMAIN from the root).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsim.servers.dns.names import Found, Names

if TYPE_CHECKING:
    import dns.message
    import dns.rrset

UDP_SIZE: Final = 512  # RFC 1035 §4.2.1
EDNS_SIZE: Final = 1232  # what BIND announces
_CACHED: Final = 4096
_NO_ROOM: Final = 65_535
_VERSION: Final = "9.18.0-mailsim"


class Responder:
    """Answers queries from `names`; the same question in the same octets is answered from memory."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._cache: dict[tuple[bytes, bool, bool], bytes] = {}

    def answer(self, query: bytes, *, tcp: bool) -> bytes | None:
        """The answer to `query`; None for what deserves none (an answer, or under 12 octets)."""
        if len(query) < 12 or query[2] & 0x80:
            return None
        key = (query[2:], tcp, self._names.dnsbl_lists_all)
        rest = self._cache.get(key)
        if rest is None:
            rest = self._made(query, tcp=tcp)[2:]
            if len(self._cache) >= _CACHED:  # questions come from strangers
                self._cache.clear()
            self._cache[key] = rest
        return query[:2] + rest

    def refused(self, query: bytes, rcode: str) -> bytes:
        """An answer that is `rcode` and no more."""
        import dns.rcode  # noqa: PLC0415 - late, as in zones.py

        return _bare(query, int(dns.rcode.from_text(rcode)))

    def _made(self, query: bytes, *, tcp: bool) -> bytes:
        import dns.exception  # noqa: PLC0415
        import dns.message  # noqa: PLC0415
        import dns.opcode  # noqa: PLC0415
        import dns.rcode  # noqa: PLC0415

        if dns.opcode.from_flags(int.from_bytes(query[2:4], "big")) != dns.opcode.QUERY:
            return _bare(query, dns.rcode.NOTIMP)
        try:
            asked = dns.message.from_wire(query, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError):
            return _bare(query, dns.rcode.FORMERR)
        if len(asked.question) != 1:
            return _bare(query, dns.rcode.FORMERR)
        said = dns.message.make_response(asked, recursion_available=True, our_payload=EDNS_SIZE)
        if asked.edns > 0:
            said.use_edns(0, payload=EDNS_SIZE)
            said.set_rcode(dns.rcode.BADVERS)  # RFC 6891 §6.1.3
        else:
            self._fill(said, tcp=tcp)
        return _wire(said, asked, tcp=tcp)

    def _fill(self, said: dns.message.Message, *, tcp: bool) -> None:
        import dns.rcode  # noqa: PLC0415
        import dns.rdataclass  # noqa: PLC0415
        import dns.rdatatype  # noqa: PLC0415

        question = said.question[0]
        rdtype = dns.rdatatype.to_text(question.rdtype)
        if question.rdclass == dns.rdataclass.CH:
            _chaos(said)
        elif question.rdclass != dns.rdataclass.IN or rdtype in ("AXFR", "IXFR", "MAILA", "MAILB"):
            # Zones are given to nobody, by TCP neither: none of the lab's parts is a secondary.
            said.set_rcode(dns.rcode.REFUSED)
        else:
            found = self._names.find(question.name.to_text().lower(), rdtype)
            self._put(said, found, rdtype, tcp=tcp)

    def _put(self, said: dns.message.Message, found: Found, rdtype: str, *, tcp: bool) -> None:
        import dns.flags  # noqa: PLC0415
        import dns.rcode  # noqa: PLC0415

        sets = found.sets[:1] if rdtype == "ANY" and not tcp else found.sets  # RFC 8482 §4.1
        said.answer.extend(_as_asked(said, one) for one in sets)
        first = self._names.zone_of(said.question[0].name.to_text().lower())
        if first is not None and first.origin in self._names.own:
            said.flags |= dns.flags.AA
        if not found.exists:
            said.set_rcode(dns.rcode.NXDOMAIN)
        if not found.exists or not _answers(found, rdtype):
            said.authority.append(self._soa(found))  # RFC 2308 §3
        elif rdtype in ("MX", "NS"):
            said.additional.extend(self._addresses(found.sets[-1]))

    def _addresses(self, rrset: dns.rrset.RRset) -> list[dns.rrset.RRset]:
        """The addresses of the hosts that an answer names (RFC 1034 §4.3.2, step 6)."""
        hosts = [getattr(one, "exchange", None) or one.target for one in rrset]
        found = [self._names.find(host.to_text().lower(), "A") for host in hosts]
        return [one.sets[-1] for one in found if _answers(one, "A")]

    def _soa(self, found: Found) -> dns.rrset.RRset:
        """The SOA that says how long the absence may be remembered (RFC 2308 §3)."""
        import dns.rrset  # noqa: PLC0415

        zone = found.zone
        if zone is None or "SOA" not in zone.sets.get(zone.origin, {}):
            return dns.rrset.from_text(
                ".", 3600, "IN", "SOA", "mail.minfo.sn. root.minfo.sn. 1 10800 3600 604800 3600"
            )
        own = zone.sets[zone.origin]["SOA"]
        return dns.rrset.from_rdata_list(own.name, min(own.ttl, own[0].minimum), list(own))


def _answers(found: Found, rdtype: str) -> bool:
    import dns.rdatatype  # noqa: PLC0415

    if not found.sets:
        return False
    return rdtype == "ANY" or dns.rdatatype.to_text(found.sets[-1].rdtype) == rdtype


def _as_asked(said: dns.message.Message, rrset: dns.rrset.RRset) -> dns.rrset.RRset:
    """The set under the name as the question wrote it, in its case of letters."""
    import dns.rrset  # noqa: PLC0415

    asked = said.question[0].name
    if rrset.name != asked or rrset.name.to_text() == asked.to_text():
        return rrset
    return dns.rrset.from_rdata_list(asked, rrset.ttl, list(rrset))


def _chaos(said: dns.message.Message) -> None:
    import dns.rcode  # noqa: PLC0415
    import dns.rrset  # noqa: PLC0415

    question = said.question[0]
    if question.name.to_text().lower() == "version.bind.":
        text = f'"{_VERSION}"'
        said.answer.append(dns.rrset.from_text(question.name, 0, "CH", "TXT", text))
    else:
        said.set_rcode(dns.rcode.REFUSED)


def _wire(said: dns.message.Message, asked: dns.message.Message, *, tcp: bool) -> bytes:
    """The octets; over UDP what is too long is cut and marked TC (RFC 1035 §4.1.1)."""
    import dns.exception  # noqa: PLC0415
    import dns.flags  # noqa: PLC0415

    room = _NO_ROOM
    if not tcp:
        room = UDP_SIZE if asked.edns < 0 else max(UDP_SIZE, min(asked.payload, EDNS_SIZE))
    try:
        return said.to_wire(max_size=room)
    except dns.exception.TooBig:
        said.flags |= dns.flags.TC
        said.answer.clear()
        said.authority.clear()
        return said.to_wire(max_size=_NO_ROOM)


def _bare(query: bytes, rcode: int) -> bytes:
    """A header with this RCODE, and the question where it can be copied as it is."""
    flags = 0x8000 | int.from_bytes(query[2:4], "big") & 0x7900 | 0x0080 | rcode
    question = _question(query)
    count = b"\0\1" if question else b"\0\0"
    return query[:2] + flags.to_bytes(2, "big") + count + b"\0" * 6 + question


def _question(query: bytes) -> bytes:
    """The one question's octets, b"" where there is none or it is broken."""
    if query[4:6] != b"\0\1":
        return b""
    at = 12
    while at < len(query) and query[at]:
        if query[at] > 63:
            return b""
        at += query[at] + 1
    return query[12 : at + 5] if at + 5 <= len(query) else b""
