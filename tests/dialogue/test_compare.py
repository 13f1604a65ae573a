from __future__ import annotations

import json

import pytest

from mailsim.dialogue.compare import Comparison, Kind, compare
from mailsim.dialogue.text import read_text
from mailsim.dialogue.volatile import VOLATILE, normalised

SMTP = """\
S: 220 mail.minfo.sn ESMTP Postfix
C: EHLO poste.minfo.sn
S: 250-mail.minfo.sn
S: 250-PIPELINING
S: 250 STARTTLS
C: MAIL FROM:<user@minfo.sn>
S: 250 2.1.0 Ok
C: RCPT TO:<x@minfo.sn>
S: 550 5.1.1 <x@minfo.sn>: Recipient address rejected: User unknown
C: QUIT
S: 221 2.0.0 Bye
"""


def compared(a: str, b: str) -> Comparison:
    return compare(read_text(a).dialogue, read_text(b).dialogue)


def differences(a: str, b: str) -> list[tuple[Kind, str, str]]:
    return [(one.kind, one.a, one.b) for one in compared(a, b).differences]


def test_a_dialogue_equals_itself() -> None:
    found = compared(SMTP, SMTP)
    assert found.equal
    assert found.steps == 5
    assert "5" in found.text("fr")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("550 5.1.1", "450 5.1.1", [(Kind.CODE, "550", "450")]),
        ("550 5.1.1", "550 5.7.1", [(Kind.ENHANCED_CODE, "5.1.1", "5.7.1")]),
        ("2.0.0 Bye", "2.0.0 Adieu", [(Kind.WORDING, "Bye", "Adieu")]),
        ("250-PIPELINING\n", "250-SIZE\nS: 250-PIPELINING\n", [(Kind.CAPABILITY, "", "SIZE")]),
        ("250-PIPELINING\nS: 250 STARTTLS", "250-STARTTLS\nS: 250 PIPELINING", []),
        ("C: QUIT\nS: 221 2.0.0 Bye\n", "", [(Kind.MISSING, "221 2.0.0 Bye", "")]),
        (
            "C: QUIT",
            "C: NOOP\nS: 250 2.0.0 Ok\nC: QUIT",
            [(Kind.MISSING, "", "250 2.0.0 Ok")],
        ),
        (
            "RCPT TO:<x@",
            "RCPT TO:<y@",
            [(Kind.COMMAND, "RCPT TO:<x@minfo.sn>", "RCPT TO:<y@minfo.sn>")],
        ),
        (
            "221 2.0.0 Bye",
            "221-2.0.0 See you\nS: 221 2.0.0 Bye",
            [
                (Kind.ENHANCED_CODE, "2.0.0", "2.0.0, 2.0.0"),
                (Kind.LINES, "1", "2"),
                (Kind.WORDING, "", "See you"),
            ],
        ),
    ],
)
def test_each_difference_has_its_kind(
    old: str, new: str, expected: list[tuple[Kind, str, str]]
) -> None:
    changed = SMTP.replace(old, new, 1)
    assert changed != SMTP
    assert differences(SMTP, changed) == expected


