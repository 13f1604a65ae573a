"""environment: what the server tells of itself (RFC 5183)."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands.matching import MATCH, check_match, matched
from mailsim.protocol.sieve.commands.tests import positional
from mailsim.protocol.sieve.complaint import shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Sort, Spec, Type
from mailsim.protocol.sieve.syntax import Node


def _check(checker: Checker, node: Node, call: Call) -> None:
    check_match(checker, call, positional(node, 1), call.args[1])


def _environment(run: Run, call: Call) -> bool:
    value = _item(run, call)
    return value is not None and matched(run, call, call.args[1], (value,))


def _item(run: Run, call: Call) -> bytes | None:
    name = run.text(call.args[0])
    known = {"name": "Pigeonhole Sieve", "version": run.settings.version}
    key = name.decode("utf-8", "replace")
    # RFC 5183 §4: an item that the server does not know fails the test, whatever is asked.
    value = run.environment.item(key)
    value = known.get(key) if value is None else value
    params = {"item": shown(name), "value": "-" if value is None else value}
    run.note(call, "sieve.trace-item", params)
    return None if value is None else value.encode()


SPECS: Final = (
    Spec(
        "environment", Sort.TEST, _environment,
        (("name", Type.STRING), ("key list", Type.STRINGS)), MATCH, "environment", check=_check,
    ),
)  # fmt: skip
