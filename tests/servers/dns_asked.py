"""The lab's network, its name server, and questions to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files

import dns.message
import dns.query
import dns.rrset

from mailsim.model.network import Network, network_of
from mailsim.model.stage import Release, Stage
from mailsim.servers.dns.names import Names
from mailsim.servers.dns.responder import Responder
from mailsim.servers.dns.server import DnsListener, serve_dns
from mailsim.servers.world import World

DOCUMENT = json.loads(files("mailsim.lab").joinpath("network.json").read_text("utf-8"))
NETWORK = network_of(DOCUMENT)
SECONDS = 10.0

JOKER = (
    "$TTL 60",
    "@ IN SOA a b 1 2 3 4 5",
    "@ IN NS a",
    "a IN A 192.0.2.1",
    "a IN AAAA 2001:db8::1",
    "* IN A 192.0.2.9",
    "own IN MX 5 own",
    "deep.below IN A 192.0.2.3",
    "*.alias IN CNAME a",
    "out IN CNAME mx.ugb.sn.",
    "dead IN CNAME nulle.ugb.sn.",
    "far IN CNAME kelkpart.com.",
    "loop IN CNAME loop2",
    "loop2 IN CNAME loop",
    "nodata IN CNAME own",
    "c1 IN CNAME c2",
    "c2 IN CNAME c3",
    "c3 IN CNAME a",
    "_sip._tcp IN SRV 0 0 5060 a",
    "two IN A 192.0.2.1",
    "two IN A 192.0.2.2",
    "sub IN NS ns.sub",
    "ns.sub IN A 192.0.2.66",
)
BIG = (
    "$TTL 60",
    "@ IN SOA a b 1 2 3 4 5",
    "@ IN NS a",
    "a IN A 192.0.2.1",
    *(f'@ IN TXT "{"x" * 200}{number}"' for number in range(8)),
    *(f"m IN MX {number} exchanger-{number}" for number in range(12)),
    *(f"exchanger-{number} IN A 192.0.2.{number + 10}" for number in range(12)),
)


def with_zones(**zones: tuple[str, ...]) -> Network:
    """The network with these zones under sn."""
    more = {f"{name}.sn": list(rows) for name, rows in zones.items()}
    return network_of({**DOCUMENT, "zones": {**DOCUMENT["zones"], **more}})


def ask(
    name: str, rdtype: str, *, tcp: bool = False, network: Network = NETWORK, **options: object
) -> dns.message.Message:
    """The answer to that question, which it must fit."""
    query = dns.message.make_query(name, rdtype, **options)  # type: ignore[arg-type]
    answer = Responder(Names(network)).answer(query.to_wire(), tcp=tcp)
    assert answer is not None
    said = dns.message.from_wire(answer)
    assert query.is_response(said)
    return said


def texts(section: list[dns.rrset.RRset]) -> list[str]:
    """The record sets in zone-file form."""
    return [one.to_text() for one in section]


def serving(
    work: Callable[[DnsListener], Awaitable[None]],
    *,
    stage: Stage = Stage.SIEVE,
    release: Release = Release.NOBLE,
    fault: str = "",
    network: Network = NETWORK,
) -> None:
    """Do `work` while a name server runs."""

    async def go() -> None:
        world = World(network, stage=stage, release=release, seed="dns", fixed=True)
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


async def by_udp(
    listener: DnsListener, name: str = "minfo.sn", rdtype: str = "MX", seconds: float = SECONDS
) -> dns.message.Message:
    """Ask it with dnspython by UDP."""
    query = dns.message.make_query(name, rdtype)
    return await asyncio.to_thread(
        dns.query.udp, query, "127.0.0.1", timeout=seconds, port=listener.port
    )


async def by_tcp(
    listener: DnsListener, name: str = "minfo.sn", rdtype: str = "MX"
) -> dns.message.Message:
    """Ask it with dnspython by TCP."""
    query = dns.message.make_query(name, rdtype)
    return await asyncio.to_thread(
        dns.query.tcp, query, "127.0.0.1", timeout=SECONDS, port=listener.port
    )
