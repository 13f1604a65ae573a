"""An explained row, and the exchange that it stands in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mailsim.dialogue.values import Exchange, Line
from mailsim.knowledge import Entry
from mailsim.language import language

# Entries whose names are ours and never travel.
_UNNAMED = (".line.", "wording.")


@dataclass(frozen=True, slots=True)
class Said:
    """What is known of one row: entries, the most specific first, and a wording's values."""

    entries: tuple[Entry, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Row number `row` of `line`, its bytes, with what is known of it, the most specific first.

    `values` is what a known wording names (`recipient`, `host` …).
    """

    line: Line
    row: int
    raw: bytes
    entries: tuple[Entry, ...]
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        """The entries' ids."""
        return tuple(entry.id for entry in self.entries)

    def worded(self, lang: str | None = None) -> str:
        """One line of text: what it is, then in parentheses what else is known of its parts."""
        return worded(self.entries, lang)


@dataclass(frozen=True, slots=True)
class ExplainedExchange:
    """An exchange and its rows, explained, in the order in which they travelled."""

    exchange: Exchange
    rows: tuple[Explanation, ...]


def worded(entries: Iterable[Entry], lang: str | None = None) -> str:
    """The first entry's short text, with the others' in parentheses."""
    # French sets a no-break space before both.
    space = "\u00a0" if language(lang) == "fr" else ""
    first, *rest = (*(_named(one, lang, f"{space}: ") for one in entries), "")
    details = f"{space}; ".join(rest[:-1])
    return f"{first} ({details})" if details else first


def _named(entry: Entry, lang: str | None, colon: str) -> str:
    short = entry.short(lang).rstrip(".")
    return short if any(part in entry.id for part in _UNNAMED) else f"{entry.name}{colon}{short}"
