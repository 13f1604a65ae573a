"""The simulator is set as the roles set the real servers: every stage, release and fault.

Each of Config's fields has its counterpart here, or stands in a list that says why it has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import pytest

from mailsim.lab.network import network
from mailsim.lab.settings import Settings, settings
from mailsim.model.stage import Release, Stage
from mailsim.servers.config import AMAVIS, FAULTS, REINJECTION, Config, config
from mailsim.servers.dovecot.sieve import _settings, _site
from mailsim.servers.lmtp.scripts import DEFAULT
from tests.servers.played import DISTRIBUTIONS

RELEASES: Final = [one for one in Release if one is not Release.FULL]
STAGES: Final = [one for one in Stage if one is not Stage.DNS]
NETWORK: Final = network()
SERVICES: Final = ("smtp", "submission", "submissions")
# What is main.cf's, beside smtpd's own parameters.
_MAIN: Final = (
    "myhostname", "mydomain", "mydestination", "mynetworks", "recipient_delimiter",
    "message_size_limit", "content_filter", "strict_rfc821_envelopes", "disable_vrfy_command",
    "maximal_queue_lifetime", "bounce_queue_lifetime", "minimal_backoff_time",
    "maximal_backoff_time", "queue_run_delay", "smtp_tls_security_level", "default_process_limit",
    "mailbox_transport",
)  # fmt: skip
# Dovecot's own time after a wrong password, under a name beside smtpd's.
_NOT_POSTFIX: Final = ("smtpd_sasl_mechanisms", "smtpd_sasl_failure_delay")
_AMAVIS: Final = (
    "sa_tag_level_deflt", "sa_tag2_level_deflt", "sa_kill_level_deflt", "sa_spam_subject_tag",
    "final_virus_destiny", "final_banned_destiny", "final_spam_destiny", "final_bad_header_destiny",
)  # fmt: skip
# What else is compared, each in a test of its own; and what no file of the real system holds.
_OTHERWISE: Final = {
    "auth_mechanisms", "smtpd_sasl_mechanisms", "ssl", "disable_plaintext_auth",
    "mail_max_userip_connections", "pop3_lock_session", "smtpd_sasl_failure_delay",
    "sieve", "sieve_before", "sieve_default", "sieve_after", "sieve_extensions",
    "sieve_max_script_size", "sieve_quota_max_scripts", "sieve_quota_max_storage",
    "bypass_virus_checks", "bypass_spam_checks", "local_domains", "open_ports",
    "loopback_dropped", "dnsbl_lists_all", "certificate", "canonical_maps",
}  # fmt: skip
_NOWHERE: Final = {
    "stage", "release", "faults",
    "header_recipients",  # F25 is theory: no server of today does it
    "pop3_lock_timeout",  # compiled into Dovecot
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A release at a stage, with a fault or without: what is simulated, and what is written."""

    stage: Stage
    release: Release = Release.NOBLE
    fault: str = ""

    @cached_property
    def config(self) -> Config:
        return config(NETWORK, self.stage, self.release, frozenset(filter(None, [self.fault])))

    @cached_property
    def settings(self) -> Settings:
        found = settings(self.stage, self.release, list(filter(None, [self.fault])))
        return Settings(one for one in found if one.value is not None)

    def __str__(self) -> str:
        return "-".join(filter(None, (self.release.value, self.stage.value, self.fault)))


# Every release with the faults at every stage; the other releases' faults are the same in kind.
PLACES: Final = [Place(stage, release) for release in RELEASES for stage in Stage]
FAULTY: Final = [
    Place(stage, release, fault)
    for fault in FAULTS
    for release in RELEASES
    for stage in Stage
    if stage >= Stage.MAIL or fault in ("F9", "F10", "F23")
]
MAIL: Final = [one for one in (*PLACES, *FAULTY) if one.stage >= Stage.MAIL]


def value(found: Settings, name: str, section: str = "") -> str | None:
    for one in found:
        if one.name == name and one.section == section:
            return one.value
    return None


# --- Postfix


