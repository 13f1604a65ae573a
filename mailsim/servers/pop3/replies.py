"""Every reply of the POP3 server, in Dovecot's words; no other module has any."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mailsim.wire.pop3 import Form, Reply
from mailsim.wire.pop3.replies import parse_status


class Wording:
    """A reply with placeholders: `NO_MESSAGE(number=9)` fills them in; "lines" and "content" are
    what follows its first line."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(
        self,
        *,
        lines: tuple[str, ...] | None = None,
        content: bytes | None = None,
        **values: object,
    ) -> Reply:
        made = reply(self.text.format(**values))
        return replace(made, lines=lines, content=content)


def reply(text: str) -> Reply:
    """ "-ERR [IN-USE] …" as a reply."""
    return parse_status(text.encode("utf-8", "surrogateescape"), Form.SASL)


# --- any time

OK: Final = Wording("+OK")
UNKNOWN: Final = Wording("-ERR Unknown command.")
BYE: Final = Wording("-ERR {text}")
SHUTTING_DOWN: Final = Wording("-ERR [SYS/TEMP] Server shutting down.")

# --- before the login

GREETING: Final = Wording("+OK {greeting}")
LOGIN_BYE: Final = Wording("+OK Logging out")
TOO_MANY_INVALID: Final = Wording("-ERR Too many invalid bad commands.")
NO_USERNAME: Final = Wording("-ERR No username given.")
APOP_DISABLED: Final = Wording("-ERR APOP not enabled.")
APOP_PARAMETERS: Final = Wording("-ERR Invalid parameters.")
APOP_DIGEST: Final = Wording("-ERR Invalid characters in MD5 response.")
NOT_TRUSTED: Final = Wording("+OK You are not from trusted IP - ignoring")
TLS_BEGIN: Final = Wording("+OK {text}")
TLS_REFUSED: Final = Wording("-ERR {text}")
CHALLENGE: Final = Wording("+ {challenge}")
AUTH_REFUSED: Final = Wording("-ERR [AUTH] {text}")
AUTH_ABORTED: Final = Wording("-ERR {text}")
IN_USE: Final = Wording("-ERR [IN-USE] {text}")

# --- the login's end

LOGGED_IN: Final = Wording("+OK Logged in.")
LOCKED: Final = Wording("-ERR [IN-USE] Mailbox is locked by another POP3 session.")

# --- the maildrop is open

STAT: Final = Wording("+OK {count} {octets}")
MESSAGES: Final = Wording("+OK {count} messages:")
SCAN: Final = Wording("+OK {number} {octets}")
UNIQUE_ID: Final = Wording("+OK {number} {uid}")
OCTETS: Final = Wording("+OK {octets} octets")
MARKED: Final = Wording("+OK Marked to be deleted.")
LOGGING_OUT: Final = Wording("+OK Logging out.")
MESSAGES_DELETED: Final = Wording("+OK Logging out, messages deleted.")
UNKNOWN_NAMED: Final = Wording("-ERR Unknown command: {name}")
TOO_MANY_BAD: Final = Wording("-ERR Too many bad commands.")
BAD_NUMBER: Final = Wording("-ERR Invalid message number: {rest}")
LARGE_NUMBER: Final = Wording("-ERR Message number too large: {rest}")
NUMBER_NOISE: Final = Wording("-ERR Noise after message number: {rest}")
NO_MESSAGE: Final = Wording("-ERR There's no message {number}.")
DELETED: Final = Wording("-ERR Message is deleted.")
BAD_SIZE: Final = Wording("-ERR Invalid size: {rest}")
LARGE_SIZE: Final = Wording("-ERR Size too large: {rest}")
SIZE_NOISE: Final = Wording("-ERR Noise after size: {rest}")
EXPUNGED: Final = Wording("-ERR Message {number} expunged.")

STORAGE: Final = Wording(
    "-ERR [SYS/TEMP] Internal error occurred. Refer to server log for more information. [{stamp}]"
)

CAPABILITIES: Final = ("CAPA", "TOP", "UIDL", "RESP-CODES", "PIPELINING", "AUTH-RESP-CODE")
"""What CAPA lists in every state and release."""


def catalogue() -> dict[str, Wording]:
    """All wordings by their names."""
    return {name: one for name, one in globals().items() if isinstance(one, Wording)}
