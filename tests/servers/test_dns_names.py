"""What the lab's names mean, looked up in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mailsim.errors import LabError
from mailsim.model.stage import Release, Stage
from mailsim.servers.dns.names import CHAIN, Names
from mailsim.servers.dns.zones import Zone, labels
from mailsim.servers.world import World
from tests.servers.dns_asked import JOKER, NETWORK, with_zones

JOKERS = Names(with_zones(joker=JOKER))


@pytest.mark.parametrize(
    ("name", "rdtype", "records"),
    [
        ("minfo.sn", "MX", "10 mail.minfo.sn."),
        ("MAIL.minfo.sn", "a", "192.168.10.1"),
        ("www.minfo.sn.", "A", "192.168.10.1"),
        ("1.10.168.192.in-addr.arpa", "PTR", "mail.minfo.sn."),
        ("ugb.sn", "MX", "10 mx.ugb.sn."),
        ("66.66.168.192.dnsbl.minfo.sn", "A", "127.0.0.2"),
        ("2.0.0.127.dnsbl.minfo.sn", "A", "127.0.0.2"),
        (".", "NS", "mail.minfo.sn."),
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
        ("in-addr.arpa", "A", "NOERROR"),
        (".", "MX", "NOERROR"),
    ],
)
def test_what_has_no_record(name: str, rdtype: str, rcode: str) -> None:
    answer = Names(NETWORK).lookup(name, rdtype)
    assert (answer.rcode, answer.records) == (rcode, ())


@pytest.mark.parametrize(
    "name",
    [
        "a..b.sn", ".sn", "..", 64 * "x" + ".minfo.sn", ".".join(52 * ["abcd"]) + ".minfo.sn",
        "é.minfo.sn", "\udcff.minfo.sn", "a b.minfo.sn", "\\.minfo.sn", "x\\.minfo.sn", "[192.0.2.1]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", ["", ".dnsbl.minfo.sn"])
def test_what_is_no_name_does_not_exist(name: str, zone: str) -> None:
    assert Names(NETWORK).lookup(f"{name}{zone}", "A").rcode == "NXDOMAIN"
    everything = Names(NETWORK)
    everything.dnsbl_lists_all = True
    assert everything.lookup(f"{name}{zone}", "A").rcode in ("NXDOMAIN", "NOERROR")


def test_the_limits_of_a_name() -> None:
    assert labels(63 * "x") is not None
    assert labels(64 * "x") is None
    longest = ".".join([63 * "x"] * 3 + [61 * "x"])  # 255 octets (RFC 1035 §2.3.4)
    assert labels(longest) is not None
    assert labels(f"{longest}x") is None


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
    assert names.lookup("dnsbl.minfo.sn", "A").records == ()
    assert names.lookup("1.20.168.192.minfo.sn", "A").rcode == "NXDOMAIN"
    names.dnsbl_lists_all = False
    assert names.lookup(unlisted, "A").rcode == "NXDOMAIN"


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "records"),
    [
        ("any.joker.sn", "A", "NOERROR", ("192.0.2.9",)),
        ("any.other.joker.sn", "A", "NOERROR", ("192.0.2.9",)),
        ("any.joker.sn", "MX", "NOERROR", ()),
        ("own.joker.sn", "A", "NOERROR", ()),
        ("q.alias.joker.sn", "A", "NOERROR", ("192.0.2.1",)),
        # RFC 1034 §4.3.3: what is known to exist hides the wildcard for all below it.
        ("x.own.joker.sn", "A", "NXDOMAIN", ()),
        ("below.joker.sn", "A", "NOERROR", ()),
        ("x.below.joker.sn", "A", "NXDOMAIN", ()),
    ],
)
def test_a_wildcard_answers_for_what_does_not_exist(
    name: str, rdtype: str, rcode: str, records: tuple[str, ...]
) -> None:
    answer = JOKERS.lookup(name, rdtype)
    assert (answer.rcode, answer.records) == (rcode, records)


@pytest.mark.parametrize(
    ("name", "rcode", "records"),
    [
        ("c1.joker.sn", "NOERROR", ("192.0.2.1",)),
        ("out.joker.sn", "NOERROR", ("192.168.20.1",)),
        ("nodata.joker.sn", "NOERROR", ()),
        ("dead.joker.sn", "NXDOMAIN", ()),
        ("far.joker.sn", "NXDOMAIN", ()),
        ("loop.joker.sn", "SERVFAIL", ()),
        # Another server's, and there is none.
        ("x.sub.joker.sn", "SERVFAIL", ()),
    ],
)
def test_aliases_are_followed(name: str, rcode: str, records: tuple[str, ...]) -> None:
    answer = JOKERS.lookup(name, "A")
    assert (answer.rcode, answer.records) == (rcode, records)


def test_an_endless_chain_of_aliases_ends() -> None:
    rows = [f"n{number} IN CNAME n{number + 1}" for number in range(CHAIN + 2)]
    last = f"n{CHAIN + 2} IN A 192.0.2.1"
    names = Names(with_zones(joker=("$TTL 60", "@ IN SOA a b 1 2 3 4 5", "@ IN NS a", *rows, last)))
    assert names.lookup("n0.joker.sn", "A").rcode == "SERVFAIL"
    assert names.lookup("n2.joker.sn", "A").records == ("192.0.2.1",)


def test_the_records_keep_the_zone_s_order_and_the_least_ttl() -> None:
    answer = JOKERS.lookup("two.joker.sn", "A")
    assert (answer.records, answer.ttl) == (("192.0.2.1", "192.0.2.2"), 60)
    assert JOKERS.lookup("out.joker.sn", "A").ttl == 60


def test_a_zone_that_cannot_be_read_is_named_and_the_others_answer() -> None:
    told: list[str] = []
    names = Names(with_zones(cassee=("@ IN NONSENSE x",)), told.append)
    for _ in range(2):  # RFC 1035 §5.2: one error suppresses the zone
        assert names.lookup("www.cassee.sn", "A").rcode == "SERVFAIL"
        assert names.lookup("minfo.sn", "MX").records
    (line,) = told
    assert line.startswith("zone cassee.sn/IN: loading from master file failed: ")
    with pytest.raises(LabError, match=r"cassee\.sn"):
        names.check()


def test_a_lab_s_log_says_which_zone_is_broken() -> None:
    network = with_zones(cassee=("@ IN A 192.0.2.1",))
    world = World(network, stage=Stage.DNS, release=Release.NOBLE, seed="z", fixed=True)
    world.names.lookup("minfo.sn", "MX")
    (line,) = world.log.lines()
    assert " named[" in line
    assert "zone cassee.sn/IN" in line
    world.store.close()


def test_the_lab_s_own_zones_are_sound() -> None:
    Names(NETWORK).check()


def test_thousands_of_strange_names_are_not_kept() -> None:
    names = Names(NETWORK)
    for number in range(5000):
        names.lookup(f"n{number}.example", "A")
    assert len(names._answers) <= 4096


def test_a_missing_name_reads_no_zone_through() -> None:
    class Sets(dict[tuple[bytes, ...], object]):
        def __iter__(self) -> object:  # type: ignore[override]
            pytest.fail("the zone was read through")

    names = Names(NETWORK)
    zone: Zone = names.zone_of((b"minfo", b"sn"))
    zone.sets = Sets(zone.sets)  # type: ignore[assignment]
    assert names.lookup("nulle.part.minfo.sn", "A").rcode == "NXDOMAIN"


def test_a_lab_without_questions_does_not_import_dnspython() -> None:
    program = (
        "import sys, mailsim.servers.dns.server, mailsim.servers.world\n"
        "from mailsim.lab.network import network\n"
        "from mailsim.servers.dns.names import Names\n"
        "Names(network())\n"
        "sys.exit('dns' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
