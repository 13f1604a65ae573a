"""What Dovecot says at the login, whatever the protocol; `version` is Release.dovecot."""

from __future__ import annotations

import re
from typing import Final

from mailsim.model.stage import Release

Version = tuple[int, int, int]
V24: Final = (2, 4, 0)

AUTH_FAILED: Final = "Authentication failed."
AUTH_ABORTED: Final = "Authentication aborted by client."
AUTH_NEEDS_TLS: Final = "Authentication not allowed until SSL/TLS is enabled."
BAD_MECHANISM: Final = "Unsupported authentication mechanism."
BAD_INITIAL: Final = "Invalid base64 data in initial response"
BAD_LETTERS: Final = "Invalid base64 in response"
_BAD_CONTINUED: Final = "Invalid base64 data in continued response"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/=]*")
TOO_MANY_CONNECTIONS: Final = (
    "Maximum number of connections from user+IP exceeded (mail_max_userip_connections={limit})"
)

TLS_BEGIN: Final = "Begin TLS negotiation now."
TLS_ACTIVE: Final = "TLS is already active."
TLS_DISABLED: Final = "TLS support isn't enabled."
TLS_FAILED: Final = "TLS initialization failed."

INACTIVITY: Final = "Disconnected for inactivity."
INACTIVITY_AUTH: Final = "Disconnected for inactivity during authentication."
BUFFER_FULL: Final = "Input buffer full, aborting"
SHUTTING_DOWN: Final = "Shutting down"

_DISTRIBUTIONS: Final = {
    Release.BOOKWORM: "Debian",
    Release.TRIXIE: "Debian",
    Release.NOBLE: "Ubuntu",
    Release.RESOLUTE: "Ubuntu",
    Release.FULL: "Ubuntu",
}


def greeting(release: Release) -> str:
    """login_greeting, as the distribution's package sets it: `Dovecot (Ubuntu) ready.`"""
    return f"Dovecot ({_DISTRIBUTIONS[release]}) ready."


def bad_continued(answer: str) -> str:
    """To an answer that is no base64: the login process looks at its letters, auth at the rest."""
    return _BAD_CONTINUED if _BASE64.fullmatch(answer) else BAD_LETTERS


def cleartext_disallowed(version: Version) -> str:
    """To USER and LOGIN without TLS."""
    word = "Plaintext" if version < V24 else "Cleartext"
    return f"{word} authentication disallowed on non-secure (SSL/TLS) connections."


def cleartext_exposed(version: Version) -> str:
    """IMAP's warning to who sent a password all the same."""
    word = "Plaintext" if version < V24 else "cleartext"
    return (
        f"{word} authentication not allowed without SSL/TLS, but your client did it anyway."
        " If anyone was listening, the password was exposed."
    )


def mechanism_disallowed(version: Version) -> str:
    """To a mechanism that shows the password, where ssl = yes and cleartext is disabled."""
    word = "Plaintext" if version < V24 else "Cleartext"
    return f"{word} authentication disabled."
