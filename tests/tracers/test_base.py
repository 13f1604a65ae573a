from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from mailsim import SmtpTracer
from mailsim.errors import ConnectionTimeout, UsageError
from mailsim.net import Timeouts

if TYPE_CHECKING:
    from tests.tracers.conftest import Serve


@pytest.fixture
def silent() -> socket.socket:
    """A server that accepts (the system does) and says nothing."""
    return socket.create_server(("127.0.0.1", 0))


def _where(listening: socket.socket) -> str:
    return f"127.0.0.1:{listening.getsockname()[1]}"


def test_a_server_that_never_greets_may_want_tls(silent: socket.socket) -> None:
    with silent, pytest.raises(ConnectionTimeout) as caught:
        SmtpTracer(_where(silent), timeouts=Timeouts(silence=0.1))
    assert caught.value.message_id == "tracer.no-greeting"
    assert "--tls" in str(caught.value)


@pytest.mark.parametrize("address", ["x", "192.0.2.1", "127.0.0.1:5"])
def test_an_address_of_elsewhere_is_wrong_use(silent: socket.socket, address: str) -> None:
    with silent, pytest.raises(UsageError) as caught:
        SmtpTracer(_where(silent), local_address=address)
    assert caught.value.message_id == "net.bad-local"


def test_what_is_no_bytes_leaves_the_tracer_as_it_was(serve: Serve) -> None:
    def talk(peer: socket.socket) -> None:
        peer.sendall(b"220 mail.minfo.sn ESMTP\r\n")
        peer.recv(100)
        peer.sendall(b"250 2.0.0 Ok\r\n")
        peer.recv(100)

    with serve(talk) as where, SmtpTracer(where, server_name="mail.minfo.sn") as smtp:
        assert repr(smtp).startswith("<SmtpTracer mail.minfo.sn:")
        with pytest.raises(UsageError):
            smtp.send_raw(3)  # type: ignore[arg-type]
        assert smtp.noop().ok
        smtp.close()
        assert repr(smtp).endswith("ended>")
