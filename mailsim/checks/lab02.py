"""Lab 02: three codes provoked, a notification read, a dialogue without a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mailsim.checks.evidence import Evidence
from mailsim.checks.exercise import Exercise, Site
from mailsim.checks.mail import not_sent, sent_with
from mailsim.checks.said import said
from mailsim.checks.values import LOCAL_USERS, Draw, Values
from mailsim.checks.verdict import Finding, bad, good
from mailsim.knowledge import Ref
from mailsim.model.endpoint import Protocol

_SEVERITY: Final = Ref(
    5321,
    "4.2.1",
    "Reply Code Severities and Theory",
    "The three digits of the reply each have a special significance",
)
_STATUS: Final = Ref(
    3464,
    "2.3.4",
    "Status field",
    "transport-independent status code that indicates the delivery status",
)
_POLICY: Final = Ref(
    5321,
    "4.3.2",
    "Command-Reply Sequences",
    "Each command is listed with its usual possible replies",
)

# What mail.minfo.sn can be brought to say to mx.ugb.sn at the stage relay.
_CODES: Final = ("450", "500", "501", "502", "503", "504", "550", "552", "554")


def _three(draw: Draw) -> Mapping[str, str]:
    return {"codes": " ".join(sorted(draw.some("codes", _CODES, 3)))}


def _provoked(evidence: Evidence, mine: Values) -> Finding:
    heard = {one.code: one for one in evidence.said(Protocol.SMTP)}
    wanted = mine["codes"].split()
    missing = [code for code in wanted if code not in heard]
    if not missing:
        verbs = ", ".join(f"{code} {heard[code].verb}" for code in wanted)
        return good("checks.02-provoked", verbs=verbs)
    done = len(wanted) - len(missing)
    return bad("checks.02-not-heard", "checks.02-explain-it", done=done, missing=", ".join(missing))


_STATUSES: Final = {"@ugb.sn": "5.1.1", "@kelkpart.com": "5.4.4"}
_DSN_STATUS: Final = re.compile(rb"^Status: *([0-9.]+)", re.MULTILINE)


def _bounced(draw: Draw) -> Mapping[str, str]:
    word = draw.word("recipient")
    return {"recipient": word + draw.one("domain", tuple(_STATUSES)), "subject": draw.subject()}


def _send_to_nobody(site: Site, mine: Values) -> None:
    site.deliver(
        f"From: user@minfo.sn\nTo: {mine['recipient']}\nSubject: {mine['subject']}\n\nBonjour.\n"
    )
    site.idle()


def _status_read(evidence: Evidence, mine: Values) -> Finding:
    notices = [
        one.content
        for one in evidence.stored("user")
        if mine["recipient"].encode() in one.content and b"message/delivery-status" in one.content
    ]
    if not notices:
        return bad("checks.02-no-notice", "checks.02-begin-it", recipient=mine["recipient"])
    found = _DSN_STATUS.search(notices[-1])
    wanted = found[1].decode() if found else ""
    answer = evidence.answer.strip()
    if not answer:
        return bad("checks.02-no-status", "checks.02-where-status", recipient=mine["recipient"])
    if answer != wanted:
        return bad("checks.wrong-answer", "checks.02-where-status", found=answer)
    return good("checks.02-status", status=wanted, recipient=mine["recipient"])


def _clean(draw: Draw) -> Mapping[str, str]:
    user = draw.one("recipient", LOCAL_USERS)
    return {"recipient": f"{user}@minfo.sn", "subject": draw.subject()}


def _no_refusal(evidence: Evidence, mine: Values) -> Finding:
    if missing := not_sent(evidence, mine["subject"]):
        return missing
    for dialogue in evidence.of(Protocol.SMTP):
        ones = sent_with(Evidence((dialogue,)), mine["subject"])
        if not any(one.taken for one in ones):
            continue
        if ones[-1].client != _FROM:
            return bad("checks.02-not-there", "checks.02-as-host", wanted=_FROM)
        if mine["recipient"] not in ones[-1].accepted():
            found, wanted = ", ".join(ones[-1].accepted()), mine["recipient"]
            return bad("checks.to-another", "checks.rcpt-decides", found=found, wanted=wanted)
        refused = [one for one in said(dialogue) if one.code[:1] in {"4", "5"}]
        if not refused:
            return good("checks.02-clean", subject=mine["subject"])
    return bad("checks.02-refused-once", "checks.02-anew")


_FROM: Final = "mx.ugb.sn"

EXERCISES: Final = (
    Exercise("02.1", "checks.02-codes", _provoked, "annexe", _SEVERITY, ("CON6", "ANX2"), _three),
    Exercise(
        "02.2",
        "checks.02-notice",
        _status_read,
        "2.1.1.1",
        _STATUS,
        ("CON1", "CON6"),
        _bounced,
        setup=_send_to_nobody,
    ),
    Exercise(
        "02.3", "checks.02-no-refusal", _no_refusal, "2.1.2.1", _POLICY, ("CON6", "ANX2"), _clean
    ),
)
