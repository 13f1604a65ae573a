"""Finding entries of knowledge: by name, by prefix, by a known server's wording."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mailsim.knowledge import Entry, find, table, tables

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?: +|$)")


def known(table_id: str, name: str) -> Entry | None:
    """The entry called `name`; a table that does not exist knows nothing."""
    return find(table_id, name) if table_id in tables() else None


def first(table_id: str, *names: str) -> tuple[Entry, ...]:
    """The first of the names that the table has, as a tuple of one, else an empty one."""
    for name in names:
        if found := known(table_id, name):
            return (found,)
    return ()


def every(table_id: str, names: Iterable[str]) -> tuple[Entry, ...]:
    """The entries that the table has of these names, each once, in their order."""
    found = (known(table_id, name) for name in dict.fromkeys(names))
    return tuple(entry for entry in found if entry)


def line(area: str, name: str) -> tuple[Entry, ...]:
    """A kind of line (`smtp.line.GREETING`)."""
    return first(f"{area}.line", name)


def keyword(table_id: str, word: str) -> tuple[Entry, ...]:
    """A capability: as it stands ("SORT=DISPLAY"), by its prefix ("AUTH=" of AUTH=PLAIN), bare."""
    name, equals, value = word.partition("=")
    found = first(table_id, word, f"{name}=" if equals else word, name)
    mechanism = equals and name.upper() == "AUTH"
    return found + (first("sasl.mechanism", value) if mechanism else ())


def enhanced(text: str) -> tuple[tuple[Entry, ...], str]:
    """The entry of the enhanced code that `text` begins with, and the text behind it.

    A code that is not registered is known by its subject (RFC 3463 §2).
    """
    found = _ENHANCED.match(text)
    if not found:
        return (), text
    _, subject, detail = found.groups()
    entries = first("enhanced.code", f"X.{int(subject)}.{int(detail)}") or first(
        "enhanced.subject", str(int(subject))
    )
    return entries, text[found.end() :]


def wording(
    protocol: str, text: str, *, verb: str = "", code: str = ""
) -> tuple[Entry, dict[str, str]] | None:
    """The first known wording of `protocol` that `text` shows, with the values in it.

    "Ok" says nothing of itself: `verb`, the command it answers, and `code`, the enhanced
    code before it, have to fit where they are known.
    """
    for one in _wordings(protocol):
        values = worded_so(one, text)
        if values is not None and _fits(one, verb, code):
            return one, values
    return None


def worded_so(entry: Entry, text: str) -> dict[str, str] | None:
    """The values in `text` if it is worded as `entry` of a table of wordings, else None."""
    # The literal part is cheaper to look for than the pattern.
    if entry.data["literal"] not in text.casefold():
        return None
    found = re.search(entry.data["pattern"], text)
    return {key: value for key, value in found.groupdict().items() if value} if found else None


def _fits(one: Entry, verb: str, code: str) -> bool:
    """Whether the wording may answer `verb`, behind `code`."""
    verbs = one.data.get("verbs", ())
    if verb and verbs and verb not in verbs:
        return False
    # The code of a refusal is the postmaster's to choose; a success has its own.
    success = code.startswith("2.") and one.data.get("enhanced")
    return not success or code == one.data["enhanced"]


def _wordings(protocol: str) -> Iterator[Entry]:
    servers = ("postfix", "dovecot") if protocol in {"smtp", "lmtp"} else ("dovecot",)
    for server in servers:
        for one in table(f"wording.{server}"):
            if protocol in one.data["protocols"]:
                yield one
