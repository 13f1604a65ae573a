"""AUTH: where it is offered, the token by hand, what base64 hides, and who may send as whom."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest

from mailsim import Lab
from mailsim.model.stage import Stage
from tests.contract.post import Post

TOKEN = "AHVzZXIAbWluZm8="


@pytest.mark.inventory("DEM5", "SAS2", "SAS1")
def test_where_and_when_auth_is_offered(lab: Lab) -> None:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        clear = smtp.extensions.get("AUTH", "")
    assert clear.split() == (["PLAIN", "LOGIN"] if Stage.SASL <= lab.stage < Stage.TLS else [])
    if lab.stage < Stage.TLS:
        return
    with lab.smtp("submission") as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert "AUTH" not in smtp.extensions
        smtp.starttls()
        smtp.ehlo("poste.minfo.sn")
        assert smtp.extensions["AUTH"].split() == ["PLAIN", "LOGIN"]


@pytest.mark.inventory("DEM5", "SAS5", "ANX2", "SAS6", "OS5")
@pytest.mark.stages(since="sasl")
def test_the_thesis_s_token_logs_in(lab: Lab) -> None:
    """Whoever reads the frames reads the password, until TLS covers them."""
    service = "smtp" if lab.stage < Stage.TLS else "submissions"
    with lab.smtp(service) as smtp:
        smtp.ehlo("poste.minfo.sn")
        step = smtp.send_raw(f"AUTH PLAIN {TOKEN}\r\n")
        assert (step.code, str(step.enhanced)) == (235, "2.7.0")
        (line,) = step.exchange.sent
    assert line.secure is (lab.stage >= Stage.TLS)
    assert b64decode(line.raw.split()[-1]) == b"\0user\0minfo"


@pytest.mark.inventory("SAS1", "SAS2")
@pytest.mark.stages(since="sasl")
def test_login_asks_for_both_in_turn(lab: Lab) -> None:
    service = "smtp" if lab.stage < Stage.TLS else "submissions"
    with lab.smtp(service) as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert smtp.auth("LOGIN", "user", "minfo").code == 235
        assert smtp.send_raw(f"AUTH PLAIN {TOKEN}\r\n").code == 503


@pytest.mark.inventory("SAS1", "SAS2", "ANX2")
@pytest.mark.stages(since="sasl")
def test_what_does_not_log_in(lab: Lab) -> None:
    service = "smtp" if lab.stage < Stage.TLS else "submissions"
    anonymous = b64encode(b"visiteur").decode()
    with lab.smtp(service) as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert smtp.auth("PLAIN", "user", "faux").code == 535
        assert smtp.send_raw("AUTH PLAIN !!!\r\n").code in (501, 535)
        assert smtp.send_raw(f"AUTH ANONYMOUS {anonymous}\r\n").code == 535
        # Not logged in, but still there.
        assert smtp.noop().ok


@pytest.mark.inventory("SAS2")
@pytest.mark.stages(until="mail")
def test_before_it_there_is_no_auth(lab: Lab) -> None:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        assert smtp.send_raw(f"AUTH PLAIN {TOKEN}\r\n").code == 503


@pytest.mark.inventory("SAS3", "TLS6")
@pytest.mark.stages(since="tls")
@pytest.mark.parametrize("service", ["submission", "submissions"])
def test_who_is_not_logged_in_hands_in_nothing(lab: Lab, service: str) -> None:
    with lab.smtp(service) as smtp:
        smtp.ehlo("poste.minfo.sn")
        if service == "submission":
            assert smtp.mail("user@minfo.sn").code == 530
            smtp.starttls()
            smtp.ehlo("poste.minfo.sn")
        smtp.mail("user@minfo.sn")
        refused = smtp.rcpt("autre_user@minfo.sn")
    assert (refused.code, str(refused.enhanced)) == (554, "5.7.1")


@pytest.mark.inventory("SAS3", "ANX2")
@pytest.mark.stages(since="tls")
def test_who_is_logged_in_sends_as_himself(post: Post) -> None:
    with post.submitting("user") as smtp:
        smtp.mail("mactar@minfo.sn")
        refused = smtp.rcpt("autre_user@minfo.sn")
        assert (refused.code, str(refused.enhanced)) == (553, "5.7.1")
        assert refused.text.endswith("not owned by user user")
        smtp.rset()
        smtp.mail("user+liste@minfo.sn")
        assert smtp.rcpt("etudiant@miage.sn").ok


@pytest.mark.inventory("DEM7", "SAS3", "TLS6")
@pytest.mark.stages(since="tls")
def test_a_message_on_465(lab: Lab, post: Post) -> None:
    message_id = post.new_id()
    with lab.smtp("submissions") as smtp:
        assert smtp.tls is not None
        smtp.ehlo("poste.minfo.sn")
        assert smtp.auth("PLAIN", "user", "minfo").code == 235
        post.talk(
            smtp,
            "user@minfo.sn",
            "autre_user@minfo.sn",
            post.letter("user@minfo.sn", "autre_user@minfo.sn", message_id=message_id),
        )
    lab.wait(message_id, timeout=60)
    read = post.read("autre_user", message_id)
    assert "ESMTPSA" in read  # RFC 3848: submitted over TLS by one who is logged in
