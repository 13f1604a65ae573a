"""What Ubuntu's releases get: rendered, read by the servers' own programs, and not run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

import pytest

from mailsim.lab.network import network
from mailsim.lab.settings import Setting, settings
from mailsim.model.stage import Release, Stage
from tests.packaging.rendering import files_of, program, said
from tools.configuration_files import settings_of

NETWORK: Final = network()
# Their nearest kin, which was run, with the same Dovecot.
UBUNTU: Final = {Release.NOBLE: Release.BOOKWORM, Release.RESOLUTE: Release.TRIXIE}
RENDERED: Final = [(release, stage) for release in UBUNTU for stage in Stage]

pytestmark = pytest.mark.timeout(0)  # ansible takes a minute of its own


@pytest.mark.parametrize(("release", "stage"), RENDERED)
def test_ubuntu_is_set_as_its_kin_but_for_what_it_alone_has(release: Release, stage: Stage) -> None:
    own, kin = _lines(release, stage), _lines(UBUNTU[release], stage)
    differing = {key for key in own.keys() | kin.keys() if own.get(key) != kin.get(key)}
    allowed = {
        ("/etc/postfix/main.cf", "smtpd_banner"),  # its name
        ("/etc/postfix/main.cf", "smtpd_forbid_bare_newline"),  # noble has it, bookworm not
    }
    files = ("/etc/netplan/", "/etc/cloud/", "/etc/systemd/system/mailsim-addresses.service")
    assert {
        key for key in differing if key not in allowed and not key[0].startswith(files)
    } == set()
    assert {file for file, _ in differing} >= {"/etc/netplan/60-mailsim.yaml"}


def _lines(release: Release, stage: Stage) -> dict[tuple[str, str], str | None]:
    return {(one.file, one.title): one.value for one in settings(stage, release)}


@pytest.mark.parametrize("release", UBUNTU)
def test_netplan_and_cloud_init_are_yaml_that_they_know(document: Any, release: Release) -> None:
    yaml = pytest.importorskip("yaml")
    files = files_of(document, release, Stage.DNS)
    (network_,) = yaml.safe_load(files["/etc/netplan/60-mailsim.yaml"]).values()
    (card,) = network_["ethernets"].values()
    assert (network_["version"], card["match"]) == (2, {"name": "lo"})
    servers = [host.address for host in NETWORK.hosts if host.role in ("server", "peer")]
    assert card["addresses"] == ["127.0.0.1/8", "::1/128", *(f"{one}/32" for one in servers)]
    assert yaml.safe_load(files["/etc/cloud/cloud.cfg.d/99-mailsim.cfg"]) == {
        "preserve_hostname": True, "manage_etc_hosts": False, "manage_resolv_conf": False,
    }  # fmt: skip


@pytest.mark.parametrize(("release", "stage"), RENDERED)
def test_postfix_reads_main_cf_and_master_cf(
    document: Any, release: Release, stage: Stage, tmp_path: Path
) -> None:
    postconf = program("postconf")
    if stage is Stage.DNS:
        assert "/etc/postfix/main.cf" not in files_of(document, release, stage)
        return
    files = files_of(document, release, stage)
    for instance in ("postfix", "postfix-ugb", "postfix-miage"):
        (tmp_path / instance).mkdir()
        for name in ("main.cf", "master.cf"):
            (tmp_path / instance / name).write_text(files[f"/etc/{instance}/{name}"])
        heard = said(postconf, "-c", tmp_path / instance, "-n")
        assert "warning" not in heard
        there = {"config_directory": str(tmp_path / instance)}
        assert rows(heard) == main_cf(files[f"/etc/{instance}/main.cf"]) | there
        heard = said(postconf, "-c", tmp_path / instance, "-M")
        assert "warning" not in heard
        services = [
            one
            for one in settings_of(
                f"/etc/{instance}/master.cf", files[f"/etc/{instance}/master.cf"]
            )
            if not one.section
        ]
        assert [
            tuple(one.split()[:2]) for one in heard.splitlines() if not one.startswith(" ")
        ] == [tuple(one.name.split()) for one in services]


def rows(text: str) -> dict[str, str]:
    split = (line.partition("=") for line in text.splitlines())
    return {name.strip(): value.strip() for name, _, value in split}


def main_cf(text: str) -> dict[str, str]:
    return {one.name: one.value for one in settings_of("/etc/postfix/main.cf", text)}


@pytest.mark.parametrize("stage", [one for one in Stage if one >= Stage.MAIL])
def test_dovecot_reads_what_noble_has(document: Any, stage: Stage, tmp_path: Path) -> None:
    doveconf = program("doveconf")
    if not said(program("dovecot"), "--version").startswith("2.3."):
        pytest.skip("this Dovecot is no 2.3")
    files = files_of(document, Release.NOBLE, stage)
    for name in ("imapd-lab.pem", "imapd-lab.key"):
        (tmp_path / name).touch()
    for path, text in files.items():
        if path.startswith("/etc/dovecot/"):
            own = tmp_path / path.removeprefix("/etc/dovecot/")
            own.parent.mkdir(exist_ok=True)
            moved = text.replace("/etc/dovecot/", f"{tmp_path}/").replace(
                "/etc/ssl/mailsim", str(tmp_path)
            )
            own.write_text(moved)
    heard = said(doveconf, "-c", tmp_path / "dovecot.conf", "-n")
    assert "Warning" not in heard
    found = rows("\n".join(one for one in heard.splitlines() if one[:1].isalpha() and "=" in one))
    for name in ("ssl", "disable_plaintext_auth", "protocols", "mail_max_userip_connections"):
        assert found.get(name, {"ssl": "yes", "disable_plaintext_auth": "yes"}.get(name)) == value(
            stage, name
        )


def value(stage: Stage, name: str) -> str | None:
    found: Setting = settings(stage, Release.NOBLE).service("dovecot")[name]
    return found.value


def test_dovecot_24_is_told_its_language_first(document: Any) -> None:
    for stage in (one for one in Stage if one >= Stage.MAIL):
        files = files_of(document, Release.RESOLUTE, stage)
        first, second, *_ = settings_of(
            "/etc/dovecot/dovecot.conf", files["/etc/dovecot/dovecot.conf"]
        )
        assert (first.name, second.name) == ("dovecot_config_version", "dovecot_storage_version")
        # What resolute gets was run on trixie: see above, where both are compared.
        assert files["/etc/dovecot/dovecot.conf"].count("{") == files[
            "/etc/dovecot/dovecot.conf"
        ].count("}")


@pytest.mark.parametrize("release", UBUNTU)
def test_named_reads_options_and_zones(document: Any, release: Release, tmp_path: Path) -> None:
    named = program("named-checkconf")
    texts = {files_of(document, release, stage)["/etc/bind/named.conf.local"] for stage in Stage}
    assert len(texts) == 1
    for path, text in files_of(document, release, Stage.SIEVE).items():
        if "/bind/" in path:
            moved = re.sub("/(etc|var/lib|var/cache)/bind", str(tmp_path), text)
            (tmp_path / path.rpartition("/")[2]).write_text(moved)
    heard = said(named, "-z", tmp_path / "named.conf")
    loaded = set(re.findall(r"zone (\S+)/IN: loaded serial", heard))
    assert loaded == {".", f"uribl.{NETWORK.domain}", *NETWORK.zones}
    assert "error" not in heard


@pytest.mark.parametrize(
    ("release", "stage"), [one for one in RENDERED if one[1] >= Stage.FIREWALL]
)
def test_nft_reads_the_firewall(
    document: Any, release: Release, stage: Stage, tmp_path: Path
) -> None:
    nft, unshare = program("nft"), program("unshare")
    if getattr(os, "geteuid", int)() != 0:
        pytest.skip("nft -c asks for root")
    rules = tmp_path / "firewall.nft"
    rules.write_text(files_of(document, release, stage)["/etc/nftables.d/50-firewall.nft"])
    assert said(unshare, "--net", nft, "-c", "-f", rules) == ""


@pytest.mark.parametrize(("release", "stage"), RENDERED)
def test_no_path_names_a_version_of_php(document: Any, release: Release, stage: Stage) -> None:
    files = files_of(document, release, stage)
    for path, text in files.items():
        assert not re.search(r"/etc/php/|php-?\d|libphp", path + text), path
    for path in (one for one in files if one.startswith("/etc/apache2/sites-available/")):
        blocks = re.findall(r"^\s*<(/?)(\w+)", files[path], re.MULTILINE)
        assert _nested(blocks), path
        for root in re.findall(r"DocumentRoot (\S+)", files[path]):
            assert root == "/var/lib/roundcube/public_html"


def _nested(blocks: list[tuple[str, str]]) -> bool:
    open_: list[str] = []
    for closing, name in blocks:
        if not closing:
            open_.append(name)
        elif not open_ or open_.pop() != name:
            return False
    return not open_


# What Ubuntu's AppArmor profiles let a daemon read and write beside its own /etc.
_PROFILES: Final = {
    "/etc/bind/": ("/etc/bind/", "/var/lib/bind/", "/var/cache/bind"),
    "/etc/clamav/": ("/run/clamav/", "/var/lib/clamav"),
    "/etc/mysql/": (),
}


@pytest.mark.parametrize("release", UBUNTU)
def test_files_stand_where_apparmor_lets_daemons_read(document: Any, release: Release) -> None:
    for path, text in files_of(document, release, Stage.SIEVE).items():
        for folder, allowed in _PROFILES.items():
            if path.startswith(folder):
                named = re.findall(
                    r"(?m)^[^#\n]*?[\s\"](/[\w./-]+)", re.sub("(?m)^\\s*//.*$", "", text)
                )
                assert all(one.startswith(allowed) for one in named), (path, named)
