"""include, return and global (RFC 6609)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.complaint import Term, Wrong, shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Frame, Return, Run, Stop
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type
from mailsim.protocol.sieve.strings import IDENTIFIER, variable_name
from mailsim.protocol.sieve.syntax import Node, Text, Texts

_PERSONAL: Final = Term("sieve.term-personal", "personal")
_GLOBAL: Final = Term("sieve.term-global", "global")


def location(*, shared: bool) -> Term:
    """The word for where a script is."""
    return _GLOBAL if shared else _PERSONAL


def _one_place(_checker: Checker, call: Call, tag: Any, _value: Any) -> None:
    if "personal" in call.tags and "global" in call.tags:
        raise Wrong("sieve.include-places", tag.place)


def valid_name(name: str) -> bool:
    """A script's name as ManageSieve has them (RFC 5804 §1.6), and no path."""
    return (
        bool(name)
        and len(name.encode()) <= 512
        and "/" not in name
        and all(
            ord(one) > 31 and not 127 <= ord(one) < 160 and one not in "\u2028\u2029"
            for one in name
        )
    )


def _include_check(checker: Checker, node: Node, call: Call) -> None:
    given, value = node.arguments[-1], call.args[0]
    if not isinstance(value, bytes):
        raise Wrong("sieve.include-variable", given.place)
    name = value.decode("utf-8", "replace")
    if not valid_name(name):
        raise Wrong("sieve.include-name", given.place, name=shown(value))
    shared = "global" in call.tags
    call.extra = checker.shared.include(
        checker, name, shared=shared, once="once" in call.tags, place=given.place
    )
    if call.extra is None and "optional" not in call.tags and not checker.shared.upload:
        where = location(shared=shared)
        raise Wrong("sieve.include-missing", given.place, name=shown(value), where=where)


def _include(run: Run, call: Call) -> None:
    unit = call.extra
    name = shown(call.args[0])
    if unit is None:
        if "optional" not in call.tags:
            where = location(shared="global" in call.tags)
            run.fail(Wrong("sieve.include-missing", call.place, name=name, where=where))
        run.note(call, "sieve.trace-include-missing", {"name": name})
        return
    if "once" in call.tags and unit.number in run.included:
        run.note(call, "sieve.trace-include-again", {"name": name})
        return
    if unit.number in run.within or len(run.within) > run.limits.include_depth:
        run.fail(Wrong("sieve.include-circular", call.place))
    run.note(call, "sieve.trace-include", {"name": name})
    run.included.add(unit.number)
    run.within.append(unit.number)
    frame, run.frame = run.frame, Frame(unit)
    taken, depth = run.taken, run.depth
    run.depth += 1
    with suppress(Return):
        run.block(unit.calls)
    run.frame, run.taken, run.depth = frame, taken, depth
    run.within.pop()
    run.note(call, "sieve.trace-include-end", {"name": name})


def _return(run: Run, call: Call) -> None:
    run.note(call, "sieve.trace-return", {})
    if len(run.within) < 2:
        raise Stop  # RFC 6609 §3.3: in the main script it is stop
    raise Return


def _global_first(checker: Checker, node: Node, _call: Call) -> None:
    # RFC 6609 §3.4.1: only with both extensions.
    if "variables" not in checker.loaded:
        raise Wrong("sieve.global-without", node.place, name="global")


def _global_check(checker: Checker, node: Node, _call: Call) -> None:
    given = node.arguments[-1]
    texts = given.items if isinstance(given, Texts) else (given,)
    for text in texts:
        assert isinstance(text, Text)  # noqa: S101 - its type was looked at
        if not IDENTIFIER.fullmatch(text.value):
            raise Wrong("sieve.global-name", text.place, name=shown(text.value))
        variable = variable_name(text, text.value, frozenset())
        if variable.name in checker.names and variable.name not in checker.unit.shared:
            raise Wrong("sieve.global-late", text.place, name=variable.name)
        checker.names.add(variable.name)
        checker.unit.shared.add(variable.name)
        checker.shared.globals.add(variable.name)
        if len(checker.shared.globals) > checker.limits.variables:
            most = checker.limits.variables
            raise Wrong("sieve.too-many-variables", text.place, name=variable.name, most=most)


def _global(run: Run, call: Call) -> None:
    names = ", ".join(shown(one) for one in run.texts(call.args[0]))
    run.note(call, "sieve.trace-global", {"names": names})


SPECS: Final = (
    Spec(
        "include", Sort.COMMAND, _include, (("value", Type.STRING),),
        (
            Option("personal", check=_one_place), Option("global", check=_one_place),
            Option("once"), Option("optional"),
        ),
        "include", check=_include_check,
    ),
    Spec("return", Sort.COMMAND, _return, extension="include"),
    Spec(
        "global", Sort.COMMAND, _global, (("value", Type.STRINGS),), extension="include",
        early=_global_first, check=_global_check,
    ),
)  # fmt: skip
