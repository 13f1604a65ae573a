"""Open, closed, filtered: by stage and fault."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from mailsim.errors import UsageError
from mailsim.model.endpoint import PortState
from mailsim.model.network import network_of
from mailsim.model.stage import Release, Stage
from mailsim.servers.config import Config, config
from mailsim.servers.firewall import SCANNED, scan, state

NETWORK = network_of(json.loads(files("mailsim.lab").joinpath("network.json").read_text("utf-8")))
OPEN, CLOSED, FILTERED = PortState.OPEN, PortState.CLOSED, PortState.FILTERED


def made(stage: Stage, *faults: str) -> Config:
    return config(NETWORK, stage, Release.NOBLE, frozenset(faults))


def ports(settings: Config, wanted: PortState) -> set[int]:
    return {line.number for line in scan(settings) if line.state is wanted}


@pytest.mark.parametrize(
    ("stage", "opened"),
    [
        (Stage.DNS, {22, 53}),
        (Stage.MAIL, {22, 25, 53, 80, 110, 143}),
        (Stage.SASL, {22, 25, 53, 80, 110, 143}),
        (Stage.RELAY, {22, 25, 53, 80, 110, 143}),
        (Stage.TLS, {22, 25, 53, 80, 110, 143, 443, 465, 587, 993, 995}),
        (Stage.FIREWALL, {22, 25, 53, 80, 443, 465, 587, 993, 995}),
        (Stage.SPAMASSASSIN, {22, 25, 53, 80, 443, 465, 587, 993, 995}),
        (Stage.SIEVE, {22, 25, 53, 80, 443, 465, 587, 993, 995, 4190}),
    ],
)
def test_what_a_scan_finds_at_each_stage(stage: Stage, opened: set[int]) -> None:
    settings = made(stage)
    assert ports(settings, OPEN) == opened
    others = FILTERED if stage >= Stage.FIREWALL else CLOSED
    assert ports(settings, others) == set(SCANNED) - opened


def test_the_firewall_filters_every_port_that_it_does_not_name() -> None:
    settings = made(Stage.FIREWALL)
    closed = [port for port in range(1, 65_536) if state(settings, port) is CLOSED]
    assert closed == []
    assert sum(state(settings, port) is OPEN for port in range(1, 65_536)) == 9


def test_fault_f9_answers_nothing_at_all() -> None:
    settings = made(Stage.SIEVE, "F9")
    assert ports(settings, FILTERED) == set(SCANNED)
    assert state(settings, 53, udp=True) is FILTERED


def test_fault_f9_before_there_was_a_firewall() -> None:
    assert state(made(Stage.MAIL, "F9"), 25) is OPEN
    assert state(made(Stage.FIREWALL, "F9"), 25) is FILTERED


def test_fault_f10_closes_names_and_webmail() -> None:
    right, wrong = made(Stage.SIEVE), made(Stage.SIEVE, "F10")
    assert ports(right, OPEN) - ports(wrong, OPEN) == {53, 80, 443}
    assert ports(wrong, FILTERED) >= {53, 80, 443}
    assert (state(right, 53, udp=True), state(wrong, 53, udp=True)) == (OPEN, FILTERED)


def test_udp_has_the_name_server_alone() -> None:
    assert state(made(Stage.MAIL), 25, udp=True) is CLOSED
    assert state(made(Stage.DNS), 53, udp=True) is OPEN


def test_a_hole_that_nothing_fills_is_closed() -> None:
    settings = made(
        Stage.MAIL, "F10"
    )  # the firewall too early: its holes are there, the TLS is not
    assert state(settings, 465) is CLOSED


def test_what_nothing_stands_behind_is_said_to_be_modelled() -> None:
    lines = scan(made(Stage.SIEVE))
    assert {line.number for line in lines if line.modelled} == {22, 80, 443}
    assert [line.number for line in lines] == sorted(SCANNED)
    names = {line.number: line.service for line in lines}
    assert (names[22], names[25], names[2000], names[4190]) == (
        "ssh",
        "smtp",
        "sieve",
        "managesieve",
    )


def test_other_ports_in_the_order_asked() -> None:
    lines = scan(made(Stage.MAIL), (8080, 25))
    assert [str(line) for line in lines] == [
        " 8080/tcp               closed",
        "   25/tcp  smtp         open",
    ]


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_no_port(port: int) -> None:
    with pytest.raises(UsageError, match=str(port)):
        state(made(Stage.MAIL), port)
