"""What Pigeonhole 0.5 writes in the log at delivery, in its words; no other module here has any.

`sieve: ` stands before each.
"""

from __future__ import annotations

from typing import Final

STORED: Final = "msgid={msgid}: {action}stored mail into mailbox '{mailbox}'"
NOT_STORED: Final = "msgid={msgid}: {action}failed to store into mailbox '{mailbox}': {reason}"
ABSENT: Final = "Mailbox doesn't exist: {mailbox}"
QUOTA: Final = "Quota exceeded (mailbox for user is full)"
DISCARDED: Final = (
    "msgid={msgid}: discard action: "
    "Marked message to be discarded if not explicitly delivered (discard action)"
)
FORWARDED: Final = "msgid={msgid}: redirect action: forwarded to <{address}>"
FORWARDED_TWICE: Final = (
    "msgid={msgid}: redirect action: discarded duplicate forward to <{address}>"
)
LOOP: Final = (
    "msgid={msgid}: redirect action: not forwarding message to <{address}>: "
    "the `x-sieve-redirected-from' header indicates a mail loop"
)
REJECTED: Final = "msgid={msgid}: {name} action: rejected message from <{sender}> ({name})"
REJECTED_NOBODY: Final = "msgid={msgid}: {name} action: not sending reject message to <>"
VACATION: Final = "msgid={msgid}: vacation action: {text}"

NOT_COMPILED: Final = "Failed to compile script `{location}'{view}"
VIEW: Final = " (view user logfile `{location}.log' for more information)"
FAILED: Final = "Execution of script {location} failed{what}{reveal}"
SUCCESSFUL: Final = ", but implicit keep was successful"
UNSUCCESSFUL: Final = " with unsuccessful implicit keep"
REVEAL: Final = " (user logfile {location}.log may reveal additional details)"
