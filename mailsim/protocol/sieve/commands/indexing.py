"""The index extension: the n-th field, from the first or from the last (RFC 5260 §6)."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.complaint import Wrong
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.spec import Option, Type

T = TypeVar("T")


def _not_zero(_checker: Checker, call: Call, tag: Any, value: Any) -> None:
    if not call.tags["index"]:
        raise Wrong(
            "sieve.index-zero", (value or tag).place, name=call.name, sort=call.spec.sort.value
        )


INDEX: Final = (
    Option("index", Type.NUMBER, "index", check=_not_zero),
    Option("last", None, "index"),
)


def check_index(call: Call) -> None:
    """:last says from where :index counts, and nothing alone."""
    if "last" in call.tags and "index" not in call.tags:
        raise Wrong("sieve.last-alone", call.place, name=call.name, sort=call.spec.sort.value)


def chosen(call: Call, values: list[T]) -> list[T]:
    """All values, or the one that :index names."""
    index = call.tags.get("index")
    if index is None:
        return values
    if index > len(values):
        return []
    return [values[-index if "last" in call.tags else index - 1]]