def differences(place: Place) -> list[str]:
    main = {one.name: one.value or "" for one in place.settings.file("/etc/postfix/main.cf")}
    master = place.settings.file("/etc/postfix/master.cf")
    found = []
    for service in SERVICES:
        if value(master, f"{service} inet") is None:
            continue
        own = {one.name: one.value or "" for one in master if one.section == f"{service} inet"}
        made = place.config.service(service)
        for name in of_postfix():
            wanted, got = expected(made, name), actual(made, {**main, **own}, name)
            if wanted != got:
                found.append(f"{place} {service} {name}: {got!r}, the simulator has {wanted!r}")
    return found


def of_postfix() -> list[str]:
    smtpd = [one.name for one in fields(Config) if one.name.startswith("smtpd_")]
    return [*_MAIN, *(one for one in smtpd if one not in _NOT_POSTFIX)]


def expected(made: Config, name: str) -> object:
    found = getattr(made, name)
    if name == "smtpd_tls_security_level":
        return found.removesuffix("none")
    return tuple(str(one) for one in found) if isinstance(found, tuple) else found


def actual(made: Config, written: Mapping[str, str], name: str) -> object:
    """As `Config` has it; where the roles say nothing, its own default (Postfix's: see below)."""
    if name not in written:
        return "" if name == "mailbox_transport" else default_of(name)
    found, kind = written[name], getattr(made, name)
    if name == "smtpd_sender_login_maps":
        return bool(found)
    if isinstance(kind, bool):
        return {"yes": True, "no": False}[found]
    if isinstance(kind, tuple):
        return tuple(one for one in re.split(r"[,\s]+", found) if one)
    if isinstance(kind, int):
        return int(found)
    return found.removesuffix("none") if name == "smtpd_tls_security_level" else found


def default_of(name: str) -> object:
    return next(one.default for one in fields(Config) if one.name == name)


@pytest.mark.parametrize("stage", STAGES)
def test_postfix_is_set_as_the_simulator_is(stage: Stage) -> None:
    assert [row for one in MAIL if one.stage is stage for row in differences(one)] == []


@pytest.mark.parametrize("place", PLACES[1:], ids=str)
def test_a_stage_has_its_services_and_no_others(place: Place) -> None:
    master = place.settings.file("/etc/postfix/master.cf")
    there = {name for name in SERVICES if value(master, f"{name} inet") is not None}
    assert there == set(SERVICES) & set(place.config.services)
    back = value(master, f"127.0.0.1:{REINJECTION} inet")
    assert (back is not None) == (place.stage >= Stage.AMAVIS)


def test_what_comes_back_from_amavis_is_judged_no_more() -> None:
    section = f"127.0.0.1:{REINJECTION} inet"
    found = Place(Stage.SIEVE).settings.file("/etc/postfix/master.cf")
    assert {one.name: one.value for one in found if one.section == section}.items() >= {
        "content_filter": "", "mynetworks": "127.0.0.0/8", "smtpd_client_restrictions": "",
        "smtpd_helo_restrictions": "", "smtpd_sender_restrictions": "",
        "smtpd_recipient_restrictions": "permit_mynetworks,reject", "smtpd_sasl_auth_enable": "no",
    }.items()  # fmt: skip
    way = Place(Stage.SIEVE).settings.service("amavis")
    assert value(way, "inet_socket_port") == str(AMAVIS)
    assert value(way, "notify_method, forward_method") == f"'smtp:[127.0.0.1]:{REINJECTION}'"


@pytest.mark.parametrize("release", RELEASES)
def test_who_greets_is_the_distributions_postfix(release: Release) -> None:
    banner = Place(Stage.MAIL, release).settings.file("/etc/postfix/main.cf")["smtpd_banner"]
    assert banner.value == f"$myhostname ESMTP $mail_name ({DISTRIBUTIONS[release]})"


def test_addresses_are_mapped_as_fault_f29_has_it() -> None:
    for place in (Place(Stage.SIEVE), Place(Stage.MAIL, fault="F29")):
        maps = value(place.settings.file("/etc/postfix/main.cf"), "canonical_maps") or ""
        pairs = tuple(tuple(one.split("=")) for one in re.findall(r"\S+=\S+", maps))
        assert pairs == place.config.canonical_maps


