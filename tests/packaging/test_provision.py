"""The roles set the real servers as the simulator's are set, release by release, stage by stage."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import pytest

from mailsim.lab.network import network
from mailsim.model.stage import Release, Stage
from mailsim.servers.accounts import LabAccounts
from mailsim.servers.config import Config, config

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PROVISION: Final = ROOT / "provision"
RELEASES: Final = [one for one in Release if one is not Release.FULL]
STAGES: Final = [one for one in Stage if one is not Stage.DNS]
NETWORK: Final = network()
NOBLE: Final = Release.NOBLE

Files = Mapping[str, str]
"""What the roles write, by path: the parts of one file joined."""

# Those of Config's fields that are main.cf's parameters beside smtpd's own.
_MAIN: Final = (
    "myhostname", "mydomain", "mydestination", "mynetworks", "recipient_delimiter",
    "message_size_limit", "content_filter", "strict_rfc821_envelopes", "disable_vrfy_command",
    "maximal_queue_lifetime", "bounce_queue_lifetime", "minimal_backoff_time",
    "maximal_backoff_time", "queue_run_delay", "smtp_tls_security_level",
)  # fmt: skip
# Dovecot's, or only the simulator's.
_NOT_POSTFIX: Final = ("smtpd_sasl_mechanisms", "smtpd_sasl_failure_delay")
_SERVICES: Final = ("smtp", "submission", "submissions")
# The smtpd that takes mail back from the filter (AMA3).
_REINJECTION: Final = {
    "content_filter": "", "mynetworks": "127.0.0.0/8", "smtpd_client_restrictions": "",
    "smtpd_helo_restrictions": "", "smtpd_sender_restrictions": "",
    "smtpd_recipient_restrictions": "permit_mynetworks,reject", "smtpd_sasl_auth_enable": "no",
}  # fmt: skip


def ansible(playbook: Path, **variables: object) -> None:
    """Run a playbook on this machine, which it does not change."""
    program = shutil.which("ansible-playbook")
    if program is None:
        pytest.skip("ansible-playbook is not installed")
    done = subprocess.run(
        [program, "-i", "localhost,", "-c", "local", str(playbook), "-e", json.dumps(variables)],
        env={**os.environ, "ANSIBLE_CONFIG": str(PROVISION / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def rendered(to: Path, releases: Sequence[Release], stages: Sequence[Stage], *faults: str) -> Any:
    ansible(
        PROVISION / "settings.yml",
        mailsim_settings_to=str(to),
        mailsim_settings_releases=[one.value for one in releases],
        mailsim_settings_stages=[one.value for one in stages],
        mailsim_faults=list(faults),
    )
    return json.loads(to.read_text(encoding="utf-8"))


def files_of(document: Any, release: Release, stage: Stage) -> Files:
    joined: dict[str, str] = {}
    for path, text, *_ in document[release.value][stage.value]:
        joined[path] = joined.get(path, "") + text
    return joined


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """All releases and stages."""
    return rendered(tmp_path_factory.mktemp("settings") / "all.json", RELEASES, list(Stage))


def main_cf(files: Files) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in files["/etc/postfix/main.cf"].splitlines():
        if line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            assert equals, line
            assert name.strip() not in found, f"{name} is set twice"
            found[name.strip()] = value.strip()
    return found


def options(files: Files, service: str) -> dict[str, str] | None:
    """The service's -o options; None if master.cf has no such service for the network."""
    found: dict[str, str] | None = None
    inside = False
    for line in files["/etc/postfix/master.cf"].splitlines():
        if line.startswith("  -o ") and inside and found is not None:
            name, _, value = line.removeprefix("  -o ").partition("=")
            found[name] = value
        elif line and not line.startswith((" ", "#")):
            inside = line.split()[:2] == [service, "inet"]
            found = {} if inside else found
    return found


def postfix_names(made: Config) -> list[str]:
    every = [one.name for one in fields(made)]
    smtpd = [one for one in every if one.startswith("smtpd_") and one not in _NOT_POSTFIX]
    return [*_MAIN, *smtpd]


def expected(made: Config, name: str) -> object:
    value = getattr(made, name)
    if name == "smtpd_tls_security_level":
        return value.removesuffix("none")
    return tuple(str(one) for one in value) if isinstance(value, tuple) else value


def actual(made: Config, set_: Mapping[str, str], name: str) -> object:
    """As `Config` has it; its own default, which is Postfix's, where the roles say nothing."""
    default = next(one.default for one in fields(made) if one.name == name)
    if name not in set_:
        return default
    value = set_[name]
    if name == "smtpd_sender_login_maps":
        return bool(value)
    if isinstance(getattr(made, name), bool):
        return {"yes": True, "no": False}[value]
    if isinstance(getattr(made, name), tuple):
        return tuple(one for one in re.split(r"[,\s]+", value) if one)
    if isinstance(getattr(made, name), int):
        return int(value)
    return value.removesuffix("none") if name == "smtpd_tls_security_level" else value


