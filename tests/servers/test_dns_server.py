"""The name server over sockets: UDP and TCP, ordinary clients, rules that disturb it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.zone
import pytest

from mailsim.errors import ConnectionTimeout, LabError, RemoteProtocolError
from mailsim.model.stage import Release, Stage
from mailsim.net import Timeouts
from mailsim.net.datagram_server import serve_datagrams
from mailsim.net.serving import Peer, connect
from mailsim.servers.disturbance import Rule, delay, drop, reply, truncate
from mailsim.servers.dns import server
from mailsim.servers.dns.server import DnsListener
from mailsim.servers.world import World
from mailsim.tracers.dns import DnsTracer
from tests.servers.dns_asked import BIG, by_tcp, by_udp, serving, texts, with_zones

FAST = Timeouts(connect=5.0, silence=0.2, exchange=10.0)


def framed(*names: str) -> bytes:
    wires = [dns.message.make_query(f"{name}.minfo.sn", "A").to_wire() for name in names]
    return b"".join(len(one).to_bytes(2, "big") + one for one in wires)


async def answers(peer: Peer, count: int) -> list[str]:
    got, said = b"", list[str]()
    while len(said) < count:
        data = await peer.read(timeout=10)
        assert data
        got += data
        while len(got) >= 2 and len(got) >= 2 + (size := int.from_bytes(got[:2], "big")):
            said.append(dns.message.from_wire(got[2 : 2 + size]).answer[0][0].to_text())
            got = got[2 + size :]
    return said


def test_udp_and_tcp_answer_on_one_port() -> None:
    async def work(listener: DnsListener) -> None:
        udp, tcp = await by_udp(listener), await by_tcp(listener)
        assert texts(udp.answer) == texts(tcp.answer) != []

    serving(work)


def test_a_port_that_udp_has_lost_is_tried_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = list[int]()

    async def taken_once(*given: object, port: int, host: str) -> object:
        tried.append(port)
        if len(tried) == 1:
            raise OSError
        return await serve_datagrams(*given, port=port, host=host)  # type: ignore[arg-type]

    monkeypatch.setattr(server, "serve_datagrams", taken_once)

    async def work(listener: DnsListener) -> None:
        assert len(tried) == 2
        assert listener.port == tried[1]
        assert (await by_udp(listener)).answer

    serving(work)


def test_no_port_at_all_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    async def taken(*_: object, **__: object) -> object:
        raise OSError

    async def work(_: DnsListener) -> None:
        pytest.fail("it listens")

    monkeypatch.setattr(server, "serve_datagrams", taken)
    with pytest.raises(LabError, match="dns"):
        serving(work)


def test_tcp_takes_queries_in_any_cut_and_several_at_once() -> None:
    # RFC 1035 §4.2.2; RFC 7766 §6.2.1.1: pipelining
    async def work(listener: DnsListener) -> None:
        peer = await connect("127.0.0.1", listener.port)
        stream = framed("mail", "poste", "mail")
        for octet in stream[:-20]:
            peer.write(bytes([octet]))
            await peer.drain()
        peer.write(stream[-20:])
        assert await answers(peer, 3) == ["192.168.10.1", "192.168.10.50", "192.168.10.1"]
        peer.write(framed(*["poste"] * 300))  # and the connection goes on
        assert await answers(peer, 300) == ["192.168.10.50"] * 300
        peer.close()

    serving(work)


@pytest.mark.parametrize("garbage", [b"\0\5abcde", b"\0\0", b"\0\x0c\0\1\x80\0" + 8 * b"\0"])
def test_garbage_by_tcp_ends_that_connection_alone(garbage: bytes) -> None:
    async def work(listener: DnsListener) -> None:
        peer = await connect("127.0.0.1", listener.port)
        peer.write(garbage)
        assert await peer.read(timeout=10) == b""
        peer.close()
        assert (await by_udp(listener)).answer

    serving(work)


def test_who_says_nothing_by_tcp_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE", 0.05)

    async def work(listener: DnsListener) -> None:
        peer = await connect("127.0.0.1", listener.port)
        assert await peer.read(timeout=10) == b""
        slow = await connect("127.0.0.1", listener.port)
        for octet in framed("mail"):  # dripping does not win time
            slow.write(bytes([octet]))
            try:
                assert await slow.read(timeout=0.02) == b""
                break
            except TimeoutError:
                continue
        else:
            pytest.fail("it waited for each octet anew")
        peer.close()
        slow.close()

    serving(work)


def test_close_ends_connections_and_late_answers() -> None:
    async def work(listener: DnsListener) -> None:
        listener.world.disturbances.add(delay("late", 3600, protocol="dns"))
        peer = await connect("127.0.0.1", listener.port)
        peer.write(framed("mail"))
        with pytest.raises(dns.exception.Timeout):
            await by_udp(listener, seconds=0.1)
        await listener.close()
        assert await peer.read(timeout=10) == b""
        peer.close()

    serving(work)


def test_another_world_answers_as_soon_as_it_is_set() -> None:
    async def work(listener: DnsListener) -> None:
        assert (await by_udp(listener, "gros.sn", "A")).rcode() == dns.rcode.NXDOMAIN
        before = listener.world
        listener.world = World(
            with_zones(gros=BIG), stage=Stage.DNS, release=Release.NOBLE, seed="x", fixed=True
        )
        assert (await by_udp(listener, "gros.sn", "A")).rcode() == dns.rcode.NOERROR
        listener.world.store.close()
        listener.world = before

    serving(work)


def test_a_filtered_port_53_says_nothing() -> None:
    async def work(listener: DnsListener) -> None:
        with pytest.raises(dns.exception.Timeout):
            await by_udp(listener, seconds=0.1)
        listener.world.fault("F10", on=False)
        assert (await by_udp(listener)).answer

    serving(work, fault="F10")


@pytest.mark.parametrize(
    ("release", "given"),
    [
        (Release.BOOKWORM, True),
        (Release.NOBLE, True),
        (Release.TRIXIE, False),
        (Release.RESOLUTE, False),
    ],
)
def test_zones_are_given_by_bind_9_18_alone(release: Release, given: bool) -> None:  # noqa: FBT001
    async def work(listener: DnsListener) -> None:
        def transfer() -> dns.zone.Zone:
            found = dns.query.xfr("127.0.0.1", "minfo.sn", port=listener.port, lifetime=10)
            return dns.zone.from_xfr(found)

        if given:
            assert "www" in {str(name) for name in (await asyncio.to_thread(transfer)).nodes}
        else:
            with pytest.raises(dns.query.TransferError):
                await asyncio.to_thread(transfer)

    serving(work, release=release)


# --- disturbances


def test_fail_twice_then_succeed() -> None:
    async def work(listener: DnsListener) -> None:
        listener.world.disturbances.add(
            reply("twice", "SERVFAIL", protocol="dns", address="UGB.sn", command="MX", nth="1-2")
        )
        codes = [(await by_udp(listener, "ugb.sn")).rcode() for _ in range(3)]
        assert codes == [dns.rcode.SERVFAIL, dns.rcode.SERVFAIL, dns.rcode.NOERROR]
        assert (await by_udp(listener, "minfo.sn")).answer

    serving(work)


@pytest.mark.parametrize("rule", [drop("r", nth="1"), reply("r", "REFUSED", protocol="dns")])
def test_rules_hold_by_tcp_too(rule: Rule) -> None:
    async def work(listener: DnsListener) -> None:
        listener.world.disturbances.add(rule)
        if rule.protocol == "dns":
            assert (await by_tcp(listener)).rcode() == dns.rcode.REFUSED
        else:
            with pytest.raises(EOFError):
                await by_tcp(listener)
            assert (await by_tcp(listener)).answer

    serving(work)


def test_a_dropped_query_is_never_answered() -> None:
    async def work(listener: DnsListener) -> None:
        listener.world.disturbances.add(drop("silence", protocol="dns", nth="1"))
        with pytest.raises(dns.exception.Timeout):
            await by_udp(listener, seconds=0.1)
        assert (await by_udp(listener)).answer

    serving(work)


def test_a_delayed_answer_comes_and_holds_up_nobody() -> None:
    async def work(listener: DnsListener) -> None:
        listener.world.disturbances.add(delay("late", 0.05, protocol="dns", address="ugb.sn"))
        late = asyncio.create_task(by_udp(listener, "ugb.sn"))
        assert (await by_udp(listener)).answer
        assert (await late).answer
        assert not listener._late

    serving(work)


def test_a_truncated_answer_by_tcp_is_cut_off() -> None:
    async def work(listener: DnsListener) -> None:
        listener.world.disturbances.add(truncate("cut", 20, protocol="dns", nth="1"))
        peer = await connect("127.0.0.1", listener.port)
        peer.write(framed("mail"))
        got = b""
        while data := await peer.read(timeout=10):
            got += data
        assert len(got) == 22
        assert int.from_bytes(got[:2], "big") > 20
        peer.close()

    serving(work)


# --- clients


def test_the_tracer_of_the_project() -> None:
    def trace(port: int) -> None:
        with DnsTracer(f"127.0.0.1:{port}") as tracer:
            assert [one.data for one in tracer.query("minfo.sn", "MX").response.answer] == [
                "10 mail.minfo.sn."
            ]
            assert tracer.query("kelkpart.com", "MX").rcode == "NXDOMAIN"
            assert tracer.reverse("192.168.66.66").response.answer
            assert tracer.dnsbl("192.168.66.66", "dnsbl.minfo.sn").rcode == "NOERROR"
            assert tracer.query("gros.sn", "TXT").rcode == "NOERROR"  # cut, then by TCP

    async def work(listener: DnsListener) -> None:
        await asyncio.to_thread(trace, listener.port)

    serving(work, network=with_zones(gros=BIG))


@pytest.mark.parametrize("octets", [0, 20])
def test_the_tracer_asks_by_tcp_after_a_truncation(octets: int) -> None:
    def trace(port: int) -> None:
        with DnsTracer(f"127.0.0.1:{port}") as tracer:
            assert tracer.query("minfo.sn", "MX").response.answer

    async def work(listener: DnsListener) -> None:
        listener.world.disturbances.add(truncate("cut", octets, protocol="dns", nth="1"))
        await asyncio.to_thread(trace, listener.port)

    serving(work)


def test_the_tracer_says_so_of_half_an_answer() -> None:
    def trace(port: int) -> None:
        with DnsTracer(f"127.0.0.1:{port}") as tracer, pytest.raises(RemoteProtocolError):
            tracer.query("minfo.sn", "MX")

    async def work(listener: DnsListener) -> None:
        listener.world.disturbances.add(truncate("cut", 40, protocol="dns", nth="1"))
        await asyncio.to_thread(trace, listener.port)

    serving(work)


def test_the_tracer_tries_again_after_silence() -> None:
    def trace(port: int) -> None:
        with DnsTracer(f"127.0.0.1:{port}", timeouts=FAST) as tracer:
            assert tracer.query("minfo.sn", "MX").response.answer
            with pytest.raises(ConnectionTimeout):
                tracer.query("ugb.sn", "MX")

    async def work(listener: DnsListener) -> None:
        rules = listener.world.disturbances
        rules.add(drop("once", protocol="dns", address="minfo.sn", nth="1"))
        rules.add(drop("always", protocol="dns", address="ugb.sn"))
        await asyncio.to_thread(trace, listener.port)

    serving(work)


def run(program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        if os.environ.get("MAILSIM_REQUIRE_ORACLES") == "1":
            pytest.fail(f"{program} is not installed")
        pytest.skip(f"{program} is not installed")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_dig() -> None:
    def dig(port: int) -> None:
        where = ("@127.0.0.1", "-p", str(port))
        assert run("dig", *where, "+short", "minfo.sn", "MX") == "10 mail.minfo.sn.\n"
        said = run("dig", *where, "-x", "192.168.10.1")
        assert "mail.minfo.sn." in said
        assert "WARNING" not in said.upper()
        assert run("dig", *where, "+short", "gros.sn", "TXT").count("xxx") >= 8  # by TCP
        assert "status: NXDOMAIN" in run("dig", *where, "kelkpart.com")
        assert "XFR size" in run("dig", *where, "minfo.sn", "AXFR")
        assert "status: BADVERS" in run("dig", *where, "+edns=1", "+noednsneg", "minfo.sn")

    async def work(listener: DnsListener) -> None:
        await asyncio.to_thread(dig, listener.port)

    serving(work, network=with_zones(gros=BIG))


def test_nslookup_as_in_the_thesis() -> None:
    # DEM1
    async def work(listener: DnsListener) -> None:
        where = f"-port={listener.port}"
        said = await asyncio.to_thread(run, "nslookup", where, "mail.minfo.sn", "127.0.0.1")
        assert "Address: 192.168.10.1" in said

    serving(work)
