"""Restriction lists: their order, what is put off, what the log shows."""

from __future__ import annotations

from typing import Any

import pytest

from mailsim.model.stage import Stage
from mailsim.servers.config import config
from mailsim.servers.smtp.rules import RULES
from tests.servers.smtpd import Smtpd

HELO, MAIL, RCPT = "HELO mx.ugb.sn", "MAIL FROM:<secretaire@ugb.sn>", "RCPT TO:<user@minfo.sn>"
SPAMMER = "XCLIENT NAME=spammeur.pub.sn ADDR=192.168.66.66"
UGB = "XCLIENT NAME=mx.ugb.sn ADDR=192.168.20.1"


def answers(*said: str, stage: Stage = Stage.MAIL, **settings: Any) -> list[str]:
    """The last reply, and the rejections in the log."""
    smtpd = Smtpd(stage, **settings)
    client = smtpd.talk(*said)
    rejected = [line for line in smtpd.log if "reject:" in line]
    return [client.lines[-1], *rejected]


def test_every_restriction_of_every_stage_is_known() -> None:
    smtpd = Smtpd()
    for stage in Stage:
        found = config(smtpd.world.network, stage, smtpd.world.config.release)
        for service in ("smtp", "submission", "submissions"):
            one = found.service(service)
            words: list[str] = []
            for name in ("client", "helo", "sender", "relay", "recipient", "data"):
                words += getattr(one, f"smtpd_{name}_restrictions")
            assert {word for word in words if word != "dnsbl.minfo.sn"} <= set(RULES)


def test_a_listed_client_is_refused_at_rcpt_with_the_list_s_reason() -> None:
    last, logged = answers(SPAMMER, HELO, MAIL, RCPT, stage=Stage.RELAY)
    assert last == (
        "554 5.7.1 Service unavailable; Client host [192.168.66.66] blocked using "
        "dnsbl.minfo.sn; Spam was received from 192.168.66.66"
    )
    assert logged == (
        f"NOQUEUE: reject: RCPT from spammeur.pub.sn[192.168.66.66]: {last}; "
        "from=<secretaire@ugb.sn> to=<user@minfo.sn> proto=SMTP helo=<mx.ugb.sn>"
    )


def test_without_delay_each_command_is_judged_at_once() -> None:
    settings: dict[str, Any] = {"stage": Stage.RELAY, "smtpd_delay_reject": False}
    last, logged = answers(SPAMMER, **settings)
    assert last.startswith("554 5.7.1 Service unavailable; Client host [192.168.66.66]")
    assert logged.startswith("NOQUEUE: reject: XCLIENT from spammeur.pub.sn[192.168.66.66]: 554")
    assert logged.endswith("; proto=SMTP")
    assert answers(SPAMMER, HELO, **settings)[0] == (
        "503 5.7.0 Error: access denied for spammeur.pub.sn[192.168.66.66]"
    )
    assert answers(SPAMMER, "QUIT", **settings)[0] == "221 2.0.0 Bye"
    last, logged = answers(UGB, "HELO poste", **settings)
    assert last == "504 5.5.2 <poste>: Helo command rejected: need fully-qualified hostname"
    assert logged.endswith(f"HELO from mx.ugb.sn[192.168.20.1]: {last}; proto=SMTP helo=<poste>")
    last, logged = answers(UGB, HELO, "MAIL FROM:<x@nulle-part.sn>", **settings)
    assert last == "450 4.1.8 <x@nulle-part.sn>: Sender address rejected: Domain not found"
    assert logged.endswith("; from=<x@nulle-part.sn> proto=SMTP helo=<mx.ugb.sn>")


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        (("permit", "reject"), "250"),
        (("reject", "permit"), "554"),
        (("permit_mynetworks", "reject"), "554"),
        (("permit_sasl_authenticated", "reject"), "554"),
        (("reject_unauth_destination", "permit"), "250"),
        (("reject_unauth_pipelining", "reject"), "554"),
    ],
)
def test_the_first_rule_that_decides_counts(rules: tuple[str, ...], code: str) -> None:
    assert answers(UGB, HELO, MAIL, RCPT, smtpd_relay_restrictions=rules)[0][:3] == code


