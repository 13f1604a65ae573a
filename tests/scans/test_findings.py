"""What a scanner says against the server is never taken for praise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scans.findings import BAD, GOOD, Finding, of_nmap, of_sslyze, of_swaks, of_testssl
from tools.scan_table import page

NMAP = """<nmaprun><host><ports>
<port protocol="tcp" portid="22"><state state="closed"/></port>
<port protocol="tcp" portid="25"><state state="open"/>
<script id="smtp-open-relay" output="Server is an open relay (16/16 tests)"/>
<script id="smtp-commands" output="mail.minfo.sn, PIPELINING, VRFY, STARTTLS"/>
<script id="ssl-enum-ciphers" output=""><table key="TLSv1.1"/><table key="TLSv1.2"/></script>
</port></ports></host></nmaprun>"""


def _by_what(found: list[Finding]) -> dict[str, Finding]:
    return {one.what: one for one in found}


def test_nmap(tmp_path: Path) -> None:
    file = tmp_path / "nmap.xml"
    file.write_text(NMAP, encoding="utf-8")
    found = _by_what(list(of_nmap(file, "TCP")))
    assert found["open TCP ports"].finding == "25"
    assert found["open relay"].verdict == BAD
    assert found["VRFY"].verdict == BAD
    assert found["STARTTLS"].verdict == GOOD
    assert found["SSL, TLS 1.0, TLS 1.1"] == Finding(
        "nmap", 25, "SSL, TLS 1.0, TLS 1.1", "TLS 1.1", BAD
    )


@pytest.mark.parametrize(
    ("said", "verdict"), [("<-  250 2.1.5 Ok", BAD), ("<** 554 5.7.1 Relay access denied", GOOD)]
)
def test_swaks(said: str, verdict: str) -> None:
    found = of_swaks(f" -> RCPT TO:<a@b.sn>\n{said}\n -> QUIT\n<-  221 Bye\n", "relays")
    assert (found.finding, found.verdict) == (said[4:], verdict)


def _testssl(**changed: str) -> str:
    found = dict.fromkeys(("SSLv2", "SSLv3", "TLS1", "TLS1_1"), "not offered")
    found |= {"cert_chain_of_trust": "passed.", "cert_trust": "Ok via SAN", **changed}
    return json.dumps([{"id": name, "finding": said} for name, said in found.items()])


@pytest.mark.parametrize(
    ("changed", "bad"),
    [
        ({}, set()),
        ({"TLS1": "offered (deprecated)"}, {"SSL, TLS 1.0, TLS 1.1"}),
        ({"cert_chain_of_trust": "failed (self signed)."}, {"chain"}),
        ({"cert_trust": "certificate does not match supplied URI"}, {"name"}),
    ],
)
def test_testssl(tmp_path: Path, changed: dict[str, str], bad: set[str]) -> None:
    file = tmp_path / "testssl.json"
    file.write_text(_testssl(**changed), encoding="utf-8")
    assert {one.what for one in of_testssl(file, 993) if one.verdict == BAD} == bad


def _sslyze(error: str | None, *, old: bool) -> dict[str, Any]:
    versions = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3")
    suite = {"cipher_suite": {"is_anonymous": False}}
    offered = {"tls_1_2", "tls_1_3"} | ({"ssl_3_0"} if old else set())
    result: dict[str, Any] = {
        f"{one}_cipher_suites": {
            "result": {"accepted_cipher_suites": [suite] if one in offered else []}
        }
        for one in versions
    }
    path = {"trust_store": {"name": "Supplied CA file"}, "validation_error": error}
    deployment = {"path_validation_results": [path]}
    result["certificate_info"] = {"result": {"certificate_deployments": [deployment]}}
    scan = {"scan_status": "COMPLETED", "scan_result": result}
    return {"server_scan_results": [scan]}


@pytest.mark.parametrize(
    ("error", "old", "bad"),
    [(None, False, set()), ("expired", False, {"chain"}), (None, True, {"SSL, TLS 1.0, TLS 1.1"})],
)
def test_sslyze(tmp_path: Path, error: str | None, *, old: bool, bad: set[str]) -> None:
    file = tmp_path / "sslyze.json"
    file.write_text(json.dumps(_sslyze(error, old=old)), encoding="utf-8")
    assert {one.what for one in of_sslyze(file, 587) if one.verdict == BAD} == bad


def test_the_page_has_a_column_for_each_stage() -> None:
    relayed = Finding("nmap", 25, "open relay", "yes | all", BAD).plain("mail", "bookworm")
    refused = Finding("nmap", 25, "open relay", "no", GOOD).plain("sieve", "bookworm")
    rows = page([relayed, refused]).splitlines()
    assert "| tool | port | what | mail | sieve |" in rows
    assert "| nmap | 25 | open relay | ✗ yes \\| all | ✓ no |" in rows
