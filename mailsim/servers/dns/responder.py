"""What is answered to a query: as BIND 9.18 does with recursion for its own network.

What the lab's server is master of carries AA; the foreign zones it answers as if it had
asked; whatever else there may be in the world does not exist here (NXDOMAIN from the root).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from mailsim.servers.dns.names import Found, Names
from mailsim.servers.dns.wire import HEADER, UnansweredError, bare, begun, parsed, written
from mailsim.servers.dns.zones import Labels, Zone, labels_of

if TYPE_CHECKING:
    import dns.message
    import dns.rrset

_KEPT: Final = 4096
_KEPT_OCTETS: Final = 2048
_NAMED_HOSTS: Final = 13  # a longer set brings no addresses with it (BIND's limit)
_VERSION: Final = "9.18.0-mailsim"
_TYPES: Final = {"MAILA": "NOTIMP", "MAILB": "NOTIMP", "OPT": "FORMERR", "TSIG": "FORMERR"}
_CLASSES: Final = {0: "FORMERR", 4: "REFUSED", 254: "FORMERR", 255: "FORMERR"}


class Responder:
    """Answers queries from `names`; the same question in the same octets is answered from memory.

    `transfers`: whether anybody gets a whole zone by AXFR.
    """

    def __init__(self, names: Names, *, transfers: bool = False) -> None:
        self._names = names
        self._transfers = transfers
        self._kept: dict[tuple[bytes, bool, bool], bytes] = {}

    def answer(self, query: bytes, *, tcp: bool) -> bytes | None:
        """The answer to `query`; None for what deserves none (an answer, or less than a header)."""
        if len(query) < HEADER or query[2] & 0x80:
            return None
        key = (query[2:], tcp, self._names.dnsbl_lists_all)
        rest = self._kept.get(key)
        if rest is None:
            rest = self._made(query, tcp=tcp)[2:]
            if len(self._kept) >= _KEPT:  # questions come from strangers
                self._kept.clear()
            if len(query) + len(rest) <= _KEPT_OCTETS:
                self._kept[key] = rest
        return query[:2] + rest

    def failure(self, query: bytes, rcode: str) -> bytes:
        """An answer that is this RCODE and no more; SERVFAIL where the text names none."""
        import dns.rcode  # noqa: PLC0415 - late, as in zones.py

        try:
            code = dns.rcode.from_text(rcode)
        except (dns.rcode.UnknownRcode, ValueError):
            code = dns.rcode.SERVFAIL
        try:
            said = begun(parsed(query))
        except UnansweredError:
            return bare(query, code)
        said.set_rcode(code)
        return said.to_wire()

    def _made(self, query: bytes, *, tcp: bool) -> bytes:
        import dns.opcode  # noqa: PLC0415
        import dns.rcode  # noqa: PLC0415

        opcode = query[2] >> 3 & 0xF
        if opcode != dns.opcode.QUERY:  # nobody may change a zone from here
            refused = opcode == dns.opcode.UPDATE
            return bare(query, dns.rcode.REFUSED if refused else dns.rcode.NOTIMP)
        try:
            asked = parsed(query)
        except UnansweredError as error:
            return bare(query, error.rcode)
        said = begun(asked)
        if asked.edns > 0:
            said.set_rcode(dns.rcode.BADVERS)  # RFC 6891 §6.1.3
        else:
            self._fill(said, tcp=tcp)
        return written(said, asked, tcp=tcp)

    def _fill(self, said: dns.message.Message, *, tcp: bool) -> None:
        import dns.rdataclass  # noqa: PLC0415
        import dns.rdatatype  # noqa: PLC0415

        question = said.question[0]
        rdtype = dns.rdatatype.to_text(question.rdtype)
        if question.rdclass == dns.rdataclass.CH:
            self._chaos(said, rdtype)
        elif question.rdclass != dns.rdataclass.IN:
            _fail(said, _CLASSES.get(question.rdclass, "NOTIMP"))
        elif rdtype in _TYPES:
            _fail(said, _TYPES[rdtype])
        elif rdtype in ("AXFR", "IXFR"):
            self._transfer(said, whole=tcp and rdtype == "AXFR")
        else:
            self._put(said, rdtype)

    def _put(self, said: dns.message.Message, rdtype: str) -> None:
        import dns.flags  # noqa: PLC0415

        name, recursive = labels_of(said.question[0].name), bool(said.flags & dns.flags.RD)
        found = self._names.find(name, rdtype, recursive=recursive)
        said.answer.extend(found.sets)
        _fail(said, found.rcode)
        # AA is said of the first name, wherever its aliases lead (RFC 1035 §4.1.1).
        if self._names.zone_of(name).origin in self._names.own:
            said.flags |= dns.flags.AA
        if found.answered:
            _accompany(said, found, rdtype)
        elif found.rcode != "SERVFAIL" and not found.open:
            asks_again = found.rcode == "NXDOMAIN" and rdtype == "SOA"
            # BIND's zero-no-soa-ttl: who looks for a zone's top is to remember nothing.
            said.authority.append(found.zone.absence(0 if asks_again else None))

    def _transfer(self, said: dns.message.Message, *, whole: bool) -> None:
        """The whole zone, its SOA first and last (RFC 5936 §2.2), and by TCP alone."""
        import dns.flags  # noqa: PLC0415

        origin = labels_of(said.question[0].name)
        zone = self._names.zone_of(origin)
        if origin not in self._names.own:
            _fail(said, "NOTAUTH")
        elif not self._transfers:
            _fail(said, "REFUSED")
        elif zone.broken or not whole:
            _fail(said, "SERVFAIL" if zone.broken else "FORMERR")
        else:
            said.flags |= dns.flags.AA
            said.answer.extend(zone.all_sets())
            said.answer.append(said.answer[0])

    def _chaos(self, said: dns.message.Message, rdtype: str) -> None:
        """What BIND says of itself: version.bind and hostname.bind."""
        import dns.flags  # noqa: PLC0415
        import dns.rrset  # noqa: PLC0415

        name = said.question[0].name
        known: dict[Labels, str] = {
            (b"version", b"bind"): _VERSION,
            (b"hostname", b"bind"): self._names.server.partition(".")[0],
        }
        text = known.get(labels_of(name))
        if text is None:
            _fail(said, "REFUSED")
            return
        said.flags |= dns.flags.AA
        if rdtype in ("TXT", "ANY"):
            said.answer.append(dns.rrset.from_text(name, 0, "CH", "TXT", f'"{text}"'))


def _accompany(said: dns.message.Message, found: Found, rdtype: str) -> None:
    """What stands beside the records asked for: for who asked without recursion the zone's name
    servers (BIND's minimal-responses no-auth-recursive); the addresses of the hosts named
    (RFC 1034 §4.3.2, step 6)."""
    import dns.flags  # noqa: PLC0415

    naming = [found.sets[-1]] if rdtype in ("MX", "NS", "SRV") else []
    servers = found.zone.sets[found.zone.origin]["NS"]
    if not said.flags & dns.flags.RD:
        naming += [servers] if rdtype != "ANY" else []
        if servers not in said.answer:
            said.authority.append(servers)
    said.additional.extend(_addresses(found.zone, naming, besides=said.answer))


def _addresses(
    zone: Zone, naming: Iterable[dns.rrset.RRset], *, besides: list[dns.rrset.RRset]
) -> list[dns.rrset.RRset]:
    """The addresses that the same zone has of the hosts that `naming` names, each once."""
    short = [one for one in naming if len(one) <= _NAMED_HOSTS]
    hosts = [getattr(one, "exchange", None) or one.target for rrset in short for one in rrset]
    found: list[dns.rrset.RRset] = []
    for here in (zone.sets.get(labels_of(host), {}) for host in hosts):
        sets = [here[rdtype] for rdtype in ("A", "AAAA") if rdtype in here]
        found += [one for one in sets if one not in besides and one not in found]
    return found


def _fail(said: dns.message.Message, rcode: str) -> None:
    import dns.rcode  # noqa: PLC0415

    said.set_rcode(dns.rcode.from_text(rcode))
