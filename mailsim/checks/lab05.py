"""Lab 05: a relay that is too open, four refusals, a list asked by hand, a line put right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailsim.checks.evidence import Evidence
from mailsim.checks.exercise import Exercise
from mailsim.checks.mail import not_sent, sent_with
from mailsim.checks.restrictions import KNOWN, Client, Decision, decide, names
from mailsim.checks.values import Draw, Values
from mailsim.checks.verdict import Finding, bad, good
from mailsim.dialogue import Side
from mailsim.knowledge import Ref
from mailsim.model.endpoint import Protocol

_RELAY: Final = Ref(
    5321,
    "7.9",
    "Scope of Operation of SMTP Servers",
    "limit the use of the relay function to known or identifiable sources",
)
_POLICY: Final = Ref(
    5321,
    "3.6.2",
    "Mail eXchange Records and Relaying",
    "relay mail to a particular address for policy reasons",
)
_ATTACKS: Final = Ref(
    5321,
    "7.8",
    "Resistance to Attacks",
    "permitted to detect such attacks and take action to defend",
)
_TO: Final = "secretaire@ugb.sn"
_OUTSIDE: Final = ("mx.ugb.sn", "mx.miage.sn", "spammeur.pub.sn")


def _forger(draw: Draw) -> Mapping[str, str]:
    return {"sender": f"{draw.word('sender')}@pub.sn", "subject": draw.subject()}


def _abused(evidence: Evidence, mine: Values) -> Finding:
    if missing := not_sent(evidence, mine["subject"]):
        return missing
    last = [one for one in sent_with(evidence, mine["subject"]) if one.taken][-1]
    if last.sender != mine["sender"]:
        return bad(
            "checks.from-another", "checks.mail-decides", found=last.sender, wanted=mine["sender"]
        )
    if last.user or last.client in _OUTSIDE:
        return bad("checks.05-not-the-lan", "checks.05-be-poste")
    if not evidence.with_subject(mine["subject"], _TO):
        subject = mine["subject"]
        return bad("checks.not-there-yet", "checks.wait-for-it", subject=subject, recipient=_TO)
    return good("checks.05-abused", sender=mine["sender"], recipient=_TO)


# What the server says, and the client, name, sender or recipient that it objects to.
_REFUSALS: Final = {
    "client": "blocked using",
    "helo": "Helo command rejected",
    "sender": "Sender address rejected",
    "recipient": "Relay access denied",
}


def _refusals(evidence: Evidence, _: Values) -> Finding:
    texts = [
        one.answer.decode("utf-8", "replace")
        for one in evidence.said(Protocol.SMTP)
        if one.code[:1] in {"4", "5"}
    ]
    missing = [name for name, words in _REFUSALS.items() if not any(words in one for one in texts)]
    if not missing:
        return good("checks.05-four")
    if evidence.stage in {"mail", "sasl"}:
        return bad("checks.05-too-early", "checks.05-reset-relay", stage=evidence.stage)
    hint = _HINTS[missing[0]]
    return bad(
        "checks.05-missing", hint, done=len(_REFUSALS) - len(missing), missing=", ".join(missing)
    )


_HINTS: Final = {
    "client": "checks.05-hint-client",
    "helo": "checks.05-hint-helo",
    "sender": "checks.05-hint-sender",
    "recipient": "checks.05-hint-recipient",
}

_ADDRESSES: Final = ("192.168.66.66", "192.168.20.1", "192.168.30.1")
_LISTED: Final = "127.0.0.2"
_ABSENT: Final = "NXDOMAIN"
_ZONE: Final = "dnsbl.minfo.sn"


def _suspect(draw: Draw) -> Mapping[str, str]:
    return {"address": draw.one("address", _ADDRESSES)}


def _asked(evidence: Evidence, mine: Values) -> Finding:
    address = mine["address"]
    wanted = _LISTED if address == _ADDRESSES[0] else _ABSENT
    turned = ".".join(reversed(address.split(".")))
    right, straight = _queried(evidence, turned), _queried(evidence, address)
    if not right and straight and turned != address:
        return bad("checks.05-not-turned", "checks.05-turn-it", name=f"{address}.{_ZONE}")
    if not right:
        return bad("checks.05-not-asked", "checks.05-turn-it", zone=_ZONE)
    answer = evidence.answer.strip().upper()
    if not answer:
        return bad("checks.no-answer", "checks.05-which-answer")
    if answer != wanted:
        return bad("checks.wrong-answer", "checks.05-which-answer", found=evidence.answer.strip())
    return good("checks.05-asked", address=address, answer=wanted)


def _queried(evidence: Evidence, first: str) -> bool:
    """Whether a query went out for that name in the list's zone (RFC 1035 §3.1: labels, each
    with its length)."""
    labels = f"{first}.{_ZONE}".encode().split(b".")
    name = b"".join(bytes([len(one)]) + one for one in labels)
    return any(
        name in line.raw.lower()
        for dialogue in evidence.of(Protocol.DNS)
        for line in dialogue.lines()
        if line.side is Side.CLIENT
    )


_BROKEN: Final = (
    "permit_mynetworks, permit, reject_unauth_destination",
    "reject_unauth_destination, permit_mynetworks, permit_sasl_authenticated",
    "permit_mynetworks, permit_auth_destination, permit_sasl_authenticated",
    "permit_mynetworks, reject, permit_sasl_authenticated",
)


def _colleague(draw: Draw) -> Mapping[str, str]:
    return {"line": draw.one("line", _BROKEN)}


# A client, what must become of it, and the sentence when it does not.
_CASES: Final = (
    (Client(trusted=False, user=False, ours=False), Decision.REJECT, "checks.05-stranger"),
    (Client(trusted=False, user=False, ours=True), Decision.PERMIT, "checks.05-for-us"),
    (Client(trusted=False, user=True, ours=False), Decision.PERMIT, "checks.05-user"),
    (Client(trusted=True, user=False, ours=False), Decision.PERMIT, "checks.05-loopback"),
)


def _written(evidence: Evidence, _: Values) -> Finding:
    line = evidence.answer
    if not names(line):
        return bad("checks.05-no-line", "checks.05-left-to-right")
    unknown = [one for one in names(line) if one not in KNOWN]
    if unknown:
        told = bad("checks.05-unknown", "checks.05-known", name=unknown[0])
        return told.hinted(known=", ".join(KNOWN))
    for client, wanted, sentence in _CASES:
        found = decide(line, client)
        if found is not wanted:
            return Finding(
                passed=False,
                reason=sentence,
                hint="checks.05-left-to-right",
                params={"found": found.value},
            )
    return good("checks.05-guarded", line=", ".join(names(line)))


EXERCISES: Final = (
    Exercise("05.1", "checks.05-abuse", _abused, "3.2.1", _RELAY, ("REL1", "MTA4"), _forger),
    Exercise(
        "05.2",
        "checks.05-refusals",
        _refusals,
        "3.2.1",
        _POLICY,
        ("REL2", "REL3", "REL5", "REL6", "REL7", "REL8", "REL9"),
    ),
    Exercise("05.3", "checks.05-list", _asked, "3.2.1", _ATTACKS, ("REL5",), _suspect),
    Exercise("05.4", "checks.05-line", _written, "3.2.1", _RELAY, ("REL5", "REL8"), _colleague),
)
