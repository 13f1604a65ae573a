"""Entries, the tables that hold them, and how to look them up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from mailsim.language import language


@dataclass(frozen=True, slots=True)
class Ref:
    """Where something is laid down: an RFC's section, with a short quotation.

    `section` is the number as the RFC prints it ("4.5.2", "A.1"), or "" for the
    RFC as a whole; `heading` that section's title; `quote` at most 12 words that stand there.
    """

    rfc: int
    section: str = ""
    heading: str = ""
    quote: str = ""

    def __str__(self) -> str:
        return f"RFC {self.rfc} §{self.section}" if self.section else f"RFC {self.rfc}"


@dataclass(frozen=True, slots=True)
class Registry:
    """The IANA registry that a table is complete against, and its date (YYYY-MM-DD)."""

    name: str
    date: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing known: a command, a reply code, a capability …

    `id` is "AREA.KIND.NAME"; `name` is what travels on the wire.  Texts come in
    English and French; a text that does not exist is "".  `data` holds what only
    this kind has (a wording's pattern, a port's number …).
    """

    id: str
    name: str
    refs: tuple[Ref, ...] = ()
    example: str = ""
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def _text(self, kind: str, lang: str | None) -> str:
        return self.texts.get(kind, {}).get(language(lang), "")

    def short(self, lang: str | None = None) -> str:
        """One line that says what it is."""
        return self._text("short", lang)

    def long(self, lang: str | None = None) -> str:
        """A paragraph for a student."""
        return self._text("long", lang)

    def cause(self, lang: str | None = None) -> str:
        """What makes it appear."""
        return self._text("cause", lang)

    def action(self, lang: str | None = None) -> str:
        """What to do about it."""
        return self._text("action", lang)


@dataclass(frozen=True, slots=True)
class Table:
    """The entries of one AREA.KIND, by the upper-case name, in the file's order."""

    id: str
    entries: Mapping[str, Entry]
    registry: Registry | None = None

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)

    def get(self, name: str) -> Entry | None:
        """The entry of that name, in any case of letters, or None."""
        return self.entries.get(name.upper())


@cache
def table(table_id: str) -> Table:
    """The table `table_id` ("smtp.reply").  Raises KeyError if there is none."""
    source = files(__package__).joinpath("data", f"{table_id}.json")
    if not source.is_file():
        raise KeyError(table_id)
    raw = json.loads(source.read_text(encoding="utf-8"))
    registry = Registry(**raw["registry"]) if raw.get("registry") else None
    entries = {item["name"].upper(): _entry(item) for item in raw["entries"]}
    return Table(table_id, entries, registry)


@cache
def tables() -> tuple[str, ...]:
    """The ids of all tables, sorted."""
    folder = files(__package__).joinpath("data")
    names = [item.name for item in folder.iterdir()]
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


def entry(entry_id: str) -> Entry:
    """The entry `entry_id` ("smtp.reply.550").  Raises KeyError if there is none."""
    area, kind, name = entry_id.split(".", 2)
    return table(f"{area}.{kind}").entries[name.upper()]


def find(table_id: str, name: str) -> Entry | None:
    """The entry called `name` in the table `table_id`, or None."""
    return table(table_id).get(name)


def search(text: str, lang: str | None = None) -> tuple[Entry, ...]:
    """Every entry whose name or short text contains `text`, in any case of letters."""
    wanted = text.casefold()
    return tuple(
        one
        for table_id in tables()
        for one in table(table_id)
        if wanted in one.name.casefold() or wanted in one.short(lang).casefold()
    )


_TEXTS = ("short", "long", "cause", "action")


def _entry(item: dict[str, Any]) -> Entry:
    return Entry(
        id=item["id"],
        name=item["name"],
        refs=tuple(Ref(**ref) for ref in item.get("refs", ())),
        example=item.get("example", ""),
        texts={kind: item[kind] for kind in _TEXTS if kind in item},
        data=item.get("data", {}),
    )
