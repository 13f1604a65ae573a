"""Disturbances by rule: an answer, a delay, a cut or a truncation, where and when the rule says.

Rules are data, `{"version": 1, "rules": [{"name": …, "protocol": "smtp", "command": "RCPT",
"address": "*@ugb.sn", "nth": "1-2", "action": "answer", "text": "451 4.3.0 Try again later"}]}`;
chance is drawn from the lab's seed, so that the same run is disturbed in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any, Final, NoReturn

from mailsim.errors import UsageError
from mailsim.servers.ids import Ids

VERSION: Final = 1
PROTOCOLS: Final = ("smtp", "pop3", "imap", "managesieve", "dns", "*")
ACTIONS: Final = ("answer", "delay", "drop", "truncate")
LONGEST_DELAY: Final = 3600.0
_NTH = re.compile(r"always|every [1-9]\d{0,5}|([1-9]\d{0,5})(?:-([1-9]\d{0,5})?)?")
_ONE_LINE = re.compile(r"[^\r\n]+")
_SMTP_REPLY = re.compile(r"[2-5][0-5]\d [^\r\n]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """Say this in place of the server's own answer: a reply line; for DNS an RCODE's name."""

    text: str


@dataclass(frozen=True, slots=True)
class Delay:
    """Let so many seconds pass before the answer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the connection; a DNS query gets no answer."""


@dataclass(frozen=True, slots=True)
class Truncate:
    """Send so many octets of the answer, then cut the connection."""

    octets: int


Action = Answer | Delay | Drop | Truncate


@dataclass(frozen=True, slots=True)
class Rule:
    """Where, when and what.

    `command` is the verb ("RCPT"; "GREETING", "." and "RESPONSE" for SMTP's other moments; the
    query's type for DNS); `address` the envelope's address or DNS's name; `client` the client's
    address.  "*" is anything, and stands for any letters in an address ("*@ugb.sn").  `nth`
    counts the rule's own matches: "2", "1-2", "3-", "every 3" or "always".  `chance` is between
    0 and 1.  Raises UsageError for what is none of these.
    """

    name: str
    action: Action
    protocol: str = "*"
    command: str = "*"
    service: str = "*"
    address: str = "*"
    client: str = "*"
    nth: str = "always"
    chance: float = 1.0

    def __post_init__(self) -> None:
        self._check_texts()
        if self.protocol not in PROTOCOLS:
            _refuse(self.name, "protocol", self.protocol, ", ".join(PROTOCOLS))
        found = _NTH.fullmatch(self.nth)
        if not found or (found[2] and int(found[2]) < int(found[1])):
            _refuse(self.name, "nth", self.nth, "2, 1-2, 3-, every 3, always")
        if not _number(self.chance) or not 0 <= self.chance <= 1:
            _refuse(self.name, "chance", self.chance, "0 … 1")
        self._check_action()

    def _check_texts(self) -> None:
        for item in ("name", "protocol", "command", "service", "address", "client", "nth"):
            if not isinstance(getattr(self, item), str) or not getattr(self, item):
                raise UsageError("disturbance.not-text", rule=self.name, field=item)

    def _check_action(self) -> None:
        field, value, accepted = "", None, ""  # type: str, object, str
        if isinstance(self.action, Answer):
            field, value = "text", self.action.text
            good = bool(_ONE_LINE.fullmatch(str(value))) and type(value) is str
            if self.protocol == "smtp":
                good = good and bool(_SMTP_REPLY.fullmatch(str(value)))
            accepted = "451 4.3.0 Try again later"
        elif isinstance(self.action, Delay):
            field, value = "seconds", self.action.seconds
            good = _number(value) and 0 <= self.action.seconds <= LONGEST_DELAY
            accepted = f"0 … {LONGEST_DELAY:g}"
        elif isinstance(self.action, Truncate):
            field, value = "octets", self.action.octets
            good = type(value) is int and self.action.octets >= 0
            accepted = "0, 1, 2 …"
        else:
            return
        if not good:
            _refuse(self.name, field, value, accepted)

    def matches(self, at: Mapping[str, str]) -> bool:
        """Whether this is the place, the time aside."""
        return (
            self.protocol in ("*", at["protocol"])
            and self.command.upper() in ("*", at["command"].upper())
            and all(
                (pattern := getattr(self, key).lower()) == "*"
                or fnmatchcase(at[key].lower(), pattern)
                for key in ("service", "address", "client")
            )
        )

    def acts(self, count: int) -> bool:
        """Whether `count`, from 1, is one of its times."""
        if self.nth == "always":
            return True
        if self.nth.startswith("every "):
            return count % int(self.nth[6:]) == 0
        first, dash, last = self.nth.partition("-")
        upper = count if dash and not last else int(last or first)
        return int(first) <= count <= upper


def rule_of(document: Any) -> Rule:
    """The rule in a JSON object.  Raises UsageError, which says what is accepted."""
    if not isinstance(document, Mapping):
        raise UsageError("disturbance.not-object")
    given = dict(document)
    kind = given.pop("action", None)
    name = given.get("name", "")
    action: Action
    if kind == "answer":
        action = Answer(given.pop("text", ""))
    elif kind == "delay":
        action = Delay(given.pop("seconds", None))
    elif kind == "drop":
        action = Drop()
    elif kind == "truncate":
        action = Truncate(given.pop("octets", None))
    else:
        _refuse(name, "action", kind, ", ".join(ACTIONS))
    known = {field.name for field in fields(Rule)} - {"action"}
    if unknown := sorted(set(given) - known):
        _refuse(name, unknown[0], given[unknown[0]], ", ".join(sorted(known)))
    return Rule(action=action, **{"name": "", **given})


class Disturbances:
    """The rules in their order, each with the count of its matches."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._rules: dict[str, Rule] = {}
        self._counts: dict[str, int] = {}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, first come first."""
        return tuple(self._rules.values())

    def add(self, rule: Rule) -> None:
        """Add a rule; one of the same name is replaced, and counts anew."""
        self._rules[rule.name] = rule
        self._counts[rule.name] = 0

    def remove(self, name: str) -> None:
        """Take a rule away.  Raises UsageError if there is none of that name."""
        if name not in self._rules:
            known = ", ".join(self._rules) or "-"
            raise UsageError("disturbance.unknown-rule", name=name, known=known)
        del self._rules[name], self._counts[name]

    def clear(self) -> None:
        """Take all rules away."""
        self._rules.clear()
        self._counts.clear()

    def load(self, document: Any) -> None:
        """Add the rules of a JSON document, or one rule: all, or none if one is wrong.

        Raises UsageError.
        """
        if isinstance(document, Mapping) and "action" in document:
            self.add(rule_of(document))
            return
        if not isinstance(document, Mapping) or not isinstance(document.get("rules"), list):
            raise UsageError("disturbance.not-document")
        version = document.get("version")
        if version != VERSION:
            raise UsageError("disturbance.version", found=version, known=str(VERSION))
        for rule in [rule_of(one) for one in document["rules"]]:
            self.add(rule)

    def at(
        self, protocol: str, command: str, *, service: str = "", address: str = "", client: str = ""
    ) -> Action | None:
        """What disturbs this moment: the first rule that matches and whose time it is."""
        if not self._rules:
            return None
        place = {
            "protocol": protocol, "command": command, "service": service,
            "address": address, "client": client,
        }  # fmt: skip
        chosen: Action | None = None
        for name, rule in self._rules.items():
            if not rule.matches(place):
                continue
            self._counts[name] += 1
            acts = rule.acts(self._counts[name]) and self._happens(rule)
            if acts and chosen is None:
                chosen = rule.action
        return chosen

    def _happens(self, rule: Rule) -> bool:
        if rule.chance >= 1:
            return True
        return self._ids.generator(f"disturbance/{rule.name}").random() < rule.chance

    def state(self) -> list[tuple[str, int]]:
        """The rules and their counts, for the fingerprint."""
        return [(repr(rule), self._counts[name]) for name, rule in self._rules.items()]


def reply(name: str, text: str, **where: Any) -> Rule:
    """A rule that answers `text`; `where` as Rule has it."""
    return Rule(name, Answer(text), **where)


def delay(name: str, seconds: float, **where: Any) -> Rule:
    """A rule that waits."""
    return Rule(name, Delay(seconds), **where)


def drop(name: str, **where: Any) -> Rule:
    """A rule that cuts the connection."""
    return Rule(name, Drop(), **where)


def truncate(name: str, octets: int, **where: Any) -> Rule:
    """A rule that sends a part of the answer and cuts the connection."""
    return Rule(name, Truncate(octets), **where)


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _refuse(rule: object, field: str, value: object, accepted: str) -> NoReturn:
    raise UsageError(
        "disturbance.bad-value", rule=rule, field=field, value=value, accepted=accepted
    )
