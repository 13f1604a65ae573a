"""mailboxexists (RFC 5490 §3.1); :create stands with fileinto."""

from __future__ import annotations

from typing import Final

from mailsim.protocol.sieve.commands.actions import check_mailbox
from mailsim.protocol.sieve.complaint import shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Sort, Spec, Type


def _mailboxexists(run: Run, call: Call) -> bool:
    # RFC 5490 §3.1: true if all exist, and the user may deliver there.
    for name in run.texts(call.args[0]):
        mailbox = check_mailbox(name)
        found = mailbox is not None and run.environment.mailbox_exists(mailbox)
        run.note(call, "sieve.trace-mailbox", {"mailbox": shown(name)}, result=found)
        if not found:
            return False
    return True


SPECS: Final = (
    Spec(
        "mailboxexists", Sort.TEST, _mailboxexists, (("mailbox-names", Type.STRINGS),),
        extension="mailbox",
    ),
)  # fmt: skip
