"""The thesis's errors that a lab can switch: their names, their order, and a line about each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mailsim.errors import UsageError
from mailsim.language import word

# Those that the thesis has not, and its table neither.
_OWN: Final = {
    "self-signed": "lab.fault-self-signed",
    "expired": "lab.fault-expired",
    "wrong-name": "lab.fault-wrong-name",
}


def named(name: str, known: Iterable[str]) -> str:
    """The one of `known` that is meant, in whatever case.  Raises UsageError."""
    faults = by_number(known)
    for one in faults:
        if one.lower() == name.strip().lower():
            return one
    theory = name.strip().upper()
    sentence = "lab.theory-fault" if short(theory) else "lab.unknown-fault"
    raise UsageError(sentence, name=theory if short(theory) else name, known=", ".join(faults))


def by_number(faults: Iterable[str]) -> list[str]:
    """F5, F6, … F29, then those with names."""
    return sorted(
        faults, key=lambda one: (0, int(one[1:]), "") if one[1:].isdigit() else (1, 0, one)
    )


def short(name: str, lang: str | None = None) -> str:
    """What the fault is, in a line; "" for one that nobody knows."""
    if name in _OWN:
        return word(_OWN[name], lang)
    from mailsim.knowledge import find  # noqa: PLC0415 - a table, for who reads it

    entry = find("thesis.fault", name)
    return entry.short(lang) if entry else ""
