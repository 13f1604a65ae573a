"""DNS messages as values; dnspython reads and writes their wire form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from mailsim.errors import RemoteProtocolError, UsageError

if TYPE_CHECKING:
    import dns.message
    import dns.rrset

FLAGS: Final = ("QR", "AA", "TC", "RD", "RA", "AD", "CD")
"""The header's flags (RFC 1035 §4.1.1, RFC 4035), from the left."""

SECTIONS: Final = ("ANSWER", "AUTHORITY", "ADDITIONAL")

# The types that a question may name and that are none of a record (RFC 6895), but ANY.
_NO_QUESTION: Final = {"AXFR", "IXFR", "MAILA", "MAILB", "NONE", "OPT", "TKEY", "TSIG", "TYPE0"}
_SHOWN_TYPES: Final = (
    "A, AAAA, ANY, CAA, CNAME, DNSKEY, DS, MX, NS, PTR, SOA, SRV, SSHFP, TLSA, TXT, TYPEnnn"
)


class Transport(Enum):
    """What carries a message."""

    UDP = "UDP"
    TCP = "TCP"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `name` with its final dot, `type` ("MX"), `class_` ("IN")."""

    name: str
    type: str
    class_: str = "IN"

    def __str__(self) -> str:
        """As dig prints it."""
        return f";{_padded(self.name, 31)}{_padded('', 7)}{_padded(self.class_, 7)}{self.type}"


@dataclass(frozen=True, slots=True)
class Record:
    """A resource record; `ttl` in seconds, `data` in the form of zone files (RFC 1035 §5.1)."""

    name: str
    ttl: int
    class_: str
    type: str
    data: str

    def __str__(self) -> str:
        """As dig prints it."""
        head = f"{_padded(self.name, 23)}{_padded(str(self.ttl), 7)}{_padded(self.class_, 7)}"
        return f"{head}{_padded(self.type, 7)}{self.data}"


def _padded(text: str, width: int) -> str:
    return f"{text:<{width}} "


@dataclass(frozen=True, slots=True)
class Edns:
    """The OPT pseudo-record (RFC 6891): payload in octets, DNSSEC wanted or not."""

    version: int
    payload: int
    dnssec: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A query or a response.

    `flags` are the names of those that are set; `size` the octets of the message, `seconds`
    the time from the query that a response took.
    """

    id: int
    opcode: str
    rcode: str
    flags: tuple[str, ...]
    questions: tuple[Question, ...]
    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    edns: Edns | None = None
    transport: Transport = Transport.UDP
    size: int = 0
    seconds: float = 0.0

    @property
    def sections(self) -> tuple[tuple[str, tuple[Record, ...]], ...]:
        """The three sections of records by name."""
        return tuple(zip(SECTIONS, (self.answer, self.authority, self.additional), strict=True))


@dataclass(frozen=True, slots=True)
class Options:
    """How a question is asked; `payload` 0 leaves EDNS out."""

    recursion: bool = True
    dnssec: bool = False
    payload: int = 1232


def make_query(name: str, type_: str, options: Options, number: int) -> dns.message.QueryMessage:
    """The query in dnspython's form.  Raises UsageError for a name or a type that is none."""
    import dns.flags  # noqa: PLC0415 - 90 ms that only who asks pays
    import dns.message  # noqa: PLC0415

    if not (options.payload == 0 and not options.dnssec) and not 512 <= options.payload <= 65_535:
        raise UsageError("dns.bad-payload", payload=options.payload)
    return dns.message.make_query(
        _name(name),
        _type(type_),
        use_edns=0 if options.payload else False,
        want_dnssec=options.dnssec,
        payload=options.payload or 512,
        flags=dns.flags.RD if options.recursion else 0,
        id=number,
    )


def _name(text: str) -> dns.name.Name:
    import dns.exception  # noqa: PLC0415
    import dns.name  # noqa: PLC0415

    try:
        if not text:
            raise dns.name.EmptyLabel
        return dns.name.from_text(text)
    except (dns.exception.DNSException, ValueError):
        raise UsageError("dns.bad-name", name=text[:80]) from None


def _type(text: str) -> dns.rdatatype.RdataType:
    import dns.rdatatype  # noqa: PLC0415

    try:
        found = dns.rdatatype.from_text(text)
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        raise UsageError("dns.bad-type", type=text[:80], accepted=_SHOWN_TYPES) from None
    if dns.rdatatype.to_text(found) in _NO_QUESTION:
        raise UsageError("dns.bad-type", type=text[:80], accepted=_SHOWN_TYPES)
    return found


def read(raw: bytes, server: str) -> dns.message.Message:
    """The message in `raw`.  Raises RemoteProtocolError for octets that are none."""
    import dns.exception  # noqa: PLC0415
    import dns.message  # noqa: PLC0415

    try:
        return dns.message.from_wire(raw, one_rr_per_rrset=True)
    except (dns.exception.DNSException, ValueError) as error:
        reason = type(error).__name__
        raise RemoteProtocolError(
            "dns.malformed", server=server, octets=len(raw), reason=reason
        ) from None


def value(
    message: dns.message.Message, size: int, transport: Transport, seconds: float = 0.0
) -> Message:
    """A message of dnspython as a value."""
    import dns.flags  # noqa: PLC0415
    import dns.opcode  # noqa: PLC0415
    import dns.rcode  # noqa: PLC0415

    edns = None
    if message.edns >= 0:
        wants = bool(message.ednsflags & dns.flags.DO)
        edns = Edns(message.edns, message.payload, wants)
    return Message(
        id=message.id,
        opcode=dns.opcode.to_text(message.opcode()),
        rcode=dns.rcode.to_text(message.rcode()),
        flags=tuple(name for name in FLAGS if message.flags & dns.flags.from_text(name)),
        questions=tuple(_question(one) for one in message.question),
        answer=_records(message.answer),
        authority=_records(message.authority),
        additional=_records(message.additional),
        edns=edns,
        transport=transport,
        size=size,
        seconds=seconds,
    )


def _question(asked: dns.rrset.RRset) -> Question:
    import dns.rdataclass  # noqa: PLC0415
    import dns.rdatatype  # noqa: PLC0415

    kind = dns.rdatatype.to_text(asked.rdtype)
    return Question(asked.name.to_text(), kind, dns.rdataclass.to_text(asked.rdclass))


def _records(section: list[dns.rrset.RRset]) -> tuple[Record, ...]:
    import dns.rdataclass  # noqa: PLC0415
    import dns.rdatatype  # noqa: PLC0415

    return tuple(
        Record(
            name=one.name.to_text(),
            ttl=one.ttl,
            class_=dns.rdataclass.to_text(one.rdclass),
            type=dns.rdatatype.to_text(one.rdtype),
            data=data.to_text(),
        )
        for one in section
        for data in one
    )
