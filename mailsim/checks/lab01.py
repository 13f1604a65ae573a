"""Lab 01: the thesis's dialogue put right, the envelope, the lone dot, the blind copy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import getaddresses
from typing import Final

from mailsim.checks.evidence import Evidence, body_of, headers
from mailsim.checks.exercise import Exercise
from mailsim.checks.mail import not_sent, sent_with
from mailsim.checks.values import LOCAL_USERS, Draw, Values
from mailsim.checks.verdict import Finding, bad, good
from mailsim.knowledge import Ref

_MAIL: Final = Ref(
    5321, "3.3", "Mail Transactions", "spaces are not permitted on either side of the colon"
)
_ENVELOPE: Final = Ref(
    5321, "2.3.1", "Mail Objects", "The SMTP envelope is sent as a series of SMTP protocol units"
)
_DOTS: Final = Ref(
    5321, "4.5.2", "Transparency", "one additional period is inserted at the beginning of the line"
)
_BCC: Final = Ref(
    5322,
    "3.6.3",
    "Destination Address Fields",
    "whose addresses are not to be revealed to other recipients",
)

_THESIS_FROM: Final = "admin@minfo.sn"
_THESIS_TO: Final = "kelkun@kelkpart.com"
# As RFC 5321 §4.1.1.2 and §4.1.1.3 write it: no space, and angle brackets.
_CLEAN: Final = re.compile(r"(?i)(?:FROM|TO):<[^\s>]*>")


def _subject(draw: Draw) -> Mapping[str, str]:
    return {"subject": draw.subject()}


def _thesis(evidence: Evidence, mine: Values) -> Finding:
    if missing := not_sent(evidence, mine["subject"]):
        return missing
    last = [one for one in sent_with(evidence, mine["subject"]) if one.taken][-1]
    if last.sender != _THESIS_FROM:
        return bad(
            "checks.from-another", "checks.mail-decides", found=last.sender, wanted=_THESIS_FROM
        )
    if _THESIS_TO not in last.accepted():
        to = ", ".join(last.accepted())
        return bad("checks.to-another", "checks.rcpt-decides", found=to, wanted=_THESIS_TO)
    content = headers(last.content or b"")
    if content.defects or not body_of(last.content or b"").strip():
        return bad(
            "checks.01-no-empty-line",
            "checks.01-empty-line",
            Ref(5322, "2.1", "General Description", "header section by an empty line"),
        )
    for written in last.written:
        if not _CLEAN.match(written):
            return bad("checks.01-sloppy", "checks.01-no-space", written=written)
    return good("checks.01-thesis-right")


def _envelope_values(draw: Draw) -> Mapping[str, str]:
    recipient, shown = draw.some("addresses", LOCAL_USERS, 2)
    return {
        "recipient": f"{recipient}@minfo.sn",
        "shown": f"{shown}@minfo.sn",
        "subject": draw.subject(),
    }


def _envelope(evidence: Evidence, mine: Values) -> Finding:
    recipient, shown = mine["recipient"], mine["shown"]
    if missing := not_sent(evidence, mine["subject"]):
        return missing
    last = [one for one in sent_with(evidence, mine["subject"]) if one.taken][-1]
    to = _addresses(last.content or b"", "To")
    if last.accepted() != (recipient,):
        found = ", ".join(last.accepted())
        return bad("checks.to-another", "checks.rcpt-decides", found=found, wanted=recipient)
    if to != [shown]:
        found = ", ".join(to) or "-"
        return bad("checks.01-header-to", "checks.01-header-free", found=found, wanted=shown)
    if not evidence.with_subject(mine["subject"], _local(recipient)):
        subject = mine["subject"]
        return bad(
            "checks.not-there-yet", "checks.wait-for-it", subject=subject, recipient=recipient
        )
    return good("checks.01-envelope-won", recipient=recipient, shown=shown)


def _dots_values(draw: Draw) -> Mapping[str, str]:
    return {"subject": draw.subject(), "line": f".{draw.word('line')}"}


def _dots(evidence: Evidence, mine: Values) -> Finding:
    if missing := not_sent(evidence, mine["subject"]):
        return missing
    stored = evidence.with_subject(mine["subject"], "autre_user")
    if not stored:
        to = ", ".join(sent_with(evidence, mine["subject"])[-1].accepted())
        return bad(
            "checks.to-another", "checks.rcpt-decides", found=to, wanted="autre_user@minfo.sn"
        )
    rows = body_of(stored[-1].content).decode("utf-8", "replace").split("\r\n")
    if "." not in rows:
        return bad("checks.01-dot-ended", "checks.01-double-it", rows=len([r for r in rows if r]))
    if mine["line"] not in rows:
        return bad("checks.01-dot-lost", "checks.01-double-it", wanted=mine["line"])
    return good("checks.01-dots-kept", line=mine["line"])


def _bcc_values(draw: Draw) -> Mapping[str, str]:
    to, copy, blind = draw.some("addresses", LOCAL_USERS, 3)
    names = {"to": to, "cc": copy, "blind": blind}
    made = {name: f"{user}@minfo.sn" for name, user in names.items()}
    return {**made, "subject": draw.subject()}


def _bcc(evidence: Evidence, mine: Values) -> Finding:
    if missing := not_sent(evidence, mine["subject"]):
        return missing
    copies = {name: evidence.with_subject(mine["subject"], _local(mine[name])) for name in _NAMES}
    for name, stored in copies.items():
        if not stored:
            return bad("checks.01-no-copy", "checks.01-one-rcpt-each", recipient=mine[name])
    newest = copies["to"][-1].content
    # As it was sent: Postfix drops a Bcc line (message_drop_headers), another server may not.
    sent = [one for one in sent_with(evidence, mine["subject"]) if one.taken][-1].content or b""
    if mine["blind"] in sent.partition(b"\r\n\r\n")[0].decode("utf-8", "replace"):
        return bad("checks.01-betrayed", "checks.01-no-bcc-line", blind=mine["blind"])
    if mine["cc"] not in _addresses(newest, "Cc"):
        return bad("checks.01-no-cc", "checks.01-cc-line", wanted=mine["cc"])
    if len(sent_with(evidence, mine["subject"])[-1].recipients) < len(_NAMES):
        return bad("checks.01-several-messages", "checks.01-one-rcpt-each")
    return good("checks.01-blind", blind=mine["blind"])


_NAMES: Final = ("to", "cc", "blind")


def _addresses(content: bytes, name: str) -> list[str]:
    values = [str(value) for value in headers(content).get_all(name, [])]
    return [address for _, address in getaddresses(values) if address]


def _local(address: str) -> str:
    return address.partition("@")[0]


EXERCISES: Final = (
    Exercise(
        "01.1", "checks.01-thesis", _thesis, "2.1.2.1", _MAIL, ("CON5", "DEM2", "ANX1"), _subject
    ),
    Exercise(
        "01.2", "checks.01-envelope", _envelope, "2.2.2", _ENVELOPE, ("CON5",), _envelope_values
    ),
    Exercise("01.3", "checks.01-dots", _dots, "2.1.2.1", _DOTS, ("CON5",), _dots_values),
    Exercise("01.4", "checks.01-bcc", _bcc, "2.1.2.1", _BCC, ("CON5",), _bcc_values),
)
