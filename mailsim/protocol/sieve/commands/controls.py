"""The controls of the base: require, if, elsif, else, stop (RFC 5228 §3)."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands import capabilities
from mailsim.protocol.sieve.complaint import Wrong
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run, Stop
from mailsim.protocol.sieve.spec import Sort, Spec, type_of
from mailsim.protocol.sieve.syntax import Node, Text, Texts


def _require(checker: Checker, node: Node, call: Call) -> None:
    # RFC 5228 §3.2: before any other command, and not in a block.
    before = checker.previous
    if not checker.at_top or (before and before.name.lower() != "require"):
        raise Wrong("sieve.require-late", node.place)
    (given,) = call.args
    if not isinstance(given, (Text, Texts)):
        raise Wrong("sieve.require-type", given.place, found=type_of(given).value)
    bad = False
    for text in (given,) if isinstance(given, Text) else given.items:
        try:
            capabilities.load(checker, text)
        except Wrong as wrong:
            checker.complain(wrong)
            bad = True
    if bad:
        raise checker.told()


def _follows(checker: Checker, node: Node, _call: Call) -> None:
    previous = checker.previous.name.lower() if checker.previous else ""
    if previous not in ("if", "elsif"):
        raise Wrong("sieve.no-if", node.place, name=node.name.lower())


def _conditional(_checker: Checker, _node: Node, call: Call) -> None:
    call.constant = call.tests[0].constant if call.tests else None
    if _checker.taken_for_sure:
        call.constant = False
    elif call.constant:
        _checker.taken_for_sure = True


def _start(checker: Checker, _node: Node, _call: Call) -> None:
    checker.taken_for_sure = False


def _else_known(checker: Checker, _node: Node, call: Call) -> None:
    call.constant = False if checker.taken_for_sure else None


def _if(run: Run, call: Call) -> None:
    """A block, if its test is true; the run remembers whether one of the chain was taken."""
    run.taken = False
    _elsif(run, call)


def _elsif(run: Run, call: Call) -> None:
    if run.taken:
        run.note(call, "sieve.trace-chain-over", {"command": call.name})
        return
    found = run.test(call.tests[0])
    message_id = "sieve.trace-taken" if found else "sieve.trace-not-taken"
    run.note(call, message_id, {"command": call.name})
    if found:
        _inner(run, call)


def _else(run: Run, call: Call) -> None:
    if run.taken:
        run.note(call, "sieve.trace-chain-over", {"command": call.name})
        return
    run.note(call, "sieve.trace-else", {})
    _inner(run, call)


def _inner(run: Run, call: Call) -> None:
    run.depth += 1
    if run.depth > run.limits.depth:
        run.fail(Wrong("sieve.too-deep", call.place, most=run.limits.depth))
    run.block(call.block)
    run.depth -= 1
    run.taken = True


def _stop(run: Run, call: Call) -> None:
    run.note(call, "sieve.trace-stop", {})
    raise Stop


def _nothing(_run: Run, _call: Call) -> None:
    """Done when the script was checked."""


SPECS: Final = (
    Spec("require", Sort.COMMAND, _nothing, None, count=1, check=_require),
    Spec("if", Sort.COMMAND, _if, tests=1, block=True, early=_start, known=_conditional),
    Spec("elsif", Sort.COMMAND, _elsif, tests=1, block=True, check=_follows, known=_conditional),
    Spec("else", Sort.COMMAND, _else, block=True, check=_follows, known=_else_known),
    Spec("stop", Sort.COMMAND, _stop),
)
