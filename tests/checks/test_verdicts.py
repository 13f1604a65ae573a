"""Each exercise against a real lab: what is nearly right is told apart, and why."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailsim import Exercises, Lab
from mailsim.checks import Values, Verdict

Try = Callable[[Lab, Values], str | None]
"""What a student does; the answer, where there is one."""


@pytest.fixture
def lab(lab_home: Path) -> Iterator[Lab]:
    assert lab_home.name
    with Lab(seed="verdicts", stage="mail") as made:
        yield made


def judged(lab: Lab, name: str, attempt: Try) -> Verdict:
    number, _, at = name.partition(".")
    exercises = Exercises(lab, number)
    exercises.begin(int(at))
    # What is hidden from the student is not hidden from a test.
    values = next(one for one in exercises if one.id == name).values(lab.seed)
    answer = attempt(lab, values)
    return exercises.check(int(at), answer or "")


def send(
    lab: Lab,
    sender: str,
    recipients: list[str],
    text: str,
    *,
    service: str = "smtp",
    host: str | None = None,
    login: str = "",
) -> None:
    with lab.smtp(service, as_host=host) as smtp:
        smtp.ehlo("mx.ugb.sn")
        if login:
            smtp.auth("PLAIN", login, lab.accounts.password(login))
        smtp.mail(sender)
        for one in recipients:
            smtp.rcpt(one)
        if "DATA" in smtp.legal() and any(
            step.code == 250 for step in smtp.steps[-len(recipients) :]
        ):
            smtp.data(text)


def nothing(_: Lab, __: Values) -> None:
    return None


def letter(mine: Values, more: str = "") -> str:
    return f"{more}Subject: {mine['subject']}\n\nBonjour.\n"


def to_all(lab: Lab, mine: Values, header: str) -> None:
    send(lab, "user@minfo.sn", [mine["to"], mine["cc"], mine["blind"]], header + letter(mine))


def three_messages(lab: Lab, mine: Values) -> None:
    for name in ("to", "cc", "blind"):
        send(
            lab,
            "user@minfo.sn",
            [mine[name]],
            f"To: {mine['to']}\nCc: {mine['cc']}\n{letter(mine)}",
        )


def by_hand(content: str) -> Try:
    def attempt(lab: Lab, mine: Values) -> None:
        with lab.smtp() as smtp:
            smtp.ehlo("poste.minfo.sn")
            smtp.mail("user@minfo.sn")
            smtp.rcpt("autre_user@minfo.sn")
            smtp.data()
            smtp.send_raw(f"Subject: {mine['subject']}\r\n\r\n" + content.format(**mine))

    return attempt


def read(lab: Lab, answer: str) -> str:
    with lab.imap() as imap:
        imap.login("user", "minfo")
        imap.select("INBOX")
        imap.fetch("*", "BODY[]")
    return answer


def wrong_password(lab: Lab, _: Values) -> None:
    with lab.imap() as imap:
        imap.login("user", "Minfo")


def pop3(*, delete: int = 0, leave: bool = True) -> Try:
    def attempt(lab: Lab, _: Values) -> None:
        with lab.pop3() as box:
            box.login("user", "minfo")
            if delete:
                box.dele(delete)
            if leave:
                box.quit()

    return attempt


def file(*, create: bool = True, move: bool = True) -> Try:
    def attempt(lab: Lab, mine: Values) -> None:
        with lab.imap() as imap:
            imap.login("user", "minfo")
            if create:
                imap.create(mine["folder"])
            imap.select("INBOX")
            (imap.move if move else imap.copy)("1", mine["folder"])

    return attempt


def search(lab: Lab, mine: Values, answer: str) -> str:
    with lab.imap() as imap:
        imap.login("user", "minfo")
        imap.select("INBOX")
        imap.search(f'BODY "{mine["word"]}"')
    return answer


def relay(*, login: bool = True, host: str | None = "mx.miage.sn", other: bool = False) -> Try:
    def attempt(lab: Lab, mine: Values) -> None:
        lab.reset("sasl")
        who = "user" if other else mine["user"]
        to = ["secretaire@ugb.sn"]
        send(lab, "user@minfo.sn", to, letter(mine), host=host, login=who if login else "")

    return attempt


def refused_login(lab: Lab, _: Values) -> None:
    lab.reset("sasl")
    with lab.smtp() as smtp:
        smtp.ehlo("poste.minfo.sn")
        token = b64encode(b"user\0minfo").decode()
        smtp.send_raw(f"AUTH PLAIN {token}\r\n")


def submit(*, early: bool = False, late: bool = True) -> Try:
    def attempt(lab: Lab, mine: Values) -> None:
        lab.reset("tls")
        password = lab.accounts.password(mine["user"])
        with lab.smtp("submission") as smtp:
            smtp.ehlo("poste.minfo.sn")
            if early:
                smtp.auth("PLAIN", mine["user"], password)
            if late:
                smtp.starttls()
                smtp.ehlo("poste.minfo.sn")
                smtp.auth("PLAIN", mine["user"], password)
                smtp.mail(f"{mine['user']}@minfo.sn")
                smtp.rcpt("secretaire@ugb.sn")
                smtp.data(letter(mine))

    return attempt


def ask(lab: Lab, name: str, answer: str) -> str:
    with lab.dns() as dns:
        dns.query(name, "A")
    return answer


def turned(mine: Values) -> str:
    return ".".join(reversed(mine["address"].split("."))) + ".dnsbl.minfo.sn"


def listed(mine: Values) -> str:
    return "127.0.0.2" if mine["address"] == "192.168.66.66" else "NXDOMAIN"


def from_ugb(lab: Lab, mine: Values, *, slip: bool = False, host: str = "mx.ugb.sn") -> None:
    with lab.smtp(as_host=host) as smtp:
        smtp.ehlo("mx.ugb.sn")
        if slip:
            smtp.send_raw("DATA\r\n")
        smtp.mail("secretaire@ugb.sn")
        smtp.rcpt(mine["recipient"])
        smtp.data(letter(mine))


SAME_TO = "To: {to}\nCc: {cc}\n"

CASES: list[tuple[str, str, Try]] = [
    ("00.1", "nothing-sent", nothing),
    ("00.1", "00-arrived", lambda lab, m: send(lab, "user@minfo.sn", [m["recipient"]], letter(m))),
    ("00.1", "to-another", lambda lab, m: send(lab, "user@minfo.sn", ["admin@minfo.sn"], letter(m))),
    ("00.1", "other-subject", lambda lab, m: send(lab, "user@minfo.sn", [m["recipient"]], "Subject: x\n\ny\n")),
    ("00.1", "address-refused", lambda lab, m: send(lab, "user@minfo.sn", ["personne@minfo.sn"], letter(m))),
    ("00.2", "00-same-slip", lambda lab, m: send(lab, "user@minfo.sn", ["secretariat@ugb.sn"], letter(m))),
    ("00.2", "00-repaired", lambda lab, m: send(lab, "user@minfo.sn", ["secretaire@ugb.sn"], letter(m))),
    ("00.2", "not-there-yet", lambda lab, m: send(lab, "user@minfo.sn", ["etudiant@miage.sn"], letter(m))),
    ("00.3", "00-nothing-read", nothing),
    ("00.3", "login-refused", wrong_password),
    ("00.3", "00-not-fetched", lambda _, m: m["word"]),
    ("00.3", "no-answer", lambda lab, _: read(lab, "")),
    ("00.3", "wrong-answer", lambda lab, _: read(lab, "bonjour")),
    ("00.3", "00-read", lambda lab, m: read(lab, m["word"])),
    ("01.1", "01-no-empty-line", lambda lab, m: send(lab, "admin@minfo.sn", ["kelkun@kelkpart.com"], f"Subject: {m['subject']}\nBonjour,\n")),
    ("01.1", "from-another", lambda lab, m: send(lab, "user@minfo.sn", ["kelkun@kelkpart.com"], letter(m))),
    ("01.1", "01-thesis-right", lambda lab, m: send(lab, "admin@minfo.sn", ["kelkun@kelkpart.com"], letter(m))),
    ("01.2", "to-another", lambda lab, m: send(lab, "user@minfo.sn", [m["shown"]], letter(m, f"To: {m['shown']}\n"))),
    ("01.2", "01-header-to", lambda lab, m: send(lab, "user@minfo.sn", [m["recipient"]], letter(m, f"To: {m['recipient']}\n"))),
    ("01.2", "01-envelope-won", lambda lab, m: send(lab, "user@minfo.sn", [m["recipient"]], letter(m, f"To: {m['shown']}\n"))),
    ("01.3", "01-dot-ended", by_hand("un\r\n.\r\n")),
    ("01.3", "01-dot-lost", by_hand("un\r\n..\r\n{line}\r\n.\r\n")),
    ("01.3", "01-dots-kept", by_hand("un\r\n..\r\n.{line}\r\n.\r\n")),
    ("01.4", "01-no-copy", lambda lab, m: send(lab, "user@minfo.sn", [m["to"], m["cc"]], letter(m))),
    ("01.4", "01-betrayed", lambda lab, m: to_all(lab, m, SAME_TO.format(**m) + f"Bcc: {m['blind']}\n")),
    ("01.4", "01-no-cc", lambda lab, m: to_all(lab, m, f"To: {m['to']}\n")),
    ("01.4", "01-several-messages", three_messages),
    ("01.4", "01-blind", lambda lab, m: to_all(lab, m, SAME_TO.format(**m))),
    ("02.1", "02-not-heard", nothing),
    ("02.2", "02-no-status", nothing),
    ("02.2", "wrong-answer", lambda *_: "2.0.0"),
    ("02.2", "02-status", lambda _, m: "5.1.1" if m["recipient"].endswith("ugb.sn") else "5.4.4"),
    ("02.3", "02-refused-once", lambda lab, m: from_ugb(lab, m, slip=True)),
    ("02.3", "02-not-there", lambda lab, m: from_ugb(lab, m, host="mx.miage.sn")),
    ("02.3", "02-clean", from_ugb),
    ("03.1", "03-no-pop3", nothing),
    ("03.1", "03-still-there", pop3()),
    ("03.1", "03-other-gone", pop3(delete=1)),
    ("03.1", "03-only-marked", pop3(delete=2, leave=False)),
    ("03.1", "03-taken", pop3(delete=2)),
    ("03.2", "03-in-inbox", nothing),
    ("03.2", "03-imap-refused", file(create=False)),
    ("03.2", "03-copied", file(move=False)),
    ("03.2", "03-filed", file()),
    ("03.3", "03-no-search", lambda _, m: m["count"]),
    ("03.3", "no-answer", lambda lab, m: search(lab, m, "")),
    ("03.3", "wrong-answer", lambda lab, m: search(lab, m, "0")),
    ("03.3", "03-found", lambda lab, m: search(lab, m, m["count"])),
    ("04.1", "04-login-refused", refused_login),
    ("04.1", "04-at-home", relay(host=None)),
    ("04.1", "address-refused", relay(login=False)),
    ("04.1", "04-other-user", relay(other=True)),
    ("04.1", "04-relayed", relay()),
    ("04.2", "04-no-word", nothing),
    ("04.2", "04-all-of-it", lambda _, m: f"\0cheikh\0{m['password']}"),
    ("04.2", "wrong-answer", lambda *_: "minfo"),
    ("04.2", "04-decoded", lambda _, m: m["password"]),
    ("04.3", "04-no-tls-yet", relay()),
    ("04.3", "nothing-sent", submit(late=False)),
    ("04.3", "04-leaked", submit(early=True)),
    ("04.3", "04-covered", submit()),
    ("05.1", "from-another", lambda lab, m: send(lab, "user@minfo.sn", ["secretaire@ugb.sn"], letter(m))),
    ("05.1", "05-abused", lambda lab, m: send(lab, m["sender"], ["secretaire@ugb.sn"], letter(m))),
    ("05.2", "05-too-early", nothing),
    ("05.3", "05-not-asked", nothing),
    ("05.3", "05-not-turned", lambda lab, m: ask(lab, f"{m['address']}.dnsbl.minfo.sn", "x")),
    ("05.3", "no-answer", lambda lab, m: ask(lab, turned(m), "")),
    ("05.3", "wrong-answer", lambda lab, m: ask(lab, turned(m), "127.0.0.1")),
    ("05.3", "05-asked", lambda lab, m: ask(lab, turned(m), listed(m))),
    ("05.4", "05-no-line", nothing),
    ("05.4", "05-unknown", lambda *_: "permit_friends"),
    ("05.4", "05-stranger", lambda *_: "permit"),
    ("05.4", "05-for-us", lambda *_: "permit_mynetworks, permit_sasl_authenticated, reject"),
    ("05.4", "05-user", lambda *_: "permit_mynetworks, reject_unauth_destination"),
    ("05.4", "05-loopback", lambda *_: "permit_sasl_authenticated, reject_unauth_destination"),
    ("05.4", "05-guarded", lambda *_: "permit_mynetworks permit_sasl_authenticated reject_unauth_destination"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reason", "attempt"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES]
)
def test_what_is_nearly_right_is_told_apart(lab: Lab, name: str, reason: str, attempt: Try) -> None:
    verdict = judged(lab, name, attempt)
    assert verdict.finding.reason == f"checks.{reason}", verdict.text("en")
    assert verdict.passed == (not verdict.finding.hint)
    for lang in ("en", "fr"):
        assert verdict.reason(lang)
        assert verdict.text(lang).startswith(("✔", "✘"))
        assert verdict.reference(lang)


def test_the_line_that_each_colleague_wrote_is_wrong(lab: Lab) -> None:
    for seed in range(12):
        [found] = [one for one in Exercises(lab, "05") if one.id == "05.4"]
        line = found.values(str(seed))["line"]
        assert not judged(lab, "05.4", lambda *_, line=line: line).passed


def test_what_came_off_the_wire_cannot_break_a_verdict(lab: Lab) -> None:
    verdict = judged(lab, "04.2", lambda *_: "\x1b[2J\n<b>" + "x" * 5000)
    assert "\x1b" not in verdict.text()
    assert len(verdict.reason()) < 400
    assert "<b>" not in verdict.html().replace("<b>✘", "")
