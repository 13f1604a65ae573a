"""Lab 04: a token made by hand, a token that was overheard, and nothing left to hear."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Final

from mailsim.checks.evidence import Evidence
from mailsim.checks.exercise import Exercise
from mailsim.checks.mail import not_sent, sent_with
from mailsim.checks.said import said
from mailsim.checks.transaction import Transaction
from mailsim.checks.values import LOCAL_USERS, Draw, Values
from mailsim.checks.verdict import Finding, bad, good
from mailsim.dialogue import Dialogue
from mailsim.knowledge import Ref
from mailsim.model.endpoint import Protocol

_PLAIN: Final = Ref(4616, "2", "PLAIN SASL Mechanism", "followed by the clear-text password")
_SECURITY: Final = Ref(
    4616,
    "5",
    "Security Considerations",
    "it should not be used without adequate external data security protection",
)
_RESULT: Final = Ref(
    3207,
    "4.2",
    "Result of the STARTTLS Command",
    "The server MUST discard any knowledge obtained from the client",
)
_AWAY: Final = "mx.miage.sn"
_TO: Final = "secretaire@ugb.sn"


def _traveller(draw: Draw) -> Mapping[str, str]:
    return {"user": draw.one("user", LOCAL_USERS), "subject": draw.subject()}


def _by_hand(evidence: Evidence, mine: Values) -> Finding:
    if missing := _refused_login(evidence) or not_sent(evidence, mine["subject"]):
        return missing
    last = _taken(evidence, mine["subject"])
    if last.client != _AWAY:
        return bad("checks.04-at-home", "checks.04-be-away").hinted(wanted=_AWAY)
    if _TO not in last.accepted():
        found = ", ".join(last.accepted())
        return bad("checks.to-another", "checks.rcpt-decides", found=found, wanted=_TO)
    if not last.user:
        return bad("checks.04-no-auth", "checks.04-auth-first")
    if (name := _logged(evidence, last)) != mine["user"]:
        return bad("checks.04-other-user", "checks.04-build-token", found=name, wanted=mine["user"])
    return good("checks.04-relayed", user=mine["user"], wanted=_AWAY)


def _refused_login(evidence: Evidence) -> Finding | None:
    """A login that failed, where none came after it that did not."""
    tried = [one for one in evidence.said(Protocol.SMTP) if one.verb == "AUTH"]
    if not tried or tried[-1].ok:
        return None
    text = tried[-1].answer.decode()
    return bad("checks.04-login-refused", "checks.04-build-token", code=tried[-1].code, text=text)


def _taken(evidence: Evidence, subject: str) -> Transaction:
    return [one for one in sent_with(evidence, subject) if one.taken][-1]


def _logged(evidence: Evidence, taken: Transaction) -> str:
    """Who the server's log says had logged in: its queue id stands in the reply."""
    queue_id = taken.reply.text.rpartition(" ")[2] if taken.reply else ""
    for line in evidence.logs:
        if line.queue_id == queue_id and "sasl_username" in line.fields:
            return line.fields["sasl_username"].partition("@")[0]
    return "-"


def _overheard(draw: Draw) -> Mapping[str, str]:
    user, word = draw.one("user", LOCAL_USERS), draw.word("password")
    token = b64encode(f"\0{user}\0{word}".encode()).decode()
    return {"token": token, "password": word}


def _decoded(evidence: Evidence, mine: Values) -> Finding:
    answer = evidence.answer.strip()
    if answer == mine["password"]:
        return good("checks.04-decoded", password=answer)
    if not answer:
        return bad("checks.04-no-word", "checks.04-b64decode")
    if answer.replace("\0", " ").split()[-1:] == [mine["password"]]:
        return bad("checks.04-all-of-it", "checks.04-after-nul")
    return bad("checks.wrong-answer", "checks.04-b64decode", found=answer)


def _nothing_to_hear(evidence: Evidence, mine: Values) -> Finding:
    if evidence.stage in _BEFORE_TLS:
        return bad("checks.04-no-tls-yet", "checks.04-reset-tls", stage=evidence.stage)
    if missing := not_sent(evidence, mine["subject"]):
        return missing
    last = _taken(evidence, mine["subject"])
    if not last.user:
        return bad("checks.04-no-auth", "checks.04-auth-first")
    if (name := _logged(evidence, last)) != mine["user"]:
        return bad("checks.04-other-user", "checks.04-build-token", found=name, wanted=mine["user"])
    if any(_in_the_clear(one) for one in evidence.of(Protocol.SMTP) if _carries(one, mine)):
        return bad("checks.04-leaked", "checks.04-tls-before")
    return good("checks.04-covered", user=mine["user"])


_BEFORE_TLS: Final = ("dns", "mail", "sasl", "relay")


def _carries(dialogue: Dialogue, mine: Values) -> bool:
    return bool(sent_with(Evidence((dialogue,)), mine["subject"]))


def _in_the_clear(dialogue: Dialogue) -> bool:
    return any(one.verb == "AUTH" and not one.secure for one in said(dialogue))


EXERCISES: Final = (
    Exercise(
        "04.1",
        "checks.04-token",
        _by_hand,
        "3.1.2",
        _PLAIN,
        ("SAS1", "SAS2", "SAS4", "SAS5", "DEM5"),
        _traveller,
    ),
    Exercise(
        "04.2",
        "checks.04-heard",
        _decoded,
        "3.1.2",
        _SECURITY,
        ("SAS6",),
        _overheard,
        hidden=("password",),
    ),
    Exercise(
        "04.3",
        "checks.04-silence",
        _nothing_to_hear,
        "3.2.3",
        _RESULT,
        ("SAS3", "SAS6"),
        _traveller,
    ),
)
