"""Whether vacation replies, and what (RFC 5230 §4.5, §4.6 and §5)."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest

from mailsim.protocol.sieve import (
    EVERYTHING,
    Alone,
    Envelope,
    Script,
    Settings,
    Vacation,
    compile_script,
    run,
)

HEADER = b"From: Alice <alice@ugb.sn>\r\nTo: user@minfo.sn\r\nSubject: hello\r\nMessage-ID: <1@ugb.sn>\r\n"
BODY = b"\r\nbody\r\n"


def vacation(
    source: str = 'vacation "Absent.";',
    more: bytes = b"",
    *,
    header: bytes = HEADER,
    sender: str = "alice@ugb.sn",
    recipient: str = "user@minfo.sn",
    settings: Settings = EVERYTHING,
    environment: Alone | None = None,
) -> tuple[Vacation, Alone]:
    script = compile_script(
        f'require ["vacation", "vacation-seconds", "variables"]; {source}'.encode(),
        settings=settings,
    )
    assert isinstance(script, Script), script.pigeonhole
    surroundings = environment or Alone(time=1_183_800_600, host="mail.minfo.sn")
    content = header + more + BODY
    result = run(script, content, Envelope(sender, recipient), surroundings)
    assert result.ok
    assert result.implicit_keep
    surroundings.marked |= {one.key for one in result.marks}
    action = result.actions[0]
    assert isinstance(action, Vacation)
    assert (action.reply is not None) is (action.outcome == "sieve.vacation-sent")
    assert bool(result.marks) is (action.reply is not None)
    return action, surroundings


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        (b"", "sent"),
        (b"Auto-Submitted: no\r\n", "sent"),
        (b"Auto-Submitted: auto-generated\r\n", "auto"),
        (b"List-Id: <x>\r\n", "list"),
        (b"List-Unsubscribe: <x>\r\n", "list"),
        (b"Precedence: bulk\r\n", "precedence"),
        (b"Precedence: first-class\r\n", "sent"),
        (b"X-Auto-Response-Suppress: DR, OOF\r\n", "suppressed"),
        (b"X-Auto-Response-Suppress: RN\r\n", "sent"),
    ],
)
def test_a_field_may_forbid_a_reply(more: bytes, outcome: str) -> None:
    assert vacation(more=more)[0].outcome == f"sieve.vacation-{outcome}"


@pytest.mark.parametrize(
    ("sender", "outcome"),
    [
        ("", "null"),
        ("MAILER-DAEMON@ugb.sn", "system"),
        ("owner-list@ugb.sn", "system"),
        ("list-request@ugb.sn", "system"),
        ("USER@minfo.sn", "own"),
        ("postmaster@ugb.sn", "sent"),
    ],
)
def test_a_sender_may_forbid_a_reply(sender: str, outcome: str) -> None:
    assert vacation(sender=sender)[0].outcome == f"sieve.vacation-{outcome}"


def test_a_message_must_name_the_recipient() -> None:
    other = HEADER.replace(b"To: user@minfo.sn", b"To: all@minfo.sn")
    assert vacation(header=other)[0].outcome == "sieve.vacation-implicit"
    assert vacation(header=other, more=b"Resent-Cc: User@MINFO.sn\r\n")[0].reply
    assert vacation('vacation :addresses "all@minfo.sn" "x";', header=other)[0].reply
    loose = replace(EVERYTHING, vacation_dont_check_recipient=True)
    assert vacation(header=other, settings=loose)[0].reply


def test_a_sender_gets_one_reply_in_a_period() -> None:
    first, surroundings = vacation()
    assert first.reply
    assert vacation(environment=surroundings)[0].outcome == "sieve.vacation-again"
    assert vacation(environment=surroundings, sender="bob@ugb.sn")[0].reply
    assert vacation('vacation "Other.";', environment=surroundings)[0].reply
    assert vacation('vacation :subject "s" "Absent.";', environment=surroundings)[0].reply


def test_a_handle_makes_different_replies_the_same() -> None:
    _, surroundings = vacation('vacation :handle "h" "one";')
    again = vacation('vacation :handle "h" "two";', environment=surroundings)[0]
    assert again.outcome == "sieve.vacation-again"


def test_variables_do_not_make_another_reply() -> None:
    _, surroundings = vacation('set "a" "1"; vacation "x ${a}";')
    again = vacation('set "a" "2"; vacation "x ${a}";', environment=surroundings)[0]
    assert (again.outcome, again.handle) == (
        "sieve.vacation-again",
        "x ${a}<default-subject><default-from><NO-MIME>",
    )


def test_arguments_cannot_pass_for_each_other() -> None:
    _, surroundings = vacation('vacation :subject "b" "a";')
    assert vacation('vacation :subject "" "ab";', environment=surroundings)[0].reply


@pytest.mark.parametrize(
    ("source", "seconds"),
    [
        ('vacation "x";', 7 * 86_400),
        ('vacation :days 3 "x";', 3 * 86_400),
        ('vacation :days 0 "x";', 86_400),
        ('vacation :seconds 1800 "x";', 86_400),
    ],
)
def test_the_period_is_within_the_sites_bounds(source: str, seconds: int) -> None:
    assert vacation(source)[0].seconds == seconds


def test_a_site_may_allow_short_periods() -> None:
    short = replace(EVERYTHING, vacation_min_period=0, vacation_max_period=864_000)
    assert vacation('vacation :seconds 1800 "x";', settings=short)[0].seconds == 1800
    assert vacation('vacation :days 100 "x";', settings=short)[0].seconds == 864_000


def test_the_reply_is_a_message_that_answers() -> None:
    action, _ = vacation(
        'vacation :subject "Parti à la plage" "J’y suis\n.";', b"References: <0@ugb.sn>\r\n"
    )
    assert action.reply is not None
    assert action.recipient == "alice@ugb.sn"
    reply = message_from_bytes(action.reply, policy=default)
    assert reply["From"] == "user@minfo.sn"
    assert reply["To"] == "Alice <alice@ugb.sn>"
    assert reply["Subject"] == "Parti à la plage"
    assert reply["In-Reply-To"] == "<1@ugb.sn>"
    assert reply["References"] == "<0@ugb.sn> <1@ugb.sn>"
    assert reply["Auto-Submitted"] == "auto-replied (vacation)"
    assert reply["Date"] == "Sat, 07 Jul 2007 09:30:00 +0000"
    assert reply["X-Sieve"] == "Pigeonhole Sieve 0.5.19 (4eae2f79)"
    assert reply.get_content() == "J’y suis\r\n.\r\n"
    assert b"\n" not in action.reply.replace(b"\r\n", b"")


def test_a_subject_is_made_of_the_messages() -> None:
    action, _ = vacation()
    assert action.reply is not None
    assert b"\r\nSubject: Auto: hello\r\n" in action.reply
    none, _ = vacation(header=HEADER.replace(b"Subject: hello\r\n", b""))
    assert none.reply is not None
    assert b"\r\nSubject: Automated reply\r\n" in none.reply


def test_a_mime_reason_brings_its_own_fields() -> None:
    action, _ = vacation(
        'vacation :mime :from "U <user@minfo.sn>" text:\nContent-Type: text/html\n\n<b>x</b>\n.\n;'
    )
    assert action.reply is not None
    reply = message_from_bytes(action.reply, policy=default)
    assert reply.get_content_type() == "text/html"
    assert reply["From"] == "U <user@minfo.sn>"


@pytest.mark.parametrize("subject", [b"a\r\n\tb", b"=?utf-8?q?=C3=A9?=", b"\xff\x00\x1b[31m"])
def test_no_subject_breaks_the_reply(subject: bytes) -> None:
    header = HEADER.replace(b"Subject: hello", b"Subject: " + subject)
    action, _ = vacation(header=header)
    assert action.reply is not None
    head = action.reply.partition(b"\r\n\r\n")[0]
    assert b"\x1b" not in head
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b"\t "]
    assert names.count(b"Subject") == 1
    assert all(name.replace(b"-", b"").isalpha() for name in names)


def test_a_wrong_from_of_a_variable_is_passed_over() -> None:
    script = compile_script(
        b'require ["vacation", "variables"]; set "f" "nobody"; vacation :from "${f}" "x";'
    )
    assert isinstance(script, Script)
    result = run(script, HEADER + BODY, Envelope("alice@ugb.sn", "user@minfo.sn"), Alone())
    assert result.ok
    assert [one.message_id for one in result.errors] == ["sieve.vacation-from"]
    action = result.actions[0]
    assert isinstance(action, Vacation)
    assert action.reply is not None
    assert b"\r\nFrom: <user@minfo.sn>\r\n" in action.reply
