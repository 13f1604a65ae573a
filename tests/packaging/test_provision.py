"""The roles: what they write is what the package says, release by release and stage by stage."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.servers.accounts import LabAccounts
from tests.packaging.rendering import PROVISION, ROOT, ansible, files_of
from tools import settings as written

NETWORK: Final = network()

pytestmark = pytest.mark.timeout(0)  # ansible takes a minute of its own


# --- the package's file


def test_the_package_says_what_the_roles_write(document: Any) -> None:
    assert written.document_of(document) == written.TARGET.read_text("utf-8"), "make settings"


def part(document: Any, path: str) -> list[str]:
    """The first part of a file that bookworm's first stage with mail has."""
    parts = document["bookworm"]["mail"]
    found: list[str] = next(one for one in parts if one[0] == path)
    return found


def test_a_setting_without_its_reason_ends_the_writing(document: Any) -> None:
    for path, reason, instead in (
        ("/etc/postfix/main.cf", "# MTA1: ", "# "),
        ("/etc/dovecot/dovecot.conf", "# SAS5: ", "# "),
        ("/etc/apache2/sites-available/webmail.conf", "# WEB6: the site", "# the site"),
        ("/etc/roundcube/config.inc.php", "// WEB8: ", "// "),
    ):
        wrong = json.loads(json.dumps(document))
        one = part(wrong, path)
        assert reason in one[1]
        one[1] = one[1].replace(reason, instead, 1)
        with pytest.raises(SystemExit, match=rf"{re.escape(path)}: .*why\?"):
            written.document_of(wrong)


def test_a_reason_without_its_french_ends_the_writing(document: Any) -> None:
    one = part(wrong := json.loads(json.dumps(document)), "/etc/aliases")
    one[1] = one[1].replace("who reads", "WHO READS", 1)
    with pytest.raises(SystemExit, match="no French: WHO READS"):
        written.document_of(wrong)


def test_a_setting_that_stands_twice_ends_the_writing(document: Any) -> None:
    one = part(wrong := json.loads(json.dumps(document)), "/etc/postfix/main.cf")
    wrong["bookworm"]["mail"].append(one)
    with pytest.raises(SystemExit, match="compatibility_level is set twice"):
        written.document_of(wrong)


def test_the_tool_says_whether_the_file_is_todays(document: Any, tmp_path: Path) -> None:
    rendered = tmp_path / "rendered.json"
    rendered.write_text(json.dumps(document))
    assert written.main(["--check", str(rendered)]) == 0
    one = part(document := json.loads(json.dumps(document)), "/etc/aliases")
    one[1] = one[1].replace("root: admin", "root: user")
    rendered.write_text(json.dumps(document))
    assert written.main(["--check", str(rendered)]) == 1


FAULTS: Final = {
    "F2": ("/etc/bind/named.conf.local", 'zone "0.0.127.in-addr-arpa"'),
    "F3": ("/etc/bind/named.conf.local", 'zone " 10.168.192.in-addr.arpa"'),
    "F9": ("/etc/nftables.d/50-firewall.nft", "# F9: everything is dropped"),
    "F11": ("/etc/dovecot/dovecot.conf", "protocols = imap lmtp sieve"),
    "F12": ("/etc/postfix/main.cf", "home_mailbox = Maildir/"),
    "F13": ("/etc/apache2/sites-available/webmail-tls.conf", "SSLEngine is missing"),
    "F14": ("/etc/apache2/sites-available/webmail-tls.conf", "DocumentRoot /var/lib/roundcube\n"),
    "F16": ("/etc/dovecot/global_script/dovecot.sieve", 'require "fileinto ";'),
    "F19": ("/etc/spamassassin/local.cf", "rewrite_header Subject"),
    "F28": ("/etc/postfix/master.cf", "  -o smtpd_tls_chain_files=\n"),
    "F29": ("/etc/postfix/main.cf", "secretaire@ugb.sn=secretariat@ugb.sn"),
    "expired": ("/etc/postfix/main.cf", "smtpd-expired.pem"),
    "self-signed": ("/etc/dovecot/lab.d/40-tls.conf", "imapd-self-signed.pem"),
    "wrong-name": ("/etc/postfix/main.cf", "smtpd-wrong-name.pem"),
}


_KINDS: Final = ("expired", "self-signed", "wrong-name")  # a certificate is of one kind alone


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_built_in_and_only_then(document: Any, fault: str) -> None:
    path, text = FAULTS[fault]
    wrong = document["noble"]["faults"][fault]["sieve"]
    assert any(text in one[1] for one in wrong if one[0] == path)
    assert text not in files_of(document, Release.NOBLE, Stage.SIEVE)[path]


def test_passwords_are_those_of_the_simulator(tmp_path: Path) -> None:
    play = [{
        "hosts": "localhost", "gather_facts": False,
        "vars_files": [
            str(PROVISION / "group_vars/all/main.yml"),
            str(PROVISION / "roles/base/defaults/main.yml"),
        ],
        "tasks": [{"ansible.builtin.copy": {
            "dest": str(tmp_path / "passwords"),
            "content": "{% for item in mailsim_network.accounts %}{{ item.user }} "
            f"{{{{ lookup('ansible.builtin.template', '{PROVISION}/roles/base/templates/password.j2',"
            " template_vars={'item': item}) | trim }}\n{% endfor %}",
        }}],
    }]  # fmt: skip
    book = tmp_path / "play.json"
    book.write_text(json.dumps(play), encoding="utf-8")
    source = str(ROOT / "mailsim/lab/network.json")
    ansible(book, mailsim_seed="a seed", mailsim_network_file=source, mailsim_faults=[])
    said = dict(line.split() for line in (tmp_path / "passwords").read_text().splitlines())
    assert said == {one.user: one.password for one in LabAccounts(NETWORK, "a seed").listed()}
