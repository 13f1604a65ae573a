"""What Amavis answers, writes into the header, keeps and tells, against amavis 2.13's own output."""

from __future__ import annotations

import email
import io
import json
import zipfile
from base64 import encodebytes
from dataclasses import replace
from importlib.resources import files
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from mailsim.dialogue.log import parse_line
from mailsim.model.network import network_of
from mailsim.model.stage import Release, Stage
from mailsim.servers.clock import Clock
from mailsim.servers.config import config
from mailsim.servers.envelope import Client
from mailsim.servers.filter import Filter, Judgement
from mailsim.servers.filter.amavis import KEPT_OCTETS
from mailsim.servers.filter.virus import EICAR
from mailsim.servers.ids import Ids
from mailsim.servers.log import Log

if TYPE_CHECKING:
    from mailsim.servers.world import World

NETWORK = network_of(json.loads(files("mailsim.lab").joinpath("network.json").read_text("utf-8")))
PEER = Client("192.168.20.1", "mx.ugb.sn", "mx.ugb.sn", 40000)
LAN = Client("192.168.10.50", "poste.minfo.sn", "poste.minfo.sn", 40001)
USER = "user@minfo.sn"
HEAD = (
    b"Received: from mx.ugb.sn (mx.ugb.sn [192.168.20.1])\r\n\tby mail.minfo.sn (Postfix)\r\n"
    b"From: a@ugb.sn\r\nTo: user@minfo.sn\r\nSubject: essai\r\n"
    b"Date: Tue, 24 Nov 2026 11:50:00 +0000\r\nMessage-ID: <1@x.sn>\r\n"
)
CLEAN = HEAD + b"\r\nBonjour.\r\n"
GTUBE = HEAD + b"\r\nXJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
INFECTED = HEAD + b"\r\n" + EICAR + b"\r\n"


class Lab:
    """A filter in as little of a world as it asks for."""

    def __init__(self, stage: Stage = Stage.SIEVE, *faults: str, **changes: object) -> None:
        clock = Clock(fixed=True)
        made = config(NETWORK, stage, Release.NOBLE, frozenset(faults))
        self.log = Log(clock)
        names = SimpleNamespace(zones={})
        world = SimpleNamespace(
            network=NETWORK, clock=clock, ids=Ids("seed"), log=self.log, names=names,
            config=replace(made, **changes),  # type: ignore[arg-type]
        )  # fmt: skip
        self.filter = Filter(cast("World", world))

    def judge(self, content: bytes, *recipients: str, sender: str = "a@ugb.sn",
              client: Client = PEER) -> Judgement:  # fmt: skip
        return self.filter.judge(
            sender, recipients or (USER,), content,
            client=client, queue_id="4F2A31C0D5", message_id="<1@x.sn>",
        )  # fmt: skip

    def line(self, content: bytes, *recipients: str, client: Client = PEER) -> str:
        judgement = self.judge(content, *recipients, client=client)
        self.filter.log(judgement, "8EF8730102" if judgement.action == "pass" else "")
        return self.log.lines()[-1]


def attached(name: str, data: bytes, kind: str = "application/octet-stream") -> bytes:
    body = encodebytes(data).replace(b"\n", b"\r\n")
    declared = f'{kind}; name="{name}"'.encode()
    disposition = f'attachment; filename="{name}"'.encode()
    return (
        HEAD + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: " + declared + b"\r\n"
        b"Content-Transfer-Encoding: base64\r\nContent-Disposition: " + disposition + b"\r\n\r\n"
        + body + b"\r\n--b--\r\n"
    )  # fmt: skip


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "."), data)
    return buffer.getvalue()


def added(judgement: Judgement, recipient: str = USER) -> str:
    """The fields before the message."""
    content = judgement.content_for(recipient)
    assert content.endswith(b"\r\n\r\nBonjour.\r\n") or b"GTUBE" in content
    return content.partition(b"Received: from mx.ugb.sn")[0].decode()


def test_a_clean_message_gets_amavis_s_fields_in_its_order() -> None:
    judgement = Lab().judge(CLEAN)
    assert (judgement.action, judgement.verdict, judgement.hits) == ("pass", "Passed CLEAN", 0)
    assert added(judgement) == (
        "X-Virus-Scanned: Debian amavis at minfo.sn\r\n"
        "X-Spam-Flag: NO\r\n"
        "X-Spam-Score: 0\r\n"
        "X-Spam-Level:\r\n"
        "X-Spam-Status: No, score=0 required=6 tests=[]\r\n"
        " autolearn=ham autolearn_force=no\r\n"
        "Received: from mail.minfo.sn ([127.0.0.1])\r\n"
        " by localhost (mail.minfo.sn [127.0.0.1]) (amavis, port 10024) with ESMTP\r\n"
        f" id {judgement.mail_id} for <user@minfo.sn>;"
        " Mon, 21 Jun 2010 08:00:00 +0000 (UTC)\r\n"
    )
    assert judgement.content_for(USER).endswith(CLEAN)