def differences(files: Files, made: Config) -> list[str]:
    whole = main_cf(files)
    found = []
    for name in _SERVICES:
        own = options(files, name)
        if own is None:
            continue
        service = made.service(name)
        for one in postfix_names(made):
            wanted, got = expected(service, one), actual(service, {**whole, **own}, one)
            if wanted != got:
                found.append(f"{name} {one}: {got!r}, the simulator has {wanted!r}")
    return found


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("stage", STAGES)
def test_postfix_is_set_as_the_simulator_is(document: Any, release: Release, stage: Stage) -> None:
    files = files_of(document, release, stage)
    assert differences(files, config(NETWORK, stage, release)) == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_its_services_and_no_others(document: Any, stage: Stage) -> None:
    files = files_of(document, NOBLE, stage)
    there = {name for name in _SERVICES if options(files, name) is not None}
    wanted = {"smtp"}
    wanted |= {"submission", "submissions"} if stage >= Stage.TLS else set()
    assert there == wanted
    reinjection = options(files, "127.0.0.1:10025")
    assert (reinjection is not None) == (stage >= Stage.AMAVIS)
    assert _REINJECTION.items() <= (reinjection or _REINJECTION).items()
    sieve = (
        "sieve"
        in re.findall(r"^protocols = (.*)$", files["/etc/dovecot/dovecot.conf"], re.MULTILINE)[0]
    )
    assert sieve == (stage >= Stage.SIEVE)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("stage", STAGES)
def test_dovecot_asks_for_tls_when_the_simulator_does(
    document: Any, release: Release, stage: Stage
) -> None:
    files = files_of(document, release, stage)
    made = config(NETWORK, stage, release)
    text = "".join(text for path, text in files.items() if path.startswith("/etc/dovecot/"))
    clear = {(2, 3): "disable_plaintext_auth = ", (2, 4): "auth_allow_cleartext = "}
    name = clear[release.dovecot[:2]]
    says = {(2, 3): made.disable_plaintext_auth, (2, 4): not made.disable_plaintext_auth}
    assert re.findall(r"^ssl = (\w+)$", text, re.MULTILINE) == [made.ssl]
    assert re.findall(f"^{name}(\\w+)$", text, re.MULTILINE) == [
        "yes" if says[release.dovecot[:2]] else "no"
    ]
    assert ("dovecot_config_version" in text) == (release.dovecot >= (2, 4, 0))


@pytest.mark.parametrize("stage", [Stage.FIREWALL, Stage.SIEVE])
def test_the_same_ports_are_open(document: Any, stage: Stage) -> None:
    rules = files_of(document, NOBLE, stage)["/etc/nftables.d/50-firewall.nft"]
    assert opened(rules) == config(NETWORK, stage, NOBLE).open_ports


def opened(rules: str) -> frozenset[int]:
    incoming = rules.partition("chain output")[0]
    return frozenset(int(one) for one in re.findall(r"tcp dport (\d+)", incoming))


@pytest.mark.parametrize("stage", [one for one in Stage if one >= Stage.AMAVIS])
def test_amavis_judges_as_the_simulator_does(document: Any, stage: Stage) -> None:
    files = files_of(document, NOBLE, stage)
    made = config(NETWORK, stage, NOBLE)
    assert ("/etc/amavis/conf.d/61-clamav" in files) == (not made.bypass_virus_checks)
    assert ("/etc/amavis/conf.d/62-spamassassin" in files) == (not made.bypass_spam_checks)
    assert amavis(files) == wanted_of_amavis(made)


_AMAVIS: Final = (
    "sa_tag_level_deflt", "sa_tag2_level_deflt", "sa_kill_level_deflt", "final_virus_destiny",
    "final_banned_destiny", "final_spam_destiny", "final_bad_header_destiny",
)  # fmt: skip


def amavis(files: Files) -> dict[str, str]:
    text = files["/etc/amavis/conf.d/60-lab"]
    found = {name: re.findall(rf"^\${name} = (.*);$", text, re.MULTILINE)[0] for name in _AMAVIS}
    local = re.findall(r"^@local_domains_acl = \((.*)\);$", text, re.MULTILINE)[0]
    return {**found, "local": re.sub(r"['\s]", "", local)}


def wanted_of_amavis(made: Config) -> dict[str, str]:
    found = {name: getattr(made, name) for name in _AMAVIS}
    levels = {name: "undef" if one is None else f"{one:.2f}" for name, one in found.items()
              if not isinstance(one, str)}  # fmt: skip
    return {**found, **levels, "local": ",".join(f".{one}" for one in made.local_domains)}


