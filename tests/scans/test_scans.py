"""What those who look from outside find, stage by stage: the thesis's mistakes first, then none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

import pytest

from mailsim import Lab
from mailsim.model.stage import Stage
from tests.scans.findings import BAD, GOOD, NOTE, Finding
from tests.scans.workstation import PROTOCOLS, ROOT, Workstation, demand

# Stage relay's image is built for `make test-container-all` alone; tls relays for nobody either.
_ALL: Final = os.environ.get("MAILSIM_CONTRACT_STAGES") == "all"
STAGES: Final = ("mail", "relay", "tls", "sieve") if _ALL else ("mail", "tls", "sieve")
RESULTS: Final = Path(os.environ.get("MAILSIM_SCAN_RESULTS", ROOT / "build/scans.json"))

pytestmark = [
    pytest.mark.container,
    pytest.mark.timeout(1800),
]
Found = dict[str, list[Finding]]


@pytest.fixture(scope="module")
def found(walked: Lab, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The findings of each stage, in one lab that goes from stage to stage; kept in a file."""
    demand()
    station = Workstation(walked, tmp_path_factory.mktemp("scans"))
    made: Found = {}
    for stage in STAGES:
        _bring(walked, stage)
        made[stage] = list(station.all())
    _keep(made, walked.release.value)
    return made


def _bring(lab: Lab, stage: str) -> None:
    if lab.stage is not Stage.of(stage):
        lab.reset(stage)


def _keep(made: Found, release: str) -> None:
    plain = [one.plain(stage, release) for stage, found in made.items() for one in found]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def _of(found: list[Finding], tool: str, what: str) -> dict[int, Finding]:
    return {one.port: one for one in found if (one.tool, one.what) == (tool, what)}


def test_at_stage_mail_they_find_what_the_thesis_says_is_wrong(found: Found) -> None:
    mail = found["mail"]
    assert "is an open relay" in _of(mail, "nmap", "open relay")[25].finding
    assert _of(mail, "nmap", "STARTTLS")[25].verdict == BAD
    assert _of(mail, "nmap", "VRFY")[25].verdict == BAD
    assert _of(mail, "sslyze", "TLS")[25].verdict == BAD
    assert _of(mail, "swaks", "poste.minfo.sn relays to a stranger")[25].finding.startswith("250")
    assert _of(mail, "swaks", "spammeur.pub.sn writes to user@minfo.sn")[25].verdict == BAD


def test_at_stage_mail_mailboxes_are_read_in_clear(found: Found) -> None:
    assert _of(found["mail"], "nmap", "open TCP ports")[0].finding == "25 53 80 110 143"


@pytest.mark.parametrize("stage", STAGES[1:])
def test_from_stage_relay_on_nobody_relays(found: Found, stage: str) -> None:
    relays = [one for one in found[stage] if "relay" in one.what]
    assert {one.tool for one in relays} == {"nmap", "swaks"}
    assert {one.verdict for one in relays} == {GOOD}, relays


@pytest.mark.parametrize("stage", STAGES[1:])
def test_from_stage_relay_on_who_is_listed_is_refused(found: Found, stage: str) -> None:
    listed = _of(found[stage], "swaks", "spammeur.pub.sn writes to user@minfo.sn")[25]
    assert listed.finding.startswith("554 5.7.1")
    assert "dnsbl.minfo.sn" in listed.finding


@pytest.mark.parametrize(
    ("stage", "tools"), [("tls", ("nmap", "sslyze")), ("sieve", ("nmap", "sslyze", "testssl.sh"))]
)
def test_no_version_older_than_tls_1_2(found: Found, stage: str, tools: tuple[str, ...]) -> None:
    for tool in tools:
        versions = _of(found[stage], tool, "SSL, TLS 1.0, TLS 1.1")
        assert set(versions) == set(PROTOCOLS), tool
        assert {one.finding for one in versions.values()} == {"none"}, tool


@pytest.mark.parametrize("tool", ["sslyze", "testssl.sh"])
def test_the_chain_is_valid_for_mail_minfo_sn(found: Found, tool: str) -> None:
    chains = _of(found["sieve"], tool, "chain")
    assert set(chains) == set(PROTOCOLS)
    assert {one.verdict for one in chains.values()} == {GOOD}, chains
    names = _of(found["sieve"], "testssl.sh", "name")
    assert {one.verdict for one in names.values()} == {GOOD}, names


def test_at_stage_sieve_nothing_is_bad_and_the_ports_are_the_thesis_s(found: Found) -> None:
    assert [one for one in found["sieve"] if one.verdict not in (GOOD, NOTE)] == []
    ports = _of(found["sieve"], "nmap", "open TCP ports")[0].finding
    assert ports == "25 53 80 443 465 587 993 995 4190"
    assert _of(found["sieve"], "nmap", "open UDP ports")[0].finding == "53"
