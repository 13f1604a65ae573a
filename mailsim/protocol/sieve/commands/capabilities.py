"""What require takes: an extension's name, to the letter (RFC 5228 §3.2)."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.complaint import Severity, Wrong, shown
from mailsim.protocol.sieve.settings import ALL
from mailsim.protocol.sieve.spec import Sort
from mailsim.protocol.sieve.syntax import Text

# RFC 6131 §2: vacation-seconds brings vacation; RFC 5235 §3.2 has spamtestplus in spamtest's place.
_READING: Final = ("variables", "encoded-character")
_IMPLIED: Final = {"vacation-seconds": "vacation", "spamtestplus": "spamtest"}


def load(checker: Checker, text: Text) -> None:
    """Make an extension known to the rest of the script, or raise Wrong."""
    name = text.value.decode("utf-8", "replace")
    if name not in checker.settings.extensions:
        raise _unknown(checker, text, name)
    pair = {"spamtest", "spamtestplus"}
    if name in pair and pair <= {name, *checker.required}:
        checker.complain(Wrong("sieve.spamtest-twice", text.place), Severity.WARNING)
    checker.required.add(name)
    checker.loaded.add(name)
    if name in _IMPLIED:
        checker.loaded.add(_IMPLIED[name])
    if {"variables", "include"} <= checker.loaded:
        checker.namespaces = frozenset(("global",))
    checker.unit.loaded = frozenset(checker.loaded)


def available(checker: Checker, name: str) -> bool:
    """Whether ihave finds it: not those that change how scripts are read (RFC 5463 §4)."""
    return name in checker.settings.extensions and name not in _READING


def _unknown(checker: Checker, text: Text, name: str) -> Wrong:
    spec = checker.shared.commands.get(name.lower())
    if spec is not None and not spec.extension and spec.name != "error":
        message_id = "sieve.base-test" if spec.sort is Sort.TEST else "sieve.base-command"
        return Wrong(message_id, text.place, name=shown(text.value))
    if name in ALL:
        return Wrong("sieve.capability-off", text.place, name=shown(text.value))
    bare = name.strip().lower()
    # F16 of the thesis: a space too many is seen by nobody, and said to nobody by Pigeonhole.
    if bare != name and bare in checker.settings.extensions:
        return Wrong("sieve.nearly-capability", text.place, name=shown(text.value), meant=bare)
    return Wrong("sieve.unknown-capability", text.place, name=shown(text.value))
