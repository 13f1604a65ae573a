"""What a text means: one meaning, or several where protocols share a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mailsim.dialogue.explain.values import worded
from mailsim.knowledge import Entry, Ref
from mailsim.language import language

VERSION: Final = 1
KEY: Final = "mailsim-explain"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One meaning of a text.

    `protocol` is where it has it ("smtp", "imap", "dns" …; "" where it is no protocol's own);
    `entries` what is known, the most specific first; `class_`, `subject` and `detail` the
    parts of a code; `values` what a known wording names (`recipient`, `host` …).
    """

    protocol: str
    entries: tuple[Entry, ...]
    class_: Entry | None = None
    subject: Entry | None = None
    detail: Entry | None = None
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def entry(self) -> Entry:
        """The most specific entry."""
        return self.entries[0]

    @property
    def kind(self) -> str:
        """What the most specific entry is: "reply", "command", "code", "wording" …."""
        area, kind, _ = self.entry.id.split(".", 2)
        return area if area == "wording" else kind

    @property
    def setting(self) -> str:
        """The server's setting behind a known wording, "" if there is none."""
        return self._data("setting")

    @property
    def restriction(self) -> str:
        """The restriction that speaks in a known wording, "" if there is none."""
        return self._data("restriction")

    @property
    def refs(self) -> tuple[Ref, ...]:
        """Where all of it is laid down."""
        return tuple(dict.fromkeys(ref for entry in self.entries for ref in entry.refs))

    def short(self, lang: str | None = None) -> str:
        """One line."""
        return worded(self.entries, lang)

    def long(self, lang: str | None = None) -> str:
        """A paragraph: the most specific that there is."""
        return self._text(Entry.long, lang)

    def cause(self, lang: str | None = None) -> str:
        """What makes it appear."""
        return self._text(Entry.cause, lang)

    def action(self, lang: str | None = None) -> str:
        """What to do about it."""
        return self._text(Entry.action, lang)

    def to_json(self, lang: str | None = None) -> dict[str, Any]:
        """Values that JSON knows; see `TextExplanation.to_json`."""
        return {
            "id": self.entry.id,
            "ids": [entry.id for entry in self.entries],
            "protocol": self.protocol,
            "kind": self.kind,
            "name": self.entry.name,
            "class": _part(self.class_, lang),
            "subject": _part(self.subject, lang),
            "detail": _part(self.detail, lang),
            "short": self.entry.short(lang),
            "long": self.long(lang),
            "cause": self.cause(lang),
            "action": self.action(lang),
            "server": self._data("server"),
            "setting": self.setting,
            "restriction": self.restriction,
            "values": dict(self.values),
            "refs": [
                {"rfc": x.rfc, "section": x.section, "heading": x.heading, "quote": x.quote}
                for x in self.refs
            ],
            "example": self.entry.example,
        }

    def _text(self, kind: Callable[[Entry, str | None], str], lang: str | None) -> str:
        return next((text for entry in self.entries if (text := kind(entry, lang))), "")

    def _data(self, key: str) -> str:
        return next((str(x) for entry in self.entries if (x := entry.data.get(key))), "")


@dataclass(frozen=True, slots=True)
class TextExplanation:
    """What `text` means: at least one meaning, more where protocols share the word."""

    text: str
    meanings: tuple[Meaning, ...]

    def to_json(self, lang: str | None = None) -> dict[str, Any]:
        """A stable document: version, text, language, meanings with all their keys, "" for none."""
        chosen = language(lang)
        return {
            KEY: VERSION,
            "text": self.text,
            "lang": chosen,
            "meanings": [meaning.to_json(chosen) for meaning in self.meanings],
        }


def _part(entry: Entry | None, lang: str | None) -> dict[str, str] | None:
    if entry is None:
        return None
    return {"id": entry.id, "name": entry.name, "short": entry.short(lang)}
