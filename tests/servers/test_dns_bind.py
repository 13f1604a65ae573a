"""The same questions to a real BIND with the same zones: the same answers.

What differs by design is not asked: AA on foreign zones, which BIND is asked for here as
if it were their master, version.bind, and the reverse zones that BIND keeps empty for itself.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Protocol

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from mailsim.model.network import Network
from mailsim.servers.dns.names import Names
from mailsim.servers.dns.responder import Responder
from mailsim.servers.dns.zones import labels
from tests.servers.dns_asked import BIG, JOKER, SECONDS, with_zones

pytestmark = pytest.mark.oracle

_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_CONF = """\
options {{
    directory "{folder}"; pid-file none; session-keyfile none; lock-file none;
    listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }};
    recursion yes; dnssec-validation no; check-names primary ignore;
}};
controls {{ }};
"""
_ROOT = """\
$TTL 3600
@ IN SOA mail.minfo.sn. root.minfo.sn. 1 10800 3600 604800 3600
@ IN NS mail.minfo.sn.
minfo.sn. IN NS mail.minfo.sn.
mail.minfo.sn. IN A 192.168.10.1
"""

# A cut that leads nowhere keeps BIND waiting for a server that does not answer.
NETWORK = with_zones(joker=tuple(row for row in JOKER if "sub" not in row), gros=BIG)

TYPES = ("A", "AAAA", "MX", "NS", "SOA", "TXT", "CNAME", "PTR", "ANY")
NAMES = (
    "minfo.sn", "mail.minfo.sn", "www.minfo.sn", "nulle.minfo.sn", "dnsbl.minfo.sn", "ugb.sn",
    "1.10.168.192.in-addr.arpa", "66.66.168.192.dnsbl.minfo.sn", "168.192.dnsbl.minfo.sn",
    "joker.sn", "x.joker.sn", "x.y.joker.sn", "own.joker.sn", "x.own.joker.sn", "below.joker.sn",
    "x.below.joker.sn", "q.alias.joker.sn", "out.joker.sn", "dead.joker.sn", "far.joker.sn",
    "loop.joker.sn", "nodata.joker.sn", "c1.joker.sn", "two.joker.sn", "_sip._tcp.joker.sn",
    "*.joker.sn", r"x\.minfo.sn", r"a\.b.minfo.sn", r"\000\255.minfo.sn", "kelkpart.com", "m.gros.sn",
)  # fmt: skip
ODD_TYPES = ("SRV", "TYPE65280", "MAILA", "MAILB", "OPT", "TSIG", "TYPE0", "RRSIG", "NULL")


class Ask(Protocol):
    def __call__(self, wire: bytes, *, tcp: bool) -> bytes: ...


def _zones(folder: Path, network: Network) -> Iterator[str]:
    for name, text in {".": _ROOT, **network.zones}.items():
        file = folder / f"db.{name}"
        file.write_text(text, encoding="utf-8")
        yield f'zone "{name}" {{ type primary; file "{file}"; }};\n'


def _free() -> tuple[str, int]:
    """Loopback, and a port that is free there for both."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            where: tuple[str, int] = tcp.getsockname()
            try:
                udp.bind(where)
            except OSError:
                continue
            return where


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    program = shutil.which("named", path=_PATH)
    if program is None:
        pytest.skip("no BIND here")
    folder, where = tmp_path_factory.mktemp("named"), _free()
    conf = folder / "named.conf"
    conf.write_text(
        _CONF.format(folder=folder, address=where[0], port=where[1])
        + "".join(_zones(folder, NETWORK))
    )
    with subprocess.Popen(
        [program, "-g", "-c", str(conf)], stderr=subprocess.PIPE, text=True
    ) as named:
        assert named.stderr is not None
        missing, said = {"all zones loaded", "running"}, [""]  # in any order
        while missing := {one for one in missing if one not in said[-1]}:
            said.append(named.stderr.readline())
            assert said[-1], "".join(said)
        yield partial(_asked, where)
        named.terminate()
        named.stderr.read()


