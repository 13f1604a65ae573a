from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.dialogue.journey import journey
from mailsim.dialogue.log import parse_line, parse_log
from mailsim.errors import UsageError
from mailsim.model import LogLine, StopKind

# As Postfix 3.7 with Amavis and Dovecot 2.3 write it by rsyslog's traditional format.
DELIVERED = """\
Nov 24 05:42:48 mail postfix/submission/smtpd[811]: connect from poste.minfo.sn[192.168.10.50]
Nov 24 05:42:49 mail postfix/submission/smtpd[811]: 4A1B02C3D4: client=poste.minfo.sn[192.168.10.50], sasl_method=PLAIN, sasl_username=user
Nov 24 05:42:49 mail postfix/cleanup[815]: 4A1B02C3D4: message-id=<20261124.1@poste.minfo.sn>
Nov 24 05:42:49 mail postfix/qmgr[700]: 4A1B02C3D4: from=<user@minfo.sn>, size=612, nrcpt=1 (queue active)
Nov 24 05:42:49 mail postfix/submission/smtpd[811]: disconnect from poste.minfo.sn[192.168.10.50] ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=8
Nov 24 05:42:50 mail postfix/smtpd[820]: connect from localhost[127.0.0.1]
Nov 24 05:42:50 mail postfix/smtpd[820]: 8EF8730102: client=localhost[127.0.0.1]
Nov 24 05:42:50 mail postfix/cleanup[815]: 8EF8730102: message-id=<20261124.1@poste.minfo.sn>
Nov 24 05:42:50 mail postfix/qmgr[700]: 8EF8730102: from=<user@minfo.sn>, size=1101, nrcpt=1 (queue active)
Nov 24 05:42:50 mail amavis[640]: (00640-01) Passed CLEAN {RelayedInternal}, ORIGINATING/MYNETS LOCAL [192.168.10.50]:40112 <user@minfo.sn> -> <autre_user@minfo.sn>, Queue-ID: 4A1B02C3D4, Message-ID: <20261124.1@poste.minfo.sn>, mail_id: JcfAanaWAP-2, Hits: -0.998, size: 612, queued_as: 8EF8730102, 812 ms
Nov 24 05:42:50 mail postfix/smtp-amavis/smtp[818]: 4A1B02C3D4: to=<autre_user@minfo.sn>, relay=127.0.0.1[127.0.0.1]:10024, delay=1.2, delays=0.03/0.01/0.01/1.1, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 8EF8730102)
Nov 24 05:42:50 mail postfix/qmgr[700]: 4A1B02C3D4: removed
Nov 24 05:42:51 mail dovecot: lmtp(830): Connect from local
Nov 24 05:42:51 mail dovecot: lmtp(autre_user)<830><gDzDM7+bZGf2AwAA>: sieve: msgid=<20261124.1@poste.minfo.sn>: fileinto action: stored mail into mailbox 'Projets'
Nov 24 05:42:51 mail postfix/lmtp[829]: 8EF8730102: to=<autre_user@minfo.sn>, relay=mail.minfo.sn[private/dovecot-lmtp], delay=0.05, delays=0.02/0.01/0.01/0.01, dsn=2.0.0, status=sent (250 2.0.0 <autre_user@minfo.sn> gDzDM7+bZGf2AwAA Saved)
Nov 24 05:42:51 mail postfix/qmgr[700]: 8EF8730102: removed
Nov 24 05:42:51 mail dovecot: lmtp(830): Disconnect from local: Logged out (state=READY)
"""

