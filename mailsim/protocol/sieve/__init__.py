"""Sieve (RFC 5228): a script is compiled once and run over many messages.

    script = compile_script(source)              # a Script, or a Refused with all that is wrong
    result = run(script, message, Envelope(sender, recipient), environment, trace=True)
    result.actions                               # Keep, FileInto, Redirect, Discard, Reject, Vacation

Pure: the clock, ids and what is in the mailboxes come with the `Environment`; what a run decides
is in its `Result`, for the server to do.  Pigeonhole's wording of each error stands beside a
person's, so that ManageSieve can answer as it does.
"""

from mailsim.protocol.sieve.complaint import Complaint, Severity
from mailsim.protocol.sieve.environment import Alone, Envelope, Environment
from mailsim.protocol.sieve.limits import Limits
from mailsim.protocol.sieve.result import (
    Action,
    Discard,
    FileInto,
    Keep,
    Mark,
    Redirect,
    Reject,
    Result,
    Vacation,
)
from mailsim.protocol.sieve.script import Includes, Refused, Script, compile_script, run
from mailsim.protocol.sieve.settings import ALL, BY_DEFAULT, EVERYTHING, SITE, Scanner, Settings
from mailsim.protocol.sieve.trace import Step

__all__ = [
    "ALL",
    "BY_DEFAULT",
    "EVERYTHING",
    "SITE",
    "Action",
    "Alone",
    "Complaint",
    "Discard",
    "Envelope",
    "Environment",
    "FileInto",
    "Includes",
    "Keep",
    "Limits",
    "Mark",
    "Redirect",
    "Refused",
    "Reject",
    "Result",
    "Scanner",
    "Script",
    "Settings",
    "Severity",
    "Step",
    "Vacation",
    "compile_script",
    "run",
]
