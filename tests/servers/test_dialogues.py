"""The simulator says what Postfix says: each dialogue, in each release that it is for.

The same files are played against a real Postfix by tests/oracles/test_stages.py.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from mailsim.dialogue.explain import explain
from mailsim.lab.network import network
from mailsim.model.stage import Release
from mailsim.net.ca import LabCa
from mailsim.servers.config import FAULTS, config
from mailsim.servers.embedded import Embedded
from mailsim.servers.world import World
from tests.servers.played import FILES, Setting, Target, read

NETWORK = network()
SEED = "tests"
RFC_TEXTS = os.environ.get("MAILSIM_RFC_DIR", "")
RUNS = [(name, release) for name in FILES for release in read(name).releases]
# What says no more than the first digit or the class of a thing.
UNSPECIFIC = ("smtp.class.", "enhanced.class.", "enhanced.subject.")


class Labs:
    """A simulator for each release, started when it is first asked for."""

    def __init__(self, ca: LabCa, stack: ExitStack) -> None:
        self._ca = ca
        self._stack = stack
        self._started: dict[Release, Embedded] = {}

    def target(self, release: Release) -> Target:
        lab = self._lab(release)
        return Target(
            NETWORK,
            release,
            lambda setting: socket.create_connection(lab.endpoints[setting.service]),
            ssl.create_default_context(cafile=self._ca.certificate),
            lambda user: lab.call(lambda world: _password(world, user)),
            partial(_prepare, lab),
        )

    def _lab(self, release: Release) -> Embedded:
        if release not in self._started:
            stage = read(FILES[0]).setting.stage
            lab = Embedded(
                NETWORK, stage=stage, release=release, seed=SEED, fixed=True, ca=self._ca
            )
            lab.start()
            self._stack.callback(lab.stop)
            self._started[release] = lab
        return self._started[release]


def _prepare(lab: Embedded, setting: Setting) -> None:
    lab.call(lambda _: lab.reset(setting.stage))
    lab.call(lambda world: _set(world, setting))


def _set(world: World, setting: Setting) -> None:
    for fault in sorted(setting.faults):
        world.fault(fault, on=True)
    # An error's delay is seen on a clock and not in what is said.
    settings = setting.apply(world.config)
    world.config = replace(settings, smtpd_error_sleep_time=0.0, smtpd_sasl_failure_delay=0.0)


def _password(world: World, user: str) -> str:
    found = world.accounts.get(user)
    assert found is not None
    return found.reveal().decode()


@pytest.fixture(scope="session")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labs]:
    with ExitStack() as stack:
        yield Labs(LabCa.load(tmp_path_factory.mktemp("ca"), NETWORK), stack)


@pytest.mark.parametrize(("name", "release"), RUNS)
def test_the_simulator_says_what_the_dialogue_shows(
    labs: Labs, name: str, release: Release
) -> None:
    labs.target(release).play(read(name))


# --- what the files say of themselves --------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_explained_by_a_specific_entry(name: str) -> None:
    rows = [row for exchange in explain(read(name).transcript.dialogue) for row in exchange.rows]
    assert [row.raw for row in rows if not row.ids or row.ids[0].startswith(UNSPECIFIC)] == []


@pytest.mark.parametrize("name", FILES)
def test_it_says_what_it_shows_and_where_that_stands(name: str) -> None:
    played = read(name)
    assert played.transcript.first("title")
    assert played.setting.service in config(NETWORK, played.setting.stage, Release.NOBLE).services
    assert played.setting.faults <= set(FAULTS)
    assert re.fullmatch(
        r"RFC \d+( §[\d.]+)?|postconf\(5\) [a-z0-9_]+|Postfix [A-Z0-9]+_README",
        played.transcript.first("source"),
    )


def test_no_two_have_one_title() -> None:
    titles = [read(name).transcript.first("title") for name in FILES]
    assert sorted(titles) == sorted(set(titles))


@pytest.mark.skipif(not RFC_TEXTS, reason="MAILSIM_RFC_DIR names no folder of RFC texts")
@pytest.mark.parametrize("name", FILES)
def test_the_source_is_a_section_of_the_rfc(name: str) -> None:
    found = re.fullmatch(r"RFC (\d+) §([\d.]+)", read(name).transcript.first("source"))
    if not found:
        return
    path = Path(RFC_TEXTS) / f"rfc{int(found[1]):04}.txt"
    if not path.is_file():
        pytest.skip(f"no text of RFC {found[1]}")
    heading = re.compile(rf"^ *{re.escape(found[2])}\.?\s+\S", re.MULTILINE)
    assert heading.search(path.read_text(encoding="utf-8", errors="replace"))


@pytest.mark.parametrize("fault", ["F5", "F6", "F7", "F8", "F23", "F24", "F25", "F28", "F29"])
def test_each_fault_that_is_seen_on_the_wire_has_its_dialogue(fault: str) -> None:
    assert [name for name in FILES if fault in read(name).setting.faults]
