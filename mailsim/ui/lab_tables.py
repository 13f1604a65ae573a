"""What a lab is and holds, as headings and rows of text: without a widget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any, Final

from mailsim.lab.lab import Lab
from mailsim.language import word
from mailsim.model.endpoint import PortState
from mailsim.model.queue import QueueEntry, StoredMessage
from mailsim.model.stage import Stage

_LINES: Final = 60
_ROWS: Final = 200
_STATES: Final = {
    PortState.OPEN: "cli.state-open",
    PortState.CLOSED: "cli.state-closed",
    PortState.FILTERED: "cli.state-filtered",
}
# What a setting may tell of itself, and its heading.
_SETTING: Final = (
    ("name", "ui.panel.setting"),
    ("value", "ui.panel.value"),
    ("before", "ui.panel.before"),
    ("file", "ui.panel.file"),
    ("inventory", "ui.panel.inventory"),
    ("reason", "ui.panel.reason"),
)


@dataclass(frozen=True, slots=True)
class LabTable:
    """A caption, headings, rows; `more` says what is not among them, "" if all is."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str = ""

    def __str__(self) -> str:
        rows = ("  ".join(row).rstrip() for row in self.rows)
        return "\n".join((self.caption, *rows, *((self.more,) if self.more else ())))


def _table(
    caption: str, headings: Iterable[str], rows: Iterable[tuple[str, ...]], lang: str
) -> LabTable:
    every = tuple(rows)
    more = word("ui.panel.more", lang, count=len(every) - _ROWS) if len(every) > _ROWS else ""
    worded = tuple(word(one, lang) for one in headings)
    return LabTable(word(caption, lang), worded, every[:_ROWS], more)


def services(lab: Lab, lang: str) -> LabTable:
    """Every service: where it stands in the network, and whether it answers."""
    rows = ((name, str(one), word(_STATES[one.state], lang)) for name, one in lab.endpoints.items())
    headings = ("ui.panel.service", "ui.panel.address", "ui.panel.state")
    return _table("ui.panel.services", headings, rows, lang)


def mailboxes(lab: Lab, lang: str) -> LabTable:
    """Every message in every mailbox: who it is from, its subject, its size."""
    rows = (
        (user, name, *_message(one))
        for user, boxes in lab.mailboxes.items()
        for name, messages in boxes.items()
        for one in messages
    )
    headings = (
        "ui.panel.user",
        "ui.panel.mailbox",
        "ui.panel.uid",
        "ui.panel.from",
        "ui.panel.subject",
        "ui.panel.octets",
    )
    return _table("ui.panel.mailboxes", headings, rows, lang)


def _message(one: StoredMessage) -> tuple[str, ...]:
    head = message_from_bytes(one.content, policy=policy.compat32)
    named = (str(head.get(name, "")) for name in ("From", "Subject"))
    return (str(one.uid), *named, str(len(one.content)))


def queue(lab: Lab, lang: str) -> LabTable:
    """What waits, for whom, and why."""
    headings = (
        "ui.panel.queue-id",
        "ui.panel.where",
        "ui.panel.from",
        "ui.panel.recipient",
        "ui.panel.why",
    )
    rows = (row for one in lab.queue for row in _waiting(one))
    return _table("ui.panel.queue", headings, rows, lang)


def _waiting(one: QueueEntry) -> Iterable[tuple[str, ...]]:
    sender = one.sender or "<>"
    for two in one.recipients:
        yield (one.queue_id, one.queue.value, sender, two.address, two.reason)


def logs(lab: Lab, lang: str) -> LabTable:
    """The end of the log."""
    lines = tuple(lab.logs)
    headings = ("ui.panel.time", "ui.panel.program", "ui.panel.line")
    rows = ((one.stamp, one.program, one.text) for one in lines[-_LINES:])
    made = _table("ui.panel.logs", headings, rows, lang)
    if len(lines) <= _LINES:
        return made
    more = word("ui.panel.earlier", lang, count=len(lines) - _LINES)
    return LabTable(made.caption, made.headings, made.rows, more)


def settings(lab: Lab, lang: str, stage: Stage, since: Stage | None = None) -> LabTable:
    """What `stage` sets otherwise than the stage before it, or than `since`."""
    found = tuple(lab.settings(stage) if since is None else lab.diff(since, stage))
    # Columns are those that some setting has something for.
    shown = [
        (name, heading)
        for name, heading in _SETTING
        if any(_told(one, name) for one in found) or name in ("name", "value")
    ]
    rows = (tuple(_told(one, name) for name, _ in shown) for one in found)
    return _table("ui.panel.settings", [heading for _, heading in shown], rows, lang)


def _told(setting: object, name: str) -> str:
    return setting_text(getattr(setting, name, None))


def setting_text(value: Any) -> str:
    """A setting's value as a configuration file has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, set | frozenset):
        numbers = all(isinstance(one, int) for one in value)
        return ", ".join(map(str, sorted(value, key=None if numbers else str)))
    if isinstance(value, tuple | list):
        return ", ".join(
            " ".join(map(str, one)) if isinstance(one, tuple) else str(one) for one in value
        )
    return str(value)
