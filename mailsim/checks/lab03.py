"""Lab 03: one message taken away by POP3, one filed by IMAP, and a search that the server does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailsim.checks.evidence import Evidence, body_of
from mailsim.checks.exercise import Exercise, Site
from mailsim.checks.values import Draw, Values
from mailsim.checks.verdict import Finding, bad, good
from mailsim.knowledge import Ref
from mailsim.model.endpoint import Protocol

_UPDATE: Final = Ref(
    1939, "6", "The UPDATE State", "removes all messages marked as deleted from the maildrop"
)
_COPY: Final = Ref(3501, "6.4.7", "COPY Command", "to the end of the specified destination mailbox")
_SEARCH: Final = Ref(
    3501, "6.4.4", "SEARCH Command", "searches the mailbox for messages that match"
)
_USER: Final = "user"


def _send(site: Site, subject: str, body: str) -> None:
    site.deliver(f"From: cheikh@minfo.sn\nTo: user@minfo.sn\nSubject: {subject}\n\n{body}\n")


def _three(draw: Draw) -> Mapping[str, str]:
    return {
        "subject": draw.subject(),
        "before": draw.subject("before"),
        "after": draw.subject("after"),
    }


def _deliver_three(site: Site, mine: Values) -> None:
    for name in ("before", "subject", "after"):
        _send(site, mine[name], "Bonjour.")
        site.idle()


def _taken_away(evidence: Evidence, mine: Values) -> Finding:
    pop3 = evidence.said(Protocol.POP3)
    gone = not evidence.with_subject(mine["subject"], _USER)
    others = [mine[name] for name in ("before", "after")]
    lost = [one for one in others if not evidence.with_subject(one, _USER)]
    deleted = [one for one in pop3 if one.verb == "DELE" and one.ok]
    if len(lost) == len(others) and gone and not deleted:
        return bad("checks.03-not-begun", "checks.03-begin")
    if lost:
        return bad("checks.03-other-gone", "checks.03-number", subject=lost[0])
    if gone and deleted:
        return good("checks.03-taken", subject=mine["subject"])
    if not any(one.verb == "PASS" and one.ok for one in pop3):
        return bad("checks.03-no-pop3", "checks.03-open-pop3")
    if deleted and not gone:
        return bad("checks.03-only-marked", "checks.03-quit")
    return bad("checks.03-still-there", "checks.03-number", subject=mine["subject"])


def _folder(draw: Draw) -> Mapping[str, str]:
    return {"subject": draw.subject(), "folder": draw.word("folder").capitalize()}


def _deliver_one(site: Site, mine: Values) -> None:
    _send(site, mine["subject"], "À classer.")
    site.idle()


def _filed(evidence: Evidence, mine: Values) -> Finding:
    folder, subject = mine["folder"], mine["subject"]
    there = evidence.with_subject(subject, _USER, folder)
    inbox = evidence.with_subject(subject, _USER)
    if there and not inbox:
        return good("checks.03-filed", subject=subject, folder=folder)
    if there:
        return bad("checks.03-copied", "checks.03-move", subject=subject)
    said = evidence.said(Protocol.IMAP)
    refused = [one for one in said if one.verb in _FILING and one.code in {"NO", "BAD"}]
    if refused:
        return bad("checks.03-imap-refused", "checks.03-create", verb=refused[-1].verb)
    if not inbox:
        return bad("checks.03-nowhere", "checks.03-begin", subject=subject)
    return bad("checks.03-in-inbox", "checks.03-create", subject=subject, folder=folder)


_FILING: Final = ("CREATE", "COPY", "MOVE", "UID COPY", "UID MOVE")


def _words(draw: Draw) -> Mapping[str, str]:
    return {"word": draw.word("word"), "count": str(2 + draw.number("count", 4))}


def _deliver_many(site: Site, mine: Values) -> None:
    """Seven messages, `count` of them with the word; their Subjects do not tell which."""
    for number in range(1, 8):
        with_it = number <= int(mine["count"])
        _send(site, f"Note {number * 5 % 7}", mine["word"] if with_it else "Rien de neuf.")
    site.idle()


def _searched(evidence: Evidence, mine: Values) -> Finding:
    word, answer = mine["word"], evidence.answer.strip()
    wanted = sum(word.encode() in body_of(one.content) for one in evidence.stored(_USER))
    if not wanted:
        return bad("checks.03-not-begun", "checks.03-begin")
    asked = [
        one
        for one in evidence.said(Protocol.IMAP)
        if one.verb in {"SEARCH", "UID SEARCH"} and word.upper() in one.argument.upper()
    ]
    if not asked:
        return bad("checks.03-no-search", "checks.03-search", word=word)
    if not any(one.ok for one in asked):
        return bad("checks.03-imap-refused", "checks.03-search", verb="SEARCH").hinted(word=word)
    if not answer:
        return bad("checks.no-answer", "checks.03-count")
    if answer != str(wanted):
        return bad("checks.wrong-answer", "checks.03-count", found=answer)
    return good("checks.03-found", count=wanted, word=word)


EXERCISES: Final = (
    Exercise(
        "03.1",
        "checks.03-pop3",
        _taken_away,
        "2.1.2.2",
        _UPDATE,
        ("CON7", "ANX3", "DEM4"),
        _three,
        setup=_deliver_three,
    ),
    Exercise(
        "03.2",
        "checks.03-folder",
        _filed,
        "2.1.2.2",
        _COPY,
        ("CON8", "DEM3"),
        _folder,
        setup=_deliver_one,
    ),
    Exercise(
        "03.3",
        "checks.03-searching",
        _searched,
        "2.1.2.2",
        _SEARCH,
        ("CON8",),
        _words,
        setup=_deliver_many,
        hidden=("count",),
    ),
)
