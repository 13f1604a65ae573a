"""The octets of queries and answers: dnspython where they parse, by hand where they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import dns.message

UDP_SIZE: Final = 512  # RFC 1035 §4.2.1
EDNS_SIZE: Final = 1232  # what BIND announces
HEADER: Final = 12
_NO_ROOM: Final = 65_535
_LONGEST_NAME: Final = 255


class UnansweredError(Exception):
    """The query cannot be answered: its RCODE."""

    def __init__(self, rcode: int) -> None:
        super().__init__(rcode)
        self.rcode = rcode


def parsed(query: bytes) -> dns.message.Message:
    """The query with its one question.  Raises UnansweredError.

    BIND ignores what stands behind a message; so does this.
    """
    import dns.exception  # noqa: PLC0415 - late, as in zones.py
    import dns.message  # noqa: PLC0415
    import dns.rcode  # noqa: PLC0415

    try:
        asked = dns.message.from_wire(query, ignore_trailing=True)
    except dns.message.UnknownTSIGKey:
        raise UnansweredError(dns.rcode.NOTAUTH) from None  # no key is known here
    except (dns.exception.DNSException, ValueError):
        raise UnansweredError(dns.rcode.FORMERR) from None
    if len(asked.question) != 1:
        raise UnansweredError(dns.rcode.FORMERR)
    return asked


def begun(asked: dns.message.Message) -> dns.message.Message:
    """The answer to come: the question as it was written, RD and CD as they were; EDNS for who
    speaks it, DO included (RFC 6891 §6.1.1)."""
    import dns.flags  # noqa: PLC0415
    import dns.message  # noqa: PLC0415

    said = dns.message.make_response(asked, recursion_available=True)
    said.flags |= asked.flags & dns.flags.CD
    if asked.edns >= 0:
        said.use_edns(0, asked.ednsflags & dns.flags.DO, EDNS_SIZE)
    return said


def written(said: dns.message.Message, asked: dns.message.Message, *, tcp: bool) -> bytes:
    """The octets, always in the same order; over UDP what is too long is cut and marked TC
    (RFC 1035 §4.1.1), but not for want of additional records (RFC 2181 §9)."""
    room = _NO_ROOM
    if not tcp:
        room = UDP_SIZE if asked.edns < 0 else max(UDP_SIZE, min(asked.payload, EDNS_SIZE))
    return said.to_wire(max_size=room, prefer_truncation=True, want_shuffle=False)


def bare(query: bytes, rcode: int) -> bytes:
    """A header with this RCODE, and the question where it can be copied as it is."""
    flags = 0x8000 | int.from_bytes(query[2:4], "big") & 0x7910 | rcode & 0xF
    question = _question(query)
    count = b"\0\1" if question else b"\0\0"
    return query[:2] + flags.to_bytes(2, "big") + count + b"\0" * 6 + question


def truncated(answer: bytes, octets: int) -> bytes:
    """The first `octets` of the answer with TC set; header and question at least, and then no
    records are announced, so that it is whole in itself."""
    question = HEADER + len(_question(answer))
    head = answer[:2] + bytes([answer[2] | 2]) + answer[3:6]
    if octets <= question:
        return head + b"\0" * 6 + answer[HEADER:question]
    return head + answer[6:octets]


def asked_of(query: bytes) -> tuple[str, str]:
    """The name (without its final dot) and the type of the question, for rules."""
    import dns.rdatatype  # noqa: PLC0415

    try:
        question = parsed(query).question[0]
    except UnansweredError:
        return "", ""
    return question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)


def _question(message: bytes) -> bytes:
    """The one question's octets, b"" where there is none or it is broken."""
    if message[4:6] != b"\0\1":
        return b""
    at = HEADER
    while at < len(message) and message[at]:
        if message[at] > 63:
            return b""
        at += message[at] + 1
    fits = at + 5 <= len(message) and at + 1 - HEADER <= _LONGEST_NAME
    return message[HEADER : at + 5] if fits else b""
