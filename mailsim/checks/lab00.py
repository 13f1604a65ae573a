"""Lab 00: the first message, the wrong address, the first reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailsim.checks.evidence import Evidence
from mailsim.checks.exercise import Exercise, Site
from mailsim.checks.mail import log_of, not_sent, sent_with
from mailsim.checks.values import LOCAL_USERS, Draw, Values
from mailsim.checks.verdict import Finding, bad, good
from mailsim.knowledge import Ref
from mailsim.model.endpoint import Protocol

_MAIL: Final = Ref(
    5321,
    "3.3",
    "Mail Transactions",
    "There are three steps to SMTP mail transactions",
)
_BOUNCE: Final = Ref(
    5321,
    "6.1",
    "Reliable Delivery and Replies by Email",
    "MUST NOT lose the message for frivolous reasons",
)
_FETCH: Final = Ref(
    3501,
    "6.4.5",
    "FETCH Command",
    "retrieves data associated with a message in the mailbox",
)


def _first_values(draw: Draw) -> Mapping[str, str]:
    user = draw.one("recipient", LOCAL_USERS)
    return {"recipient": f"{user}@minfo.sn", "subject": draw.subject()}


def _first(evidence: Evidence, mine: Values) -> Finding:
    recipient, subject = mine["recipient"], mine["subject"]
    user = recipient.partition("@")[0]
    if evidence.with_subject(subject, user):
        return good("checks.00-arrived", subject=subject, recipient=recipient)
    if missing := not_sent(evidence, subject):
        return missing
    to = ", ".join(sent_with(evidence, subject)[-1].accepted())
    if recipient not in to:
        return bad("checks.to-another", "checks.rcpt-decides", found=to, wanted=recipient)
    return bad("checks.not-there-yet", "checks.wait-for-it", subject=subject, recipient=recipient)


_SECRETARY: Final = "secretaire@ugb.sn"
_SLIP: Final = "secretariat@ugb.sn"


def _repair_values(draw: Draw) -> Mapping[str, str]:
    return {"subject": draw.subject()}


def _repair(evidence: Evidence, mine: Values) -> Finding:
    subject = mine["subject"]
    if evidence.with_subject(subject, _SECRETARY):
        return good("checks.00-repaired", subject=subject)
    if missing := not_sent(evidence, subject):
        return missing
    if any(_SLIP in one.accepted() for one in sent_with(evidence, subject)):
        reason = "".join(line.text for line in log_of(evidence, _SLIP, "bounced")[-1:])
        if reason:
            return bad("checks.00-same-slip", "checks.00-name-of-account")
    return bad("checks.not-there-yet", "checks.wait-for-it", subject=subject, recipient=_SECRETARY)


def _read_values(draw: Draw) -> Mapping[str, str]:
    return {"subject": draw.subject(), "word": draw.word("word")}


def _put_message(site: Site, mine: Values) -> None:
    site.deliver(
        f"From: cheikh@minfo.sn\nTo: user@minfo.sn\nSubject: {mine['subject']}\n\n{mine['word']}\n"
    )
    site.idle()


def _read(evidence: Evidence, mine: Values) -> Finding:
    answer, wanted = evidence.answer.strip(), mine["word"]
    fetched = any(
        wanted.encode() in one.answer for one in evidence.said(Protocol.IMAP, Protocol.POP3)
    )
    if fetched and answer == wanted:
        return good("checks.00-read", word=wanted)
    if answer == wanted:
        return bad("checks.00-not-fetched", "checks.00-by-imap")
    if fetched and not answer:
        return bad("checks.no-answer", "checks.00-word-is-there")
    if fetched:
        return bad("checks.wrong-answer", "checks.00-word-is-there", found=answer)
    refused = [one for one in evidence.said(Protocol.IMAP, Protocol.POP3) if one.code in _REFUSED]
    if refused:
        return bad("checks.login-refused", "checks.00-password", verb=refused[-1].verb)
    return bad("checks.00-nothing-read", "checks.00-by-imap")


_REFUSED: Final = ("NO", "-ERR", "BAD")

EXERCISES: Final = (
    Exercise("00.1", "checks.00-first", _first, "2.1.2.1", _MAIL, ("CON5", "CON10"), _first_values),
    Exercise(
        "00.2", "checks.00-repair", _repair, "2.2.2", _BOUNCE, ("CON1", "CON11"), _repair_values
    ),
    Exercise(
        "00.3",
        "checks.00-reading",
        _read,
        "2.2.1",
        _FETCH,
        ("CON3", "CON10"),
        _read_values,
        setup=_put_message,
        hidden=("word",),
    ),
)
