"""What a scan finds at each stage, and what a client meets who tries a port all the same."""

from __future__ import annotations

import pytest

from mailsim import Lab
from mailsim.errors import ConnectionRefused, ConnectionTimeout
from mailsim.model.endpoint import PortState
from mailsim.model.stage import Stage

DNS, MAIL, TLS, SIEVE = {53}, {25, 80, 110, 143}, {443, 465, 587, 993, 995}, {4190}
# Whether a machine has an SSH server is its own affair: no contract (FW3 lets it through).
SSH = 22


def _open(stage: Stage) -> set[int]:
    found = set(DNS)
    found |= MAIL if stage >= Stage.MAIL else set()
    found |= TLS if stage >= Stage.TLS else set()
    found -= {110, 143} if stage >= Stage.FIREWALL else set()
    return found | (SIEVE if stage >= Stage.SIEVE else set())


@pytest.mark.stages(since="dns")
@pytest.mark.inventory("FW1", "FW3", "TLS5", "CON9", "DEM3", "DEM4", "MDA1", "SIE6")
def test_the_stage_s_ports(lab: Lab) -> None:
    found = {one.number: one.state for one in lab.scan()}
    other = found.pop(SSH)
    assert {one for one, state in found.items() if state is PortState.OPEN} == _open(lab.stage)
    # Before the firewall nothing is filtered; behind it nothing shows that it is closed.
    silent = PortState.FILTERED if lab.stage >= Stage.FIREWALL else PortState.CLOSED
    assert {state for state in found.values() if state is not PortState.OPEN} == {silent}
    assert other is not PortState.FILTERED


@pytest.mark.stages(since="dns")
@pytest.mark.inventory("FW1", "FW3", "MDA1")
def test_endpoints_say_the_same_as_the_scan(lab: Lab) -> None:
    scanned = {one.number: one.state for one in lab.scan()}
    for name, there in lab.endpoints.items():
        assert there.state is scanned[there.port], name


@pytest.mark.inventory("TLS5", "FW1")
def test_what_a_client_meets_at_143(lab: Lab) -> None:
    if lab.stage >= Stage.FIREWALL:
        with pytest.raises(ConnectionTimeout):
            lab.imap("imap")
        return
    with lab.imap("imap") as imap:
        assert imap.greeting.ok


@pytest.mark.stages(until="relay")
@pytest.mark.inventory("SAS3", "TLS6")
def test_before_tls_nobody_listens_on_465(lab: Lab) -> None:
    with pytest.raises(ConnectionRefused):
        lab.smtp("submissions")


@pytest.mark.stages(since="firewall")
@pytest.mark.inventory("FW3")
def test_the_old_port_of_managesieve_is_shut(lab: Lab) -> None:
    (old,) = [one for one in lab.scan() if one.number == 2000]
    assert old.state is PortState.FILTERED