# As Postfix 3.10 and Dovecot 2.4 write it with RFC 3339 stamps and long queue ids.
BOUNCED = """\
2026-11-24T05:50:01.000001+00:00 mail postfix/smtpd[900]: 4bXkQn2yZzz1Bf: client=poste.minfo.sn[192.168.10.50]
2026-11-24T05:50:01.010001+00:00 mail postfix/cleanup[901]: 4bXkQn2yZzz1Bf: message-id=<dem2@minfo.sn>
2026-11-24T05:50:01.020001+00:00 mail postfix/qmgr[700]: 4bXkQn2yZzz1Bf: from=<admin@minfo.sn>, size=399, nrcpt=2 (queue active)
2026-11-24T05:50:01.030001+00:00 mail postfix/smtp[902]: 4bXkQn2yZzz1Bf: to=<kelkun@kelkpart.com>, relay=none, delay=0.08, delays=0.05/0.01/0.02/0, dsn=5.4.4, status=bounced (Host or domain name not found. Name service error for name=kelkpart.com type=A: Host not found)
2026-11-24T05:50:01.040001+00:00 mail postfix/smtp[903]: 4bXkQn2yZzz1Bf: to=<secretaire@ugb.sn>, relay=none, delay=0.1, delays=0.05/0.01/0.04/0, dsn=4.4.1, status=deferred (connect to mx.ugb.sn[192.168.20.1]:25: Connection refused)
2026-11-24T05:50:01.050001+00:00 mail postfix/cleanup[901]: 4bXkQn3BBcd1Bg: message-id=<4bXkQn3BBcd1Bg@mail.minfo.sn>
2026-11-24T05:50:01.060001+00:00 mail postfix/qmgr[700]: 4bXkQn3BBcd1Bg: from=<>, size=2385, nrcpt=1 (queue active)
2026-11-24T05:50:01.070001+00:00 mail postfix/bounce[904]: 4bXkQn2yZzz1Bf: sender non-delivery notification: 4bXkQn3BBcd1Bg
2026-11-24T05:50:01.080001+00:00 mail dovecot: lmtp(admin)<905><6Yk4FLzr>: msgid=<4bXkQn3BBcd1Bg@mail.minfo.sn>: saved mail to INBOX
2026-11-24T05:50:01.090001+00:00 mail postfix/lmtp[906]: 4bXkQn3BBcd1Bg: to=<admin@minfo.sn>, relay=mail.minfo.sn[private/dovecot-lmtp], delay=0.02, delays=0.01/0/0/0.01, dsn=2.0.0, status=sent (250 2.0.0 <admin@minfo.sn> 6Yk4FLzr Saved)
2026-11-24T05:50:01.100001+00:00 mail postfix/qmgr[700]: 4bXkQn3BBcd1Bg: removed
2026-11-29T06:00:00.000001+00:00 mail postfix/qmgr[700]: 4bXkQn2yZzz1Bf: from=<admin@minfo.sn>, status=expired, returned to sender
"""

RELAYED = """\
Nov 24 06:00:01 mail postfix/smtpd[811]: ABCDE00001: client=poste.minfo.sn[192.168.10.50]
Nov 24 06:00:01 mail postfix/cleanup[815]: ABCDE00001: message-id=<one@minfo.sn>
Nov 24 06:00:01 mail postfix-ugb/smtpd[911]: ABCDE00001: client=mail.minfo.sn[192.168.10.1]
Nov 24 06:00:01 mail postfix-ugb/cleanup[915]: ABCDE00001: message-id=<another@else.where>
Nov 24 06:00:01 mail postfix-ugb/smtpd[911]: FED0000001: client=mail.minfo.sn[192.168.10.1]
Nov 24 06:00:01 mail postfix-ugb/cleanup[915]: FED0000001: message-id=<one@minfo.sn>
Nov 24 06:00:01 mail postfix/smtp[818]: ABCDE00001: to=<secretaire@ugb.sn>, relay=mx.ugb.sn[192.168.20.1]:25, delay=0.2, delays=0.1/0/0/0.1, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as FED0000001)
Nov 24 06:00:01 mail postfix/qmgr[700]: ABCDE00001: removed
Nov 24 06:00:02 mail postfix/smtpd[811]: ABCDE00001: client=poste.minfo.sn[192.168.10.50]
Nov 24 06:00:02 mail postfix/cleanup[815]: ABCDE00001: message-id=<reused@minfo.sn>
"""


def kinds(log: str, message_id: str = "", queue_id: str = "") -> list[StopKind]:
    found = journey(log.splitlines(), message_id=message_id, queue_id=queue_id)
    return [stop.kind for stop in found.stops]


