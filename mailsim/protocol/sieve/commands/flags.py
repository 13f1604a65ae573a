"""imap4flags: setflag, addflag, removeflag, hasflag and :flags (RFC 5232)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands.matching import MATCH, check_match, matched
from mailsim.protocol.sieve.complaint import Wrong
from mailsim.protocol.sieve.program import Call, Variable
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type, type_of
from mailsim.protocol.sieve.strings import variable_name
from mailsim.protocol.sieve.syntax import Argument, Node, Text, Texts

FLAGS: Final = Option("flags", Type.STRINGS, "imap4flags")
_SYSTEM: Final = {
    one.lower(): one for one in ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
}
# flag-keyword = atom
_KEYWORD = re.compile(r"[^\x00-\x20\x7f-\U0010ffff(){%*\"\\\]]+")


def split(texts: Iterable[bytes]) -> list[str]:
    """The flags in strings: several in one, spaces between, each kept once (RFC 5232 §2)."""
    flags: dict[str, str] = {}
    for text in texts:
        for one in text.decode("utf-8", "replace").split():
            if valid(one):
                flags.setdefault(one.lower(), _SYSTEM.get(one.lower(), one))
    return list(flags.values())


def valid(flag: str) -> bool:
    r"""Whether IMAP has such a flag: a system flag other than \Recent, or a keyword."""
    return flag.lower() in _SYSTEM or _KEYWORD.fullmatch(flag) is not None


def action_flags(run: Run, call: Call) -> tuple[str, ...]:
    """The flags of a storing action: :flags, else the internal variable (RFC 5232 §5)."""
    given = call.tags.get("flags")
    return tuple(run.flags if given is None else split(run.texts(given)))


# --- the check


def _arguments(checker: Checker, node: Node, call: Call) -> None:
    """[<variable-name: string>] <list-of-flags: string-list>"""
    given, given_as = call.args, {"name": call.name, "sort": call.spec.sort.value}
    if not given:
        raise Wrong("sieve.flags-missing", node.place, **given_as)
    if len(given) > 2:
        raise Wrong("sieve.argument-count", node.place, wanted=2, found=len(given), **given_as)
    if not isinstance(given[0], (Text, Texts)):
        found = type_of(given[0]).value
        raise Wrong("sieve.flags-first", given[0].place, found=found, **given_as)
    if len(given) == 2:
        _variable(checker, call, given, given_as)
    else:
        call.extra = None
        _warn(checker, call, given[0])
    call.args = [checker.value(given[-1], Type.STRINGS)]


def _variable(
    checker: Checker, call: Call, given: list[Argument], given_as: dict[str, object]
) -> None:
    first, second = given
    if not isinstance(first, Text):
        found = type_of(first).value
        raise Wrong("sieve.flags-variable", first.place, found=found, **given_as)
    if "variables" not in checker.loaded:
        raise Wrong("sieve.flags-no-variables", first.place, **given_as)
    if not isinstance(second, (Text, Texts)):
        found = type_of(second).value
        raise Wrong("sieve.flags-second", second.place, found=found, **given_as)
    call.extra = variable_name(first, first.value, checker.namespaces)


def _warn(checker: Checker, call: Call, given: Argument) -> None:
    """Of a flag that IMAP does not have: it will be ignored (RFC 5232 §2).

    Pigeonhole tells of it where the flags are a single string, and so does this.
    """
    if not isinstance(given, Text) or b"${" in given.value or call.spec.sort is Sort.TEST:
        return
    for flag in given.value.decode("utf-8", "replace").split():
        if not valid(flag):
            checker.warn("sieve.bad-flag", given.place, flag=flag, name=call.name)
            return


def _hasflag_check(checker: Checker, node: Node, call: Call) -> None:
    keys = node.arguments[-1] if node.arguments else None
    given = call.args
    if len(given) == 2 and isinstance(given[0], Texts):
        # hasflag takes a list of variables (RFC 5232 §4).
        names = [variable_name(one, one.value, checker.namespaces) for one in given[0].items]
        if "variables" not in checker.loaded:
            raise Wrong(
                "sieve.flags-no-variables", given[0].place, name=call.name,
                sort=call.spec.sort.value,
            )  # fmt: skip
        call.args = [checker.value(given[1], Type.STRINGS)]
        call.extra = names
    else:
        _arguments(checker, node, call)
        call.extra = [call.extra] if call.extra else None
    if keys is not None:
        check_match(checker, call, keys, call.args[0])


# --- the run


def _current(run: Run, variable: Variable | None) -> list[str]:
    if variable is None:
        return run.flags
    return split((run.variable(variable.namespace, variable.name),))


def _set(run: Run, call: Call, flags: list[str]) -> None:
    if call.extra is None:
        run.flags = flags
    else:
        run.assign(call.extra.namespace, call.extra.name, " ".join(flags).encode())
    run.note(call, "sieve.trace-flags", {"flags": " ".join(flags) or "-"})


def _given(run: Run, call: Call) -> list[str]:
    return split(run.texts(call.args[0]))


def _setflag(run: Run, call: Call) -> None:
    _set(run, call, _given(run, call))


def _addflag(run: Run, call: Call) -> None:
    known = _current(run, call.extra)
    lower = {one.lower() for one in known}
    _set(run, call, known + [one for one in _given(run, call) if one.lower() not in lower])


def _removeflag(run: Run, call: Call) -> None:
    gone = {one.lower() for one in _given(run, call)}
    _set(run, call, [one for one in _current(run, call.extra) if one.lower() not in gone])


def _hasflag(run: Run, call: Call) -> bool:
    flags: list[str] = []
    for variable in call.extra or (None,):
        flags += _current(run, variable)
    keys: Iterable[bytes] = run.texts(call.args[0])
    if call.tags["match"] != "count":
        keys = [one.encode() for one in split_keys(keys)]
    return matched(run, call, list(keys), (one.encode() for one in flags))


def split_keys(texts: Iterable[bytes]) -> list[str]:
    """The flags to look for, patterns among them."""
    return [one for text in texts for one in text.decode("utf-8", "replace").split()]


SPECS: Final = (
    Spec("setflag", Sort.COMMAND, _setflag, None, extension="imap4flags", check=_arguments),
    Spec("addflag", Sort.COMMAND, _addflag, None, extension="imap4flags", check=_arguments),
    Spec("removeflag", Sort.COMMAND, _removeflag, None, extension="imap4flags", check=_arguments),
    Spec("hasflag", Sort.TEST, _hasflag, None, MATCH, "imap4flags", check=_hasflag_check),
)
