"""What is no question, or none that is answered: opcodes, broken octets, types and classes."""

from __future__ import annotations

import dns.message
import dns.opcode
import dns.rcode
import dns.tsigkeyring
import pytest

from mailsim.servers.dns.names import Names
from mailsim.servers.dns.responder import Responder
from mailsim.servers.dns.wire import truncated
from tests.servers.dns_asked import NETWORK, texts

QUERY = dns.message.make_query("minfo.sn", "A", id=7).to_wire()


def rcode(wire: bytes, *, tcp: bool = False, transfers: bool = False) -> str:
    answer = Responder(Names(NETWORK), transfers=transfers).answer(wire, tcp=tcp)
    assert answer is not None
    assert answer[:2] == wire[:2]
    said = dns.message.from_wire(answer, keyring={})
    assert said.flags & dns.flags.QR
    return dns.rcode.to_text(said.rcode())


# --- what is no question


@pytest.mark.parametrize(
    ("opcode", "code"),
    [("IQUERY", "NOTIMP"), ("STATUS", "NOTIMP"), ("NOTIFY", "NOTIMP"), ("UPDATE", "REFUSED")],
)
def test_other_opcodes(opcode: str, code: str) -> None:
    wire = bytearray(QUERY)
    wire[2] = wire[2] & 0x87 | dns.opcode.from_text(opcode) << 3
    answer = Responder(Names(NETWORK)).answer(bytes(wire), tcp=False)
    assert answer is not None
    assert answer[2] >> 3 & 0xF == dns.opcode.from_text(opcode)
    assert dns.rcode.to_text(dns.rcode.from_flags(answer[3], 0)) == code


BODY = QUERY[12:]
OPT = b"\0\0\51\4\xd0" + 6 * b"\0"


def header(questions: int = 1, additional: int = 0) -> bytes:
    return b"\0\7\1\0\0" + bytes([questions]) + b"\0\0\0\0\0" + bytes([additional])


@pytest.mark.parametrize(
    "wire",
    [
        QUERY[:-3],
        header(),
        header(0),
        header(0, 1) + OPT,
        header(2) + BODY + BODY,
        header(1, 1) + BODY,
        header(1, 2) + BODY + OPT + OPT,
        header() + b"\xc0\x0c\0\1\0\1",
        header() + b"\xc0\xff\0\1\0\1",
        header() + b"\x41a\0\0\1\0\1",
        header() + 4 * (b"\x3f" + 63 * b"a") + b"\0\0\1\0\1",
        header(1, 1) + BODY + OPT[:-2] + b"\0\x0aab",
    ],
    ids=[
        "cut", "no question", "none announced", "EDNS alone", "two questions", "no such record",
        "two OPT", "a name that is itself", "a pointer ahead", "a label type", "too long a name",
        "a short option",
    ],
)  # fmt: skip
def test_broken_queries_are_format_errors(wire: bytes) -> None:
    assert rcode(wire) == rcode(wire, tcp=True) == "FORMERR"


def test_octets_behind_the_query_are_ignored_as_bind_does() -> None:
    assert rcode(QUERY + b"xyz") == "NOERROR"


def test_some_deserve_no_answer() -> None:
    responder = Responder(Names(NETWORK))
    assert responder.answer(b"short", tcp=False) is None
    answer = responder.answer(QUERY, tcp=False)
    assert answer is not None
    assert responder.answer(answer, tcp=False) is None  # two servers would answer for ever


def test_who_signs_is_not_known_here() -> None:
    query = dns.message.make_query("minfo.sn", "A", id=7)
    query.use_tsig(dns.tsigkeyring.from_text({"key.": "c2VjcmV0"}))
    assert rcode(query.to_wire()) == "NOTAUTH"


@pytest.mark.parametrize(
    ("rdtype", "code"),
    [
        ("TYPE65280", "NOERROR"),
        ("RRSIG", "NOERROR"),
        ("TYPE0", "NOERROR"),
        ("MAILB", "NOTIMP"),
        ("MAILA", "NOTIMP"),
        ("OPT", "FORMERR"),
        ("TSIG", "FORMERR"),
    ],
)
def test_types_that_nobody_has(rdtype: str, code: str) -> None:
    assert rcode(dns.message.make_query("minfo.sn", rdtype, id=7).to_wire()) == code


# --- classes


@pytest.mark.parametrize(
    ("rdclass", "code"),
    [("HS", "REFUSED"), ("ANY", "FORMERR"), ("NONE", "FORMERR"), ("CLASS55", "NOTIMP")],
)
def test_other_classes(rdclass: str, code: str) -> None:
    assert rcode(dns.message.make_query("minfo.sn", "A", rdclass, id=7).to_wire()) == code


@pytest.mark.parametrize(
    ("name", "rdtype", "code", "text"),
    [
        ("version.bind", "TXT", "NOERROR", "mailsim"),
        ("VERSION.BIND", "TXT", "NOERROR", "mailsim"),
        ("hostname.bind", "TXT", "NOERROR", '"mail"'),
        ("version.bind", "A", "NOERROR", ""),
        ("minfo.sn", "TXT", "REFUSED", ""),
    ],
)
def test_class_chaos(name: str, rdtype: str, code: str, text: str) -> None:
    query = dns.message.make_query(name, rdtype, "CH")
    answer = Responder(Names(NETWORK)).answer(query.to_wire(), tcp=False)
    said = dns.message.from_wire(answer or b"")
    assert dns.rcode.to_text(said.rcode()) == code
    assert text in " ".join(texts(said.answer))
    assert bool(said.answer) is bool(text)


def test_a_truncated_answer_is_whole_in_itself_or_cut() -> None:
    answer = Responder(Names(NETWORK)).answer(QUERY, tcp=False)
    assert answer is not None
    empty = dns.message.from_wire(truncated(answer, 0))
    assert empty.flags & dns.flags.TC
    assert (len(empty.question), empty.answer) == (1, [])
    assert truncated(answer, len(answer) - 1)[4:] == answer[4:-1]
    assert truncated(answer, len(answer) - 1)[2] == answer[2] | 2
