"""Single words: in which tables they stand, and which are near."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from mailsim.dialogue.explain.lookup import first, keyword, worded_so
from mailsim.knowledge import Entry, table, tables

# The words by which a protocol is chosen, and the protocol of the tables that have it.
PROTOCOLS: Final[Mapping[str, str]] = {
    "smtp": "smtp",
    "lmtp": "smtp",
    "pop3": "pop3",
    "imap": "imap",
    "managesieve": "managesieve",
    "sieve": "managesieve",
    "dns": "dns",
    "sasl": "sasl",
}
_AREAS: Final[Mapping[str, str]] = {
    "smtp": "smtp",
    "enhanced": "smtp",
    "pop3": "pop3",
    "imap": "imap",
    "managesieve": "managesieve",
    "sieve": "managesieve",
    "dns": "dns",
    "sasl": "sasl",
}
# Names of kinds of lines and of codes that nobody types as a word.
_NOT_WORDS: Final = re.compile(r"wording\.|\w+\.line$|smtp\.(?:class|category)$|enhanced\.|port\.")
_KEYWORDS: Final = ("smtp.extension", "pop3.capability", "imap.capability")
_BRACKETS: Final = {"[": "]", "(": ")", "<": ">", '"': '"'}
_SHORTEST_WORDING: Final = 8
_NEAR: Final = 5


def protocol_of(table_id: str) -> str:
    """The protocol that a table belongs to, "" if it is no protocol's own."""
    return _AREAS.get(table_id.partition(".")[0], "")


def words(text: str) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    """Every table's entry of the name `text`, and what a setting of that name says."""
    bare = _bare(text)
    name = bare.removesuffix(":").strip()
    for table_id in _word_tables():
        if table_id in _KEYWORDS:
            entries = _capability(table_id, name)
        else:
            entries = first(table_id, name, bare)
        if not entries and bare is not text:
            # "[UIDNEXT 5]", "(QUOTA/MAXSIZE)": a code with its argument.
            is_code = table_id.endswith(".code")
            entries = first(table_id, bare.partition(" ")[0]) if is_code else ()
        if not entries and ":" in text and table_id == "message.header":
            entries = first(table_id, text.partition(":")[0].strip())
        if entries:
            yield protocol_of(table_id), entries
    for entry in _settings(name):
        yield protocol_of(str(entry.data.get("protocol", ""))), (entry,)


def _capability(table_id: str, name: str) -> tuple[Entry, ...]:
    entries = keyword(table_id, name) if " " not in name else ()
    own = [one for one in entries[:1] if one.id.startswith(f"{table_id}.")]
    whole = own and (own[0].name.upper() == name.upper() or "=" in name)
    return entries if whole else ()


def _bare(text: str) -> str:
    if len(text) > 2 and _BRACKETS.get(text[0]) == text[-1]:
        return text[1:-1].strip()
    return text


def _word_tables() -> tuple[str, ...]:
    return tuple(one for one in tables() if not _NOT_WORDS.match(one))


def _wordings() -> Iterator[Entry]:
    for table_id in tables():
        if table_id.startswith("wording."):
            yield from table(table_id)


def _settings(name: str) -> Iterator[Entry]:
    if "_" not in name and not name.islower():
        return
    for entry in _wordings():
        if name in {entry.data.get(key) for key in ("setting", "restriction", "code_setting")}:
            yield entry


def free_wordings(text: str) -> Iterator[tuple[Entry, dict[str, str]]]:
    """The first known wording that `text` is, else those of whose text it is a part."""
    part = text.casefold()
    partial: list[Entry] = []
    for entry in _wordings():
        if (values := worded_so(entry, text)) is not None:
            yield entry, values
            return
        if len(part) >= _SHORTEST_WORDING and part in entry.example.casefold():
            partial.append(entry)
    yield from ((entry, {}) for entry in partial)


def near(text: str, protocol: str) -> list[str]:
    """Names that look like `text`, the nearest first."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for what is unknown

    names: dict[str, str] = {}
    for table_id in _word_tables():
        if protocol in {"", protocol_of(table_id)}:
            names |= {entry.name.upper(): entry.name for entry in table(table_id)}
    for entry in _wordings() if protocol in {"", "smtp", "imap"} else ():
        for key in ("setting", "restriction"):
            if value := entry.data.get(key):
                names.setdefault(value.upper(), value)
    wanted = dict.fromkeys((text.upper(), text.partition(" ")[0].upper()))
    found = [x for one in wanted for x in get_close_matches(one, names, _NEAR, 0.7)]
    return [names[one] for one in dict.fromkeys(found)][:_NEAR]