def test_certificates_are_of_the_same_kind() -> None:
    for place in (one for one in MAIL if one.stage >= Stage.TLS):
        kind, found = place.config.certificate, place.settings
        chain = value(found, "smtpd_tls_chain_files") or ""
        assert chain == f"/etc/ssl/mailsim/smtpd-{kind}.key, /etc/ssl/mailsim/smtpd-{kind}.pem"
        on_465 = value(found, "smtpd_tls_chain_files", "submissions inet")
        assert (on_465 == "") == (place.config.service("submissions").certificate == "")
        name = "ssl_cert" if place.release.dovecot < (2, 4, 0) else "ssl_server_cert_file"
        assert (found[name].value or "").lstrip("<") == f"/etc/ssl/mailsim/imapd-{kind}.pem"


# --- Dovecot


@dataclass(frozen=True)
class Counterpart:
    """A setting's name in 2.3 and in 2.4, what the simulator has, and Dovecot's own default."""

    names: tuple[str, str]
    simulated: Callable[[Config], str]
    default: str = ""


def _same(name: str, simulated: Callable[[Config], str], default: str = "") -> Counterpart:
    return Counterpart((name, name), simulated, default)


DOVECOT: Final[Mapping[str, Counterpart]] = {
    "auth_mechanisms": _same("auth_mechanisms", lambda c: _low(c.auth_mechanisms)),
    "smtpd_sasl_mechanisms": _same("auth_mechanisms", lambda c: _low(c.smtpd_sasl_mechanisms)),
    "ssl": _same("ssl", lambda c: c.ssl),
    "mail_max_userip_connections": _same(
        "mail_max_userip_connections", lambda c: str(c.mail_max_userip_connections)
    ),
    "pop3_lock_session": _same("pop3_lock_session", lambda c: yes(on=c.pop3_lock_session)),
    "smtpd_sasl_failure_delay": _same(
        "auth_failure_delay", lambda c: f"{c.smtpd_sasl_failure_delay:.0f} secs", "2 secs"
    ),
}
SIEVE: Final[Mapping[str, Counterpart]] = {
    "sieve_before": Counterpart(("sieve_before", "sieve_script before"), lambda c: c.sieve_before),
    "sieve_after": Counterpart(("sieve_after", "sieve_script after"), lambda c: c.sieve_after),
    "sieve_max_script_size": _same(
        "sieve_max_script_size", lambda c: f"{c.sieve_max_script_size >> 20} M", "1 M"
    ),
    "sieve_quota_max_scripts": Counterpart(
        ("sieve_quota_max_scripts", "sieve_quota_script_count"),
        lambda c: str(c.sieve_quota_max_scripts),
        "0",
    ),
    "sieve_quota_max_storage": Counterpart(
        ("sieve_quota_max_storage", "sieve_quota_storage_size"),
        lambda c: str(c.sieve_quota_max_storage),
        "0",
    ),
}


def _low(names: tuple[str, ...]) -> str:
    return " ".join(names).lower()


def yes(*, on: bool) -> str:
    return "yes" if on else "no"


def compared(place: Place, table: Mapping[str, Counterpart], section: str = "") -> None:
    version = int(place.release.dovecot >= (2, 4, 0))
    found = place.settings.service("dovecot")
    for name, one in table.items():
        written = value(found, one.names[version], "" if version else section)
        has = one.default if written is None else written
        assert has == one.simulated(place.config), (place, name)


@pytest.mark.parametrize("stage", STAGES)
def test_dovecot_is_set_as_the_simulator_is(stage: Stage) -> None:
    for place in (one for one in MAIL if one.stage is stage):
        compared(place, DOVECOT)
        found, made = place.settings.service("dovecot"), place.config
        if place.release.dovecot < (2, 4, 0):
            assert found["disable_plaintext_auth"].value == yes(on=made.disable_plaintext_auth)
        else:
            assert found["auth_allow_cleartext"].value == yes(on=not made.disable_plaintext_auth)
        protocols = (found["protocols"].value or "").split()
        assert ("sieve" in protocols) == made.sieve == ("managesieve" in made.services)


