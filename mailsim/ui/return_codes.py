"""The return codes of every protocol, found by text, protocol and class: a call without a widget."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

from mailsim.dialogue.explain import Meaning, explain_text
from mailsim.errors import UsageError
from mailsim.knowledge import Entry, table
from mailsim.language import language
from mailsim.wire.outcome import Outcome

TABLES: Final = (
    "smtp.reply",
    "enhanced.code",
    "wording.postfix",
    "pop3.status",
    "pop3.code",
    "imap.status",
    "imap.code",
    "managesieve.status",
    "managesieve.code",
    "wording.dovecot",
    "dns.rcode",
)
PROTOCOLS: Final = ("smtp", "pop3", "imap", "managesieve", "dns")
OUTCOMES: Final = (Outcome.SUCCESS, Outcome.INTERMEDIATE, Outcome.TEMPORARY, Outcome.PERMANENT)

# RFC 5321 §4.2.1: what the first digit of a reply says.
_DIGITS: Final = dict(zip("2345", OUTCOMES, strict=True))
_WORDS: Final[Mapping[str, Outcome]] = {
    "+OK": Outcome.SUCCESS,
    "OK": Outcome.SUCCESS,
    "PREAUTH": Outcome.SUCCESS,
    "NOERROR": Outcome.SUCCESS,
    "+": Outcome.INTERMEDIATE,
    # RFC 3206 §4 and §5; RFC 2449 §8.1.2: another session has the maildrop, later it may be free.
    "SYS/TEMP": Outcome.TEMPORARY,
    "IN-USE": Outcome.TEMPORARY,
    "SYS/PERM": Outcome.PERMANENT,
    "-ERR": Outcome.PERMANENT,
    "NO": Outcome.PERMANENT,
    "BAD": Outcome.PERMANENT,
}
# LMTP's replies are SMTP's, and a bounce quotes them.
_ALIKE: Final = {"lmtp": "smtp", "bounce": "smtp"}
_ENHANCED = re.compile(r"[245]\.(\d{1,3}\.\d{1,3})")
_LEAST: Final = 3  # letters that make a text worth reading as a whole reply


@dataclass(frozen=True, slots=True)
class ReturnCode:
    """A code or a server's wording, the protocols that use it, and the classes that it may have."""

    entry: Entry
    protocols: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def name(self) -> str:
        """The code as it travels; of a wording, the code before it."""
        if not self.entry.id.startswith("wording."):
            return self.entry.name
        data = self.entry.data
        return " ".join(str(data[one]) for one in ("code", "enhanced") if data.get(one))

    def meaning(self) -> Meaning:
        """All that is known of it."""
        return Meaning(self.protocols[0], (self.entry,))


@cache
def return_codes() -> tuple[ReturnCode, ...]:
    """All of them, in the order of their tables."""
    return tuple(_code(entry, one) for one in TABLES for entry in table(one))


def _code(entry: Entry, one: str) -> ReturnCode:
    area = one.partition(".")[0]
    if area == "enhanced":
        outcomes = tuple(_DIGITS[str(digit)] for digit in entry.data["classes"])
        return ReturnCode(entry, ("smtp",), outcomes)
    code, spoken = entry.name, (area,)
    if area == "wording":
        code = str(entry.data["code"])
        spoken = tuple(dict.fromkeys(_ALIKE.get(each, each) for each in entry.data["protocols"]))
    found = _DIGITS.get(code[:1]) if "smtp" in spoken else _WORDS.get(code)
    return ReturnCode(entry, spoken, (found,) if found else ())


def find_codes(
    text: str = "", protocol: str = "", outcome: str | Outcome = "", lang: str | None = None
) -> tuple[ReturnCode, ...]:
    """The codes whose name, short text or example holds `text`; "" is any, as for the others.

    A whole reply ("550 5.1.1 <x>: … User unknown …") finds what it is made of, first of all.
    `protocol` is one of PROTOCOLS, `outcome` the word of one of OUTCOMES.  Raises UsageError.
    """
    if protocol and protocol not in PROTOCOLS:
        raise UsageError("ui.no-protocol", name=protocol, known=", ".join(PROTOCOLS))
    wanted = _outcome(outcome)
    read = _as_a_whole(text)
    held = [one for one in return_codes() if one not in read and _holds(one, text, language(lang))]
    return tuple(
        one
        for one in (*read, *held)
        if (not protocol or protocol in one.protocols)
        and (wanted is None or wanted in one.outcomes)
    )


def _outcome(outcome: str | Outcome) -> Outcome | None:
    if outcome == "":
        return None
    known = {one.value: one for one in OUTCOMES}
    if isinstance(outcome, Outcome):
        return outcome
    if outcome not in known:
        raise UsageError("ui.no-outcome", name=outcome, known=", ".join(known))
    return known[outcome]


def _holds(one: ReturnCode, text: str, lang: str) -> bool:
    wanted = text.strip().casefold()
    texts = (one.name, one.entry.short(lang), one.entry.example)
    return any(wanted in each.casefold() for each in texts)


def _as_a_whole(text: str) -> tuple[ReturnCode, ...]:
    """What a reply is made of, where the text is one."""
    if len(text.strip()) < _LEAST:
        return ()
    found = list(_by_number(text.strip()))
    with suppress(UsageError):
        found += [e.id for meaning in explain_text(text).meanings for e in meaning.entries]
    known = {one.entry.id: one for one in return_codes()}
    return tuple(known[one] for one in dict.fromkeys(found) if one in known)


def _by_number(text: str) -> Iterator[str]:
    """5.1.1 stands in the registry as X.1.1 (RFC 3463 §2)."""
    if found := _ENHANCED.fullmatch(text):
        yield f"enhanced.code.X.{found[1]}"