@pytest.mark.parametrize(
    ("name", "a", "b"),
    [
        ("queue-id", "2.0.0 Ok: queued as 8EF8730102C3", "2.0.0 Ok: queued as 4bXkQn2yZzz1Bf"),
        (
            "delivery-id",
            "2.0.0 <u@x> gDzDM7+bZGf2AwAA Saved",
            "2.0.0 <u@x> 6Yk4FLzrHGf2AwAA:L1 Saved",
        ),
        ("message-id", "Message-ID: <1@a>", "Message-ID: <2@a>"),
        (
            "timestamp",
            "+OK ready <1896.697170952@dbc.mtview.ca.us>",
            "+OK ready <1.5@dbc.mtview.ca.us>",
        ),
        ("date", "Date: Tue, 24 Nov 2026 05:42:49 +0000 (UTC)", "Date: 1 Jan 2026 05:42:49 +0100"),
        ("date", '" 7-Feb-1994 22:43:04 -0800"', '" 8-Mar-1994 22:43:04 +0000"'),
        (
            "duration",
            "Fetch completed (0.001 + 0.000 secs).",
            "Fetch completed (0.012 + 0.000 + 0.011 secs).",
        ),
        ("pid", "pid 12 died", "pid 4711 died"),
        ("port", "at 127.0.0.1:40025", "at 127.0.0.1:53211"),
        ("challenge", "334 PDQxOTI5NDIzNDEuMTI4Mjg0NzJA", "334 PDE4OTYuNjk3MTcwOTUyQHBvc3Q="),
        (
            "uidvalidity",
            "* OK [UIDVALIDITY 3857529045] UIDs valid",
            "* OK [UIDVALIDITY 1] UIDs valid",
        ),
        ("modseq", "[HIGHESTMODSEQ 3]", "[HIGHESTMODSEQ 712]"),
        ("session", "session=<Ing8jUyj1rpNb0xJ>", "session=<x>"),
        ("boundary", 'boundary="a"', "boundary=bcd"),
    ],
)
def test_volatile_parts_are_equal_by_name(name: str, a: str, b: str) -> None:
    assert normalised(a) == normalised(b)
    assert f"{{{name}}}" in normalised(a)
    without = {key: pattern for key, pattern in VOLATILE.items() if key != name}
    assert normalised(a, without) != normalised(b, without)


def test_other_protocols_are_taken_apart() -> None:
    imap = (
        "S: * OK [CAPABILITY IMAP4rev1 IDLE] ready\nC: a1 LOGIN user secret\n"
        "S: a1 OK [CAPABILITY IMAP4rev1 MOVE] Logged in\nC: a2 SELECT INBOX\n"
        "S: * 3 EXISTS\nS: * OK [UIDVALIDITY 5] ok\nS: a2 OK [READ-WRITE] done\n"
    )
    assert compared(imap, imap.replace("a1", "b7").replace("DITY 5", "DITY 9")).equal
    assert differences(imap, imap.replace("READ-WRITE", "READ-ONLY")) == [
        (
            Kind.ENHANCED_CODE,
            "UIDVALIDITY {uidvalidity}, READ-WRITE",
            "UIDVALIDITY {uidvalidity}, READ-ONLY",
        )
    ]
    assert differences(imap, imap.replace("MOVE", "SORT")) == [
        (Kind.CAPABILITY, "MOVE", ""),
        (Kind.CAPABILITY, "", "SORT"),
    ]
    pop3 = "S: +OK ready\nC: CAPA\nS: +OK list\nS: UIDL\nS: .\nC: PASS secret\nS: -ERR [AUTH] no\n"
    assert differences(pop3, pop3.replace("UIDL", "TOP").replace("[AUTH]", "[SYS/TEMP]")) == [
        (Kind.CAPABILITY, "UIDL", ""),
        (Kind.CAPABILITY, "", "TOP"),
        (Kind.ENHANCED_CODE, "AUTH", "SYS/TEMP"),
    ]
    sieve = 'S: "SIEVE" "fileinto"\nS: OK "ready"\nC: DELETESCRIPT "x"\nS: NO (ACTIVE) "in use"\n'
    assert differences(sieve, sieve.replace("(ACTIVE)", "(NONEXISTENT)")) == [
        (Kind.ENHANCED_CODE, "ACTIVE", "NONEXISTENT")
    ]


def test_secrets_are_in_no_form_of_a_comparison() -> None:
    a = "S: +OK ready\nC: PASS secret\nS: -ERR not secret\n"
    found = compared(a, a.replace("secret", "hidden"))
    assert found.equal
    found = compared(a, a.replace("-ERR not", "+OK").replace("secret", "other1"))
    shown = json.dumps(found.to_json()) + found.text("en")
    assert "secret" not in shown
    assert "other1" not in shown
    assert '"kind": "code"' in shown
