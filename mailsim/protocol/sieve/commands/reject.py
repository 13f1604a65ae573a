"""reject and ereject (RFC 5429)."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.complaint import Wrong, shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.reply import rejection
from mailsim.protocol.sieve.result import FileInto, Keep, Redirect, Reject, Vacation
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Sort, Spec, Type

_DELIVERING: Final = {Keep: "store", FileInto: "store", Redirect: "redirect"}


def _reject(run: Run, call: Call) -> None:
    # RFC 5429 §2.2: once only, and not with vacation; Pigeonhole: not with what delivers either.
    for other in run.actions:
        where = f"{call.unit.name}: line {getattr(other, 'line', 0)}"
        if isinstance(other, Reject):
            run.fail(Wrong("sieve.reject-twice", call.place, where=where))
        if isinstance(other, Vacation):
            run.fail(Wrong("sieve.reject-vacation", call.place, action="vacation", where=where))
        kept = isinstance(other, Keep) and run.settings.chained
        if type(other) in _DELIVERING and not kept:
            action = _DELIVERING[type(other)]
            run.fail(Wrong("sieve.reject-conflict", call.place, action=action, where=where))
    reason = run.text(call.args[0])
    run.note(call, "sieve.trace-reject", {"reason": shown(reason)})
    text = reason.decode("utf-8", "replace")
    if not run.envelope.sender:
        # RFC 5429 §2.1.1: no response to a null path.
        run.note(call, "sieve.trace-reject-null", {})
    report = rejection(run, reason)
    run.act(call, Reject(text, call.name == "ereject", call.place.line, report), cancels=True)


_REASON: Final = (("reason", Type.STRING),)
SPECS: Final = (
    Spec("reject", Sort.COMMAND, _reject, _REASON, extension="reject"),
    Spec("ereject", Sort.COMMAND, _reject, _REASON, extension="ereject"),
)
