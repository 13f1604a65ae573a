"""Every response of the ManageSieve server, in Pigeonhole's words; no other module has any."""

from __future__ import annotations

import re
from typing import Final

from mailsim.wire.managesieve import Item, Response, Status

_RESPONSE = re.compile(r'(OK|NO|BYE)(?: \(([A-Z/-]+)\))? "(.*)"', re.DOTALL)
# Of several spaces one is said, and none at a line's beginning (managesieve_quote_append).
_INDENT = re.compile(r"(^|[\r\n])[ \t]+")
_SPACES = re.compile(r"[ \t]+")


class Wording:
    """A response with placeholders: `NOT_FOUND(name="x")` fills them in."""

    __slots__ = ("_code", "_status", "text")

    def __init__(self, text: str) -> None:
        found = _RESPONSE.fullmatch(text)
        if found is None:
            raise ValueError(text)
        self._status = Status(found[1])
        self._code = found[2] or ""
        self.text = found[3]

    def __call__(
        self,
        *,
        data: tuple[tuple[Item, ...], ...] = (),
        arguments: tuple[Item, ...] = (),
        **values: object,
    ) -> Response:
        text = self.text.format(**values)
        said = _SPACES.sub(" ", _INDENT.sub(r"\1", text))
        return Response(self._status, said, self._code, arguments, data)


def shown(name: str, most: int = 80) -> str:
    """A name as messages have it (str_sanitize)."""
    raw = name.encode("utf-8", "surrogateescape")
    if len(raw) > most:
        name = raw[: most - 3].decode("utf-8", "ignore") + "..."
    return "".join(one if one.isprintable() else "?" for one in name)


# --- any time

BYE: Final = Wording('BYE "{text}"')
BYE_LATER: Final = Wording('BYE (TRYLATER) "{text}"')
NOOP: Final = Wording('OK "NOOP Completed"')
TAG: Final = Wording('OK (TAG) "Done"')
BAD_TAG: Final = Wording('NO "Invalid echo tag."')
CAPABILITY: Final = Wording('OK "Capability completed."')
LOGOUT: Final = Wording('OK "Logout completed."')

# --- before the login

GREETING: Final = Wording('OK "{greeting}"')
INVALID: Final = Wording('NO "Error in MANAGESIEVE command received by server."')
REFUSED: Final = Wording('NO "{text}"')
NEEDS_TLS: Final = Wording('NO (ENCRYPT-NEEDED) "{text}"')
TLS_BEGIN: Final = Wording('OK "{text}"')
TLS_SUCCESSFUL: Final = Wording('OK "TLS negotiation successful."')
LOGGED_IN: Final = Wording('OK "Logged in."')
TOO_MANY: Final = "Too many invalid MANAGESIEVE commands."
BAD_INITIAL: Final = "Invalid AUTHENTICATE initial response."
BAD_ANSWER: Final = "Invalid AUTHENTICATE client response."
EMPTY_ANSWER: Final = "Received empty AUTHENTICATE client response line."

# --- after the login

ERROR: Final = Wording('NO "Error in MANAGESIEVE command {command}: {text}"')
UNKNOWN: Final = "Unknown command."
MISSING: Final = "Missing arguments."
TOO_MANY_ARGUMENTS: Final = "Too many arguments."
TOO_MANY_BEHIND: Final = "Too many command arguments."
BAD_ARGUMENTS: Final = "Invalid arguments."
BAD_INPUT: Final = "Invalid input: {text}"
TOO_LONG: Final = "Too long argument."
UNAUTHENTICATED: Final = Wording('OK "Unauthenticate completed."')
INACTIVITY: Final = "Disconnected for inactivity"
SHUTTING_DOWN: Final = "Server shutting down."

BAD_SCRIPT_STRING: Final = Wording('NO "Invalid string for scriptname."')
BAD_SCRIPT_SIZE: Final = Wording('NO "Invalid scriptsize argument."')
BAD_SPACE_NAME: Final = Wording('NO "Invalid script name."')
EMPTY_SCRIPT: Final = Wording('NO "Cannot upload empty script."')
WOULD_SUCCEED: Final = Wording('OK "Putscript would succeed."')
TOO_LARGE: Final = Wording('NO (QUOTA/MAXSIZE) "Script is too large (max {limit} bytes)."')
TOO_MANY_SCRIPTS: Final = Wording(
    'NO (QUOTA/MAXSCRIPTS) "Script count quota exceeded (max {limit} scripts)."'
)
TOO_MUCH: Final = Wording(
    'NO (QUOTA/MAXSTORAGE) "Script storage quota exceeded (max {limit} bytes)."'
)
PUT: Final = Wording('OK "PUTSCRIPT completed."')
CHECKED: Final = Wording('OK "Script checked successfully."')
WARNINGS: Final = Wording('OK (WARNINGS) "{text}"')
ERRORS: Final = Wording('NO "{text}"')
BAD_PUT_NAME: Final = Wording('NO "Invalid Sieve script name `{name}\'."')
BAD_NAME: Final = Wording('NO "Invalid script name `{name}\'."')
BAD_NEW_NAME: Final = Wording('NO "Invalid new Sieve script name `{name}\'."')
NOT_FOUND: Final = Wording('NO (NONEXISTENT) "Sieve script `{name}\' not found"')
LISTED: Final = Wording('OK "Listscripts completed."')
GOT: Final = Wording('OK "Getscript completed."')
ACTIVATED: Final = Wording('OK "Setactive completed."')
ACTIVE_ALREADY: Final = Wording('OK "Script is already active."')
DEACTIVATED: Final = Wording('OK "Active script is now deactivated."')
NONE_ACTIVE: Final = Wording('OK "No scripts currently active."')
DELETED: Final = Wording('OK "Deletescript completed."')
IS_ACTIVE: Final = Wording('NO (ACTIVE) "Cannot delete the active Sieve script."')
RENAMED: Final = Wording('OK "Renamescript completed."')
EXISTS: Final = Wording('NO (ALREADYEXISTS) "A sieve script with that name already exists."')
STORAGE: Final = Wording(
    'NO (TRYLATER) "Internal error occurred. Refer to server log for more information. [{stamp}]"'
)


def catalogue() -> dict[str, Wording]:
    """All wordings by their names."""
    return {name: one for name, one in globals().items() if isinstance(one, Wording)}
