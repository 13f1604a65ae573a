"""SMTP by hand on port 25, as the thesis's telnet shows it: commands, replies, what EHLO offers."""

from __future__ import annotations

import pytest

from mailsim import Lab, SmtpTracer
from mailsim.model.journey import StopKind
from mailsim.model.stage import Stage
from tests.contract.post import Post

ALWAYS = {"PIPELINING", "SIZE", "ETRN", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING"}  # fmt: skip


@pytest.mark.inventory("OS3", "CON5", "DEM2", "CON9")
def test_the_server_says_who_it_is(lab: Lab) -> None:
    with lab.smtp() as smtp:
        assert smtp.greeting.code == 220
        assert smtp.greeting.text.startswith("mail.minfo.sn ESMTP Postfix")
        assert smtp.helo("poste.minfo.sn").text == "mail.minfo.sn"
        assert smtp.quit().code == 221


@pytest.mark.inventory("DEM5", "ANX1", "CON5")
def test_what_ehlo_offers_on_25_is_the_stage_s(lab: Lab) -> None:
    """XCLIENT is for the workstation alone: the lab's own way of being another host."""
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        offered = smtp.extensions
    wanted = ALWAYS | {"XCLIENT"}
    wanted |= {"VRFY"} if lab.stage < Stage.RELAY else set()
    wanted |= {"AUTH"} if Stage.SASL <= lab.stage < Stage.TLS else set()
    wanted |= {"STARTTLS"} if lab.stage >= Stage.TLS else set()
    assert set(offered) == wanted
    assert offered["SIZE"] == "10240000"


@pytest.mark.inventory("DEM2", "CON5", "ANX1", "ANX2", "CON6")
def test_a_whole_message_step_by_step(lab: Lab, post: Post) -> None:
    message_id = post.new_id()
    with lab.smtp() as smtp:
        assert smtp.ehlo("poste.minfo.sn").code == 250
        sender = smtp.mail("secretaire@ugb.sn")
        recipient = smtp.rcpt("admin@minfo.sn")
        asked = smtp.data()
        done = smtp.content(
            post.letter("secretaire@ugb.sn", "admin@minfo.sn", ".\n..\n", message_id=message_id)
        )
        left = smtp.quit()
    said = [(one.code, str(one.enhanced or "")) for one in (sender, recipient, asked, done, left)]
    assert said == [(250, "2.1.0"), (250, "2.1.5"), (354, ""), (250, "2.0.0"), (221, "2.0.0")]
    way = lab.wait(message_id, timeout=60)
    assert way.queue_ids[0] in done.text
    # A lone dot ends the message; those within it come through (RFC 5321 §4.5.2).
    assert post.read("admin", message_id).endswith("\r\n\r\n.\r\n..\r\n")


@pytest.mark.inventory("DEM2", "CON1", "MTA4")
@pytest.mark.stages(until="sasl")
def test_the_lan_sends_anywhere_and_an_unknown_domain_bounces(post: Post) -> None:
    way = post.submit("admin", "kelkun@kelkpart.com")
    (bounced,) = way.of(StopKind.BOUNCED)
    assert bounced.line.fields["dsn"] == "5.4.4"
    assert way.of(StopKind.NOTIFIED)
    # The bounce comes home.
    assert [stop.line.fields["to"] for stop in way.of(StopKind.SENT)] == ["admin@minfo.sn"]


@pytest.mark.inventory("DEM2", "REL1", "REL8", "MTA4")
@pytest.mark.stages(since="relay")
def test_the_lan_no_longer_sends_anywhere(lab: Lab) -> None:
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        smtp.mail("admin@minfo.sn")
        refused = smtp.rcpt("kelkun@kelkpart.com")
    assert (refused.code, str(refused.enhanced)) == (554, "5.7.1")
    assert refused.text == "<kelkun@kelkpart.com>: Relay access denied"


# --- commands and replies


def _ready(smtp: SmtpTracer) -> SmtpTracer:
    assert smtp.ehlo("poste.minfo.sn").ok
    return smtp


@pytest.mark.inventory("ANX1", "ANX2", "CON6")
@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("HELO poste.minfo.sn", "250 mail.minfo.sn"),
        ("NOOP", "250 2.0.0 Ok"),
        ("RSET", "250 2.0.0 Ok"),
        ("RCPT TO:<user@minfo.sn>", "503 5.5.1 Error: need MAIL command"),
        ("DATA", "503 5.5.1 Error: need RCPT command"),
        ("MAIL FROM:<user@minfo.sn> SIZE=99999999", "552 5.3.4 Message size exceeds fixed limit"),
        ("MAIL user@minfo.sn", "501 5.5.4 Syntax: MAIL FROM:<address>"),
        ("EHLO", "501 Syntax: EHLO hostname"),
        ("MAIL FROM:<a@ugb.sn> FOO=bar", "555 5.5.4 Unsupported option: FOO=bar"),
        ("ETRN minfo.sn", "459 <minfo.sn>: service unavailable"),
    ],
)
def test_a_command_s_reply(lab: Lab, said: str, reply: str) -> None:
    with lab.smtp() as smtp:
        step = _ready(smtp).send_raw(f"{said}\r\n")
    assert f"{step.value}".strip() == reply


@pytest.mark.inventory("ANX1", "ANX2")
@pytest.mark.parametrize("said", ["EXPN root", "TURN"])
def test_what_postfix_does_not_know(lab: Lab, said: str) -> None:
    with lab.smtp() as smtp:
        assert _ready(smtp).send_raw(f"{said}\r\n").code in (500, 502)


@pytest.mark.inventory("ANX1", "ANX2")
def test_help_is_there_from_postfix_3_9_on(lab: Lab) -> None:
    with lab.smtp() as smtp:
        told = _ready(smtp).help()
    assert told.code == (214 if lab.release.postfix >= (3, 9, 0) else 500)


@pytest.mark.inventory("ANX2")
def test_who_has_a_mailbox_is_told_at_first_only(lab: Lab) -> None:
    with lab.smtp() as smtp:
        told = _ready(smtp).vrfy("user@minfo.sn")
    assert told.code == (252 if lab.stage < Stage.RELAY else 502)


@pytest.mark.inventory("ANX2", "MTA3")
@pytest.mark.parametrize("user", ["personne", "kelkun"])
def test_nobody_of_that_name(lab: Lab, user: str) -> None:
    with lab.smtp() as smtp:
        _ready(smtp).mail("secretaire@ugb.sn")
        refused = smtp.rcpt(f"{user}@minfo.sn")
    assert (refused.code, str(refused.enhanced)) == (550, "5.1.1")
    assert refused.text.endswith("User unknown in local recipient table")