def test_a_message_through_the_filter_into_a_mailbox() -> None:
    found = journey(DELIVERED.splitlines(), message_id="<20261124.1@poste.minfo.sn>")
    assert [stop.kind for stop in found.stops] == [
        *(StopKind.RECEIVED, StopKind.CLEANUP, StopKind.QUEUED),
        *(StopKind.RECEIVED, StopKind.CLEANUP, StopKind.QUEUED),
        *(
            StopKind.FILTERED,
            StopKind.SENT,
            StopKind.REMOVED,
            StopKind.STORED,
            StopKind.SENT,
            StopKind.REMOVED,
        ),
    ]
    assert found.queue_ids == ("4A1B02C3D4", "8EF8730102")
    assert found.message_id == "20261124.1@poste.minfo.sn"
    received, reinjected = found.of(StopKind.RECEIVED)
    assert received.line.fields["sasl_username"] == "user"
    assert received.line.service == "smtpd"
    assert received.line.program == "postfix/submission/smtpd"
    assert reinjected.line.fields["client"] == "localhost[127.0.0.1]"
    (judged,) = found.of(StopKind.FILTERED)
    assert judged.line.fields["verdict"] == "Passed CLEAN"
    assert judged.line.fields["Hits"] == "-0.998"
    assert judged.line.fields["to"] == "autre_user@minfo.sn"
    (stored,) = found.of(StopKind.STORED)
    assert stored.line.fields["mailbox"] == "Projets"
    assert stored.line.fields["user"] == "autre_user"
    last = found.of(StopKind.SENT)[-1].line.fields
    assert last["relay"] == "mail.minfo.sn[private/dovecot-lmtp]"
    assert (last["dsn"], last["status"]) == ("2.0.0", "sent")
    assert last["reply"] == "250 2.0.0 <autre_user@minfo.sn> gDzDM7+bZGf2AwAA Saved"


def test_either_queue_id_leads_to_the_same_journey() -> None:
    whole = kinds(DELIVERED, message_id="20261124.1@poste.minfo.sn")
    assert kinds(DELIVERED, queue_id="4A1B02C3D4") == whole
    assert kinds(DELIVERED, queue_id="8EF8730102") == whole


def test_a_bounce_is_followed_to_the_sender_s_mailbox() -> None:
    found = journey(BOUNCED.splitlines(), message_id="dem2@minfo.sn")
    assert [stop.kind for stop in found.stops] == [
        *(
            StopKind.RECEIVED,
            StopKind.CLEANUP,
            StopKind.QUEUED,
            StopKind.BOUNCED,
            StopKind.DEFERRED,
        ),
        *(
            StopKind.CLEANUP,
            StopKind.QUEUED,
            StopKind.NOTIFIED,
            StopKind.STORED,
            StopKind.SENT,
            StopKind.REMOVED,
        ),
        StopKind.BOUNCED,
    ]
    bounced, expired = found.of(StopKind.BOUNCED)
    assert bounced.line.fields["dsn"] == "5.4.4"
    assert bounced.line.fields["reply"].endswith("type=A: Host not found")
    assert expired.line.fields["status"] == "expired"
    assert found.of(StopKind.DEFERRED)[0].line.fields["reply"] == (
        "connect to mx.ugb.sn[192.168.20.1]:25: Connection refused"
    )
    assert found.of(StopKind.STORED)[0].line.fields["mailbox"] == "INBOX"


def test_a_queue_id_means_something_in_one_instance_and_one_life() -> None:
    found = journey(RELAYED.splitlines(), message_id="one@minfo.sn")
    assert [stop.line.fields.get("message-id") for stop in found.of(StopKind.CLEANUP)] == [
        "one@minfo.sn",
        "one@minfo.sn",
    ]
    assert [stop.line.program for stop in found.of(StopKind.RECEIVED)] == [
        "postfix/smtpd",
        "postfix-ugb/smtpd",
    ]
    assert journey(RELAYED.splitlines(), queue_id="FED0000001").message_id == "one@minfo.sn"
    assert journey(RELAYED.splitlines(), message_id="reused@minfo.sn").of(StopKind.SENT) == ()


def test_an_unknown_message_has_no_stops() -> None:
    assert not journey(DELIVERED.splitlines(), message_id="nobody@nowhere")
    assert not journey(DELIVERED.splitlines(), queue_id="FFFFFF")
    with pytest.raises(UsageError):
        journey([], message_id="a", queue_id="b")
    with pytest.raises(UsageError):
        journey([])


