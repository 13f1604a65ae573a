"""What meets who connects to a port: one judgement, of the firewall's, for the lab and its servers."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING, cast

import pytest

from mailsim import Lab
from mailsim.errors import ConnectionRefused, ConnectionTimeout
from mailsim.model import PortState
from mailsim.model.service import IMPLICIT_TLS, SERVICES

if TYPE_CHECKING:
    from mailsim.lab.embedded import Site


def heard(lab: Lab, service: str) -> bytes:
    """What the service's own port says to a client that says EHLO and no more."""
    listener = cast("Site", lab._backend).embedded._listeners[service]
    with closing(socket.create_connection(("127.0.0.1", listener.port), 60)) as connected:
        try:
            connected.sendall(b"EHLO poste.minfo.sn\r\n")
            connected.shutdown(socket.SHUT_WR)
            return connected.recv(1024)
        except OSError:  # reset, or no longer connected
            return b""


def test_a_port_without_a_server_is_closed(lab: Lab) -> None:
    lab.reset("mail")
    assert lab.endpoints["submission"].state is PortState.CLOSED
    assert heard(lab, "submission") == b""
    with pytest.raises(ConnectionRefused):
        lab.smtp("submission")


def test_a_port_without_a_server_behind_a_firewall_is_filtered(lab: Lab) -> None:
    lab.reset("firewall")
    lab.fault("F9")
    assert {one.state for one in lab.endpoints.values()} == {PortState.FILTERED}
    assert heard(lab, "managesieve") == heard(lab, "smtp") == b""
    with pytest.raises(ConnectionTimeout):
        lab.sieve()


def test_the_scan_says_what_the_endpoints_say(lab: Lab) -> None:
    for stage in ("mail", "tls", "sieve"):
        lab.reset(stage)
        scanned = {one.service: one.state for one in lab.scan()}
        found = {name: one.state for name, one in lab.endpoints.items()}
        assert found.items() <= scanned.items()
        answered = {name for name, one in found.items() if name != "dns" and heard(lab, name)}
        plain = {name for name, one in found.items() if one is PortState.OPEN} - {"dns"}
        # Where TLS comes first, EHLO is no hello.
        assert answered == {one for one in plain if SERVICES[one].port not in IMPLICIT_TLS}