def test_gtube_scores_1000_passes_and_leaves_the_subject_alone() -> None:
    judgement = Lab().judge(GTUBE)
    assert (judgement.action, judgement.verdict, judgement.hits) == ("pass", "Passed SPAM", 1000)
    assert judgement.quarantine == f"spam-{judgement.mail_id}"
    fields = added(judgement)
    assert fields.startswith(f"X-Quarantine-ID: <{judgement.mail_id}>\r\nX-Virus-Scanned:")
    assert "X-Spam-Flag: YES\r\nX-Spam-Score: 1000\r\nX-Spam-Level: " + "*" * 64 + "\r\n" in fields
    assert "tests=[GTUBE=1000]\r\n autolearn=no autolearn_force=no\r\n" in fields
    assert b"\r\nSubject: essai\r\n" in judgement.content_for(USER)


@pytest.mark.parametrize(
    ("stage", "virus", "spam"),
    [(Stage.AMAVIS, False, False), (Stage.CLAMAV, True, False), (Stage.SPAMASSASSIN, True, True)],
)
def test_what_is_bypassed_is_not_claimed(stage: Stage, *, virus: bool, spam: bool) -> None:
    lab = Lab(stage)
    fields = added(lab.judge(CLEAN))
    assert ("X-Virus-Scanned" in fields, "X-Spam-Status" in fields) == (virus, spam)
    assert lab.judge(INFECTED).action == ("discard" if virus else "pass")
    assert (lab.judge(GTUBE).hits is not None) == spam


def test_who_is_not_local_gets_no_spam_fields() -> None:
    judgement = Lab().judge(GTUBE, USER, "x@miage.sn")
    assert "X-Spam-Flag: YES" in added(judgement)
    elsewhere = added(judgement, "x@miage.sn")
    assert elsewhere.startswith("X-Virus-Scanned")
    assert "X-Spam" not in elsewhere
    assert " for <" not in elsewhere  # of two recipients none learns of the other


def test_fault_f20_takes_the_spam_fields_from_the_lab_s_own_domain() -> None:
    assert "X-Spam" not in added(Lab(Stage.SIEVE, "F20").judge(GTUBE))


def test_fault_f18_leaves_even_gtube_no_spam() -> None:
    judgement = Lab(Stage.SIEVE, "F18").judge(GTUBE)
    assert judgement.verdict == "Passed CLEAN"
    fields = added(judgement)
    assert "X-Spam-Flag: NO\r\nX-Spam-Score: 1000\r\n" in fields
    assert "X-Spam-Status: No, score=1000 tests=[GTUBE=1000]\r\n" in fields


def test_fault_f19_changes_nothing() -> None:
    assert Lab(Stage.SIEVE, "F19").judge(GTUBE).content_for(USER) == Lab().judge(GTUBE).content_for(
        USER
    )


def test_the_tag_level_keeps_the_fields_from_what_scores_less() -> None:
    assert "X-Spam" not in added(Lab(sa_tag_level_deflt=2.0).judge(CLEAN))
    fields = added(Lab(sa_tag_level_deflt=2.0).judge(GTUBE))
    assert "score=1000 tagged_above=2 required=6" in fields


def test_between_tag2_and_kill_a_message_is_spammy() -> None:
    judgement = Lab(sa_kill_level_deflt=2000.0).judge(GTUBE)
    assert (judgement.verdict, judgement.quarantine) == ("Passed SPAMMY", "")
    assert "X-Spam-Flag: YES" in added(judgement)


def test_a_subject_tag_is_for_local_recipients_and_made_where_there_was_no_subject() -> None:
    lab = Lab(sa_spam_subject_tag="***SPAM*** ")
    judgement = lab.judge(GTUBE, USER, "x@miage.sn")
    assert b"\r\nSubject: ***SPAM*** essai\r\n" in judgement.content_for(USER)
    assert b"\r\nSubject: essai\r\n" in judgement.content_for("x@miage.sn")
    without = lab.judge(GTUBE.replace(b"Subject: essai\r\n", b"")).content_for(USER)
    assert b"Subject: ***SPAM***\r\n\r\nXJS" in without


