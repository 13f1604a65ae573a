"""The scanners, run on poste.minfo.sn (192.168.10.50): they meet the real firewall and the lab's DNS."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from mailsim import Lab
from mailsim.lab.network import network
from mailsim.model.stage import Stage
from tests.scans.findings import Finding, of_nmap, of_sslyze, of_swaks, of_testssl

ROOT: Final = Path(__file__).resolve().parent.parent.parent
# sslyze wants an older cryptography than ours: it has a virtual environment of its own.
SSLYZE: Final = ROOT / ".venv/scanners/bin/sslyze"
PATIENCE: Final = 240.0
TCP: Final = "1-1024,2000,4190"
PROTOCOLS: Final = {25: "smtp", 587: "smtp", 993: ""}
_RELAY: Final = "smtp-open-relay.domain=ailleurs.sn,smtp-open-relay.ip=192.168.10.1"
_VERSIONS: Final = ("--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3")
# The mount is seen by this one program, and goes with it.
_WITH_DNS: Final = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


def missing() -> list[str]:
    """The scanners that are not here."""
    here = [one for one in ("nmap", "swaks", "testssl", "nsenter") if shutil.which(one) is None]
    return here + ([] if SSLYZE.exists() else ["sslyze"])


def demand() -> None:
    """Skip without the scanners; where CI has installed them, fail."""
    if lacking := missing():
        tell = pytest.fail if os.environ.get("MAILSIM_REQUIRE_ORACLES") else pytest.skip
        tell(f"not installed: {', '.join(lacking)}")


class Workstation:
    """Runs programs in the namespace of a container lab's workstation."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._lab = lab
        self._folder = folder
        self._names = folder / "resolv.conf"
        self._names.write_text(f"nameserver {network().server.address}\n", encoding="utf-8")
        self._count = 0

    def command(self, *words: str | Path) -> list[str]:
        """The command that runs a program there."""
        space = Path("/run/netns") / self._lab._about.document["container"]
        inside = ["unshare", "--mount", "sh", "-c", _WITH_DNS, self._names, *words]
        return ["nsenter", f"--net={space}", *map(str, inside)]

    def run(self, *words: str | Path) -> str:
        """What it writes; scanners tell by their exit code what they found."""
        done = subprocess.run(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        return done.stdout.decode("utf-8", "replace")

    # --- one scanner each

    def all(self) -> Iterator[Finding]:
        """Every scanner that has its sense at the lab's stage."""
        yield from self.nmap()
        yield from self.swaks()
        stage = self._lab.stage
        for port, starttls in PROTOCOLS.items():
            if stage >= Stage.TLS or port == 25:
                yield from self.sslyze(port, starttls)
            if stage is Stage.SIEVE:
                yield from self.testssl(port, starttls)

    def nmap(self) -> Iterator[Finding]:
        """Ports, whether it relays, what it offers, which versions of TLS."""
        scripts = "smtp-open-relay,smtp-commands"
        yield from self._nmap("TCP", "-p", TCP, "--script", scripts, "--script-args", _RELAY)
        yield from self._nmap("UDP", "-sU", "-p", "53")
        if self._lab.stage >= Stage.TLS:
            ports = ",".join(map(str, PROTOCOLS))
            found = self._nmap("TCP", "-p", ports, "--script", "ssl-enum-ciphers")
            yield from (one for one in found if one.port)

    def _nmap(self, protocol: str, *words: str) -> Iterator[Finding]:
        file = self._file("xml")
        speed = ("-Pn", "-n", "-T4", "--max-retries", "1")
        said = self.run("nmap", *speed, *words, "-oX", file, network().server.address)
        assert file.exists(), said
        yield from of_nmap(file, protocol)

    def swaks(self) -> Iterator[Finding]:
        """From the workstation and from pub.sn to a stranger; from pub.sn to one of us."""
        stranger, ours = "victime@ailleurs.sn", "user@minfo.sn"
        yield of_swaks(self._swaks(stranger), "poste.minfo.sn relays to a stranger")
        spammer = ("--xclient-name", "spammeur.pub.sn", "--xclient-addr", "192.168.66.66")
        yield of_swaks(self._swaks(stranger, *spammer), "spammeur.pub.sn relays to a stranger")
        yield of_swaks(self._swaks(ours, *spammer), "spammeur.pub.sn writes to user@minfo.sn")

    def _swaks(self, to: str, *words: str) -> str:
        named = ("--helo", "poste.minfo.sn", "--from", "etudiant@miage.sn", "--to", to)
        server = ("--server", network().server.address, "--quit-after", "RCPT")
        return self.run("swaks", *server, *named, *words)

    def testssl(self, port: int, starttls: str) -> Iterator[Finding]:
        """Versions, certificate, chain, with the lab's authority."""
        file = self._file("json")
        quiet = ("--quiet", "--warnings", "off", "--color", "0", "--nodns", "none")
        which = ("--protocols", "--server-defaults", "--add-ca", self._lab.ca)
        upgrade = ("--starttls", starttls) if starttls else ()
        where = ("--ip", network().server.address, f"{network().server.name}:{port}")
        said = self.run("testssl", *quiet, *which, *upgrade, "--jsonfile", file, *where)
        assert file.exists(), said
        yield from of_testssl(file, port)

    def sslyze(self, port: int, starttls: str) -> Iterator[Finding]:
        """Versions, cipher suites, chain, with the lab's authority."""
        file = self._file("json")
        which = (*_VERSIONS, "--certinfo", "--certinfo_ca_file", self._lab.ca)
        upgrade = ("--starttls", starttls) if starttls else ()
        where = (f"--json_out={file}", "--mozilla_config", "disable")
        said = self.run(SSLYZE, *which, *upgrade, *where, f"{network().server.name}:{port}")
        assert file.exists(), said
        yield from of_sslyze(file, port)

    def _file(self, kind: str) -> Path:
        self._count += 1
        return self._folder / f"{self._lab.stage.value}-{self._count}.{kind}"