@pytest.mark.parametrize(
    ("line", "service", "queue_id", "fields"),
    [
        (
            (
                "Nov 24 05:42:49 mail postfix/smtpd[123]: NOQUEUE: reject: RCPT from unknown[192.168.66.66]: "
                "554 5.7.1 Service unavailable; Client host [192.168.66.66] blocked using dnsbl.minfo.sn; "
                "from=<x@pub.sn> to=<user@minfo.sn> proto=ESMTP helo=<spammeur.pub.sn>"
            ),
            "smtpd",
            "",
            {
                "action": "reject",
                "at": "RCPT",
                "client": "unknown[192.168.66.66]",
                "reply": "554 5.7.1 Service unavailable; Client host [192.168.66.66] blocked using dnsbl.minfo.sn",
                "from": "x@pub.sn",
                "to": "user@minfo.sn",
                "proto": "ESMTP",
                "helo": "spammeur.pub.sn",
            },
        ),
        (
            (
                "Nov  4 05:42:49 mail postfix/cleanup[123]: 4F2A01: reject: header Subject: Buy now from "
                "mx.ugb.sn[192.168.20.1]; from=<a@b> to=<c@d> proto=ESMTP helo=<mx.ugb.sn>: 5.7.1 no spam here"
            ),
            "cleanup",
            "4F2A01",
            {
                "action": "reject",
                "at": "header",
                "text": "Subject: Buy now",
                "reply": "5.7.1 no spam here",
            },
        ),
        (
            (
                "Nov 24 05:42:49 mail postfix/cleanup[123]: 4F2A01: milter-reject: END-OF-MESSAGE from "
                "localhost[127.0.0.1]: 5.7.1 rejected by DMARC; from=<a@b> to=<c@d> proto=ESMTP helo=<x>"
            ),
            "cleanup",
            "4F2A01",
            {"action": "milter-reject", "at": "END-OF-MESSAGE", "reply": "5.7.1 rejected by DMARC"},
        ),
        (
            "Nov 24 05:42:49 mail postfix/pickup[123]: 4F2A01: uid=1000 from=<user>",
            "pickup",
            "4F2A01",
            {"uid": "1000", "from": "user"},
        ),
        (
            (
                "Nov 24 05:42:49 mail postfix/local[9]: 4F2A01: to=<admin@minfo.sn>, orig_to=<root>, relay=local, "
                "delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)"
            ),
            "local",
            "4F2A01",
            {
                "to": "admin@minfo.sn",
                "orig_to": "root",
                "relay": "local",
                "reply": "delivered to mailbox",
            },
        ),
        (
            (
                "Nov 24 05:42:49 mail postfix/error[9]: 4F2A01: to=<x@y.sn>, relay=none, delay=1, delays=1/0/0/0, "
                "dsn=4.4.1, status=deferred (delivery temporarily suspended: connect to 192.168.30.1[192.168.30.1]:25: Connection timed out)"
            ),
            "error",
            "4F2A01",
            {"status": "deferred", "dsn": "4.4.1"},
        ),
        (
            (
                "Nov 24 05:42:49 mail postfix/smtp[9]: 4F2A01: to=<x@ugb.sn>, relay=mx.ugb.sn[192.168.20.1]:25, conn_use=2, "
                "delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (host mx.ugb.sn[192.168.20.1] said: 550 5.1.1 "
                "<x@ugb.sn>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command))"
            ),
            "smtp",
            "4F2A01",
            {"status": "bounced", "conn_use": "2", "dsn": "5.1.1"},
        ),
        (
            "Nov 24 05:42:49 mail postfix/smtpd[9]: lost connection after AUTH from unknown[192.168.66.66]",
            "smtpd",
            "",
            {"action": "lost connection after AUTH", "client": "unknown[192.168.66.66]"},
        ),
        (
            "Nov 24 05:42:49 mail postfix/smtpd[9]: warning: poste.minfo.sn[192.168.10.50]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=user",
            "smtpd",
            "",
            {"sasl_username": "user"},
        ),
        (
            "Nov 24 05:42:49 mail postfix/postscreen[9]: CONNECT from [192.168.66.66]:45678 to [192.168.10.1]:25",
            "postscreen",
            "",
            {},
        ),
        (
            (
                "Nov 24 05:42:49 mail postfix/postscreen[9]: NOQUEUE: reject: RCPT from [192.168.66.66]:45678: 550 5.7.1 "
                "Service unavailable; client [192.168.66.66] blocked using dnsbl.minfo.sn; from=<a@b>, to=<c@d>, proto=ESMTP, helo=<x>"
            ),
            "postscreen",
            "",
            {"action": "reject", "client": "[192.168.66.66]:45678", "to": "c@d"},
        ),
        (
            (
                "Nov 24 05:42:49 mail dovecot: imap-login: Login: user=<user>, method=PLAIN, rip=192.168.10.50, "
                "lip=192.168.10.1, mpid=42, TLS, session=<Ing8jUyj1rpNb0xJ>"
            ),
            "imap-login",
            "",
            {"action": "login", "user": "user", "method": "PLAIN", "rip": "192.168.10.50"},
        ),
        (
            (
                "2026-11-24T05:42:49+00:00 mail dovecot[834]: pop3-login: Login aborted: Connection closed (auth failed, 1 attempts in 2 secs) "
                "(auth_failed): user=<user>, method=PLAIN, rip=192.168.10.50, lip=192.168.10.1, session=<x/y>"
            ),
            "pop3-login",
            "",
            {"action": "login aborted", "user": "user", "session": "x/y"},
        ),
        (
            "2026-11-24T05:42:49+00:00 mail dovecot: managesieve-login: Logged in: user=<user>, method=PLAIN, rip=::1, lip=::1, mpid=1, TLS, session=<s>",
            "managesieve-login",
            "",
            {"action": "logged in", "user": "user", "rip": "::1"},
        ),
        (
            "Nov 24 05:42:49 mail dovecot: lmtp(user)<1><s>: sieve: msgid=<x@y>: sent vacation response to <z@ugb.sn>",
            "lmtp",
            "",
            {"action": "answered", "to": "z@ugb.sn", "msgid": "x@y", "session": "s"},
        ),
        (
            "Nov 24 05:42:49 mail dovecot: lmtp(user)<1><s>: sieve: msgid=<x@y>: redirect action: forwarded to <z@ugb.sn>",
            "lmtp",
            "",
            {"action": "forwarded", "to": "z@ugb.sn"},
        ),
        (
            "Nov 24 05:42:49 mail dovecot: lmtp(user)<1><s>: sieve: msgid=<x@y>: discard action: Marked message to be discarded if not explicitly delivered",
            "lmtp",
            "",
            {"action": "discarded"},
        ),
        (
            "Nov 24 05:42:49 mail dovecot: lmtp(user)<1><s>: sieve: msgid=<a>: stored mail into mailbox 'Trap': x@y>: stored mail into mailbox 'INBOX'",
            "lmtp",
            "",
            {"action": "stored", "mailbox": "INBOX"},
        ),
        (
            (
                "Nov 24 05:42:49 mail amavis[640]: (00640-02) Blocked INFECTED (Eicar-Test-Signature) {DiscardedInbound,Quarantined}, [192.168.20.1]:4 "
                "<a@ugb.sn> -> <user@minfo.sn>,<admin@minfo.sn>, quarantine: virus-JcfA, Queue-ID: 4F2A01, Message-ID: <v@ugb.sn>, mail_id: JcfA, Hits: -, size: 9, 5 ms"
            ),
            "amavis",
            "",
            {
                "verdict": "Blocked INFECTED",
                "detail": "Eicar-Test-Signature",
                "to": "user@minfo.sn,admin@minfo.sn",
                "quarantine": "virus-JcfA",
                "Queue-ID": "4F2A01",
            },
        ),
    ],
)
def test_each_form_of_line_is_taken_apart(
    line: str, service: str, queue_id: str, fields: dict[str, str]
) -> None:
    found = parse_line(line)
    assert (found.service, found.queue_id) == (service, queue_id)
    assert fields.items() <= dict(found.fields).items()
    assert found.text in line
    assert found.host == "mail"


@pytest.mark.parametrize("line", ["", "garbage", "Nov 24 mail", "\0\n", "Nov 24 05:42:49 mail"])
def test_garbage_is_kept_as_text(line: str) -> None:
    assert parse_line(line) == LogLine(line.rstrip("\n"))


@pytest.mark.fuzz
@given(
    st.lists(
        st.text()
        | st.tuples(
            st.sampled_from(
                [x.partition(": ")[0] + ": " for x in (DELIVERED + BOUNCED).splitlines()]
            ),
            st.text() | st.sampled_from([x.partition(": ")[2] for x in DELIVERED.splitlines()]),
        ).map("".join)
    )
)
def test_no_line_raises(lines: list[str]) -> None:
    parsed = parse_log(lines)
    assert len(parsed) == len(lines)
    journey(lines, message_id="20261124.1@poste.minfo.sn")