def test_the_sender_s_own_spam_fields_are_removed() -> None:
    forged = b"X-Spam-Flag: NO\r\nx-spam-status: No,\r\n score=-9\r\n" + CLEAN
    lab = Lab()
    for recipient in (USER, "x@miage.sn"):
        assert b"score=-9" not in lab.judge(forged, recipient).content_for(recipient)
    kept = Lab(Stage.CLAMAV).judge(forged).content_for(USER)
    assert b"score=-9" in kept  # without the spam checks Amavis leaves them


def test_a_virus_is_discarded_kept_and_told() -> None:
    lab = Lab()
    judgement = lab.judge(INFECTED)
    assert judgement.action == "discard"
    assert judgement.verdict == "Blocked INFECTED (Eicar-Test-Signature)"
    assert judgement.reply == (
        f"250 2.7.0 Ok, discarded, id={judgement.am_id} - INFECTED: Eicar-Test-Signature"
    )
    (kept,) = lab.filter.quarantined
    assert kept.id == judgement.quarantine == f"virus-{judgement.mail_id}"
    assert (kept.sender, kept.recipients, kept.content) == ("a@ugb.sn", (USER,), INFECTED)
    (notice,) = judgement.notifications
    assert (notice.sender, notice.recipients[0].address) == ("", "virusalert@minfo.sn")
    parsed = email.message_from_bytes(notice.content)
    subject = "VIRUS (Eicar-Test-Signature) in mail FROM [192.168.20.1]:40000 <a@ugb.sn>"
    assert str(parsed["Subject"]).replace("\r\n", "") == subject
    text, header = (str(part.get_payload()) for part in parsed.walk() if not part.is_multipart())
    assert "A virus was found: Eicar-Test-Signature" in text
    assert f"quarantined as: virus-{judgement.mail_id}" in text
    assert header.startswith("Return-Path: <a@ugb.sn>")
    assert EICAR not in notice.content


@pytest.mark.parametrize(
    ("destiny", "action", "reply"),
    [
        ("D_REJECT", "reject", "554 5.7.0 Reject, id={} - INFECTED: Eicar-Test-Signature"),
        ("D_BOUNCE", "bounce", "250 2.5.0 Ok, id={}, BOUNCE"),
        ("D_PASS", "pass", "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok"),
    ],
)
def test_the_final_destiny_decides(destiny: str, action: str, reply: str) -> None:
    judgement = Lab(final_virus_destiny=destiny).judge(INFECTED)
    assert (judgement.action, judgement.reply) == (action, reply.format(judgement.am_id))


def test_a_virus_that_passes_says_so_and_is_not_scored() -> None:
    judgement = Lab(final_virus_destiny="D_PASS").judge(INFECTED)
    assert judgement.hits is None
    content = judgement.content_for(USER).decode()
    alert = "X-Amavis-Alert: INFECTED, message contains virus: Eicar-Test-Signature\r\n"
    assert alert in content
    status = "X-Spam-Status: No, score=x required=6 tests=[] autolearn=unavailable\r\n"
    assert status in content


def test_a_banned_name_bounces_to_its_sender() -> None:
    judgement = Lab().judge(attached("facture.pdf.exe", b"hello"))
    assert judgement.verdict == "Blocked BANNED (application/octet-stream,facture.pdf.exe)"
    alert, bounce = judgement.notifications
    assert alert.recipients[0].address == "virusalert@minfo.sn"
    assert (bounce.sender, bounce.recipients[0].address) == ("", "a@ugb.sn")
    parsed = email.message_from_bytes(bounce.content)
    assert parsed.get_content_type() == "multipart/report"
    assert [part.get_content_type() for part in parsed.walk()][2:4] == [
        "message/delivery-status",
        "text/plain",
    ]
    assert (
        b"Final-Recipient: rfc822;user@minfo.sn\r\nAction: failed\r\nStatus: 5.7.0\r\n"
        in bounce.content
    )


def test_nothing_bounces_to_the_null_reverse_path() -> None:
    judgement = Lab().judge(attached("a.scr", b"hello"), sender="")
    assert judgement.reply.endswith(", DISCARD(bounce.suppressed)")
    assert [one.recipients[0].address for one in judgement.notifications] == ["virusalert@minfo.sn"]


def test_a_bad_header_passes_with_an_alert_and_is_kept() -> None:
    judgement = Lab().judge(CLEAN.replace(b"Date: Tue, 24 Nov 2026 11:50:00 +0000\r\n", b""))
    assert judgement.verdict == "Passed BAD-HEADER-7"
    alert = 'X-Amavis-Alert: BAD HEADER SECTION, Missing required header field: "Date"\r\n'
    assert alert in added(judgement)
    assert judgement.quarantine == f"badh-{judgement.mail_id}"
    assert judgement.notifications == ()


