"""What stage relay refuses, and that nothing of it is refused before."""

from __future__ import annotations

import pytest

from mailsim import Lab, SmtpTracer
from mailsim.model.stage import Stage
from tests.contract.post import Post

HELO, SENDER, TO = "mx.ugb.sn", "secretaire@ugb.sn", "user@minfo.sn"


def _said(smtp: SmtpTracer, helo: str = HELO, sender: str = SENDER, to: str = TO) -> list[str]:
    """The replies to EHLO, MAIL and RCPT: code and enhanced code."""
    lines = (f"EHLO {helo}", f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>")
    steps = [smtp.send_raw(f"{one}\r\n") for one in lines]
    return [f"{one.code} {one.enhanced or ''}".strip() for one in steps]


@pytest.mark.inventory("REL2", "REL6")
@pytest.mark.parametrize(
    ("helo", "reply"),
    [("poste", "504 5.5.2"), ("-mauvais.sn", "504 5.5.2"), ("[192.168.20.1]", "250 2.1.5")],
)
def test_a_name_that_is_none_is_refused_but_at_rcpt_only(lab: Lab, helo: str, reply: str) -> None:
    with lab.smtp(as_host="mx.ugb.sn") as smtp:
        said = _said(smtp, helo=helo)
    assert said == ["250", "250 2.1.0", "250 2.1.5" if lab.stage < Stage.RELAY else reply]


@pytest.mark.inventory("REL3")
def test_who_does_not_say_hello(lab: Lab) -> None:
    with lab.smtp() as smtp:
        step = smtp.send_raw(f"MAIL FROM:<{SENDER}>\r\n")
    assert step.code == (250 if lab.stage < Stage.RELAY else 503)
    if lab.stage >= Stage.RELAY:
        assert step.text == "Error: send HELO/EHLO first"


@pytest.mark.inventory("REL4")
@pytest.mark.parametrize(
    ("path", "strict"),
    [
        ("secretaire@ugb.sn", 501),
        ("<secretaire@ugb.sn (bureau)>", 501),
        ("<secretaire@ugb.sn>", 250),
    ],
)
def test_addresses_stand_in_angle_brackets(lab: Lab, path: str, strict: int) -> None:
    with lab.smtp(as_host="mx.ugb.sn") as smtp:
        smtp.ehlo(HELO)
        step = smtp.send_raw(f"MAIL FROM:{path}\r\n")
    assert step.code == (250 if lab.stage < Stage.RELAY else strict)


@pytest.mark.inventory("REL5", "REL1")
@pytest.mark.stages(since="relay")
def test_the_block_list_s_own_words(lab: Lab) -> None:
    with lab.smtp(as_host="spammeur.pub.sn") as smtp:
        assert _said(smtp, helo="spammeur.pub.sn", sender="x@pub.sn")[-1] == "554 5.7.1"
        assert smtp.steps[-1].text == (
            "Service unavailable; Client host [192.168.66.66] blocked using "
            "dnsbl.minfo.sn; Spam was received from 192.168.66.66"
        )


@pytest.mark.inventory("REL7")
@pytest.mark.parametrize(
    ("sender", "reply", "words"),
    [
        ("personne@poste", "504 5.5.2", "need fully-qualified address"),
        ("x@nulle-part.sn", "450 4.1.8", "Domain not found"),
        ("", "250 2.1.5", "Ok"),
    ],
)
def test_senders_that_cannot_be_answered(lab: Lab, sender: str, reply: str, words: str) -> None:
    with lab.smtp(as_host="mx.ugb.sn") as smtp:
        said = _said(smtp, sender=sender)
        text = smtp.steps[-1].text
    relay = lab.stage >= Stage.RELAY
    assert said[-1] == (reply if relay else "250 2.1.5")
    assert text.endswith(words if relay else "Ok")


@pytest.mark.inventory("REL8", "ANX2")
@pytest.mark.stages(since="relay")
@pytest.mark.parametrize(
    ("to", "reply", "words"),
    [
        ("user", "504 5.5.2", "need fully-qualified address"),
        ("etudiant@miage.sn", "554 5.7.1", "Relay access denied"),
        ("a%miage.sn@minfo.sn", "554 5.7.1", "Relay access denied"),
        ("kelkun@kelkpart.com", "554 5.7.1", "Relay access denied"),
        ("postmaster", "250 2.1.5", "Ok"),
    ],
)
def test_recipients_from_abroad(lab: Lab, to: str, reply: str, words: str) -> None:
    with lab.smtp(as_host="mx.ugb.sn") as smtp:
        assert _said(smtp, to=to)[-1] == reply
        assert smtp.steps[-1].text.endswith(words)


@pytest.mark.inventory("REL8", "DEM2")
@pytest.mark.stages(since="relay")
def test_a_domain_that_does_not_exist_is_refused_to_our_own(post: Post) -> None:
    """Who is logged in may send anywhere, but there it cannot go: 450, for a name may come back."""
    with post.submitting("admin") as smtp:
        smtp.mail("admin@minfo.sn")
        refused = smtp.rcpt("kelkun@kelkpart.com")
    assert (refused.code, str(refused.enhanced)) == (450, "4.1.2")
    assert refused.text.endswith("Recipient address rejected: Domain not found")


@pytest.mark.inventory("REL9")
@pytest.mark.stages(since="relay")
def test_what_is_refused_is_never_queued_nor_filtered(lab: Lab) -> None:
    """No queue id: not one octet of the message was taken."""
    sender = "rejete@pub.sn"
    with lab.smtp(as_host="spammeur.pub.sn") as smtp:
        _said(smtp, helo="spammeur.pub.sn", sender=sender)
    about = [one for one in lab.logs if sender in one.text]
    assert about
    assert {one.fields.get("action") for one in about} == {"reject"}
    assert all(one.text.startswith("NOQUEUE: reject: RCPT from spammeur.pub.sn") for one in about)
