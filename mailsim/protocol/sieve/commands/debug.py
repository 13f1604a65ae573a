"""vnd.dovecot.debug: debug_log tells something to whoever watches."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.complaint import shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Sort, Spec, Type


def _debug_log(run: Run, call: Call) -> None:
    message = run.text(call.args[0])
    run.note(call, "sieve.trace-debug", {"message": shown(message)})


SPECS: Final = (
    Spec(
        "debug_log", Sort.COMMAND, _debug_log, (("message", Type.STRING),),
        extension="vnd.dovecot.debug",
    ),
)  # fmt: skip
