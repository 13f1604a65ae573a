from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from mailsim.errors import TlsError, UsageError
from mailsim.net import client_context
from mailsim.net.tls import TlsLayer, opportunistic_context


@dataclass(frozen=True)
class Authority:
    """A CA, its file, and a server's context for mail.minfo.sn."""

    ca: trustme.CA
    file: Path
    server: ssl.SSLContext


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    ca = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("mail.minfo.sn").configure_cert(context)
    return Authority(ca, file, context)


class Server:
    """The server's side, in memory too."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def attempt(self, act: Callable[[], object]) -> None:
        try:
            act()
        except ssl.SSLWantReadError:
            return


def meet(layer: TlsLayer, server: Server) -> None:
    """The handshake, an octet at a time towards the client."""
    while not layer.handshake():
        server.incoming.write(layer.to_send())
        server.attempt(server.tls.do_handshake)
        for octet in server.outgoing.read():
            layer.received(bytes([octet]))
            if layer.handshake():
                break
    server.incoming.write(layer.to_send())
    server.attempt(server.tls.do_handshake)
    layer.received(server.outgoing.read())


@pytest.fixture
def pair(authority: Authority) -> tuple[TlsLayer, Server]:
    layer = TlsLayer(client_context(authority.file), "mail.minfo.sn")
    server = Server(authority.server)
    meet(layer, server)
    return layer, server


def test_what_was_agreed_on(pair: tuple[TlsLayer, Server]) -> None:
    layer, server = pair
    info = layer.info()
    assert info.version == server.tls.version()
    cipher = server.tls.cipher()
    assert cipher is not None
    assert info.cipher == cipher[0]
    assert info.names == ("mail.minfo.sn",)
    assert "trustme" in info.issuer
    assert "trustme" in info.subject
    assert info.not_after.endswith("GMT")
    assert layer.server_certificate()[:1] == b"\x30"


def test_both_ways(pair: tuple[TlsLayer, Server]) -> None:
    layer, server = pair
    much = bytes(range(256)) * 1000
    layer.write(much)
    server.incoming.write(layer.to_send())
    heard = b""
    while len(heard) < len(much):
        heard += server.tls.read(65_536)
    assert heard == much
    assert layer.read(100) is None
    server.tls.write(b"220 hi\r\n")
    layer.received(server.outgoing.read())
    assert layer.read(100) == b"220 hi\r\n"
    assert layer.read(100) is None


def test_the_end_by_close_notify(pair: tuple[TlsLayer, Server]) -> None:
    layer, server = pair
    server.attempt(server.tls.unwrap)
    layer.received(server.outgoing.read())
    assert layer.read(100) == b""


def test_we_say_close_notify(pair: tuple[TlsLayer, Server]) -> None:
    layer, server = pair
    layer.close()
    server.incoming.write(layer.to_send())
    # Without it the server would have SSLEOFError or SSLWantReadError here.
    assert server.tls.read(100) == b""


def test_the_end_of_the_network_is_an_end(pair: tuple[TlsLayer, Server]) -> None:
    layer, _ = pair
    layer.received(b"")
    assert layer.read(100) == b""


def test_a_record_that_was_tampered_with(pair: tuple[TlsLayer, Server]) -> None:
    layer, server = pair
    server.tls.write(b"220 hi\r\n")
    record = bytearray(server.outgoing.read())
    record[-1] ^= 1
    layer.received(bytes(record))
    with pytest.raises(TlsError) as caught:
        layer.read(100)
    assert caught.value.message_id == "net.tls-failed"


def test_an_alert_ends_the_handshake(authority: Authority) -> None:
    layer = TlsLayer(client_context(authority.file), "mail.minfo.sn")
    assert not layer.handshake()
    assert layer.to_send()[:1] == b"\x16"
    layer.received(b"\x15\x03\x03\x00\x02\x02\x28")  # fatal, handshake_failure
    with pytest.raises(TlsError, match="alert"):
        layer.handshake()


def test_what_is_no_tls_ends_the_handshake(authority: Authority) -> None:
    layer = TlsLayer(client_context(authority.file), "mail.minfo.sn")
    layer.handshake()
    layer.received(b"220 mail.minfo.sn ESMTP\r\n")
    with pytest.raises(TlsError) as caught:
        layer.handshake()
    assert "mail.minfo.sn" in str(caught.value)


@pytest.mark.parametrize("name", ["mx.ugb.sn", "minfo.sn", "127.0.0.1"])
def test_the_certificate_must_name_the_server(authority: Authority, name: str) -> None:
    layer = TlsLayer(client_context(authority.file), name)
    with pytest.raises(TlsError) as caught:
        meet(layer, Server(authority.server))
    assert caught.value.message_id.startswith("net.tls-")
    assert name in str(caught.value)
    assert layer.to_send()[:1] in (b"\x15", b"\x14", b"\x17")  # the alert that says why


def test_another_authority_is_not_trusted(authority: Authority, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with pytest.raises(TlsError) as caught:
        meet(TlsLayer(client_context(other), "mail.minfo.sn"), Server(authority.server))
    assert caught.value.message_id == "net.tls-unverified"


def test_a_context_always_verifies(authority: Authority) -> None:
    for context in (client_context(), client_context(authority.file)):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_between_mtas_whoever_is_there_is_taken(authority: Authority) -> None:
    layer = TlsLayer(opportunistic_context(), "mx.ugb.sn")
    meet(layer, Server(authority.server))
    assert layer.info().version == "TLSv1.3"


def test_a_ca_file_that_cannot_be_used(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("bonjour\n")
    for file in (empty, tmp_path / "missing.pem", tmp_path):
        with pytest.raises(UsageError) as caught:
            client_context(file)
        assert str(file) in str(caught.value)
        assert "PEM" in str(caught.value)
