"""variables: set with its modifiers, and the string test (RFC 5229)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands.matching import MATCH, check_match, matched
from mailsim.protocol.sieve.commands.tests import positional
from mailsim.protocol.sieve.comparing import OCTET
from mailsim.protocol.sieve.complaint import Wrong, shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type
from mailsim.protocol.sieve.strings import variable_name
from mailsim.protocol.sieve.syntax import Node, Text

_WILD = re.compile(rb"[*?\\]")
# What a regular expression takes for its own: draft-ietf-sieve-regex's :quoteregex.
_SPECIAL = re.compile(rb"[.\[\]{}()*+?^$|\\]")


def _first(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda value: change(value[:1]) + value[1:]


def _length(value: bytes) -> bytes:
    # Characters, not octets (RFC 5229 §4.1.1).
    return str(len(value.decode("utf-8", "replace"))).encode()


_MODIFIERS: Final[dict[str, tuple[int, Callable[[bytes], bytes]]]] = {
    "lower": (40, bytes.lower),
    "upper": (40, bytes.upper),
    "lowerfirst": (30, _first(bytes.lower)),
    "upperfirst": (30, _first(bytes.upper)),
    "quotewildcard": (20, lambda value: _WILD.sub(rb"\\\g<0>", value)),
    "quoteregex": (20, lambda value: _SPECIAL.sub(rb"\\\g<0>", value)),
    "length": (10, _length),
}
"""Precedence and effect; the highest is done first (RFC 5229 §4.1)."""


def _modifier(_checker: Checker, call: Call, tag: Any, _value: Any) -> None:
    name = tag.name.lower()
    known = call.tags.setdefault("modifiers", [])
    for other in known:
        if _MODIFIERS[other][0] == _MODIFIERS[name][0]:
            raise Wrong("sieve.modifiers-conflict", tag.place, first=other, second=name)
    known.append(name)


def _set_check(checker: Checker, node: Node, call: Call) -> None:
    name = positional(node, 2)
    if isinstance(name, Text):
        variable = variable_name(name, name.value, checker.namespaces)
        _counted(checker, call, variable.name)
        modifiers = sorted(call.tags.get("modifiers", ()), key=lambda one: -_MODIFIERS[one][0])
        call.extra = (variable, modifiers)


def _counted(checker: Checker, call: Call, name: str) -> None:
    checker.names.add(name)
    if len(checker.names) > checker.limits.variables:
        raise Wrong(
            "sieve.too-many-variables", call.place, name=name, most=checker.limits.variables
        )


def _set(run: Run, call: Call) -> None:
    variable, modifiers = call.extra
    value = run.text(call.args[1])
    for name in modifiers:
        value = _MODIFIERS[name][1](value)
        run.note(call, "sieve.trace-modified", {"modifier": f":{name}", "value": shown(value)})
    run.assign(variable.namespace, variable.name, value)
    run.note(call, "sieve.trace-set", {"name": variable.name, "value": shown(value)})


def _string_check(checker: Checker, node: Node, call: Call) -> None:
    # RFC 5229 §5 names no default; Pigeonhole's is i;octet here, i;ascii-casemap elsewhere.
    check_match(checker, call, positional(node, 1), call.args[1], OCTET)


def _string(run: Run, call: Call) -> bool:
    source, keys = call.args
    values = run.texts(source)
    if call.tags["match"] == "count":
        values = [one for one in values if one]  # RFC 5229 §5: empty ones do not count
    return matched(run, call, keys, values)


_OPTIONS: Final = (
    *(Option(name, check=_modifier, repeats=True) for name in _MODIFIERS if name != "quoteregex"),
    Option("quoteregex", None, "regex", check=_modifier, repeats=True),
)
SPECS: Final = (
    Spec(
        "set", Sort.COMMAND, _set, (("variable name", Type.STRING), ("value", Type.STRING)),
        _OPTIONS, "variables", check=_set_check,
    ),
    Spec(
        "string", Sort.TEST, _string, (("source", Type.STRINGS), ("key list", Type.STRINGS)),
        MATCH, "variables", check=_string_check,
    ),
)  # fmt: skip
