"""SpamAssassin: a score from a table of rules, and the reasons for it (SPA1).

The rules are data, rules.json: each has a test by name, its score, and its description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mailsim.language import language
from mailsim.servers.envelope import Client
from mailsim.servers.filter.findings import Findings
from mailsim.servers.filter.message import decode_words

if TYPE_CHECKING:
    from mailsim.servers.world import World

_URI_HOST = re.compile(r"https?://(?:[^\s/@]{1,128}@)?([a-z0-9.-]{4,253})", re.IGNORECASE)
_MAX_DOMAINS = 20  # SpamAssassin's uridnsbl_max_domains


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: what it is called, what it adds, how it is tested."""

    name: str
    score: float
    test: str
    texts: Mapping[str, str] = field(repr=False)
    field: str = ""
    words: str = ""
    """What the text must hold, in small letters, before the pattern is tried: a regular expression
    a rule over every message costs too much."""
    pattern: re.Pattern[str] | None = None
    zone: str = ""

    def describe(self, lang: str | None = None) -> str:
        """What it says of a message that it hits."""
        return self.texts[language(lang)]


@dataclass(frozen=True, slots=True)
class Score:
    """What a message scores: the rules that hit, and their sum."""

    hits: tuple[Rule, ...]
    total: float
    """The sum of the scores."""

    @property
    def tests(self) -> tuple[str, ...]:
        """`GTUBE=1000`, … in the order of their names."""
        return tuple(sorted(f"{rule.name}={number(rule.score)}" for rule in self.hits))

    def explain(self, lang: str | None = None) -> str:
        """A line for each rule that hit: score, name, what it means."""
        rows = sorted(self.hits, key=lambda rule: (-rule.score, rule.name))
        return "\n".join(f"{number(r.score):>6} {r.name:<22} {r.describe(lang)}" for r in rows)


def number(value: float) -> str:
    """A score as Amavis writes it: at most three decimals, none that say nothing."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


@cache
def rules() -> tuple[Rule, ...]:
    """The rules of rules.json."""
    document = json.loads(files(__package__).joinpath("rules.json").read_text(encoding="utf-8"))
    return tuple(_rule(row) for row in document["rules"])


def _rule(row: Mapping[str, Any]) -> Rule:
    flags = re.IGNORECASE | re.MULTILINE
    return Rule(
        name=row["name"],
        score=row["score"],
        test=row["test"],
        texts={"en": row["en"], "fr": row["fr"]},
        field=row.get("field", ""),
        words=row.get("words", ""),
        pattern=re.compile(row["pattern"], flags) if "pattern" in row else None,
        zone=row.get("zone", ""),
    )


@dataclass(slots=True)
class _Subject:
    """A message under test."""

    found: Findings
    client: Client
    world: World
    lower: str
    fields: dict[str, str | None]

    def value(self, name: str) -> str | None:
        if name not in self.fields:
            value = self.found.message.head.get(name)
            self.fields[name] = value if value is None else decode_words(value)
        return self.fields[name]


def score(found: Findings, client: Client, world: World) -> Score:
    """Try all rules on a message that `client` brought."""
    subject = _Subject(found, client, world, found.text.lower(), {})
    hits = tuple(rule for rule in rules() if _TESTS[rule.test](rule, subject))
    return Score(hits, round(sum(rule.score for rule in hits), 3))


def _missing(rule: Rule, subject: _Subject) -> bool:
    return rule.field not in subject.found.message.head.values


def _field(rule: Rule, subject: _Subject) -> bool:
    value = subject.value(rule.field)
    return value is not None and bool(rule.pattern and rule.pattern.search(value[:1000]))


def _body(rule: Rule, subject: _Subject) -> bool:
    found = rule.words in subject.lower
    return found and bool(rule.pattern and rule.pattern.search(subject.found.text))


def _all_capitals(rule: Rule, subject: _Subject) -> bool:
    # As SpamAssassin: a short subject, or one word, may shout.
    value = re.sub(
        r"^(?:(?:re|fwd?|tr)\s*:\s*)+", "", subject.value(rule.field) or "", flags=re.IGNORECASE
    )
    return len(value) >= 10 and " " in value and value.isupper()


def _empty(_: Rule, subject: _Subject) -> bool:
    return not subject.found.attachment and not subject.lower.strip()


def _client_list(rule: Rule, subject: _Subject) -> bool:
    zone = _zone(rule.zone, subject.world)
    octets = subject.client.address.split(".")
    if not zone or len(octets) != 4 or octets[0] == "127":
        return False
    return _listed(".".join(reversed(octets)), zone, subject.world)


def _uri_list(rule: Rule, subject: _Subject) -> bool:
    zone = _zone(rule.zone, subject.world)
    if not zone or "://" not in subject.lower:
        return False
    hosts = dict.fromkeys(found.rstrip(".") for found in _URI_HOST.findall(subject.lower))
    names = dict.fromkeys(".".join(host.split(".")[-2:]) for host in hosts)
    return any(_listed(name, zone, subject.world) for name in list(names)[:_MAX_DOMAINS])


def _zone(kind: str, world: World) -> str:
    """The block list's zone, if the lab has it."""
    name = world.network.dnsbl if kind == "dnsbl" else f"{kind}.{world.network.domain}"
    return name if name in world.names.zones else ""


def _listed(name: str, zone: str, world: World) -> bool:
    return bool(world.names.lookup(f"{name}.{zone}", "A").records)


_TESTS: dict[str, Callable[[Rule, _Subject], bool]] = {
    "missing": _missing,
    "field": _field,
    "body": _body,
    "all-capitals": _all_capitals,
    "html": lambda _, subject: subject.found.html,
    "html-only": lambda _, subject: subject.found.html and not subject.found.plain,
    "base64-text": lambda _, subject: subject.found.base64_text,
    "empty": _empty,
    "client-list": _client_list,
    "uri-list": _uri_list,
}
