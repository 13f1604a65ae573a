"""The simulator says what Dovecot says: each POP3 and ManageSieve dialogue, in each release.

The same files are played against a real Dovecot by tests/oracles/test_dovecot_dialogues.py.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from mailsim.dialogue.explain import explain
from mailsim.lab.network import network
from mailsim.model.stage import Release
from mailsim.net.ca import LabCa
from mailsim.servers.config import config
from tests.servers.dovecot_site import Site, furnished
from tests.servers.played_dovecot import FILES, Target, read

NETWORK = network()
RFC_TEXTS = os.environ.get("MAILSIM_RFC_DIR", "")
RUNS = [(name, release) for name in FILES for release in read(name).releases]


class Sites:
    """A simulator for each release, started when it is first asked for."""

    def __init__(self, ca: LabCa, stack: ExitStack) -> None:
        self.context = ssl.create_default_context(cafile=ca.certificate)
        self._ca = ca
        self._stack = stack
        self._started: dict[Release, Site] = {}

    def target(self, release: Release) -> Target:
        if release not in self._started:
            site = self._started[release] = Site(release, self._ca)
            site.start()
            self._stack.callback(site.stop)
        site = self._started[release]
        connect = partial(furnished, site)
        return Target(release, NETWORK.server.name, connect, self.context, site.password)


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with ExitStack() as stack:
        yield Sites(LabCa.load(tmp_path_factory.mktemp("ca"), NETWORK), stack)


@pytest.mark.parametrize(("name", "release"), RUNS)
def test_the_simulator_says_what_the_dialogue_shows(
    sites: Sites, name: str, release: Release
) -> None:
    sites.target(release).play(read(name))


# --- what the files say of themselves --------------------------------------------------------


# Answers to what a client of mail has no reason to say.
UNWORDED = (
    "-ERR Invalid characters in MD5 response.",
    "-ERR Invalid parameters.",
    "-ERR [AUTH] Cleartext authentication disabled.",
)


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_explained_and_every_refusal_by_its_wording(name: str) -> None:
    rows = [row for exchange in explain(read(name).transcript.dialogue) for row in exchange.rows]
    assert [row.raw for row in rows if not row.ids] == []
    refusals = [
        row.raw
        for row in rows
        if row.raw.startswith((b"-ERR", b"NO ", b"BYE"))
        and not row.raw.rstrip().endswith(b"}")  # the text is the literal
        and not any(one.startswith(("wording.", "managesieve.command")) for one in row.ids)
    ]
    assert [one for one in refusals if not one.decode().startswith(UNWORDED)] == []


@pytest.mark.parametrize("name", FILES)
def test_it_says_what_it_shows_and_where_that_stands(name: str) -> None:
    played = read(name)
    assert played.transcript.first("title")
    assert played.setting.service in config(NETWORK, played.setting.stage, Release.NOBLE).services
    assert re.fullmatch(r"RFC \d+ §[\d.]+|Dovecot [a-z0-9_]+", played.transcript.first("source"))


def test_no_two_have_one_title() -> None:
    titles = [(name.partition("/")[0], read(name).transcript.first("title")) for name in FILES]
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
