"""The simulator says what Dovecot says: each IMAP dialogue, in each release that it is for.

The same files are played against a real Dovecot by tests/oracles/test_imap_dialogues.py.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailsim.dialogue.explain import explain
from mailsim.lab.network import network
from mailsim.model.stage import Release
from mailsim.net.ca import LabCa
from tests.servers.imap.imapd import PASSWORD, USER, Imapd, new_world, served
from tests.servers.imap.played_imap import FILES, Target, read
from tests.servers.played import Played

RFC_TEXTS = os.environ.get("MAILSIM_RFC_DIR", "")
RUNS = [(name, release) for name in FILES for release in read(name).releases]
MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> LabCa:
    return LabCa.load(tmp_path_factory.mktemp("ca"), network())


@pytest.fixture(scope="module")
def imapd(ca: LabCa) -> Iterator[Imapd]:
    with served(ca) as server:
        yield server


def settings(played: Played) -> dict[str, Any]:
    found: dict[str, Any] = {"auth_mechanisms": MECHANISMS}
    for one in played.all("setting"):
        name, _, value = one.partition(" ")
        found[name] = int(value) if value.isdigit() else tuple(value.split())
    return found


def connect(imapd: Imapd, played: Played) -> socket.socket:
    return imapd.connect(played.setting.service)


@pytest.mark.parametrize(("name", "release"), RUNS)
def test_the_simulator_says_what_the_dialogue_shows(
    imapd: Imapd, ca: LabCa, name: str, release: Release
) -> None:
    played = read(name)
    imapd.reset(new_world(played.setting.stage, release, **settings(played)))
    imapd.call(furnish)
    context = ssl.create_default_context(cafile=ca.certificate)
    Target(release, lambda one: connect(imapd, one), context, lambda _: (USER, PASSWORD)).play(
        played
    )
    assert imapd.errors == []


def furnish(world: Any) -> None:
    """The mailboxes that the real server makes by itself."""
    for mailbox in ("Junk", "Trash"):
        world.store.create(USER, mailbox)
        world.store.subscribe(USER, mailbox)


# --- what the files say of themselves --------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_every_row_is_explained(name: str) -> None:
    rows = [row for exchange in explain(read(name).transcript.dialogue) for row in exchange.rows]
    assert [row.raw for row in rows if not row.ids] == []


@pytest.mark.parametrize("name", FILES)
def test_it_says_what_it_shows_and_where_that_stands(name: str) -> None:
    played = read(name)
    assert played.transcript.first("title")
    assert re.fullmatch(r"RFC \d+ §[\d.]+|Dovecot [a-z0-9_-]+", played.transcript.first("source"))


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
