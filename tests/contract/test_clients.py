"""Who a client is: each host is treated as its own, and nobody who comes from outside as loopback."""

from __future__ import annotations

import smtplib

import pytest

from mailsim import Lab, SmtpTracer
from mailsim.errors import LabError
from mailsim.model.journey import StopKind
from mailsim.model.stage import Stage
from tests.contract.post import PATIENCE, Post

HOSTS = {
    "poste.minfo.sn": "192.168.10.50",
    "mx.ugb.sn": "192.168.20.1",
    "mx.miage.sn": "192.168.30.1",
    "spammeur.pub.sn": "192.168.66.66",
}


def _client(lab: Lab, name: str) -> SmtpTracer:
    """As a program on the network connects; the workstation says nothing of itself."""
    return lab.smtp(as_host=None if name == "poste.minfo.sn" else name)


@pytest.mark.inventory("REL1", "REL5", "MTA4")
@pytest.mark.parametrize("name", HOSTS)
def test_the_log_and_the_header_name_the_host(lab: Lab, post: Post, name: str) -> None:
    message_id = post.new_id()
    with _client(lab, name) as smtp:
        smtp.ehlo(name)
        smtp.mail("etudiant@miage.sn")
        taken = smtp.rcpt("cheikh@minfo.sn")
        if name == "spammeur.pub.sn" and lab.stage >= Stage.RELAY:
            assert taken.code == 554
            assert f"Client host [{HOSTS[name]}] blocked using dnsbl.minfo.sn" in taken.text
            return
        assert taken.ok
        letter = post.letter("etudiant@miage.sn", "cheikh@minfo.sn", message_id=message_id)
        assert smtp.data(letter).ok
    way = lab.wait(message_id, timeout=PATIENCE)
    received = way.of(StopKind.RECEIVED)[0]
    assert received.line.fields["client"] == f"{name}[{HOSTS[name]}]"
    assert f"Received: from {name} ({name} [{HOSTS[name]}])" in post.read("cheikh", message_id)


@pytest.mark.inventory("REL1", "MTA4")
@pytest.mark.parametrize("name", HOSTS)
def test_who_may_relay(lab: Lab, name: str) -> None:
    """The workstation as long as the server trusts its network, the others never."""
    with _client(lab, name) as smtp:
        smtp.ehlo(name)
        smtp.mail("etudiant@miage.sn")
        step = smtp.rcpt("secretaire@ugb.sn")
    trusted = name == "poste.minfo.sn" and lab.stage < Stage.RELAY
    # Before stage relay the default is Postfix's own: defer_unauth_destination.
    refused = 454 if lab.stage < Stage.RELAY else 554
    assert step.code == (250 if trusted else refused)


@pytest.mark.inventory("REL1", "MTA4")
def test_a_program_that_knows_nothing_of_the_lab_comes_from_the_workstation(
    lab: Lab, post: Post
) -> None:
    message_id = post.new_id()
    sender, to = "etudiant@miage.sn", "mactar@minfo.sn"
    with smtplib.SMTP("127.0.0.1", lab.endpoints["smtp"].reached_port) as client:
        client.ehlo("poste.minfo.sn")
        client.sendmail(sender, [to], post.letter(sender, to, message_id=message_id))
    received = lab.wait(message_id, timeout=PATIENCE).of(StopKind.RECEIVED)[0]
    assert received.line.fields["client"] == "poste.minfo.sn[192.168.10.50]"


@pytest.mark.inventory("REL1")
def test_loopback_is_the_server_s_own(lab: Lab) -> None:
    with lab.smtp(as_host="localhost") as smtp:
        smtp.ehlo("localhost")
        smtp.mail("user@minfo.sn")
        assert smtp.rcpt("secretaire@ugb.sn").ok


@pytest.mark.inventory("REL1")
def test_one_identity_a_connection(lab: Lab) -> None:
    with lab.smtp(as_host="mx.ugb.sn") as smtp:
        smtp.ehlo("mx.ugb.sn")
        assert "XCLIENT" not in smtp.extensions
        again = smtp.send_raw("XCLIENT NAME=localhost ADDR=127.0.0.1\r\n")
        assert (again.code, str(again.enhanced)) == (550, "5.7.0")


@pytest.mark.inventory("REL1")
def test_nobody_else_may_say_who_he_is(lab: Lab) -> None:
    with pytest.raises(LabError, match="no host"):
        lab.smtp(as_host="mail.example.org")
