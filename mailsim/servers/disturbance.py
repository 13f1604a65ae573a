"""Disturbances by rule: an answer, a delay, a cut or a truncation, where and when the rule says.

Rules are data, `{"version": 1, "rules": [{"name": …, "protocol": "smtp", "command": "RCPT",
"address": "*@ugb.sn", "nth": "1-2", "action": "answer", "text": "451 4.3.0 Try again later"}]}`;
chance is drawn from the lab's seed, so that the same run is disturbed in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, NoReturn

from mailsim.errors import UsageError
from mailsim.knowledge import table
from mailsim.model.service import SERVICES as LAB_SERVICES
from mailsim.servers.ids import Ids

VERSION: Final = 1
PROTOCOLS: Final = ("smtp", "pop3", "imap", "managesieve", "dns", "*")
PEER: Final = "peer"
"""The service of the foreign domains' servers, which speak SMTP too."""
SERVICES: Final = (*LAB_SERVICES, PEER)
# The moments of a connection that are no commands: the end of SMTP's content, a SASL response.
_MOMENTS: Final = {"smtp": ("GREETING", ".", "RESPONSE"), "dns": ()}
_USUAL_MOMENTS: Final = ("GREETING", "RESPONSE")
# Each action with the key that it has of its own.
_OWN: Final = {"answer": "text", "delay": "seconds", "drop": "", "truncate": "octets"}
ACTIONS: Final = tuple(_OWN)
LONGEST_DELAY: Final = 3600.0
_NTH = re.compile(r"always|every [1-9]\d{0,5}|([1-9]\d{0,5})(?:-([1-9]\d{0,5})?)?")
_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,510}")
# Reply-code SP textstring, without its CRLF at most 510 octets   ; RFC 5321 §4.2, §4.5.3.1.5
_SMTP_REPLY = re.compile(r"[2-5][0-5]\d [\t\x20-\x7e]{1,506}")
_LATER: Final = "451 4.3.0 Try again later"
_SAID: Final = {
    "pop3": "-ERR [SYS/TEMP] Try again later",
    "imap": "NO [UNAVAILABLE] Try again later",
    "managesieve": 'NO (TRYLATER) "Try again later"',
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Say this in place of the server's own answer: a reply line; for DNS an RCODE's name.

    A rule for all protocols ("*") takes a reply line of SMTP's; DNS then says SERVFAIL.
    """

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
    """Send so many octets of the answer, then cut the connection; by UDP DNS marks it TC, and
    keeps header and question whole."""

    octets: int


Action = Answer | Delay | Drop | Truncate


@dataclass(frozen=True, slots=True)
class Rule:
    """Where, when and what.

    `command` is the verb ("RCPT"; "GREETING", "." and "RESPONSE" for SMTP's other moments; the
    query's type for DNS); `service` the endpoint's name: it tells the lab's own server ("smtp")
    from the foreign domains' ("peer"), to which it relays; `address` the envelope's address or
    DNS's name; `client` the client's address.  "*" is anything, and stands for any letters in an
    address ("*@ugb.sn").  `nth` counts the rule's own matches: "2", "1-2", "3-", "every 3" or
    "always".  `chance` is between 0 and 1.  Raises UsageError for what is none of these.
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
        self._check_place()
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

    def _check_place(self) -> None:
        """A word that is misspelt would never match, and nobody would be told."""
        known = self.protocol in PROTOCOLS
        self._need("protocol", self.protocol, ", ".join(PROTOCOLS), good=known)
        commands = ("*", *_commands(self.protocol))
        known = self.command.upper() in commands
        self._need("command", self.command, ", ".join(commands), good=known)
        known = any(_like(service, self.service.lower()) for service in SERVICES)
        self._need("service", self.service, ", ".join(("*", *SERVICES)), good=known)

    def _check_action(self) -> None:
        action = self.action
        if isinstance(action, Answer):
            _check_answer(self.name, self.protocol, action.text)
        elif isinstance(action, Delay):
            good = _number(action.seconds) and 0 <= action.seconds <= LONGEST_DELAY
            self._need("seconds", action.seconds, f"0 … {LONGEST_DELAY:g}", good=good)
        elif isinstance(action, Truncate):
            good = type(action.octets) is int and action.octets >= 0
            self._need("octets", action.octets, "0, 1, 2 …", good=good)

    def _need(self, field: str, value: object, accepted: str, *, good: bool) -> None:
        if not good:
            _refuse(self.name, field, value, accepted)

    def matches(self, at: Mapping[str, str]) -> bool:
        """Whether this is the place, the time aside."""
        return (
            self.protocol in ("*", at["protocol"])
            and self.command.upper() in ("*", at["command"].upper())
            and all(
                _like(at[key].lower(), getattr(self, key).lower())
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
    _known_keys(name, kind, given)
    action: Action
    if kind == "answer":
        action = Answer(given.pop("text", ""))
    elif kind == "delay":
        action = Delay(given.pop("seconds", None))
    elif kind == "drop":
        action = Drop()
    elif kind == "truncate":
        action = Truncate(given.pop("octets", None))
    elif kind is None:
        raise UsageError("disturbance.no-action", rule=name, accepted=", ".join(ACTIONS))
    else:
        _refuse(name, "action", kind, ", ".join(ACTIONS))
    return Rule(action=action, **{"name": "", **given})


def _known_keys(name: str, kind: object, given: Mapping[str, Any]) -> None:
    """A misspelt key is told of before what is missing for it."""
    own = [_OWN[kind]] if isinstance(kind, str) and kind in _OWN else list(_OWN.values())
    known = [field.name for field in fields(Rule)]
    known[2:2] = filter(None, own)  # behind "action"
    if unknown := [key for key in given if key not in known]:
        accepted = ", ".join(known)
        raise UsageError("disturbance.unknown-key", rule=name, key=unknown[0], accepted=accepted)


class Disturbances:
    """The rules in their order, each with the count of its matches."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._rules: dict[str, Rule] = {}
        self._counts: dict[str, int] = {}
        self._drawn: dict[str, int] = {}

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
        single = isinstance(document, Mapping) and not document.keys() & {"version", "rules"}
        if single and document:
            self.add(rule_of(document))
            return
        if not isinstance(document, Mapping) or not isinstance(document.get("rules"), list):
            raise UsageError("disturbance.not-document")
        version = document.get("version")
        if version != VERSION:
            raise UsageError("disturbance.version", found=version, known=str(VERSION))
        rules = [rule_of(one) for one in document["rules"]]
        names = [rule.name for rule in rules]
        if twice := [name for name in names if names.count(name) > 1]:
            raise UsageError("disturbance.twice", name=twice[0])
        for rule in rules:
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
        self._drawn[rule.name] = self._drawn.get(rule.name, 0) + 1
        return self._ids.generator(f"disturbance/{rule.name}").random() < rule.chance

    def state(self) -> list[tuple[str, int]]:
        """The rules and their counts, and how often chance was asked: for the fingerprint."""
        counts = [(repr(rule), self._counts[name]) for name, rule in self._rules.items()]
        return counts + [(f"chance of {name}", drawn) for name, drawn in self._drawn.items()]


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


def _commands(protocol: str) -> tuple[str, ...]:
    """What `command` may be in that protocol; in all of them together for "*"."""
    if protocol == "*":
        each = [_commands(one) for one in PROTOCOLS if one != "*"]
        return tuple(dict.fromkeys(name for names in each for name in names))
    kind = "dns.type" if protocol == "dns" else f"{protocol}.command"
    names = (entry.name for entry in table(kind))
    return (*names, *_MOMENTS.get(protocol, _USUAL_MOMENTS))


def _check_answer(rule: str, protocol: str, text: object) -> None:
    """Whether `text` can be said in that protocol.  Raises UsageError."""
    if protocol == "dns":
        known = [one.name for one in table("dns.rcode")]
        if text not in known:
            _refuse(rule, "text", text, ", ".join(known))
        return
    form = _SMTP_REPLY if protocol in ("smtp", "*") else _LINE
    if not isinstance(text, str) or not form.fullmatch(text):
        example = _SAID.get(protocol, _LATER)
        raise UsageError("disturbance.bad-text", rule=rule, value=text, example=example)


def _like(text: str, pattern: str) -> bool:
    """Whether `text` is the pattern, in which "*" stands for anything; nothing else is special:
    an address may be user@[192.168.10.1]."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    at = len(first) if text.startswith(first) else -1
    for part in rest[:-1]:
        found = text.find(part, at) if at >= 0 else -1
        at = found + len(part) if found >= 0 else -1
    return 0 <= at <= len(text) - len(rest[-1]) and text.endswith(rest[-1])


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _refuse(rule: object, field: str, value: object, accepted: str) -> NoReturn:
    raise UsageError(
        "disturbance.bad-value", rule=rule, field=field, value=value, accepted=accepted
    )
