"""Errors as JSON and back: what goes wrong in the lab is raised where it was asked."""

from __future__ import annotations

from typing import Any

from mailsim import errors
from mailsim.errors import LabError, MailsimError, UsageError

_KINDS = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, MailsimError)
}


def error_document(error: BaseException) -> dict[str, Any]:
    """The error as values that JSON knows.  One that is none of ours is a fault of the lab's."""
    if not isinstance(error, MailsimError):
        error = LabError("lab.failed", reason=f"{type(error).__name__}: {error}")
    params = {
        name: value if isinstance(value, (int, float, str)) else str(value)
        for name, value in error.params.items()
    }
    return {"kind": type(error).__name__, "id": error.message_id, "params": params}


def error_of(document: dict[str, Any]) -> MailsimError:
    """The error that the document describes."""
    made = _KINDS.get(str(document.get("kind")), LabError)(
        str(document.get("id")), **document.get("params", {})
    )
    try:
        made.worded()
    except (KeyError, IndexError, ValueError, OSError):  # a newer lab's sentence
        return LabError("lab.failed", reason=made.message_id)
    return made


class NoSuchName(LabError, KeyError):
    """A mapping that a lab gave has no such name; `get` and `in` work as with every mapping."""

    __str__ = LabError.__str__  # KeyError would show its arguments


def bad_request(operation: str, parameter: str) -> UsageError:
    """An operation was asked for that is none, or with a parameter that it does not take."""
    return UsageError("lab.bad-request", operation=operation[:40], parameter=parameter[:40])


def check_size(operation: str, line: bytes, most: int) -> None:
    """Raises LabError where a request or an answer has more octets than the other end takes."""
    if len(line) > most:
        sizes = {"size": len(line) / 1e6, "most": most / 1e6}
        raise LabError("lab.too-large", operation=operation[:40], **sizes)


__all__ = ["NoSuchName", "bad_request", "check_size", "error_document", "error_of"]
