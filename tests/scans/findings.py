"""What a scanner says, in one form for all; good or bad is our verdict, not the scanner's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

GOOD, BAD, NOTE = "good", "bad", "note"
OLD: Final = ("SSL 2", "SSL 3", "TLS 1.0", "TLS 1.1")
_NMAP: Final = {"SSLv3": "SSL 3", "TLSv1.0": "TLS 1.0", "TLSv1.1": "TLS 1.1"}
_TESTSSL: Final = {"SSLv2": "SSL 2", "SSLv3": "SSL 3", "TLS1": "TLS 1.0", "TLS1_1": "TLS 1.1"}
_SSLYZE: Final = {
    "ssl_2_0": "SSL 2",
    "ssl_3_0": "SSL 3",
    "tls_1_0": "TLS 1.0",
    "tls_1_1": "TLS 1.1",
}
_NEW: Final = ("tls_1_2", "tls_1_3")
_OURS: Final = "Supplied CA file"  # sslyze's name for the authority that it was given


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of one tool, about one port (0: the machine)."""

    tool: str
    port: int
    what: str
    finding: str
    verdict: str

    def plain(self, stage: str, release: str) -> dict[str, Any]:
        """As the results' file has it."""
        return {"stage": stage, "release": release, **asdict(self)}


def _judged(tool: str, port: int, what: str, finding: str, *, good: bool) -> Finding:
    return Finding(tool, port, what, finding, GOOD if good else BAD)


def old_versions(tool: str, port: int, found: set[str]) -> Finding:
    """SSL 3, TLS 1.0 and TLS 1.1 are not to be used any more (RFC 7568, RFC 8996)."""
    said = ", ".join(one for one in OLD if one in found) or "none"
    return _judged(tool, port, "SSL, TLS 1.0, TLS 1.1", said, good=not found)


# --- nmap


def of_nmap(file: Path, protocol: str) -> Iterator[Finding]:
    """From the output of -oX."""
    tree = ET.parse(file)  # noqa: S314 - our own nmap wrote it
    ports = tree.findall("host/ports/port")
    yield _ports(ports, protocol)
    for port in ports:
        number = int(port.get("portid", ""))
        for script in port.findall("script"):
            yield from _of_script(number, script)


def _ports(ports: list[ET.Element], protocol: str) -> Finding:
    found = [
        port.get("portid", "")
        for port in ports
        for state in port.findall("state")
        if state.get("state") == "open"
    ]
    return Finding("nmap", 0, f"open {protocol} ports", " ".join(found), NOTE)


def _of_script(port: int, script: ET.Element) -> Iterator[Finding]:
    name, said = script.get("id"), script.get("output", "").strip()
    if name == "smtp-open-relay":
        yield _judged("nmap", port, "open relay", said, good="is an open relay" not in said)
    if name == "smtp-commands":
        words = {one.strip() for one in said.split(",")}
        yield _offered(port, "VRFY", "VRFY" in words, good="VRFY" not in words)
        if port != 465:  # TLS from the first byte
            yield _offered(port, "STARTTLS", "STARTTLS" in words, good="STARTTLS" in words)
    if name == "ssl-enum-ciphers":
        versions = {one.get("key", "") for one in script.findall("table")}
        yield old_versions("nmap", port, {_NMAP[one] for one in versions & set(_NMAP)})


def _offered(port: int, what: str, is_there: bool, *, good: bool) -> Finding:  # noqa: FBT001
    return _judged("nmap", port, what, "offered" if is_there else "not offered", good=good)


# --- swaks


def of_swaks(said: str, what: str) -> Finding:
    """The last reply to RCPT; `what` was tried must be refused."""
    lines = said.splitlines()
    at = max(place for place, line in enumerate(lines) if "RCPT TO:" in line)
    reply = lines[at + 1]
    return _judged("swaks", 25, what, reply[4:].strip(), good=reply.startswith("<**"))


# --- testssl.sh


def of_testssl(file: Path, port: int) -> Iterator[Finding]:
    """From the output of --jsonfile."""
    found = {one["id"]: str(one["finding"]) for one in json.loads(file.read_text("utf-8"))}
    # A scan that broke off has no line for a version: not "not offered".
    old = {name for key, name in _TESTSSL.items() if not found[key].startswith("not offered")}
    yield old_versions("testssl.sh", port, old)
    chain = found["cert_chain_of_trust"]
    yield _judged("testssl.sh", port, "chain", chain, good=chain == "passed.")
    trust = found["cert_trust"]
    yield _judged("testssl.sh", port, "name", trust, good=trust.startswith("Ok via SAN"))


# --- sslyze


def of_sslyze(file: Path, port: int) -> Iterator[Finding]:
    """From the output of --json_out."""
    (scan,) = json.loads(file.read_text("utf-8"))["server_scan_results"]
    if scan["scan_status"] != "COMPLETED":
        trace = scan["connectivity_error_trace"] or scan["scan_status"]
        yield Finding("sslyze", port, "TLS", trace.strip().splitlines()[-1], BAD)
        return
    result = scan["scan_result"]
    old = {name for key, name in _SSLYZE.items() if _suites(result, key)}
    yield old_versions("sslyze", port, old)
    deployments = result["certificate_info"]["result"]["certificate_deployments"]
    paths = [path for one in deployments for path in one["path_validation_results"]]
    errors = [one["validation_error"] for one in paths if one["trust_store"]["name"] == _OURS]
    said = "; ".join(sorted({one or "verified with the lab's authority" for one in errors}))
    yield _judged("sslyze", port, "chain", said, good=bool(errors) and not any(errors))
    yield _anonymous(result, port)


def _suites(result: dict[str, Any], version: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result[f"{version}_cipher_suites"]["result"][
        "accepted_cipher_suites"
    ]
    return [one["cipher_suite"] for one in found]


def _anonymous(result: dict[str, Any], port: int) -> Finding:
    """Suites without a certificate: Postfix leaves them to those who would not verify anyway."""
    count = sum(one["is_anonymous"] for key in _NEW for one in _suites(result, key))
    return Finding("sslyze", port, "anonymous cipher suites", str(count), NOTE)
