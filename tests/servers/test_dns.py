"""The lab's name server: what it says of its own names, of the foreign ones, of all else."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from importlib.resources import files

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from mailsim.errors import LabError
from mailsim.model.network import Network, network_of
from mailsim.model.stage import Release, Stage
from mailsim.net.serving import connect
from mailsim.servers.disturbance import Rule, Truncate, delay, drop, reply
from mailsim.servers.dns.names import Names
from mailsim.servers.dns.responder import Responder
from mailsim.servers.dns.server import DnsListener, serve_dns
from mailsim.servers.world import World

DOCUMENT = json.loads(files("mailsim.lab").joinpath("network.json").read_text("utf-8"))
NETWORK = network_of(DOCUMENT)


def with_zone(name: str, *rows: str) -> Network:
    return network_of({**DOCUMENT, "zones": {**DOCUMENT["zones"], name: list(rows)}})


def ask(
    name: str, rdtype: str, *, tcp: bool = False, network: Network = NETWORK, **options: object
) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, **options)  # type: ignore[arg-type]
    answer = Responder(Names(network)).answer(query.to_wire(), tcp=tcp)
    assert answer is not None
    said = dns.message.from_wire(answer)
    assert query.is_response(said)
    return said


def texts(section: list[dns.rrset.RRset]) -> list[str]:
    return [one.to_text() for one in section]


SOA = "minfo.sn. 604800 IN SOA mail.minfo.sn. root.minfo.sn. 2 604800 86400 2419200 604800"


# --- names


@pytest.mark.parametrize(
    ("name", "rdtype", "records"),
    [
        ("minfo.sn", "MX", "10 mail.minfo.sn."),
        ("MAIL.minfo.sn", "A", "192.168.10.1"),
        ("www.minfo.sn.", "A", "192.168.10.1"),
        ("1.10.168.192.in-addr.arpa", "PTR", "mail.minfo.sn."),
        ("ugb.sn", "MX", "10 mx.ugb.sn."),
        ("66.66.168.192.dnsbl.minfo.sn", "A", "127.0.0.2"),
        ("2.0.0.127.dnsbl.minfo.sn", "A", "127.0.0.2"),
    ],
)
def test_the_lab_s_names(name: str, rdtype: str, records: str) -> None:
    assert Names(NETWORK).lookup(name, rdtype).records == (records,)


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        ("kelkpart.com", "MX", "NXDOMAIN"),
        ("nulle.part.minfo.sn", "A", "NXDOMAIN"),
        ("mail.minfo.sn", "AAAA", "NOERROR"),
        # Names that exist by what stands below them: no NXDOMAIN.
        ("168.192.dnsbl.minfo.sn", "A", "NOERROR"),
        ("sn", "A", "NOERROR"),
        (".", "MX", "NOERROR"),
    ],
)
def test_what_has_no_record(name: str, rdtype: str, rcode: str) -> None:
    answer = Names(NETWORK).lookup(name, rdtype)
    assert (answer.rcode, answer.records) == (rcode, ())


def test_addresses_lead_back_to_names() -> None:
    names = Names(NETWORK)
    assert names.reverse("192.168.66.66") == "spammeur.pub.sn"
    assert names.reverse("192.168.99.1") == ""
    assert names.reverse("no address") == ""
    assert names.reverse("::1") == ""


def test_a_list_that_lists_everything() -> None:
    names = Names(NETWORK)
    unlisted = "1.20.168.192.dnsbl.minfo.sn"
    assert names.lookup(unlisted, "A").rcode == "NXDOMAIN"
    names.dnsbl_lists_all = True
    assert names.lookup(unlisted, "A").records == ("127.0.0.2",)
    names.dnsbl_lists_all = False
    assert names.lookup(unlisted, "A").rcode == "NXDOMAIN"


def test_a_wildcard_answers_for_what_has_nothing_of_its_own() -> None:
    network = with_zone(
        "joker.sn",
        "$TTL 60",
        "@ IN SOA a. b. 1 2 3 4 5",
        "@ IN NS a.",
        "* IN A 192.0.2.1",
        "own IN MX 5 own",
        "deep.below IN A 192.0.2.3",
    )
    names = Names(network)
    assert names.lookup("any.joker.sn", "A").records == ("192.0.2.1",)
    assert names.lookup("any.other.joker.sn", "A").records == ("192.0.2.1",)
    assert names.lookup("own.joker.sn", "A").records == ()
    # RFC 1034 §4.3.3: the closest name that exists has no wildcard under it.
    assert names.lookup("x.below.joker.sn", "A").rcode == "NXDOMAIN"


def test_aliases_that_go_round_end() -> None:
    network = with_zone(
        "rond.sn",
        "$TTL 60",
        "@ IN SOA a. b. 1 2 3 4 5",
        "@ IN NS a.",
        "a IN CNAME b",
        "b IN CNAME a",
    )
    assert Names(network).lookup("a.rond.sn", "A").records == ()


def test_a_zone_that_cannot_be_read_is_named_and_the_others_answer() -> None:
    told: list[str] = []
    names = Names(with_zone("cassee.sn", "@ IN NONSENSE x"), told.append)
    assert names.lookup("www.cassee.sn", "A").rcode == "SERVFAIL"
    assert names.lookup("mail.cassee.sn", "A").rcode == "SERVFAIL"
    assert names.lookup("minfo.sn", "A").records
    (line,) = told
    assert line.startswith("zone cassee.sn/IN: loading from master file failed: ")
    with pytest.raises(LabError, match=r"cassee\.sn"):
        names.check()


def test_the_lab_s_own_zones_are_sound() -> None:
    Names(NETWORK).check()


def test_thousands_of_strange_names_are_not_kept() -> None:
    names, responder = Names(NETWORK), Responder(Names(NETWORK))
    for number in range(5000):
        names.lookup(f"n{number}.example", "A")
        responder.answer(dns.message.make_query(f"n{number}.example", "A").to_wire(), tcp=False)
    assert len(names._answers) <= 4096
    assert len(responder._kept) <= 4096


# --- answers


def test_an_answer_of_its_own_has_aa_and_the_hosts_addresses() -> None:
    said = ask("minfo.sn", "MX")
    assert texts(said.answer) == ["minfo.sn. 604800 IN MX 10 mail.minfo.sn."]
    assert texts(said.additional) == ["mail.minfo.sn. 604800 IN A 192.168.10.1"]
    assert said.flags & dns.flags.AA
    assert said.flags & dns.flags.RA


def test_an_alias_comes_before_what_it_means() -> None:
    assert texts(ask("www.minfo.sn", "A").answer) == [
        "www.minfo.sn. 604800 IN CNAME mail.minfo.sn.",
        "mail.minfo.sn. 604800 IN A 192.168.10.1",
    ]
    assert texts(ask("www.minfo.sn", "CNAME").answer) == [
        "www.minfo.sn. 604800 IN CNAME mail.minfo.sn."
    ]


def test_foreign_domains_are_answered_without_aa() -> None:
    said = ask("ugb.sn", "MX")
    assert said.answer
    assert not said.flags & dns.flags.AA


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "soa"),
    [
        ("nulle.minfo.sn", "A", dns.rcode.NXDOMAIN, SOA),
        ("mail.minfo.sn", "AAAA", dns.rcode.NOERROR, SOA),
        ("kelkpart.com", "A", dns.rcode.NXDOMAIN, ". 3600 IN SOA"),
    ],
)
def test_an_absence_carries_the_zone_s_soa(
    name: str, rdtype: str, rcode: dns.rcode.Rcode, soa: str
) -> None:
    said = ask(name, rdtype)
    assert said.rcode() == rcode
    assert not said.answer
    (authority,) = texts(said.authority)
    assert authority.startswith(soa)


def test_the_question_keeps_its_case() -> None:
    said = ask("MaIl.MiNfO.sN", "A")
    assert said.question[0].name.to_text() == "MaIl.MiNfO.sN."
    assert said.answer[0].name.to_text() == "MaIl.MiNfO.sN."


def test_any_gives_all_the_sets_as_bind_does_by_default() -> None:
    assert len(ask("minfo.sn", "ANY").answer) == 4
    assert len(ask("minfo.sn", "ANY", tcp=True).answer) == 4


def test_zones_are_given_to_nobody() -> None:
    assert ask("minfo.sn", "AXFR", tcp=True).rcode() == dns.rcode.REFUSED


def test_edns_is_answered_and_another_version_refused() -> None:
    said = ask("minfo.sn", "MX", use_edns=0, payload=4096)
    assert (said.edns, said.payload) == (0, 1232)
    assert ask("minfo.sn", "MX", use_edns=1).rcode() == dns.rcode.BADVERS


def test_what_is_too_long_for_udp_is_cut_and_marked() -> None:
    rows = ["$TTL 60", "@ IN SOA a. b. 1 2 3 4 5", "@ IN NS a."]
    network = with_zone("gros.sn", *rows, *(f'@ IN TXT "{"x" * 200}{n}"' for n in range(5)))
    cut = ask("gros.sn", "TXT", network=network)
    assert cut.flags & dns.flags.TC
    assert len(ask("gros.sn", "TXT", network=network, tcp=True).answer[0]) == 5
    assert not ask("gros.sn", "TXT", network=network, use_edns=0, payload=1232).flags & dns.flags.TC


def test_other_opcodes_and_broken_queries() -> None:
    responder = Responder(Names(NETWORK))
    query = dns.message.make_query("minfo.sn", "A")
    query.set_opcode(dns.opcode.STATUS)

    def rcode(wire: bytes) -> dns.rcode.Rcode:
        answer = responder.answer(wire, tcp=False)
        assert answer is not None
        return dns.message.from_wire(answer, one_rr_per_rrset=True).rcode()

    assert rcode(query.to_wire()) == dns.rcode.NOTIMP
    assert rcode(dns.message.make_query("minfo.sn", "A").to_wire()[:-3]) == dns.rcode.FORMERR
    assert rcode(b"\0\1" + b"\0" * 10) == dns.rcode.FORMERR
    assert responder.answer(b"short", tcp=False) is None
    assert responder.answer(b"\0\1\x80\0" + b"\0" * 8, tcp=False) is None


def test_version_bind_is_asked_in_class_chaos() -> None:
    responder = Responder(Names(NETWORK))
    query = dns.message.make_query("version.bind", "TXT", "CH")
    said = dns.message.from_wire(responder.answer(query.to_wire(), tcp=False) or b"")
    assert "mailsim" in said.answer[0].to_text()
    other = dns.message.make_query("minfo.sn", "A", "HS")
    assert (
        dns.message.from_wire(responder.answer(other.to_wire(), tcp=False) or b"").rcode()
        == dns.rcode.REFUSED
    )


# --- over the network


def serving(
    work: Callable[[DnsListener], Awaitable[None]], *, stage: Stage = Stage.SIEVE, fault: str = ""
) -> None:
    async def go() -> None:
        world = World(NETWORK, stage=stage, release=Release.NOBLE, seed="dns", fixed=True)
        if fault:
            world.fault(fault, on=True)
        listener = await serve_dns(world)
        try:
            await work(listener)
        finally:
            await listener.close()
            await world.queue.close()
            world.store.close()

    asyncio.run(go())


def by_udp(
    port: int, name: str = "minfo.sn", rdtype: str = "MX", seconds: float = 10
) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype)
    return dns.query.udp(query, "127.0.0.1", timeout=seconds, port=port)


def test_udp_and_tcp_answer_on_one_port() -> None:
    async def work(listener: DnsListener) -> None:
        query = dns.message.make_query("minfo.sn", "MX")
        udp = await asyncio.to_thread(by_udp, listener.port)
        tcp = await asyncio.to_thread(
            dns.query.tcp, query, "127.0.0.1", timeout=10, port=listener.port
        )
        assert texts(udp.answer) == texts(tcp.answer) != []

    serving(work)


def test_tcp_takes_queries_in_any_cut_and_several_at_once() -> None:
    async def work(listener: DnsListener) -> None:
        queries = [
            dns.message.make_query(f"{n}.minfo.sn", "A").to_wire() for n in ("mail", "poste")
        ]
        stream = b"".join(len(one).to_bytes(2, "big") + one for one in queries)
        peer = await connect("127.0.0.1", listener.port)
        for octet in stream[:-20]:
            peer.write(bytes([octet]))
            await peer.drain()
        peer.write(stream[-20:])
        got = b""
        said: list[dns.message.Message] = []
        while len(said) < 2:
            got += await peer.read(timeout=10)
            while len(got) >= 2 and len(got) >= 2 + int.from_bytes(got[:2], "big"):
                size = int.from_bytes(got[:2], "big")
                said.append(dns.message.from_wire(got[2 : 2 + size]))
                got = got[2 + size :]
        assert [one.answer[0][0].to_text() for one in said] == ["192.168.10.1", "192.168.10.50"]
        peer.close()

    serving(work)


def test_garbage_by_tcp_ends_that_connection_alone() -> None:
    async def work(listener: DnsListener) -> None:
        peer = await connect("127.0.0.1", listener.port)
        peer.write(b"\0\5abcde")
        assert await peer.read(timeout=10) == b""
        peer.close()
        assert (await asyncio.to_thread(by_udp, listener.port)).answer

    serving(work)


def test_a_filtered_port_53_says_nothing() -> None:
    async def work(listener: DnsListener) -> None:
        with pytest.raises(dns.exception.Timeout):
            await asyncio.to_thread(by_udp, listener.port, seconds=0.2)
        listener.world.fault("F10", on=False)
        assert (await asyncio.to_thread(by_udp, listener.port)).answer

    serving(work, fault="F10")


def test_disturbances() -> None:
    async def work(listener: DnsListener) -> None:
        rules = listener.world.disturbances
        rules.add(reply("fail twice", "SERVFAIL", protocol="dns", address="ugb.sn", nth="1-2"))
        codes = [
            (await asyncio.to_thread(by_udp, listener.port, "ugb.sn")).rcode() for _ in range(3)
        ]
        assert codes == [dns.rcode.SERVFAIL, dns.rcode.SERVFAIL, dns.rcode.NOERROR]
        rules.add(drop("silence", protocol="dns", command="MX", nth="1"))
        with pytest.raises(dns.exception.Timeout):
            await asyncio.to_thread(by_udp, listener.port, seconds=0.2)
        rules.add(delay("late", 0.01, protocol="dns", nth="1"))
        assert (await asyncio.to_thread(by_udp, listener.port)).answer
        rules.add(Rule("cut", Truncate(40), protocol="dns", nth="1"))
        query = dns.message.make_query("minfo.sn", "MX")
        said, by_tcp = await asyncio.to_thread(
            dns.query.udp_with_fallback, query, "127.0.0.1", 10, listener.port
        )
        assert by_tcp
        assert said.answer

    serving(work)


@pytest.mark.parametrize("program", ["dig", "nslookup"])
def test_the_student_s_own_programs(program: str) -> None:
    if shutil.which(program) is None:
        if os.environ.get("MAILSIM_REQUIRE_ORACLES") == "1":
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")

    async def work(listener: DnsListener) -> None:
        def run(*arguments: str) -> str:
            done = subprocess.run(
                [program, *arguments], capture_output=True, text=True, check=True, timeout=30
            )
            return done.stdout

        if program == "dig":
            where = ["@127.0.0.1", "-p", str(listener.port)]
            assert await asyncio.to_thread(run, *where, "+short", "minfo.sn", "MX") == (
                "10 mail.minfo.sn.\n"
            )
            said = await asyncio.to_thread(run, *where, "-x", "192.168.10.1")
            assert "mail.minfo.sn." in said
            assert "WARNING" not in said
        else:  # DEM1
            where = [f"-port={listener.port}"]
            said = await asyncio.to_thread(run, *where, "mail.minfo.sn", "127.0.0.1")
            assert "Address: 192.168.10.1" in said

    serving(work)
