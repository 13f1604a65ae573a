"""One message while Amavis judges it: what it is in, what is said of it."""

from __future__ import annotations

from dataclasses import dataclass

from mailsim.servers.config import REINJECTION, Config
from mailsim.servers.envelope import Client
from mailsim.servers.filter.findings import Findings
from mailsim.servers.filter.judgement import Category
from mailsim.servers.filter.spam import Score

_BOUNCE_CUTOFF = 10.0  # $sa_dsn_cutoff_level: who sends that much spam gets no bounce
_ACTIONS = {"D_PASS": "pass", "D_DISCARD": "discard", "D_BOUNCE": "bounce", "D_REJECT": "reject"}


@dataclass(slots=True)
class Case:
    """A message while it is judged."""

    config: Config
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    client: Client
    found: Findings
    local: frozenset[str]
    am_id: str
    mail_id: str
    score: Score | None = None
    category: Category = Category.CLEAN
    """What it is called after: the highest that blocks it, else the highest that it is in."""
    action: str = "pass"
    quarantine: str = ""

    @property
    def hits(self) -> float | None:
        """The spam score, None if it was not looked for."""
        return self.score.total if self.score else None

    @property
    def spammy(self) -> bool:
        """Whether the score reaches the level from which it is called spam."""
        return self._above(self.config.sa_tag2_level_deflt)

    def _above(self, level: float | None) -> bool:
        # None reaches undef (fault F18).
        return self.hits is not None and level is not None and self.hits >= level

    def categories(self) -> list[Category]:
        """All that it is in, the highest first."""
        found = self.found
        being = {
            Category.VIRUS: bool(found.viruses),
            Category.BANNED: bool(found.banned),
            Category.UNCHECKED: found.unchecked,
            Category.SPAM: self._above(self.config.sa_kill_level_deflt),
            Category.SPAMMY: self.spammy,
            Category.BADH: bool(found.bad_header[0]),
            Category.CLEAN: True,
        }
        return [category for category, it_is in being.items() if it_is]

    def decide(self) -> None:
        """Set category and action from the final destinies."""
        categories = self.categories()
        for category in categories:
            action = _ACTIONS[_destiny(category, self.config)]
            if action != "pass":
                self.category, self.action = category, action
                return
        self.category, self.action = categories[0], "pass"


def is_local(address: str, domains: tuple[str, ...]) -> bool:
    """Whether the address is in one of the domains or under it (@local_domains_acl)."""
    domain = "." + address.rpartition("@")[2].lower()
    return any(domain.endswith("." + one.lower()) for one in domains)


def _destiny(category: Category, config: Config) -> str:
    return {
        Category.VIRUS: config.final_virus_destiny,
        Category.BANNED: config.final_banned_destiny,
        Category.SPAM: config.final_spam_destiny,
        Category.BADH: config.final_bad_header_destiny,
    }.get(category, "D_PASS")


def verdict(case: Case) -> str:
    """`Passed CLEAN`, `Blocked INFECTED (Eicar-Test-Signature)` …"""
    return f"{'Passed' if case.action == 'pass' else 'Blocked'} {_name(case)}"


def _name(case: Case) -> str:
    if case.category is Category.VIRUS:
        return f"INFECTED ({what(case)})"
    if case.category is Category.BANNED:
        return f"BANNED ({what(case)})"
    if case.category is Category.UNCHECKED:
        return "UNCHECKED-ENCRYPTED" if case.found.encrypted else "UNCHECKED"
    if case.category is Category.BADH:
        return f"BAD-HEADER-{case.found.bad_header[0]}"
    return case.category.name


def what(case: Case) -> str:
    """The virus, or what is banned."""
    return ", ".join(case.found.viruses) if case.category is Category.VIRUS else case.found.banned


def _reason(case: Case) -> str:
    """Amavis's smtp_reason_by_ccat."""
    said = {
        Category.VIRUS: f"INFECTED: {what(case)}",
        Category.BANNED: f"BANNED: {what(case)}",
        Category.SPAM: "spam",
        Category.BADH: "BAD HEADER",
    }.get(case.category, "CLEAN")
    return f"id={case.am_id} - {said}"


def response(case: Case) -> str:
    """What the recipients' deliveries come to."""
    reason = _reason(case)
    status = "5.6.0" if case.category is Category.BADH else "5.7.0"
    if case.action == "discard":
        return f"250 2{status[1:]} Ok, discarded, {reason}"
    return f"554 {status} {'Reject' if case.action == 'reject' else 'Bounce'}, {reason}"


def reply(case: Case) -> str:
    """The answer to the end of DATA; of what passes, the MTA's own answer ends it."""
    if case.action == "pass":
        return f"250 2.0.0 from MTA(smtp:[127.0.0.1]:{REINJECTION}): 250 2.0.0 Ok"
    if case.action == "bounce":  # Amavis has taken it upon itself
        done = "BOUNCE" if bounces(case) else "DISCARD(bounce.suppressed)"
        return f"250 2.5.0 Ok, id={case.am_id}, {done}"
    return response(case)


def bounces(case: Case) -> bool:
    """A bounce goes to no null reverse-path   ; RFC 5321 §4.5.5"""
    return bool(case.sender) and (case.hits is None or case.hits < _BOUNCE_CUTOFF)
