"""Whose way is asked for: a Message-ID, or a queue id as the log and the queue show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mailsim.dialogue.journey import journey
from mailsim.errors import LabError
from mailsim.model.journey import Journey, Stop, StopKind

if TYPE_CHECKING:
    from mailsim.lab.backend import Backend

# A stop of Sieve's, as a script would write the action.
_ACTIONS: Final[Mapping[StopKind, tuple[str, ...]]] = {
    StopKind.FORWARDED: ('redirect "{to}"',),
    StopKind.DISCARDED: ("discard",),
    StopKind.REJECTED: ("reject", "ereject"),
    StopKind.ANSWERED: ("vacation",),
}


def way(backend: Backend, message: str) -> Journey:
    """The message's way, and the rules that decided it; without stops where the log does not
    know it.  Raises UsageError for ""."""
    lines = backend.ask("logs")["lines"]
    found = journey(lines, message_id=message)
    name = message.strip()
    if not found and name.isalnum():
        # A queue id that is used again is the last message's.
        found = journey(lines, queue_id=name) or journey(lines, queue_id=name.upper()) or found
    if not found.of(StopKind.STORED, *_ACTIONS):
        return found
    try:
        runs = backend.ask("sieve_runs", message_id=found.message_id)
    except LabError as error:
        # A real Pigeonhole does not say which rule decided.
        if error.message_id != "container.embedded-only":
            raise
        return found
    return replace(found, stops=tuple(_ruled(stop, runs) for stop in found.stops))


def _ruled(stop: Stop, runs: Iterable[Mapping[str, Any]]) -> Stop:
    wanted = _wanted(stop)
    session = stop.line.fields.get("session", "")
    for run in runs:
        for line, action in run["decided"] if run["session"] == session else ():
            if action in wanted:
                place = f":{line}" if line else ""
                return replace(stop, rule=f"{run['script']}{place}: {action}")
    return stop


def _wanted(stop: Stop) -> tuple[str, ...]:
    if stop.kind is StopKind.STORED:
        mailbox = stop.line.fields.get("mailbox", "")
        kept = ("keep", "keep (implicit)") if mailbox == "INBOX" else ()
        return (f'fileinto "{mailbox}"', *kept)
    shapes = _ACTIONS.get(stop.kind, ())
    return tuple(one.format(to=stop.line.fields.get("to", "")) for one in shapes)
