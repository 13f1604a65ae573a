"""The settings of the real system's files, as a lab on any backend gives them."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise

import pytest

from mailsim import Lab
from mailsim.errors import LabError, UsageError
from mailsim.knowledge import find
from mailsim.lab.configuration import known_faults
from mailsim.lab.settings import SERVICES, Setting, Settings, diff, settings
from mailsim.model.stage import Release, Stage
from mailsim.servers.config import FAULTS

RELEASES = [one for one in Release if one is not Release.FULL]
NOBLE = Release.NOBLE


@pytest.fixture
def lab(lab_home: object) -> Iterator[Lab]:  # noqa: ARG001 - it finds it in the environment
    with Lab(seed=1, stage="tls") as made:
        yield made


def test_a_lab_has_the_settings_of_its_stage_and_release(lab: Lab) -> None:
    own = lab.settings()
    assert own == lab.settings("tls") == settings(Stage.TLS, NOBLE)
    found = own["smtpd_tls_auth_only"]
    assert (found.file, found.value, found.before) == ("/etc/postfix/main.cf", "yes", None)
    assert (found.service, found.ids, found.thesis) == ("postfix", ("SAS6",), ("3.1.2",))
    assert found.reason == "no password before TLS."
    assert own["mynetworks"].before == own["mynetworks"].value == "127.0.0.0/8"
    with pytest.raises(UsageError, match="“7” is no stage"):
        lab.settings("7")


def test_what_a_fault_sets_is_marked(lab: Lab) -> None:
    lab.fault("F8")
    gone = lab.settings().about("F8")
    assert {(one.name, one.value, one.fault) for one in gone} >= {
        ("smtpd_client_restrictions", None, "F8"),
        ("smtpd_sender_restrictions", None, "F8"),
    }
    assert all(one.before and one.section == "submissions inet" for one in gone)
    assert "F8" not in {one.fault for one in lab.settings("sasl")}
    assert "(fault F8)" in repr(gone)


def test_between_two_stages_are_the_lines_that_changed(lab: Lab) -> None:
    shown = repr(lab.diff("sasl", "relay").file("main.cf"))
    assert shown.startswith(
        "/etc/postfix/main.cf\n"
        "  # MTA4: loopback alone: who trusts the network lets it past every check; clients log in"
        " instead.\n"
        "  - mynetworks = 127.0.0.0/8, 192.168.10.0/24\n"
        "  + mynetworks = 127.0.0.0/8\n"
    )
    assert "REL5: whose connection is refused" in shown
    back = lab.diff("relay", "sasl")["mynetworks"]
    assert back.value == "127.0.0.0/8, 192.168.10.0/24"
    assert lab.diff("tls", "tls") == ()
    assert repr(lab.diff("tls", "tls")) == "No setting."


@pytest.mark.parametrize("release", RELEASES)
def test_a_difference_leads_from_one_stage_to_the_other(release: Release) -> None:
    order = list(Stage)
    for first, second in pairwise(order):
        before, after = _values(settings(first, release)), _values(settings(second, release))
        for one in diff(first, second, release):
            key = (one.file, one.section, one.name)
            assert before.pop(key, None) == one.before
            assert after.pop(key, None) == one.value
        assert before == after


def _values(found: Settings) -> dict[tuple[str, str, str], str | None]:
    made = {(one.file, one.section, one.name): one.value for one in found}
    assert len(made) == len(found)
    return made


def test_fewer_settings_by_program_file_name_row() -> None:
    every = settings(Stage.SIEVE, NOBLE)
    assert {one.service for one in every} == set(SERVICES)
    assert {one.file for one in every.service("clamav")} == {"/etc/clamav/clamd.conf"}
    assert every.file("/etc/hosts") == every.file("hosts") == every.file("etc/hosts")
    assert len(every.named("smtpd_sasl_auth_enable")) == 5
    assert {one.name for one in every.about("REL5").file("main.cf")} == {
        "smtpd_client_restrictions"
    }
    assert every.changed == diff(Stage.SPAMASSASSIN, Stage.SIEVE, NOBLE)
    assert isinstance(every[:3], Settings)
    assert isinstance(every[-1], Setting)
    with pytest.raises(LabError, match="no “exim” here; there is: amavis, apache"):
        every.service("exim")
    with pytest.raises(KeyError):
        every["mailbox_command_map"]


def test_what_is_said_is_said_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILSIM_LANG", "fr")
    found = settings(Stage.TLS, NOBLE, ["F7"])["smtpd_tls_auth_only"]
    assert (
        found.reason
        == "pas de mot de passe avant TLS\u00a0; F7\u00a0: le mémoire l’envoie en clair."
    )
    assert str(found).endswith(
        "(panne F7)\n- smtpd_tls_auth_only = yes\n+ smtpd_tls_auth_only = no"
    )
    assert found.document("en")["reason"].startswith("no password before TLS")


def test_a_notebook_shows_a_table() -> None:
    found = diff(Stage.SASL, Stage.TLS, NOBLE).service("dovecot")
    shown = found._repr_mimebundle_()
    assert shown["text/plain"] == repr(found)
    table = html.unescape(re.sub(r"<[^>]+>", "|", shown["text/html"]))
    assert "|ssl_cert||—||</etc/ssl/mailsim/imapd-lab.pem||the mailbox server's own" in table
    assert shown["text/html"].count("<tr>") == len(found) + 3
    plain = settings(Stage.DNS, NOBLE).html("fr")
    assert 'lang="fr"' in plain
    assert "Avant" not in plain
    assert "<script" not in plain


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("stage", list(Stage))
def test_every_setting_has_reason_and_row(stage: Stage, release: Release) -> None:
    for one in settings(stage, release, known_faults()):
        assert one.ids
        for row in one.ids:
            assert row == "lab" or find("thesis.inventory", row) or find("thesis.fault", row), one
        assert one.why.english
        assert one.why.french != one.why.english


def test_french_reasons_are_typeset_as_french() -> None:
    document = json.loads(files("mailsim.lab").joinpath("settings.json").read_text("utf-8"))
    slip = re.compile(r"[^\u00a0CS\]][:;!?»](?:\s|$)|«[^\u00a0]|'")
    assert [fr for _, _, fr in document["reasons"] if slip.search(fr)] == []


def test_every_fault_but_those_of_accounts_and_clients_is_seen() -> None:
    assert set(FAULTS) - known_faults() == {"F22", "F25"}


@pytest.mark.parametrize("fault", sorted(known_faults()))
def test_a_fault_changes_its_own_settings_alone(fault: str) -> None:
    right, wrong = settings(Stage.SIEVE, NOBLE), settings(Stage.SIEVE, NOBLE, [fault])
    marked = wrong.about(fault).changed
    assert any(one.fault for one in marked)
    before = _values(right)
    for one in wrong:
        if one.fault:
            key = (one.file, one.section, one.name)
            assert one.value != one.before
            assert before.get(key) == one.before
        else:
            assert one in right


def test_the_simulators_own_release_has_nobles() -> None:
    assert settings(Stage.TLS, Release.FULL) == settings(Stage.TLS, NOBLE)


def test_no_password_is_in_it() -> None:
    text = files("mailsim.lab").joinpath("settings.json").read_text("utf-8")
    assert "mysql://webmail:…@localhost/webmail" in text
    assert len(text.encode()) < 150_000
