"""ihave and error (RFC 5463)."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands import capabilities
from mailsim.protocol.sieve.commands.tests import positional
from mailsim.protocol.sieve.complaint import Wrong, shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Sort, Spec, Type
from mailsim.protocol.sieve.syntax import Node, Text, Texts


def _load(checker: Checker, node: Node, call: Call) -> None:
    """A true ihave lets the script use the extensions from there on (RFC 5463 §4)."""
    given = positional(node, 1)
    items = given.items if isinstance(given, Texts) else (given,)
    texts = [one for one in items if isinstance(one, Text)]
    names = [one.value.decode("utf-8", "replace") for one in texts]
    call.extra = all(capabilities.available(checker, name) for name in names)
    # As in Pigeonhole only what is missing is known beforehand: its block is not looked at.
    call.constant = None if call.extra else False
    if call.extra:
        for text in texts:
            capabilities.load(checker, text)


def _ihave(run: Run, call: Call) -> bool:
    wanted = ", ".join(shown(one) for one in run.texts(call.args[0]))
    message_id = "sieve.trace-ihave" if call.extra else "sieve.trace-ihave-not"
    run.note(call, message_id, {"extensions": wanted})
    return bool(call.extra)


def _error(run: Run, call: Call) -> None:
    message = run.text(call.args[0])
    run.note(call, "sieve.trace-error", {"message": shown(message)})
    run.fail(Wrong("sieve.script-error", call.place, message=shown(message)))


SPECS: Final = (
    Spec(
        "ihave", Sort.TEST, _ihave, (("capabilities", Type.STRINGS),), extension="ihave",
        known=_load,
    ),
    Spec("error", Sort.COMMAND, _error, (("message", Type.STRING),), extension="ihave"),
)  # fmt: skip
