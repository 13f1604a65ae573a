"""Sieve for a reader: what is wrong in a script, what a run did, what it decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from mailsim.language import word
from mailsim.protocol.sieve import (
    Action,
    Complaint,
    Discard,
    FileInto,
    Keep,
    Redirect,
    Reject,
    Result,
    Severity,
    Step,
    Vacation,
)

_LONGEST: Final = 120
_SEVERITY: Final = {Severity.ERROR: "sieve.said-error", Severity.WARNING: "sieve.said-warning"}


def complaint_lines(
    complaints: Iterable[Complaint], script: str, source: bytes, lang: str | None = None
) -> Iterator[str]:
    """Each complaint with its place, and the line of `script` that it is about, marked.

    What only follows from the complaint before is left out.
    """
    lines = source.split(b"\n")
    for one in complaints:
        if one.follows:
            continue
        place = f"{one.script}:{one.line}:{one.column}: " if one.line else f"{one.script}: "
        yield f"{place}{word(_SEVERITY[one.severity], lang)} {one.worded(lang)}"
        if one.script == script and 0 < one.line <= len(lines):
            yield from _marked(lines[one.line - 1], one.column)


def _marked(line: bytes, column: int) -> Iterator[str]:
    before = line[: column - 1].decode("utf-8", "replace")
    text = line.decode("utf-8", "replace").rstrip("\r")
    if len(text) <= _LONGEST:
        yield "    " + "".join(one if one.isprintable() else " " for one in text)
        yield "    " + " " * len(before) + "^"


def trace_lines(steps: Iterable[Step], lang: str | None = None) -> Iterator[str]:
    """A line a step, deeper ones further in."""
    for one in steps:
        indent = "  " * min(one.depth, 20)
        yield f"{one.script}:{one.line}:{one.column}: {indent}{one.command}: {one.worded(lang)}"


def action_lines(result: Result, lang: str | None = None) -> Iterator[str]:
    """What becomes of the message, a line an action."""
    return (action_line(one, lang) for one in result.actions)


def action_line(action: Action, lang: str | None = None) -> str:
    """What one action does."""
    match action:
        case Keep(flags, _, implicit):
            message_id = "sieve.does-implicit" if implicit else "sieve.does-keep"
            return word(message_id, lang, flags=_flags(flags))
        case FileInto():
            return _filed(action, lang)
        case Redirect(address, _, copy):
            message_id = "sieve.does-redirect-copy" if copy else "sieve.does-redirect"
            return word(message_id, lang, address=address)
        case Discard():
            return word("sieve.does-discard", lang)
        case Reject(reason, extended):
            message_id = "sieve.does-ereject" if extended else "sieve.does-reject"
            return word(message_id, lang, reason=" ".join(reason.split()))
        case Vacation():
            return word(action.outcome, lang, **action.params)


def _filed(action: FileInto, lang: str | None) -> str:
    message_id = "sieve.does-fileinto-copy" if action.copy else "sieve.does-fileinto"
    text = word(message_id, lang, mailbox=action.mailbox, flags=_flags(action.flags))
    return f"{text} {word('sieve.does-create', lang)}" if action.create else text


def _flags(flags: tuple[str, ...]) -> str:
    return " ".join(flags) or "-"


def action_document(action: Action, lang: str | None = None) -> dict[str, Any]:
    """An action as JSON."""
    made: dict[str, Any] = {"line": action.line, "text": action_line(action, lang)}
    match action:
        case Keep(flags, _, implicit):
            return {"action": "keep", "implicit": implicit, "flags": list(flags), **made}
        case FileInto(mailbox, flags, _, create, copy):
            where = {"mailbox": mailbox, "flags": list(flags), "create": create, "copy": copy}
            return {"action": "fileinto", **where, **made}
        case Redirect(address, _, copy):
            return {"action": "redirect", "address": address, "copy": copy, **made}
        case Discard():
            return {"action": "discard", **made}
        case Reject(reason, extended):
            return {"action": "ereject" if extended else "reject", "reason": reason, **made}
        case Vacation():
            return {"action": "vacation", **_vacation_document(action), **made}


def _vacation_document(action: Vacation) -> dict[str, Any]:
    reply = None if action.reply is None else action.reply.decode("utf-8", "replace")
    return {
        "outcome": action.outcome,
        "handle": action.handle,
        "seconds": action.seconds,
        "recipient": action.recipient,
        "reply": reply,
    }


def result_document(result: Result, lang: str | None = None) -> dict[str, Any]:
    """A run as JSON, its trace with it."""
    return {
        "ok": result.ok,
        "actions": [action_document(one, lang) for one in result.actions],
        "errors": [one.to_json(lang) for one in result.errors],
        "marks": [{"key": one.key, "seconds": one.seconds} for one in result.marks],
        "steps": result.steps,
        "trace": [one.to_json(lang) for one in result.trace],
    }
