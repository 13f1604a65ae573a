"""The stages are the thesis's steps: what each has, as the table of stages says."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from mailsim import knowledge
from mailsim.model.network import Network, network_of
from mailsim.model.stage import Release, Stage
from mailsim.servers.config import FAULTS, Config, config

NETWORK = network_of(json.loads(files("mailsim.lab").joinpath("network.json").read_text("utf-8")))
# What the real system or the mailboxes show, and what is theory.
ELSEWHERE = {
    *("F1", "F2", "F3", "F4", "F11", "F13", "F14", "F15", "F17"),
    *("F21", "F26", "F27"),
}
BROKEN_CERTIFICATES = {"self-signed", "expired", "wrong-name"}


def at(stage: str, *faults: str, release: Release = Release.NOBLE) -> Config:
    return config(NETWORK, Stage(stage), release, frozenset(faults))


def restrictions(one: Config) -> list[str]:
    return [
        word
        for words in (
            one.smtpd_client_restrictions,
            one.smtpd_helo_restrictions,
            one.smtpd_sender_restrictions,
            one.smtpd_relay_restrictions,
            one.smtpd_recipient_restrictions,
        )
        for word in words
    ]


def test_stages_stand_in_the_thesis_s_order() -> None:
    assert max(Stage) is Stage.SIEVE
    assert min(Stage) is Stage.DNS
    assert Stage.DNS < Stage.MAIL < Stage.SASL < Stage.RELAY < Stage.TLS < Stage.FIREWALL
    assert Stage.SPAMASSASSIN < Stage.SIEVE
    assert not Stage.SIEVE < Stage.SIEVE


@pytest.mark.parametrize(
    ("stage", "services"),
    [
        ("dns", "dns"),
        ("mail", "dns smtp pop3 imap"),
        ("relay", "dns smtp pop3 imap"),
        ("tls", "dns smtp pop3 imap submission submissions pop3s imaps"),
        ("spamassassin", "dns smtp pop3 imap submission submissions pop3s imaps"),
        ("sieve", "dns smtp pop3 imap submission submissions pop3s imaps managesieve"),
    ],
)
def test_a_stage_has_its_services(stage: str, services: str) -> None:
    assert at(stage).services == tuple(services.split())


def test_auth_on_25_is_there_from_sasl_to_relay_and_goes_with_tls() -> None:
    offered = [s.value for s in Stage if at(s.value).service("smtp").smtpd_sasl_auth_enable]
    assert offered == ["sasl", "relay"]
    assert not at("relay").smtpd_tls_security_level
    assert at("tls").service("smtp").smtpd_tls_security_level == "may"
    assert at("tls", "F7").service("smtp").smtpd_sasl_auth_enable
    assert not at("tls", "F7").service("smtp").smtpd_tls_auth_only


def test_the_lan_relays_freely_until_relay() -> None:
    assert at("sasl").mynetworks == ("127.0.0.0/8", "192.168.10.0/24")
    assert at("relay").mynetworks == ("127.0.0.0/8",)
    assert "reject_unauth_destination" in at("relay").smtpd_relay_restrictions
    assert "defer_unauth_destination" in at("mail").smtpd_relay_restrictions


def test_the_relay_stage_brings_all_that_the_thesis_restricts() -> None:
    words = restrictions(at("relay"))
    assert "reject_rbl_client" in words
    assert words[words.index("reject_rbl_client") + 1] == "dnsbl.minfo.sn"
    assert "reject_rbl_client" not in restrictions(at("sasl"))
    for word in ("helo_hostname", "sender", "recipient"):
        assert f"reject_non_fqdn_{word}" in words


def test_who_submits_logs_in_but_for_f8() -> None:
    for service in ("submission", "submissions"):
        one = at("tls").service(service)
        assert one.smtpd_relay_restrictions == ("permit_sasl_authenticated", "reject")
        assert one.smtpd_sender_restrictions == ("reject_sender_login_mismatch",)
    open_to_all = at("tls", "F8").service("submissions")
    assert "reject" not in open_to_all.smtpd_client_restrictions
    assert at("tls", "F8").service("submission").smtpd_client_restrictions[-1] == "reject"
    assert at("tls").service("submissions").smtpd_tls_wrappermode
    assert at("tls").service("submission").smtpd_tls_security_level == "encrypt"


def test_the_firewall_opens_what_the_stage_table_says() -> None:
    assert at("tls").open_ports is None
    assert at("firewall").open_ports == frozenset({22, 25, 53, 80, 443, 465, 587, 993, 995})
    assert at("sieve").open_ports == frozenset({22, 25, 53, 80, 443, 465, 587, 993, 995, 4190})
    assert at("sieve", "F10").open_ports == frozenset({22, 25, 465, 587, 993, 995, 4190})
    assert at("sieve", "F9").open_ports == at("sieve", "F9", "F10").open_ports == frozenset()
    assert at("sieve", "F9").loopback_dropped


def test_the_filter_chain_grows() -> None:
    def chain(stage: str) -> tuple[bool, bool, bool]:
        one = at(stage)
        return bool(one.content_filter), not one.bypass_virus_checks, not one.bypass_spam_checks

    assert chain("firewall") == (False, False, False)
    assert chain("amavis") == (True, False, False)
    assert chain("clamav") == (True, True, False)
    assert chain("spamassassin") == chain("sieve") == (True, True, True)


def test_the_thesis_s_thresholds() -> None:
    one = at("sieve")
    assert (one.sa_tag_level_deflt, one.sa_tag2_level_deflt, one.sa_kill_level_deflt) == (
        None,
        6,
        6,
    )
    assert not one.sa_spam_subject_tag
    assert (one.final_banned_destiny, one.final_spam_destiny) == ("D_BOUNCE", "D_PASS")
    assert at("sieve", "F18").sa_tag2_level_deflt is None


def test_bare_newlines_go_by_the_release() -> None:
    modes = {r.value: at("tls", release=r).smtpd_forbid_bare_newline for r in Release}
    assert modes.pop("bookworm") == "no"
    assert set(modes.values()) == {"normalize"}
    assert at("tls").smtpd_forbid_bare_newline_exclusions == ("$mynetworks",)
    assert at("tls", "F5", release=Release.BOOKWORM).smtpd_forbid_bare_newline == "normalize"


def test_every_fault_of_the_thesis_is_here_or_known_to_be_elsewhere() -> None:
    known = {entry.name for entry in knowledge.table("thesis.fault")}
    assert known - ELSEWHERE == set(FAULTS) - BROKEN_CERTIFICATES
    assert set(FAULTS) >= BROKEN_CERTIFICATES


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"F5", "F6", "F19", "F22"}))
def test_a_fault_changes_a_service_at_the_complete_stage(fault: str) -> None:
    def all_services(one: Config) -> list[str]:
        return [
            repr(one.service(name)).replace(repr(one.faults), "")
            for name in ("smtp", "submission", "submissions")
        ]

    assert all_services(at("sieve", fault)) != all_services(at("sieve"))


def test_a_network_of_another_version_is_refused() -> None:
    from mailsim.errors import LabError

    with pytest.raises(LabError, match="version"):
        network_of({"version": 99})
    with pytest.raises(LabError, match="hosts"):
        network_of({"version": 1, "name": "x", "domain": "x", "lan": "x", "dnsbl": "x"})


def test_hosts_are_found_by_name_first_label_and_address() -> None:
    def found(name: str) -> str:
        return NETWORK.host(name).name

    assert found("spammeur") == found("192.168.66.66") == found("spammeur.pub.sn")
    assert isinstance(NETWORK, Network)
    assert NETWORK.client.address == "192.168.10.50"
    assert NETWORK.users("ugb.sn") == ("secretaire",)
