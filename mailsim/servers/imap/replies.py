"""Everything that Dovecot's IMAP says, in its words; no other module has any.

`OK("Select completed", "READ-WRITE")` is a reply without its tag.  After the login each
tagged reply ends with the time that the command took; the lab's clock makes it the same each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailsim.wire.imap.codes import Code

SECONDS: Final = " (0.001 + 0.000 secs)."
READY: Final = "OK"
"""What asks for a literal."""


@dataclass(frozen=True, slots=True)
class Reply:
    """OK, NO or BAD with its text; `timed` if the time is told behind it."""

    condition: str
    text: str
    code: Code | None = None
    timed: bool = True

    def coded(self, name: str, value: object = None) -> Reply:
        """The same with a response code."""
        return Reply(self.condition, self.text, Code(name, value), self.timed)  # type: ignore[arg-type]


def ok(text: str, code: str = "") -> Reply:
    """OK, the command is done."""
    return Reply("OK", text, Code(code) if code else None)


def no(text: str, code: str = "") -> Reply:
    """NO, what was asked could not be done."""
    return Reply("NO", text, Code(code) if code else None)


def error(name: str, text: str) -> Reply:
    """BAD, the command is wrong."""
    return Reply("BAD", f"Error in IMAP command {name}: {text}")


def plain(condition: str, text: str, code: str = "") -> Reply:
    """A reply of the login process, which tells no time."""
    return Reply(condition, text, Code(code) if code else None, timed=False)


# --- the connection

BYE: Final = "Logging out"
TOO_MANY_BAD: Final = "Too many invalid IMAP commands."
BUFFER_FULL: Final = "Input buffer full, aborting"
LITERAL_TOO_BIG: Final = "Literal size too large"
SHUTTING_DOWN: Final = "Server shutting down."
BAD_TAG: Final = Reply("BAD", "Error in IMAP tag: Invalid tag")
BAD_NAME: Final = Reply("BAD", "Error in IMAP command: Invalid command name")
TOO_LONG: Final = "Too long argument"
UNKNOWN: Final = "Unknown command"
DONE_EXPECTED: Final = Reply("BAD", "Expected DONE")
IDLING: Final = "idling"
NO_URLAUTH: Final = "URLAUTH disabled"
INCONSISTENT: Final = "IMAP session state is inconsistent, please relogin."
STILL_HERE: Final = "Still here"

# --- before the login

LOGIN_ERROR: Final = plain("BAD", "Error in IMAP command received by server.")
CAPABILITY_BEFORE: Final = plain(
    "OK", "Pre-login capabilities listed, post-login capabilities have more."
)
ENABLE_BEFORE: Final = plain("OK", "ENABLE ignored in non-authenticated state.")
BAD_ID: Final = plain("BAD", "Invalid ID parameters")
LOGGED_IN: Final = "Logged in"

# --- words that cannot be read

MISSING_PARENTHESIS: Final = "Missing ')'"
UNEXPECTED_PARENTHESIS: Final = "Unexpected ')'"
MISSING_QUOTE: Final = "Missing '\"'"
NUL_IN_STRING: Final = "NULs not allowed in strings"
ATOM_8BIT: Final = "8bit data in atom"
BAD_ATOM: Final = "Invalid characters in atom"
TOO_DEEP: Final = "Too many '('"
INVALID: Final = "Invalid arguments"
MISSING: Final = "Missing arguments"

# --- mailboxes

NOT_SELECTED: Final = Reply("BAD", "No mailbox selected")
FIRST_UNSEEN: Final = "First unseen."
UID_VALIDITY: Final = "UIDs valid"
UID_NEXT: Final = "Predicted next UID"
HIGHEST: Final = "Highest"
CLOSED: Final = "Previous mailbox closed."
FLAGS_PERMITTED: Final = "Flags permitted."
READ_ONLY: Final = "Read-only mailbox."
EXISTS: Final = no("Mailbox already exists", "ALREADYEXISTS")
TARGET_EXISTS: Final = no("Target mailbox already exists", "ALREADYEXISTS")
TO_ITSELF: Final = no("Can't rename mailbox to itself", "ALREADYEXISTS")
UNDER_ITSELF: Final = no("Can't rename mailbox under its own child")
RENAME_INBOX: Final = no("Renaming INBOX isn't supported", "CANNOT")
DELETE_INBOX: Final = no("INBOX can't be deleted")
DELETE_ROOT: Final = no("Storage root can't be deleted", "CANNOT")
NOT_UTF7: Final = no("Mailbox name is not valid mUTF-7")
NAME_ERROR: Final = "Invalid mailbox name: {why}"
NAME_EMPTY: Final = "Name is empty"
NAME_ENDS: Final = "Ends with hierarchy separator"
NAME_BEGINS: Final = "Begins with hierarchy separator"
NAME_ADJACENT: Final = "Has adjacent hierarchy separators"
NAME_TILDE: Final = "Begins with '~'"
NAME_LONG: Final = "Mailbox name too long"
NAME_CONTROL: Final = "Contains control characters"
NAME_CHARACTER: Final = "Character not allowed in mailbox name: '{character}'"
NO_ATTRIBUTES: Final = no("Generic mailbox attributes not enabled", "CANNOT")
METADATA_OPTION: Final = "Unknown option"
ENTRY_NAME: Final = "Entry name must begin with '/'"
ENTRY_VALUE: Final = "Entry value missing"
BAD_KEYWORD: Final = no("Invalid characters in keyword", "CANNOT")
CONDSTORE_READ_ONLY: Final = no("CONDSTORE failed: Mailbox is read-only")
OVER_QUOTA: Final = no("Quota exceeded (mailbox for user is full)", "OVERQUOTA")
READ_ONLY_BOX: Final = no("Mailbox is read-only", "NOPERM")
STORE_READ_ONLY: Final = ok("Store ignored with read-only mailbox.")

# --- LIST and STATUS

LIST_REFERENCE: Final = "Invalid reference"
LIST_PATTERN: Final = "Invalid pattern"
LIST_EXTRA: Final = "Extra arguments"
LIST_SELECT: Final = "Unknown select options"
LIST_RETURN: Final = "Unknown return options"
LIST_ONLY: Final = "RECURSIVEMATCH must not be the only selection"
STATUS_EMPTY: Final = "Empty status list"
STATUS_ITEM: Final = "Invalid status item {item}"

# --- messages

BAD_SEQUENCE: Final = "Invalid messageset"
BAD_UIDS: Final = "Invalid uidset"
NO_MESSAGES: Final = ok("No messages found")
ALREADY_EXPUNGED: Final = ok("Some messages were already expunged", "EXPUNGEISSUED")
NO_LONGER_EXIST: Final = no("Some of the requested messages no longer exist.", "EXPUNGEISSUED")
MOVED: Final = "Moved UIDs."
BAD_FLAG: Final = "Invalid system flag {flag}"
NO_FLAGS: Final = "Flags list contains non-atoms"
STORE_MODIFIERS: Final = "Invalid STORE modifiers"
BAD_MODSEQ: Final = "Invalid modseq"
FETCH_PARAMETER: Final = "Unknown parameter: {name}"
FETCH_EMPTY: Final = "FETCH list is empty"
FETCH_ATOMS: Final = "FETCH list contains non-atoms"
FETCH_SECTION: Final = "Invalid BODY[..] section"
FETCH_BRACKET: Final = "Invalid BODY[..] parameter: Missing ']'"
FETCH_PARTIAL: Final = "Invalid BODY[..] parameter: Too big partial start"
FETCH_MODIFIER: Final = "Unknown FETCH modifier"
CHANGED_SINCE: Final = "Invalid CHANGEDSINCE modseq"
NO_QRESYNC: Final = "QRESYNC not enabled"
QRESYNC_MISSING: Final = "QRESYNC parameters missing"
QRESYNC_INVALID: Final = "Invalid QRESYNC parameters"
PREVIEW_MODIFIER: Final = "'{name}' is not a supported PREVIEW modifier"
UNKNOWN_ENCODING: Final = no("Unknown Content-Transfer-Encoding.", "UNKNOWN-CTE")

# --- APPEND

REPLACED: Final = "Replacement Message ready"
EMPTY_MESSAGE: Final = no("Can't save a zero byte message")
MESSAGE_SIZE: Final = "Missing message size"
BAD_DATE: Final = "Invalid internal date"
EMPTY_CATENATE: Final = "Empty CATENATE list"
TOO_BIG: Final = no("Message size is larger than the maximum allowed size", "LIMIT")
URL_VALIDITY: Final = "Invalid UIDVALIDITY"
URL_MESSAGE: Final = "Message not found"

# --- SEARCH

SEARCH_MISSING: Final = "Missing search parameters"
SEARCH_UNKNOWN: Final = "Unknown argument {name}"
SEARCH_KEY: Final = "Invalid search key"
SEARCH_RETURN: Final = "Unknown SEARCH return option"
BAD_CHARSET: Final = no("Unknown charset", "BADCHARSET")
SORT_ARGUMENT: Final = "Invalid sort argument"
SORT_UNKNOWN: Final = "Unknown sort argument: {name}"
THREAD_ALGORITHM: Final = "Unknown thread algorithm"
NO_UPDATES: Final = "Invalid parameters"
PARTIAL_RANGE: Final = "PARTIAL range broken"
DUPLICATE_UPDATE: Final = "Duplicate search update tag"
UNKNOWN_TAG: Final = no("Unknown tag")
UPDATES_CANCELLED: Final = ok("Updates cancelled")
CHARSET_ARGUMENT: Final = "Invalid charset argument"
SEARCH_PARAMETER: Final = "Missing parameter for search key (for search key: {name})"
SEARCH_DATE: Final = "Invalid search date parameter"
SEARCH_SIZE: Final = "Invalid search size parameter"
SEARCH_INTERVAL: Final = "Invalid search interval parameter"
SEARCH_UIDS: Final = "Invalid UID messageset"
SEARCH_MODSEQ: Final = "Invalid MODSEQ value"
SEARCH_LIST: Final = "No search parameters inside list"
SEARCH_ARGUMENT: Final = "Missing argument"
SORT_EMPTY: Final = "Empty sort program"
SORT_REVERSE: Final = "Sort list ends with REVERSE"

# --- QUOTA

NO_QUOTA_ROOT: Final = no("Quota root doesn't exist")
QUOTA_ADMIN: Final = no("Quota can be changed only by admin")
BROKEN_ENCODING: Final = no("Invalid data in MIME part", "PARSE")
VANISHED_ALONE: Final = "VANISHED used without CHANGEDSINCE"
URL_INVALID: Final = "Invalid IMAP URL"
URL_SECTION: Final = "Invalid section"