def test_relay_comes_before_recipient_and_the_local_user_last() -> None:
    settings: dict[str, Any] = {
        "smtpd_relay_restrictions": ("reject_unauth_destination",),
        "smtpd_recipient_restrictions": ("reject_non_fqdn_recipient",),
    }
    for recipient, expected in (
        ("a@miage.sn", "554 5.7.1 <a@miage.sn>: Relay access denied"),
        ("a%miage.sn@minfo.sn", "554 5.7.1 <a%miage.sn@minfo.sn>: Relay access denied"),
        ("user", "504 5.5.2 <user>: Recipient address rejected: need fully-qualified address"),
        ("postmaster", "250 2.1.5 Ok"),
        ("abuse@minfo.sn", "250 2.1.5 Ok"),
        ("USER+x@mail.minfo.sn", "250 2.1.5 Ok"),
        ("user@[192.168.10.1]", "250 2.1.5 Ok"),
    ):
        found = answers(UGB, HELO, MAIL, f"RCPT TO:<{recipient}>", **settings)
        assert found[0] == expected


@pytest.mark.parametrize("where", ["client", "sender", "relay", "recipient"])
def test_what_could_not_be_looked_up_puts_off_what_would_be_permitted(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """defer_if_permit: a refusal stays one."""
    rules = ("reject_unknown_sender_domain", "permit")
    settings: dict[str, Any] = {f"smtpd_{where}_restrictions": rules}
    smtpd = Smtpd(**settings)
    monkeypatch.setattr(smtpd.world.names, "zones", {"ugb.sn": "this is no zone\n"})
    client = smtpd.talk(UGB, HELO, MAIL, RCPT, "RCPT TO:<personne@minfo.sn>")
    later = "450 4.1.8 <secretaire@ugb.sn>: Sender address rejected: Domain not found"
    if where == "client":
        # There is a sender by then: smtpd_delay_reject.
        assert client.lines[-2:] == [later, later]
    else:
        assert client.lines[-1] == later
        assert client.lines[-2] == later


@pytest.mark.parametrize(
    ("sender", "reply"),
    [
        ("user@minfo.sn", "250 2.1.5 Ok"),
        ("USER+x@minfo.sn", "250 2.1.5 Ok"),
        ("", "250 2.1.5 Ok"),
        (
            "mactar@minfo.sn",
            "553 5.7.1 <mactar@minfo.sn>: Sender address rejected: not owned by user user",
        ),
        ("x@ugb.sn", "553 5.7.1 <x@ugb.sn>: Sender address rejected: not owned by user user"),
    ],
)
def test_who_is_logged_in_sends_as_itself(sender: str, reply: str) -> None:
    smtpd = Smtpd(Stage.TLS)
    said = ("EHLO x.sn", "STARTTLS", "EHLO x.sn", "AUTH PLAIN AHVzZXIAbWluZm8=")
    envelope = (f"MAIL FROM:<{sender}>", "RCPT TO:<mactar@minfo.sn>")
    assert smtpd.talk(*said, *envelope, service="submission").lines[-1] == reply


def test_who_is_not_logged_in_sends_as_nobody_of_ours() -> None:
    settings: dict[str, Any] = {
        "smtpd_sasl_auth_enable": True,
        "smtpd_sender_login_maps": True,
        "smtpd_sender_restrictions": ("reject_sender_login_mismatch",),
    }
    assert answers(UGB, HELO, "MAIL FROM:<user@minfo.sn>", RCPT, **settings)[0] == (
        "553 5.7.1 <user@minfo.sn>: Sender address rejected: not logged in"
    )
    assert answers(UGB, HELO, MAIL, RCPT, **settings)[0] == "250 2.1.5 Ok"


def test_data_has_restrictions_of_its_own() -> None:
    settings: dict[str, Any] = {"smtpd_data_restrictions": ("reject",)}
    last, logged = answers(HELO, MAIL, RCPT, "DATA", **settings)
    assert last == "554 5.7.1 <DATA>: Data command rejected: Access denied"
    assert "reject: DATA from poste.minfo.sn" in logged
    assert " to=<user@minfo.sn> " in logged
    # One refusal for all recipients names none of them.
    _, logged = answers(HELO, MAIL, RCPT, "RCPT TO:<mactar@minfo.sn>", "DATA", **settings)
    assert " to=" not in logged


def test_a_size_that_is_too_big_is_logged_with_its_sender() -> None:
    big = f"{MAIL} SIZE=99999999"
    *_, null = answers("HELO x", big, "RSET", "MAIL FROM:<>", "RCPT TO:<personne@minfo.sn>")
    assert "; from=<> to=<personne@minfo.sn> proto=SMTP" in null
    last, logged = answers("HELO x", big)
    assert last == "552 5.3.4 Message size exceeds fixed limit"
    assert logged.endswith(f"MAIL from poste.minfo.sn[192.168.10.50]: {last}; "
                           "from=<secretaire@ugb.sn> proto=SMTP helo=<x>")  # fmt: skip
