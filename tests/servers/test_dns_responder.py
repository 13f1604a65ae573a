"""What the name server answers: one behaviour a test, octets in and octets out."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.tsigkeyring
import pytest

from mailsim.servers.dns.names import Names
from mailsim.servers.dns.responder import Responder
from tests.servers.dns_asked import BIG, JOKER, NETWORK, ask, texts, with_zones

SOA = "minfo.sn. 604800 IN SOA mail.minfo.sn. root.minfo.sn. 2 604800 86400 2419200 604800"
MAIL = "mail.minfo.sn. 604800 IN A 192.168.10.1"
ROOT = ". 3600 IN SOA mail.minfo.sn. root.minfo.sn. 1 10800 3600 604800 3600"
NETWORKS = with_zones(joker=JOKER, gros=BIG)
QUERY = dns.message.make_query("minfo.sn", "A", id=7).to_wire()


def rcode(wire: bytes, *, tcp: bool = False, transfers: bool = False) -> str:
    answer = Responder(Names(NETWORK), transfers=transfers).answer(wire, tcp=tcp)
    assert answer is not None
    assert answer[:2] == wire[:2]
    said = dns.message.from_wire(answer, keyring={})
    assert said.flags & dns.flags.QR
    return dns.rcode.to_text(said.rcode())


# --- sections


def test_an_mx_brings_the_addresses_of_its_hosts() -> None:
    said = ask("minfo.sn", "MX")
    assert texts(said.answer) == ["minfo.sn. 604800 IN MX 10 mail.minfo.sn."]
    assert texts(said.additional) == [MAIL]
    assert not said.authority


@pytest.mark.parametrize(
    ("name", "rdtype"), [("joker.sn", "NS"), ("_sip._tcp.joker.sn", "SRV")], ids=["NS", "SRV"]
)
def test_both_kinds_of_address_come_along(name: str, rdtype: str) -> None:
    said = ask(name, rdtype, network=NETWORKS)
    assert texts(said.additional) == [
        "a.joker.sn. 60 IN A 192.0.2.1",
        "a.joker.sn. 60 IN AAAA 2001:db8::1",
    ]


def test_more_than_thirteen_hosts_bring_no_address() -> None:
    hosts = (row for n in range(14) for row in (f"@ IN MX {n} h{n}", f"h{n} IN A 192.0.2.{n}"))
    network = with_zones(viele=("$TTL 60", "@ IN SOA a b 1 2 3 4 5", "@ IN NS a", *hosts))
    assert not ask("viele.sn", "MX", tcp=True, network=network).additional


def test_hosts_of_other_zones_bring_no_address() -> None:
    assert not ask("dnsbl.minfo.sn", "NS").additional


def test_without_rd_the_zone_s_name_servers_come_too() -> None:
    said = ask("minfo.sn", "A", flags=0)
    assert texts(said.authority) == ["minfo.sn. 604800 IN NS mail.minfo.sn."]
    assert texts(said.additional) == [MAIL]
    alias = ask("www.minfo.sn", "A", flags=0)
    assert (len(alias.answer), len(alias.authority), alias.additional) == (2, 1, [])
    assert not ask("minfo.sn", "NS", flags=0).authority


def test_an_alias_comes_before_what_it_means() -> None:
    # RFC 1034 §4.3.2, step 3a
    alias = "www.minfo.sn. 604800 IN CNAME mail.minfo.sn."
    assert texts(ask("www.minfo.sn", "A").answer) == [alias, MAIL]
    assert texts(ask("www.minfo.sn", "CNAME").answer) == [alias]


@pytest.mark.parametrize(
    ("name", "code", "soa"),
    [
        ("nulle.minfo.sn", "NXDOMAIN", SOA),
        ("mail.minfo.sn", "NOERROR", SOA),
        ("kelkpart.com", "NXDOMAIN", ROOT),
        ("sn", "NOERROR", ROOT),
        # RFC 2308 §2.1 and §2.2: of the last name of the chain.
        ("dead.joker.sn", "NXDOMAIN", "ugb.sn. 3600 IN SOA"),
        ("nodata.joker.sn", "NOERROR", "joker.sn. 5 IN SOA"),
    ],
)
def test_an_absence_carries_the_zone_s_soa(name: str, code: str, soa: str) -> None:
    # RFC 2308 §3: its TTL is the least of its own and MINIMUM.
    said = ask(name, "AAAA", network=NETWORKS)
    assert dns.rcode.to_text(said.rcode()) == code
    (authority,) = texts(said.authority)
    assert authority.startswith(soa)
    assert not said.additional


def test_aliases_that_go_round_fail_with_what_was_found() -> None:
    said = ask("loop.joker.sn", "A", network=NETWORKS)
    assert said.rcode() == dns.rcode.SERVFAIL
    assert len(said.answer) == 2
    assert not said.authority


def test_a_wildcard_answers_under_the_name_asked_for() -> None:
    # RFC 1034 §4.3.2, step 3c: "set the owner of the RR to be QNAME"
    assert texts(ask("any.joker.sn", "A", network=NETWORKS).answer) == [
        "any.joker.sn. 60 IN A 192.0.2.9"
    ]


def test_any_gives_all_the_sets_as_bind_does_by_default() -> None:
    kinds = [one.split()[3] for one in texts(ask("minfo.sn", "ANY").answer)]
    assert kinds == ["SOA", "NS", "MX", "A"]


def test_the_order_is_the_same_each_time() -> None:
    query = dns.message.make_query("m.gros.sn", "MX", id=1).to_wire()
    answers = {Responder(Names(NETWORKS)).answer(query, tcp=True) for _ in range(20)}
    assert len(answers) == 1


def test_without_rd_nobody_is_followed_into_another_zone() -> None:
    said = ask("out.joker.sn", "A", network=NETWORKS, flags=0)
    assert texts(said.answer) == ["out.joker.sn. 60 IN CNAME mx.ugb.sn."]
    assert (said.rcode(), said.authority) == (dns.rcode.NOERROR, [])


def test_signatures_are_looked_for_beside_the_alias() -> None:
    said = ask("www.minfo.sn", "RRSIG")
    assert (said.answer, texts(said.authority)) == ([], [SOA])


def test_who_looks_for_a_zone_s_top_is_to_remember_no_absence() -> None:
    assert ask("nulle.minfo.sn", "SOA").authority[0].ttl == 0
    assert ask("mail.minfo.sn", "SOA").authority[0].ttl == 604_800


# --- names


def test_the_question_keeps_its_case() -> None:
    said = ask("MaIl.MiNfO.sN", "A")
    assert said.question[0].name.to_text() == "MaIl.MiNfO.sN."
    assert said.answer[0].name.to_text() == "MaIl.MiNfO.sN."


def test_names_are_compressed() -> None:
    # RFC 1035 §4.1.4: the second minfo.sn is a pointer.
    query = dns.message.make_query("minfo.sn", "NS").to_wire()
    answer = Responder(Names(NETWORK)).answer(query, tcp=False)
    assert answer is not None
    assert answer.count(b"\5minfo\2sn\0") == 1


@pytest.mark.parametrize("name", [r"\000\255.minfo.sn", r"a\.b.minfo.sn", "*.minfo.sn", r"\032.fr"])
def test_any_octets_may_stand_in_a_name(name: str) -> None:
    assert ask(name, "A").rcode() == dns.rcode.NXDOMAIN


def test_a_dot_within_a_label_divides_nothing() -> None:
    said = ask(r"x\.minfo.sn", "A")  # two labels: it is not in the zone minfo.sn
    assert texts(said.authority) == [ROOT]


def test_the_longest_and_the_deepest_names() -> None:
    assert ask(".".join(127 * ["a"]), "A").rcode() == dns.rcode.NXDOMAIN
    assert ask(".".join([63 * "x"] * 3 + [61 * "x"]), "A").rcode() == dns.rcode.NXDOMAIN


# --- flags


@pytest.mark.parametrize(
    ("name", "aa"),
    [
        ("minfo.sn", True),
        ("nulle.minfo.sn", True),
        ("1.10.168.192.in-addr.arpa", True),
        ("x.dnsbl.minfo.sn", True),
        ("1.0.0.127.in-addr.arpa", True),
        ("ugb.sn", False),
        ("1.20.168.192.in-addr.arpa", False),
        ("kelkpart.com", False),
    ],
)
def test_aa_stands_on_the_server_s_own_zones_alone(name: str, aa: bool) -> None:  # noqa: FBT001
    said = ask(name, "A")
    assert bool(said.flags & dns.flags.AA) is aa
    assert said.flags & dns.flags.RA


def test_aa_is_said_of_the_first_name() -> None:
    # RFC 1035 §4.1.1
    network = with_zones(joker=JOKER)
    assert not ask("out.joker.sn", "A", network=network).flags & dns.flags.AA


def test_rd_and_cd_are_copied() -> None:
    flags = dns.flags.RD | dns.flags.CD
    copied = ask("minfo.sn", "A", flags=flags).flags
    assert copied & flags == flags
    assert not ask("minfo.sn", "A", flags=0).flags & flags
    assert not copied & dns.flags.AD


# --- EDNS


def test_edns_is_answered_with_bind_s_size() -> None:
    said = ask("minfo.sn", "MX", use_edns=0, payload=4096)
    assert (said.edns, said.payload, said.ednsflags) == (0, 1232, 0)
    assert ask("minfo.sn", "MX").edns == -1


def test_do_comes_back() -> None:
    assert ask("minfo.sn", "MX", want_dnssec=True).ednsflags == dns.flags.DO


def test_another_version_of_edns_is_refused() -> None:
    # RFC 6891 §6.1.3
    said = ask("minfo.sn", "MX", use_edns=1)
    assert (said.rcode(), said.edns, said.answer) == (dns.rcode.BADVERS, 0, [])


def test_unknown_options_are_ignored() -> None:
    options = [
        dns.edns.GenericOption(dns.edns.OptionType.make(65_000), b"x"),
        dns.edns.CookieOption(b"12345678", b""),
    ]
    said = ask("minfo.sn", "MX", use_edns=0, options=options)
    assert said.answer
    assert said.options == ()


# --- truncation


@pytest.mark.parametrize(
    ("payload", "cut"), [(0, True), (300, True), (1232, True), (4096, True)], ids=str
)
def test_what_is_too_long_for_udp_is_cut_and_marked(payload: int, cut: bool) -> None:  # noqa: FBT001
    # RFC 1035 §4.2.1: 512 octets; with EDNS what the client takes, and what BIND sends at most.
    options = {"use_edns": 0, "payload": payload} if payload else {}
    query = dns.message.make_query("gros.sn", "TXT", **options)  # type: ignore[arg-type]
    answer = Responder(Names(NETWORKS)).answer(query.to_wire(), tcp=False)
    assert answer is not None
    assert len(answer) <= max(512, min(payload, 1232))
    assert bool(dns.message.from_wire(answer).flags & dns.flags.TC) is cut
    assert len(ask("gros.sn", "TXT", network=NETWORKS, tcp=True).answer[0]) == 8


def test_edns_makes_room() -> None:
    short = ("$TTL 60", "@ IN SOA a b 1 2 3 4 5", "@ IN NS a")
    network = with_zones(long=(*short, *(f'@ IN TXT "{"x" * 200}{n}"' for n in range(5))))
    assert ask("long.sn", "TXT", network=network).flags & dns.flags.TC
    assert not ask("long.sn", "TXT", network=network, use_edns=0, payload=1232).flags & dns.flags.TC


def test_for_want_of_additional_records_nothing_is_marked() -> None:
    # RFC 2181 §9
    said = ask("m.gros.sn", "MX", network=NETWORKS)
    assert len(said.answer[0]) == 12
    assert not said.flags & dns.flags.TC
    whole = ask("m.gros.sn", "MX", network=NETWORKS, tcp=True)
    assert len(said.additional) < len(whole.additional) == 12


# --- zone transfers


@pytest.mark.parametrize(
    ("name", "tcp", "transfers", "code"),
    [
        ("minfo.sn", True, True, "NOERROR"),
        ("minfo.sn", False, True, "FORMERR"),  # RFC 1035 §4.2.1: not by UDP
        ("minfo.sn", True, False, "REFUSED"),
        ("ugb.sn", True, True, "NOTAUTH"),
        ("mail.minfo.sn", True, True, "NOTAUTH"),
    ],
)
def test_who_gets_a_whole_zone(name: str, tcp: bool, transfers: bool, code: str) -> None:  # noqa: FBT001
    wire = dns.message.make_query(name, "AXFR", id=7).to_wire()
    assert rcode(wire, tcp=tcp, transfers=transfers) == code


def test_a_transfer_begins_and_ends_with_the_soa() -> None:
    # RFC 5936 §2.2
    wire = dns.message.make_query("minfo.sn", "AXFR").to_wire()
    answer = Responder(Names(NETWORK), transfers=True).answer(wire, tcp=True)
    said = dns.message.from_wire(answer or b"", one_rr_per_rrset=True)
    records = texts(said.answer)
    assert records[0] == records[-1] == SOA
    assert sorted(set(records)) == sorted(records[:-1])
    assert len(records) == len(NETWORK.zones["minfo.sn"].splitlines())  # $TTL out, the SOA twice


# --- by memory, by rule


def test_the_answer_from_memory_is_the_same_but_for_its_id() -> None:
    responder = Responder(Names(NETWORK))
    first = responder.answer(b"\1\2" + QUERY[2:], tcp=False)
    again = responder.answer(b"\3\4" + QUERY[2:], tcp=False)
    assert first is not None
    assert again == b"\3\4" + first[2:]


def test_the_list_s_answers_from_memory_know_fault_f23() -> None:
    names = Names(NETWORK)
    responder = Responder(names)
    query = dns.message.make_query("1.2.3.4.dnsbl.minfo.sn", "A").to_wire()
    for listed in (False, True, False):
        names.dnsbl_lists_all = listed
        said = dns.message.from_wire(responder.answer(query, tcp=False) or b"")
        assert bool(said.answer) is listed


def test_thousands_of_questions_are_not_kept() -> None:
    responder = Responder(Names(NETWORK))
    for number in range(5000):
        responder.answer(QUERY + number.to_bytes(2, "big"), tcp=False)
    responder.answer(QUERY + 4000 * b"x", tcp=False)
    assert len(responder._kept) <= 4096
    assert max(len(key[0]) for key in responder._kept) < 2048


@pytest.mark.parametrize(
    ("text", "code"), [("REFUSED", "REFUSED"), ("NXDOMAIN", "NXDOMAIN"), ("451 4.3.0", "SERVFAIL")]
)
def test_an_answer_by_rule(text: str, code: str) -> None:
    query = dns.message.make_query("minfo.sn", "A", use_edns=0, id=7)
    said = dns.message.from_wire(Responder(Names(NETWORK)).failure(query.to_wire(), text))
    assert query.is_response(said)
    assert (dns.rcode.to_text(said.rcode()), said.edns, said.answer) == (code, 0, [])
    broken = Responder(Names(NETWORK)).failure(QUERY[:-2], text)
    assert dns.rcode.to_text(dns.message.from_wire(broken).rcode()) == code
