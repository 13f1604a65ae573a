from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator

import pytest

from mailsim.errors import ConnectionLost, ConnectionTimeout
from mailsim.model import Endpoint, Protocol
from mailsim.net import Stream, Timeouts
from mailsim.net import stream as module
from mailsim.net.stream import set_timeout

QUICK = Timeouts(connect=5.0, silence=0.05, exchange=30.0)


@pytest.fixture
def ends() -> Iterator[tuple[Stream, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        where = Endpoint("x", Protocol.SMTP, "127.0.0.1", server.getsockname()[1])
        stream = Stream(where, timeouts=QUICK)
        peer, _ = server.accept()
        with peer:
            yield stream, peer
        stream.close()


def test_bytes_both_ways(ends: tuple[Stream, socket.socket]) -> None:
    stream, peer = ends
    peer.sendall(b"220 hi\r\n")
    assert stream.read() == b"220 hi\r\n"
    stream.write(b"QUIT\r\n")
    stream.write(b"")
    assert peer.recv(100) == b"QUIT\r\n"
    peer.shutdown(socket.SHUT_WR)
    assert stream.read() == b""
    assert stream.local == "127.0.0.1"


def test_silence_says_how_long_was_waited(ends: tuple[Stream, socket.socket]) -> None:
    stream, _ = ends
    with pytest.raises(ConnectionTimeout) as caught:
        stream.read()
    assert caught.value.params["seconds"] == 0.05
    with pytest.raises(ConnectionTimeout) as caught:
        stream.read(0.01)
    assert caught.value.params["seconds"] == 0.01
    stream.write(b"still open\r\n")


def test_the_exchange_s_time_is_over(
    ends: tuple[Stream, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, peer = ends
    now = [0.0]
    monkeypatch.setattr(module, "clock", lambda: now[0])
    stream.begin()
    peer.sendall(b"a")
    assert stream.read() == b"a"
    now[0] = 29.99
    with pytest.raises(ConnectionTimeout) as caught:
        stream.read()
    assert caught.value.params["seconds"] == 30.0
    now[0] = 30.0
    peer.sendall(b"b")
    for act in (stream.read, lambda: stream.write(b"x")):
        with pytest.raises(ConnectionTimeout) as caught:
            act()
        assert caught.value.params["seconds"] == 30.0
    stream.begin()
    assert stream.read() == b"b"


def test_a_peer_that_takes_nothing(ends: tuple[Stream, socket.socket]) -> None:
    stream, _ = ends
    with pytest.raises(ConnectionTimeout):
        stream.write(b"x" * 50_000_000)


def test_a_connection_that_is_reset(ends: tuple[Stream, socket.socket]) -> None:
    stream, peer = ends
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    with pytest.raises(ConnectionLost):
        stream.read()
    with pytest.raises(ConnectionLost):
        stream.write(b"x")
    stream.close()
    stream.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own timeouts")
@pytest.mark.parametrize(
    ("seconds", "kept"), [(30.0, (30, 1)), (0.25, (0, 250_000)), (1.5, (1, 500_000)), (0.0, (0, 1))]
)
def test_linux_keeps_the_time_itself(seconds: float, kept: tuple[int, int]) -> None:
    with socket.socket() as one:
        set_timeout(one, seconds)
        assert one.gettimeout() is None
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            found = struct.unpack("@ll", one.getsockopt(socket.SOL_SOCKET, option, 16))
            # The kernel counts in its ticks, and 0 would be no limit at all.
            assert found > (0, 0)
            assert abs(found[0] + found[1] / 1e6 - kept[0] - kept[1] / 1e6) < 0.02


def test_elsewhere_python_keeps_it(
    ends: tuple[Stream, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, peer = ends
    monkeypatch.setattr(sys, "platform", "win32")
    stream._wait(0.03)
    assert stream._socket.gettimeout() == 0.03
    with pytest.raises(ConnectionTimeout):
        stream.read()
    peer.sendall(b"a")
    stream.begin()
    assert stream.read() == b"a"
