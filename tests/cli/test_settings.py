from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mailsim.lab.settings import SERVICES

if TYPE_CHECKING:
    from tests.cli.conftest import Run


def test_settings_of_a_stage_and_between_two(run: Run) -> None:
    assert run("settings", "relay", "--setting", "disable_vrfy_command").out == (
        "/etc/postfix/main.cf\n"
        "  # F24: nobody is told who has a mailbox.\n"
        "  + disable_vrfy_command = yes\n"
    )
    between = run("settings", "tls", "--diff", "firewall", "--json")
    found = json.loads(between.out)["settings"]
    assert {one["service"] for one in found} == {"nftables"}
    assert {one["before"] for one in found} == {None}
    assert run("settings", "tls", "--diff", "tls").out == "No setting.\n"


def test_settings_of_a_release_with_a_fault_in_french(run: Run) -> None:
    asked = (
        "settings",
        "tls",
        "--release",
        "trixie",
        "--service",
        "dovecot",
        "--about",
        "wrong-name",
    )
    shown = run(*asked, "--fault", "WRONG-NAME", "--lang", "fr").out
    assert "- ssl_server_cert_file = /etc/ssl/mailsim/imapd-lab.pem" in shown
    assert "le certificat propre au serveur de boîtes aux lettres. (panne wrong-name)" in shown
    assert run("settings", "mail", "--fault", "F2", "--about", "F2").out.count("(fault F2)") == 2


def test_what_is_not_known_is_wrong_use(run: Run) -> None:
    assert run("settings", "smtp").code == 2
    assert run("settings", "--release", "lenny").code == 2
    assert run("settings", "--fault", "F99").code == 2
    wrong = run("settings", "--service", "exim")
    assert (wrong.code, SERVICES[0] in wrong.err) == (2, True)