def test_what_cannot_be_unpacked_is_unchecked_held_up_to_the_reader_and_passed() -> None:
    bomb = attached("a.zip", zipped(a_txt=bytes(80_000_000)))
    judgement = Lab().judge(bomb)
    assert (judgement.action, judgement.verdict) == ("pass", "Passed UNCHECKED")
    content = judgement.content_for(USER)
    assert content.startswith(b"X-Amavis-Hold: Exceeded storage quota 5")
    assert b"\r\nSubject: ***UNCHECKED*** essai\r\n" in content
    (notice,) = judgement.notifications
    assert b"Subject: UNCHECKED contents in mail FROM" in notice.content


@pytest.mark.parametrize(
    ("content", "client", "recipients", "said"),
    [
        (CLEAN, PEER, (USER,), "Passed CLEAN {RelayedInbound}, [192.168.20.1]:40000 <a@ugb.sn>"),
        (CLEAN, LAN, (USER,), "Passed CLEAN {RelayedInternal}, MYNETS LOCAL [192.168.10.50]:40001"),
        (CLEAN, LAN, ("x@miage.sn",), "Passed CLEAN {RelayedOutbound}, MYNETS LOCAL"),
        (GTUBE, PEER, (USER,), "Passed SPAM {RelayedTaggedInbound,Quarantined}, [192.168.20.1]"),
        (
            INFECTED,
            PEER,
            (USER,),
            "Blocked INFECTED (Eicar-Test-Signature) {DiscardedInbound,Quarantined}, [192",
        ),
    ],
)
def test_the_log_line_is_amavis_s(
    content: bytes, client: Client, recipients: tuple[str, ...], said: str
) -> None:
    line = Lab().line(content, *recipients, client=client)
    assert f"mail amavis[1001]: (01001-01) {said}" in line
    parsed = parse_line(line).fields
    assert parsed["Queue-ID"] == "4F2A31C0D5"
    assert parsed["Message-ID"] == "1@x.sn"
    assert parsed["to"] == ",".join(recipients)
    assert parsed["size"] == str(len(content))
    assert parsed.get("queued_as") == (None if content is INFECTED else "8EF8730102")


def test_one_line_for_a_message_of_two_contents() -> None:
    lab = Lab()
    judgement = lab.judge(GTUBE, USER, "cheikh@minfo.sn", "x@miage.sn")
    lab.filter.log(judgement, "4F2A31C0D1")
    assert lab.log.written == 0
    lab.filter.log(judgement, "4F2A31C0D2")
    (line,) = lab.log.lines()
    assert "{RelayedTaggedInbound,RelayedOpenRelay,Quarantined}" in line
    assert "queued_as: 4F2A31C0D1/4F2A31C0D2, " in line


def test_addresses_that_are_no_ascii_or_no_utf_8_pass_as_they_came() -> None:
    odd = b"us\xff\xc3\xa9r@minfo.sn".decode("utf-8", "surrogateescape")
    judgement = Lab().judge(CLEAN, odd)
    assert b" for <us\xff\xc3\xa9r@minfo.sn>;" in judgement.content_for(odd)
    assert Lab().judge(INFECTED, odd, sender=odd).notifications


def test_a_name_with_line_ends_puts_no_field_into_any_header() -> None:
    name = "=?utf-8?q?x=0D=0ABcc:_all=0D=0A=0D=0A.exe?="
    lab = Lab(final_banned_destiny="D_PASS")
    judgement = lab.judge(attached(name, b"hello"))
    texts = [judgement.content_for(USER), *(one.content for one in judgement.notifications)]
    assert len(texts) == 2
    for text in texts:
        assert b"\nBcc:" not in text
        assert b"x\\x{0D}\\x{0A}Bcc:" in text.replace(b"\r\n ", b" ")
    lab.filter.log(judgement, "A1")
    assert lab.log.written == 1


def test_the_same_seed_gives_the_same_ids() -> None:
    one, other = Lab(), Lab()
    for lab in (one, other):
        lab.judge(INFECTED)
        lab.judge(CLEAN)
    assert one.filter.state() == other.filter.state()
    assert one.judge(CLEAN) == other.judge(CLEAN)
    assert one.judge(CLEAN).mail_id != one.judge(CLEAN).mail_id


def test_the_quarantine_is_bounded() -> None:
    lab = Lab()
    large = INFECTED + b"a" * (KEPT_OCTETS // 3)
    for _ in range(5):
        lab.judge(large)
    assert len(lab.filter.quarantined) == 2