@pytest.mark.parametrize("fault", ["F5", "F6", "F7", "F8", "F10", "F18", "F20", "F24"])
def test_a_fault_sets_what_it_sets_in_the_simulator(tmp_path: Path, fault: str) -> None:
    stage = Stage.SIEVE
    made = config(NETWORK, stage, NOBLE, frozenset({fault}))
    files = files_of(rendered(tmp_path / "one.json", [NOBLE], [stage], fault), NOBLE, stage)
    assert differences(files, made) == []
    assert opened(files["/etc/nftables.d/50-firewall.nft"]) == made.open_ports
    assert amavis(files) == wanted_of_amavis(made)


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


@pytest.mark.parametrize("kind", _KINDS)
def test_faults_are_built_in_and_only_then(tmp_path: Path, document: Any, kind: str) -> None:
    faults = [one for one in FAULTS if one == kind or one not in _KINDS]
    made = rendered(tmp_path / "one.json", [NOBLE], [Stage.SIEVE], *faults)
    wrong, right = (files_of(one, NOBLE, Stage.SIEVE) for one in (made, document))
    for fault in faults:
        path, text = FAULTS[fault]
        assert text in wrong[path], fault
        assert text not in right[path], fault


def test_every_setting_of_postfix_has_its_reason(document: Any) -> None:
    reason = re.compile(r"^# (?:(?:[A-Z]{1,3}\d+|lab)(?:, )?)+: \S")
    for line, before in pairs(files_of(document, NOBLE, Stage.SIEVE)["/etc/postfix/main.cf"]):
        assert reason.match(before), f"{line}: why?"


def pairs(text: str) -> list[tuple[str, str]]:
    """Each setting with the first line of the comment before it."""
    found, first, above = [], "", ""
    for line in text.splitlines():
        if line.startswith("#"):
            first = first if above.startswith("#") else line
        elif line:
            found.append((line, first))
        above = line
    return found


def test_what_only_ubuntu_has_is_written_for_ubuntu_alone(document: Any) -> None:
    for release in RELEASES:
        files = files_of(document, release, Stage.DNS)
        ubuntu = release in (Release.NOBLE, Release.RESOLUTE)
        assert ("/etc/cloud/cloud.cfg.d/99-mailsim.cfg" in files) == ubuntu
        netplan = files.get("/etc/netplan/60-mailsim.yaml", "")
        assert ("addresses: [127.0.0.1/8, ::1/128, 192.168.10.1/32, " in netplan) == ubuntu


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


# --- what the files themselves show


def test_every_template_is_written_by_a_task_or_another_template() -> None:
    texts = [one.read_text(encoding="utf-8") for one in PROVISION.rglob("*") if one.is_file()]
    written = "\n".join(texts)
    for template in PROVISION.glob("roles/*/templates/**/*.j2"):
        name = re.sub(r"2\.[34]", "", template.name.removesuffix(".j2"))
        stem = name.partition("-.conf")[0].removesuffix(".cf")
        assert stem in written, template


# Written once for each zone, certificate or account, or part of another template.
_NOT_LISTED: Final = {"zone.j2", "request.cnf.j2", "password.j2", "site.j2"}


def test_the_list_of_files_has_all_that_stage_release_or_fault_change() -> None:
    text = (PROVISION / "group_vars/all/files.yml").read_text(encoding="utf-8")
    listed = re.findall(r"template: ([^\s}]+)", text)
    both = {one.replace("@", version) for one in listed for version in ("2.3", "2.4")}
    changing = {
        file.relative_to(PROVISION).as_posix()
        for file in PROVISION.glob("roles/*/templates/**/*.j2")
        if re.search(r"mailsim_(reached|release|about|faults)", file.read_text(encoding="utf-8"))
        and file.name not in _NOT_LISTED
    }
    assert len(changing) >= 15
    assert changing - both == set()
    assert [one for one in both if not (PROVISION / one).is_file()] == []


def test_modules_are_ansibles_own() -> None:
    for file in PROVISION.glob("roles/*/*/*.yml"):
        if file.parent.name in ("tasks", "handlers"):
            for module in re.findall(
                r"^ {2,6}([a-z_]+(?:\.[a-z_]+)+):", file.read_text(), re.MULTILINE
            ):
                assert module.startswith("ansible.builtin."), f"{file}: {module}"
                assert module != "ansible.builtin.shell", file


def test_ansible_lint_finds_nothing() -> None:
    program = shutil.which("ansible-lint")
    if program is None:
        pytest.skip("ansible-lint is not installed")
    done = subprocess.run(
        [program, "--offline", "--nocolor"], cwd=PROVISION, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