@pytest.mark.parametrize("place", [one for one in MAIL if one.stage is Stage.SIEVE], ids=str)
def test_pigeonhole_is_set_as_the_simulator_is(place: Place) -> None:
    compared(place, SIEVE, "plugin")
    found, made = place.settings, place.config
    new = place.release.dovecot >= (2, 4, 0)
    script = found.file("/etc/dovecot/global_script/dovecot.sieve")["dovecot.sieve"]
    assert script.value == re.sub(r"\s+", " ", re.sub("(?m)^#.*$", "", made.sieve_default)).strip()
    where = value(found, "path", "sieve_script global") if new else found["sieve_default"].value
    assert where == DEFAULT == script.file
    own = _settings(_site(made))
    scanned = {
        "sieve_spamtest_status_type": own.spamtest.status_type,
        "sieve_spamtest_status_header": own.spamtest.status_header,
        "sieve_spamtest_score_max_value" if new else "sieve_spamtest_max_value": str(
            own.spamtest.max_value
        ),
        "sieve_vacation_min_period": str(own.vacation_min_period),
    }
    section = "" if new else "plugin"
    assert {name: value(found, name, section) for name in scanned} == scanned
    added = (
        [one.name for one in found if one.section == "sieve_extensions" and one.value == "yes"]
        if new
        else [one.removeprefix("+") for one in (found["sieve_extensions"].value or "").split()]
    )
    assert tuple(added) == made.sieve_extensions


# --- Amavis, firewall, names


def amavis(found: Settings) -> dict[str, str]:
    written = {one.name: one.value or "" for one in found.service("amavis")}
    return {name: written[name] for name in _AMAVIS} | {
        "local_domains": re.sub(r"[()'\s]", "", written["local_domains_acl"]),
        "bypass_virus_checks": str("bypass_virus_checks_maps" not in written),
        "bypass_spam_checks": str("bypass_spam_checks_maps" not in written),
    }


def wanted_of_amavis(made: Config) -> dict[str, str]:
    wanted = {name: getattr(made, name) for name in _AMAVIS}
    numbers = {
        name: "undef" if one is None or one == "" else f"{one:.2f}"
        for name, one in wanted.items()
        if not isinstance(one, str) or one == ""
    }
    return (
        wanted
        | numbers
        | {
            "local_domains": ",".join(f".{one}" for one in made.local_domains),
            "bypass_virus_checks": str(made.bypass_virus_checks),
            "bypass_spam_checks": str(made.bypass_spam_checks),
        }
    )


@pytest.mark.parametrize("stage", [one for one in Stage if one >= Stage.AMAVIS])
def test_amavis_judges_as_the_simulator_does(stage: Stage) -> None:
    for place in (one for one in MAIL if one.stage is stage):
        assert amavis(place.settings) == wanted_of_amavis(place.config), place


@pytest.mark.parametrize("stage", list(Stage))
def test_the_same_ports_are_open(stage: Stage) -> None:
    for place in (one for one in (*PLACES, *FAULTY) if one.stage is stage):
        rules = place.settings.service("nftables")
        incoming = [one for one in rules if one.section.endswith("chain input")]
        accepted = [one.name for one in incoming if one.value == "accept"]
        ports = {int(port) for one in accepted for port in re.findall(r"tcp dport (\d+)", one)}
        assert (ports if incoming else None) == place.config.open_ports, place
        dropped = bool(incoming) and "iif lo" not in accepted
        assert dropped == place.config.loopback_dropped, place


def test_the_block_list_lists_the_same() -> None:
    file = f"/var/lib/bind/db.{NETWORK.dnsbl}"
    for place in (one for one in (*PLACES, *FAULTY) if one.stage in (Stage.DNS, Stage.SIEVE)):
        every = value(place.settings.file(file), "* A") == "127.0.0.2"
        assert every == place.config.dnsbl_lists_all, place


def test_no_field_of_the_simulators_settings_is_forgotten() -> None:
    compared_here = {*of_postfix(), *_AMAVIS, *_OTHERWISE}
    assert {one.name for one in fields(Config)} - compared_here == _NOWHERE
    assert not compared_here & _NOWHERE
