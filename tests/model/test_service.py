from __future__ import annotations

import socket

import pytest

from mailsim.model import PortState, Protocol, Security
from mailsim.model.service import IMPLICIT_TLS, SERVICES, Port, usual_port


def test_names_and_ports_are_each_one_service_s() -> None:
    assert all(name == one.name for name, one in SERVICES.items())
    assert len({one.port for one in SERVICES.values()}) == len(SERVICES)


@pytest.mark.parametrize(
    ("name", "port"),
    [("smtp", 25), ("pop3", 110), ("pop3s", 995), ("imaps", 993), ("domain", 53)],
)
def test_they_are_the_registry_s(name: str, port: int) -> None:
    try:
        assert socket.getservbyname(name, "tcp") == port
    except OSError:
        pytest.skip("this machine has no table of services")
    assert SERVICES["dns" if name == "domain" else name].port == port


@pytest.mark.parametrize("protocol", Protocol)
def test_every_protocol_has_a_port(protocol: Protocol) -> None:
    assert usual_port(protocol) not in IMPLICIT_TLS
    with_tls = usual_port(protocol, Security.IMPLICIT)
    assert with_tls in IMPLICIT_TLS or with_tls == usual_port(protocol)


def test_a_protocol_s_usual_ports() -> None:
    assert (usual_port(Protocol.SMTP), usual_port(Protocol.SMTP, Security.IMPLICIT)) == (25, 465)
    assert (usual_port(Protocol.IMAP), usual_port(Protocol.IMAP, Security.IMPLICIT)) == (143, 993)
    assert usual_port(Protocol.LMTP, Security.IMPLICIT) == 24


def test_a_port_shows_itself_as_a_scan_would() -> None:
    assert str(Port(25, "smtp", PortState.OPEN)) == "   25/tcp  smtp         open"
