"""What is given to a Lab, checked where it is given: a sentence about it, and no traceback."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.message import Message
from email.utils import getaddresses
from pathlib import Path
from typing import Any, Final

from mailsim.errors import UsageError
from mailsim.wire.content import crlf

LONGEST_WAIT: Final = 3600.0
"""What may be waited for at most, in seconds: an hour."""
# What no address has, and a database or a log could not bear.
UNWRITABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SHOWN: Final = 60


def _wrong(sentence: str, *, argument: str, given: object) -> UsageError:
    """`argument` is where it was given, "fault(name)"."""
    return UsageError(sentence, argument=argument, given=repr(given)[:_SHOWN])


def text(argument: str, value: object) -> str:
    """`value`, a text.  Raises UsageError, as all of these do."""
    if not isinstance(value, str):
        raise _wrong("lab.no-text", argument=argument, given=value)
    return value


def flag(argument: str, value: object) -> bool:
    """`value`, True or False: "off" would be true."""
    if not isinstance(value, bool):
        raise _wrong("lab.no-flag", argument=argument, given=value)
    return value


def seconds(argument: str, value: object) -> float:
    """`value`, a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong("lab.no-number", argument=argument, given=value)
    return value


def patience(argument: str, value: object) -> float:
    """`value`, how long something may be waited for."""
    if not 0 <= seconds(argument, value) <= LONGEST_WAIT:
        raise UsageError("lab.bad-seconds", seconds=value)
    return seconds(argument, value)


def path(argument: str, value: object) -> Path:
    """`value`, the path of a file or folder."""
    if not isinstance(value, (str, Path)):
        raise _wrong("lab.no-path", argument=argument, given=value)
    return Path(value)


def content(argument: str, value: object) -> bytes:
    """The message as it travels."""
    if not isinstance(value, (str, bytes, Message)):
        raise _wrong("lab.no-message", argument=argument, given=value)
    try:
        return crlf(value)
    except (LookupError, TypeError, ValueError):  # it cannot be written in its own charset
        raise _wrong("lab.no-message", argument=argument, given=value) from None


def addresses(argument: str, value: object) -> list[str]:
    """One address or several, as a list."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) for one in given):
        raise _wrong("lab.no-addresses", argument=argument, given=value)
    if not all(given) or any(UNWRITABLE.search(one) for one in given):
        raise _wrong("lab.no-addresses", argument=argument, given=value)
    return list(given)


def header_addresses(headers: Message, *names: str) -> list[str]:
    """The addresses in these fields of a message's header."""
    found = [str(value) for name in names for value in headers.get_all(name, [])]
    return [address for _, address in getaddresses(found) if address]


def sender(argument: str, value: object) -> str:
    """An address; "" is the sender of a bounce."""
    return addresses(argument, value)[0] if value != "" else ""


def rules(argument: str, value: object) -> dict[str, Any]:
    """A rule, a document of rules, or the file that holds one."""
    if isinstance(value, (str, Path)):
        return rules(argument, read_rules(Path(value)))
    if not isinstance(value, Mapping):
        raise _wrong("lab.no-rule", argument=argument, given=value)
    try:
        found: dict[str, Any] = json.loads(json.dumps(dict(value)))
    except (TypeError, ValueError, RecursionError):
        raise _wrong("lab.no-rule", argument=argument, given=value) from None
    return found


def read_rules(file: Path) -> Any:
    """What the JSON file says."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError("lab.no-rules", file=file, reason=error.strerror) from None
    except UnicodeDecodeError:
        raise UsageError("lab.rules-no-text", file=file) from None
    except json.JSONDecodeError as error:
        where = {"line": error.lineno, "column": error.colno}
        raise UsageError("lab.rules-no-json", file=file, **where) from None
    except (ValueError, RecursionError):  # a number without end, or brackets without end
        raise UsageError("lab.rules-no-json", file=file, line=1, column=1) from None