def _asked(where: tuple[str, int], wire: bytes, *, tcp: bool) -> bytes:
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as client:
        client.settimeout(SECONDS)
        client.connect(where)
        if not tcp:
            client.send(wire)
            return client.recv(65_535)
        with client.makefile("rwb") as stream:
            stream.write(len(wire).to_bytes(2, "big") + wire)
            stream.flush()
            return stream.read(int.from_bytes(stream.read(2), "big"))


@pytest.fixture(scope="module")
def ours() -> Responder:
    names = Names(NETWORK)
    # All zones are its own, as for the BIND beside it.
    names.own = frozenset(
        found for one in (".", *NETWORK.zones) if (found := labels(one)) is not None
    )
    return Responder(names, transfers=True)


def shown(wire: bytes | None) -> list[object]:
    """What counts: BIND mixes the records of a set, and writes an owner in its zone's letters."""
    assert wire is not None
    said = dns.message.from_wire(wire, one_rr_per_rrset=True)
    sections = (said.answer, said.authority, said.additional)
    if said.flags & dns.flags.TC:  # BIND leaves what fits, and a client throws it away
        sections = ([], [], [])
    return [
        dns.rcode.to_text(said.rcode()),
        dns.flags.to_text(said.flags),
        (said.edns, said.payload if said.edns >= 0 else 0, said.ednsflags & dns.flags.DO),
        [str(one) for one in said.question],
        *(sorted(one.to_text().lower() for one in section) for section in sections),
    ]


def compare(bind: Ask, ours: Responder, query: dns.message.Message, *, tcp: bool = False) -> None:
    query.id = 7
    wire = query.to_wire()
    assert shown(ours.answer(wire, tcp=tcp)) == shown(bind(wire, tcp=tcp))


@pytest.mark.parametrize("name", NAMES)
def test_every_type_of_every_name(bind: Ask, ours: Responder, name: str) -> None:
    for rdtype in TYPES:
        compare(bind, ours, dns.message.make_query(name, rdtype))
        compare(bind, ours, dns.message.make_query(name, rdtype, flags=0))


@pytest.mark.parametrize("rdtype", ODD_TYPES)
def test_odd_types(bind: Ask, ours: Responder, rdtype: str) -> None:
    for name in ("minfo.sn", "_sip._tcp.joker.sn"):
        compare(bind, ours, dns.message.make_query(name, rdtype))


@pytest.mark.parametrize("payload", [0, 300, 512, 1000, 1232, 4096])
def test_every_size(bind: Ask, ours: Responder, payload: int) -> None:
    options = {"use_edns": 0, "payload": payload} if payload else {}
    for name, rdtype in (("gros.sn", "TXT"), ("minfo.sn", "A"), ("nulle.minfo.sn", "A")):
        compare(bind, ours, dns.message.make_query(name, rdtype, **options))  # type: ignore[arg-type]
    compare(bind, ours, dns.message.make_query("minfo.sn", "A", want_dnssec=True))


@pytest.mark.parametrize("name", ["minfo.sn", "gros.sn", "m.gros.sn", "www.minfo.sn"])
def test_by_tcp(bind: Ask, ours: Responder, name: str) -> None:
    for rdtype in ("A", "MX", "TXT", "ANY"):
        compare(bind, ours, dns.message.make_query(name, rdtype), tcp=True)


def test_a_transfer_has_the_same_records(bind: Ask, ours: Responder) -> None:
    for zone in NETWORK.zones:
        wire = dns.message.make_query(zone, "AXFR", id=7).to_wire()
        assert shown(ours.answer(wire, tcp=True))[4] == shown(bind(wire, tcp=True))[4]


@pytest.mark.parametrize("cut", range(12, 26))
def test_queries_that_end_too_soon(bind: Ask, ours: Responder, cut: int) -> None:
    wire = dns.message.make_query("minfo.sn", "A", id=7).to_wire()[:cut]
    assert shown(ours.answer(wire, tcp=False)) == shown(bind(wire, tcp=False))
