from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest

from mailsim.errors import ConnectionRefused, ConnectionTimeout, NetworkError, TlsError, UsageError
from mailsim.lab.network import network
from mailsim.net import peer as module
from mailsim.net.ca import LabCa
from mailsim.net.serving import Listener, Peer, connect, listen, serve
from mailsim.net.tls import client_context

MUCH = bytes(range(256)) * 40_000  # 10 MB: more than all buffers on the way hold
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

QUICK_ACK = getattr(socket, "TCP_QUICKACK", 0)  # Linux's own


def run(test: Callable[[], Coroutine[object, object, None]]) -> None:
    """The test on a loop of its own; what the loop itself complains of is an error."""
    complaints: list[dict[str, object]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
        await test()

    asyncio.run(watched(), debug=True)
    assert complaints == []


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> LabCa:
    return LabCa.load(tmp_path_factory.mktemp("ca"), network())


@asynccontextmanager
async def serving(
    handler: Callable[[Peer], Awaitable[None]], *, limit: int = 500
) -> AsyncIterator[tuple[Listener, list[Exception]]]:
    errors: list[Exception] = []
    listener = await serve(handler, limit=limit, on_error=errors.append)
    try:
        yield listener, errors
    finally:
        await listener.close()


@asynccontextmanager
async def client(listener: Listener) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def echo(peer: Peer) -> None:
    while data := await peer.read():
        peer.write(data)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop go on until it is so; the test's own time limit is the only one."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0)  # what is waited for has no event of its own


def reset(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# one connection


def test_bytes_both_ways() -> None:
    async def test() -> None:
        addresses = []

        async def handler(peer: Peer) -> None:
            addresses.append(peer.address)
            await echo(peer)

        async with serving(handler) as (listener, errors), client(listener) as (reader, writer):
            for line in (b"EHLO poste.minfo.sn\r\n", b"x" * 100_000):
                writer.write(line)
                assert await reader.readexactly(len(line)) == line
            assert addresses == [writer.get_extra_info("sockname")]
            writer.write_eof()
            assert await reader.read() == b""
            assert errors == []

    run(test)


def test_both_ends_are_ours() -> None:
    async def test() -> None:
        async with serving(echo) as (listener, _):
            peer = await connect("localhost", listener.port)
            assert peer.address == ("127.0.0.1", listener.port)
            peer.write(b"HELO x\r\n")
            peer.write(b"")
            assert await peer.read() == b"HELO x\r\n"
            states = [peer.closing]
            peer.close()
            states.append(peer.closing)
            assert states == [False, True]
            peer.close()
            peer.write(b"lost")
            assert await peer.read() == b""

    run(test)


def test_small_packets_leave_at_once() -> None:
    async def test() -> None:
        asked = []

        async def handler(peer: Peer) -> None:
            asked.append(peer._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            await echo(peer)

        async with serving(handler) as (listener, _):
            peer = await connect("127.0.0.1", listener.port)
            asked.append(peer._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            peer.write(b"x")
            await peer.read()
            peer.close()
        assert all(asked)
        assert len(asked) == 2

    run(test)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's own option")
def test_half_a_command_is_acknowledged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    set_options: list[int] = []

    class Recorded:
        def setsockopt(self, level: int, option: int, value: int) -> None:
            assert (level, value) == (socket.IPPROTO_TCP, 1)
            set_options.append(option)

    async def test() -> None:
        half, whole = asyncio.Event(), asyncio.Event()

        async def handler(peer: Peer) -> None:
            monkeypatch.setattr(peer, "_socket", Recorded())
            await peer.read()
            half.set()
            await peer.read()
            assert set_options == [QUICK_ACK]
            peer.write(b"250 ok\r\n")
            whole.set()
            await peer.read()

        async with serving(handler) as (listener, errors), client(listener) as (reader, writer):
            writer.write(b"MAIL FROM:")
            await half.wait()
            writer.write(b"<>\r\n")
            assert await reader.readline() == b"250 ok\r\n"
            writer.write_eof()
            assert await reader.read() == b""
            assert errors == []
        assert set_options == [QUICK_ACK]

    run(test)


def test_a_half_closed_client_still_hears() -> None:
    async def test() -> None:
        async def handler(peer: Peer) -> None:
            heard = b""
            while data := await peer.read():
                heard += data
            assert await peer.read() == b""
            peer.write(heard + b"221 bye\r\n")

        async with serving(handler) as (listener, _), client(listener) as (reader, writer):
            writer.write(b"QUIT\r\n")
            writer.write_eof()
            assert await reader.read() == b"QUIT\r\n221 bye\r\n"

    run(test)


def test_a_reset_is_an_end() -> None:
    async def test() -> None:
        ended = asyncio.Event()

        async def handler(peer: Peer) -> None:
            peer.write(b"220 hi\r\n")
            assert await peer.read() == b""
            peer.write(b"x")
            await peer.drain()
            peer.abort()
            assert await peer.read(timeout=5) == b""
            ended.set()

        async with serving(handler) as (listener, errors), client(listener) as (reader, writer):
            await reader.readline()
            reset(writer)
            await ended.wait()
            assert errors == []

    run(test)


def test_what_came_before_the_end_is_read_first() -> None:
    async def test() -> None:
        go, heard = asyncio.Event(), []

        async def handler(peer: Peer) -> None:
            peer.write(b"220 hi\r\n")
            await go.wait()
            heard.append(await peer.read())
            heard.append(await peer.read())
            go.clear()

        async with serving(handler) as (listener, _), client(listener) as (reader, writer):
            await reader.readline()
            writer.write(b"QUIT\r\n")
            writer.write_eof()
            go.set()
            assert await reader.read() == b""
        assert heard == [b"QUIT\r\n", b""]

    run(test)


def test_silence_has_its_limit() -> None:
    async def test() -> None:
        async with serving(echo) as (listener, _):
            peer = await connect("127.0.0.1", listener.port)
            peer.write(b"a")
            assert await peer.read(timeout=300) == b"a"
            with pytest.raises(TimeoutError):  # shorter than the one before
                await peer.read(timeout=0.01)
            with pytest.raises(TimeoutError):
                await peer.read(timeout=0)
            peer.write(b"b")
            assert await peer.read(timeout=0.5) == b"b"
            peer.write(b"c")
            assert await peer.read(timeout=300) == b"c"  # the earlier timer may ring meanwhile
            with pytest.raises(TimeoutError):
                await peer.read(timeout=0.01)
            peer.close()

    run(test)


def test_a_timer_that_was_kept_is_set_anew() -> None:
    async def test() -> None:
        async with serving(echo) as (listener, _):
            peer = await connect("127.0.0.1", listener.port)
            peer.write(b"a")
            await peer.read(timeout=0.01)
            timer = peer._timer
            assert timer is not None
            reading = asyncio.ensure_future(peer.read(timeout=300))
            await until(lambda: peer._timer is not timer)
            assert not reading.done()
            peer.write(b"b")
            assert await reading == b"b"
            peer.close()

    run(test)


def test_a_cancelled_read_loses_nothing() -> None:
    async def test() -> None:
        async with serving(echo) as (listener, _):
            peer = await connect("127.0.0.1", listener.port)
            reading = asyncio.ensure_future(peer.read(timeout=30))
            await asyncio.sleep(0)
            peer.write(b"DONE\r\n")
            reading.cancel()
            await asyncio.wait([reading])
            assert await peer.read() == b"DONE\r\n"
            peer.close()

    run(test)


# too much


def test_who_is_not_read_must_wait() -> None:
    async def test() -> None:
        go = asyncio.Event()
        peers: list[Peer] = []

        async def handler(peer: Peer) -> None:
            peers.append(peer)
            await go.wait()
            heard = 0
            while data := await peer.read():
                assert data == MUCH[heard : heard + len(data)]
                heard += len(data)
            assert heard == len(MUCH)
            peer.write(b"250 ok\r\n")

        async with serving(handler) as (listener, errors), client(listener) as (reader, writer):
            writer.write(MUCH)
            await until(lambda: bool(peers) and peers[0]._held)
            assert peers[0]._unread <= 320 * 1024
            go.set()
            writer.write_eof()
            assert await reader.read() == b"250 ok\r\n", errors

    run(test)


def test_many_who_are_not_read_wait_earlier() -> None:
    async def test() -> None:
        go = asyncio.Event()
        peers: list[Peer] = []

        async def handler(peer: Peer) -> None:
            peers.append(peer)
            await go.wait()
            while await peer.read():
                pass

        async with serving(handler) as (listener, errors):
            clients = [await connect("127.0.0.1", listener.port) for _ in range(100)]
            for one in clients:
                one.write(MUCH[:1_000_000])
            await until(lambda: len(peers) == 100 and all(one._held for one in peers))
            assert listener._load.unread <= 16 * 1024 * 1024 + 100 * 65_536
            go.set()
            for one in clients:
                await one.drain()
                one.close()
            assert errors == []
        assert listener._load.unread == 0 or any(one._unread for one in peers)

    run(test)


def test_who_does_not_read_is_not_heard() -> None:
    async def test() -> None:
        full = asyncio.Event()
        heard: list[bytes] = []
        peers: list[Peer] = []

        async def handler(peer: Peer) -> None:
            peers.append(peer)
            heard.append(await peer.read())
            peer.write(MUCH)
            full.set()
            heard.append(await peer.read())
            await peer.drain()

        async with serving(handler) as (listener, errors), client(listener) as (reader, writer):
            writer.write(b"FETCH")
            await full.wait()
            writer.write(b"NOOP")
            await until(lambda: len(heard) == 2 or (peers[0]._unread == 4 and not peers[0]._waiter))
            assert heard == [b"FETCH"]
            assert await reader.readexactly(1000) == MUCH[:1000]
            assert await reader.read() == MUCH[1000:]
            assert heard == [b"FETCH", b"NOOP"]
            assert errors == []

    run(test)


def test_little_that_is_not_taken_is_watched_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALLED", 0.01)

    async def test() -> None:
        written: list[Peer] = []

        async def handler(peer: Peer) -> None:
            while not (size := peer._transport.get_write_buffer_size()):
                peer.write(MUCH[:16_384])
            assert size < 65_536
            assert peer._stall is None
            written.append(peer)

        async with serving(handler) as (listener, errors):
            raw = socket.create_connection(("127.0.0.1", listener.port))
            await until(lambda: bool(written) and written[0].gone)
            raw.close()
            assert errors == []

    run(test)


@pytest.mark.parametrize("closes", [False, True])
def test_who_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch, *, closes: bool) -> None:
    monkeypatch.setattr(module, "STALLED", 0.01)

    async def test() -> None:
        ended = asyncio.Event()

        async def handler(peer: Peer) -> None:
            peer.write(MUCH)
            if not closes:
                await peer.drain()
                assert await peer.read() == b""
            ended.set()

        async with serving(handler) as (listener, errors):
            raw = socket.create_connection(("127.0.0.1", listener.port))
            await ended.wait()
            await until(lambda: not listener._peers)
            raw.close()
            assert errors == []

    run(test)


def test_who_takes_slowly_gets_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        started: list[Peer] = []

        async def handler(peer: Peer) -> None:
            started.append(peer)
            peer.write(MUCH)

        async with serving(handler) as (listener, _), client(listener) as (reader, _):
            heard = await reader.read(65_536)
            monkeypatch.setattr(module, "STALLED", 3600)
            while len(heard) < len(MUCH):
                if (timer := started[0]._stall) is not None:
                    timer.cancel()
                    started[0]._unsent += 1  # some of it was taken since
                    started[0]._check()
                heard += await reader.read(65_536)
            assert heard == MUCH

    run(test)


# TLS


def test_starttls_and_what_was_injected(ca: LabCa) -> None:
    async def test() -> None:
        seen: list[bytes] = []
        injected = asyncio.Event()

        async def handler(peer: Peer) -> None:
            seen.append(await peer.read())
            await injected.wait()
            await until(lambda: bool(peer._chunks))
            seen.append(peer.take())
            seen.append(peer.take())
            peer.write(b"220 go ahead\r\n")
            info = await peer.start_tls(ca.server_context("lab"))
            assert peer.tls is info
            assert info.version == "TLSv1.3"
            seen.append(await peer.read())
            peer.write(b"250 ok\r\n")

        async with serving(handler) as (listener, errors):
            peer = await connect("127.0.0.1", listener.port)
            peer.write(b"STARTTLS\r\n")
            await until(lambda: bool(seen))
            peer.write(b"RSET\r\n")
            injected.set()
            assert await peer.read() == b"220 go ahead\r\n"
            info = await peer.start_tls(client_context(ca.certificate), "mail.minfo.sn")
            assert info.names[0] == "mail.minfo.sn"
            peer.write(b"EHLO x\r\n")
            assert await peer.read(timeout=30) == b"250 ok\r\n"
            assert await peer.read() == b""
            peer.close()
            assert errors == []
        assert seen == [b"STARTTLS\r\n", b"RSET\r\n", b"", b"EHLO x\r\n"]

    run(test)


def tls_echo(context: ssl.SSLContext) -> Callable[[Peer], Awaitable[None]]:
    async def handler(peer: Peer) -> None:
        await peer.start_tls(context)
        await echo(peer)

    return handler


def test_much_over_tls_with_another_client(ca: LabCa) -> None:
    async def test() -> None:
        context = client_context(ca.certificate)
        async with serving(tls_echo(ca.server_context("lab"))) as (listener, errors):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", listener.port, ssl=context, server_hostname="mail.minfo.sn"
            )
            writer.write(MUCH)
            assert await reader.readexactly(len(MUCH)) == MUCH
            writer.close()
            await writer.wait_closed()
            assert errors == []

    run(test)


@pytest.mark.parametrize(
    ("said", "answer"),
    [(b"EHLO poste.minfo.sn\r\n", b""), (b"\x16\x03\x01\x00\x05hello", b"\x15")],
)
def test_what_is_no_tls(ca: LabCa, said: bytes, answer: bytes) -> None:
    async def test() -> None:
        failed: list[TlsError] = []

        async def handler(peer: Peer) -> None:
            try:
                await peer.start_tls(ca.server_context("lab"))
            except TlsError as error:
                failed.append(error)
                assert peer.closing
                raise

        async with serving(handler) as (listener, errors), client(listener) as (reader, writer):
            writer.write(said)
            assert (await reader.read())[:1] == answer
            assert errors == []
        assert [one.message_id for one in failed] == ["net.tls-refused"]
        assert "127.0.0.1" in str(failed[0])

    run(test)


def test_a_client_that_does_not_trust_us(ca: LabCa) -> None:
    async def test() -> None:
        handler = tls_echo(ca.server_context("self-signed"))
        async with serving(handler) as (listener, errors):
            peer = await connect("127.0.0.1", listener.port)
            with pytest.raises(TlsError) as caught:
                await peer.start_tls(client_context(ca.certificate), "mail.minfo.sn")
            assert caught.value.message_id == "net.tls-unverified"
            assert peer.closing
            assert peer.tls is None
            await until(lambda: not listener._peers)
            assert errors == []

    run(test)


def test_a_client_that_leaves_during_the_handshake(ca: LabCa) -> None:
    async def test() -> None:
        failed: list[str] = []

        async def handler(peer: Peer) -> None:
            with pytest.raises(TlsError) as caught:
                await peer.start_tls(ca.server_context("lab"))
            failed.append(caught.value.message_id)

        async with serving(handler) as (listener, errors):
            for leave in (lambda writer: writer.write_eof(), reset):
                async with client(listener) as (_, writer):
                    writer.write(b"\x16\x03\x01")
                    leave(writer)
                    await until(lambda: bool(failed) and not listener._peers)
            assert errors == []
        assert failed == ["net.tls-left", "net.tls-left"]

    run(test)


def test_a_server_that_leaves_or_is_silent_during_the_handshake(ca: LabCa) -> None:
    async def test() -> None:
        context = client_context(ca.certificate)

        async def leaves(peer: Peer) -> None:
            await peer.read()

        async with serving(leaves) as (listener, _):
            peer = await connect("127.0.0.1", listener.port)
            with pytest.raises(TlsError) as caught:
                await peer.start_tls(context, "mail.minfo.sn")
            assert caught.value.message_id == "net.tls-closed"

        async def silent(peer: Peer) -> None:
            while await peer.read():
                pass

        async with serving(silent) as (listener, _):
            peer = await connect("127.0.0.1", listener.port)
            with pytest.raises(TlsError) as caught:
                await peer.start_tls(context, "mail.minfo.sn", timeout=0.01)
            assert caught.value.message_id == "net.tls-silence"
            assert peer.closing

    run(test)


def test_a_record_that_was_tampered_with_ends_it(ca: LabCa) -> None:
    async def test() -> None:
        heard: list[bytes] = []

        async def handler(peer: Peer) -> None:
            await peer.start_tls(ca.server_context("lab"))
            heard.append(await peer.read())
            assert peer.closing
            peer.write(b"lost")
            heard.append(await peer.read())

        async with serving(handler) as (listener, errors):
            peer = await connect("127.0.0.1", listener.port)
            await peer.start_tls(client_context(ca.certificate), "mail.minfo.sn")
            peer._transport.write(b"\x17\x03\x03\x00\x20" + bytes(32))
            assert await peer.read() == b""
            peer.close()
            assert errors == []
        assert heard == [b"", b""]

    run(test)


# many connections


def test_at_the_limit_the_next_one_waits() -> None:
    async def test() -> None:
        greeted: list[Peer] = []

        async def handler(peer: Peer) -> None:
            greeted.append(peer)
            peer.write(b"220 hi\r\n")
            await echo(peer)

        async with serving(handler, limit=2) as (listener, _):
            peers = [await connect("127.0.0.1", listener.port) for _ in range(4)]
            for one in peers[:2]:
                assert await one.read() == b"220 hi\r\n"
            with pytest.raises(TimeoutError):
                await peers[2].read(timeout=0.01)
            assert len(greeted) == 2
            peers[1].close()
            assert await peers[2].read() == b"220 hi\r\n"
            peers[0].abort()
            assert await peers[3].read() == b"220 hi\r\n"
            for one in peers[2:]:
                one.close()

    run(test)


def test_who_has_not_taken_all_keeps_its_place() -> None:
    async def test() -> None:
        came: list[Peer] = []

        async def handler(peer: Peer) -> None:
            came.append(peer)
            peer.write(MUCH)

        async with serving(handler, limit=1) as (listener, _):
            raw = socket.create_connection(("127.0.0.1", listener.port))
            await until(lambda: bool(came) and listener._peers[came[0]] is None)
            second = await connect("127.0.0.1", listener.port)
            with pytest.raises(TimeoutError):
                await second.read(timeout=0.01)
            raw.close()
            assert await second.read() == MUCH[:65_536]
            second.abort()

    run(test)


def test_a_handler_that_fails_harms_no_other() -> None:
    async def test() -> None:
        async def handler(peer: Peer) -> None:
            if (await peer.read()) == b"fail":
                peer.write(b"last words")
                raise ValueError("bug")
            peer.write(b"fine")

        async with serving(handler) as (listener, errors):
            good, bad = [await connect("127.0.0.1", listener.port) for _ in range(2)]
            bad.write(b"fail")
            assert await bad.read() == b"last words"
            assert await bad.read() == b""
            assert [str(one) for one in errors] == ["bug"]
            good.write(b"go on")
            assert await good.read() == b"fine"
            for one in (good, bad):
                one.close()

    run(test)


def test_without_on_error_the_loop_is_told() -> None:
    async def test() -> None:
        told: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, what: told.append(what["exception"]))

        async def handler(peer: Peer) -> None:
            raise ValueError(peer.address[0])

        listener = await serve(handler)
        peer = await connect("127.0.0.1", listener.port)
        assert await peer.read() == b""
        peer.close()
        await listener.close()
        assert [str(one) for one in told] == ["127.0.0.1"]

    run(test)


def test_closing_ends_all() -> None:
    async def test() -> None:
        ended: list[str] = []

        async def handler(peer: Peer) -> None:
            try:
                peer.write(b"220 hi\r\n")
                await peer.read()
            finally:
                peer.write(b"421 closing\r\n")
                ended.append("cancelled")

        async with serving(handler) as (listener, errors):
            peers = [await connect("127.0.0.1", listener.port) for _ in range(3)]
            for one in peers:
                assert await one.read() == b"220 hi\r\n"
            await listener.close()
            assert ended == ["cancelled"] * 3
            assert not listener._peers
            for one in peers:
                assert await one.read() == b"421 closing\r\n"
                assert await one.read() == b""
                one.close()
            with pytest.raises(ConnectionRefused):
                await connect("127.0.0.1", listener.port)
            assert errors == []

    run(test)


def test_dropping_goes_on_listening() -> None:
    async def test() -> None:
        cancelled = []

        async def handler(peer: Peer) -> None:
            peer.write(b"220 hi\r\n")
            try:
                await peer.read()
            except asyncio.CancelledError:
                cancelled.append(peer.address)
                raise

        async with serving(handler) as (listener, errors):
            first = await connect("127.0.0.1", listener.port)
            assert await first.read() == b"220 hi\r\n"
            listener.drop()
            assert await first.read() == b""
            first.close()
            second = await connect("127.0.0.1", listener.port)
            assert await second.read() == b"220 hi\r\n"
            assert len(cancelled) == 1
            second.close()
            assert errors == []

    run(test)


def test_nobody_comes_and_it_is_closed() -> None:
    async def test() -> None:
        async with serving(echo) as (listener, _):
            assert listener.port > 0
            await listener.close()

    run(test)


def test_garbage_from_a_thousand() -> None:
    async def test() -> None:
        async with serving(echo, limit=50) as (listener, errors):

            async def one(number: int) -> None:
                peer = await connect("127.0.0.1", listener.port)
                peer.write(bytes([number % 256]) * (number * 7))
                if number % 3:
                    await peer.read()
                peer.abort()

            for start in range(1, 1000, 100):
                await asyncio.gather(*(one(start + number) for number in range(100)))
            while listener._peers:
                await listener._fewer()
            assert listener._load.unread >= 0
            assert errors == []

    run(test)


# where


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "192.168.10.1", "::", "mail.minfo.sn", "", "127.0.0.1.sn"]
)
def test_loopback_alone(host: str) -> None:
    async def test() -> None:
        acts = (serve(echo, host=host), listen(asyncio.Protocol, host=host), connect(host, 25))
        for act in acts:
            with pytest.raises(UsageError) as caught:
                await act
            assert caught.value.message_id == "net.not-loopback"
            assert "::1" in str(caught.value)

    run(test)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_a_loopback_address(host: str) -> None:
    async def test() -> None:
        try:
            listener = await serve(echo, host=host)
        except NetworkError as error:
            pytest.skip(str(error))
        peer = await connect(host, listener.port)
        peer.write(b"x")
        assert await peer.read() == b"x"
        peer.close()
        await listener.close()

    run(test)


def test_a_port_that_is_taken() -> None:
    async def test() -> None:
        async with serving(echo) as (listener, _):
            taken = listener.port
            for act in (serve(echo, port=taken), listen(asyncio.Protocol, port=taken)):
                with pytest.raises(NetworkError) as caught:
                    await act
                assert caught.value.message_id == "net.no-port"
                assert str(taken) in str(caught.value)

    run(test)


def test_a_server_whose_backlog_is_full() -> None:
    async def test() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            fillers = [socket.socket() for _ in range(4)]
            for one in fillers:
                one.setblocking(False)  # noqa: FBT003 # the socket's own signature
                one.connect_ex(("127.0.0.1", port))
            with pytest.raises(ConnectionTimeout) as caught:
                await connect("127.0.0.1", port, timeout=0.01)
            assert caught.value.params["seconds"] == 0.01
            for one in fillers:
                one.close()

    if sys.platform == "linux":  # others refuse, or take them all
        run(test)
