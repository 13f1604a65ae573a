"""What a lab is and holds, as headings and rows of text: without a widget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Final

from mailsim.lab.lab import Lab
from mailsim.lab.settings import Setting
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


def settings(lab: Lab, lang: str, first: str | Stage, second: str | Stage) -> LabTable:
    """What `second` sets otherwise than `first`; all that a stage sets where they are the same."""
    same = Stage.of(first) is Stage.of(second)
    found = lab.settings(second) if same else lab.diff(first, second)
    headings = (
        "ui.panel.file",
        "ui.panel.setting",
        "ui.panel.before",
        "ui.panel.value",
        "ui.panel.inventory",
        "ui.panel.reason",
    )
    return _table("ui.panel.settings", headings, (_setting(one, lang) for one in found), lang)


def _setting(one: Setting, lang: str) -> tuple[str, ...]:
    # What is gone, or was not there, is a dash: an empty value is one too.
    before, value = ("—" if text is None else text for text in (one.before, one.value))
    return (one.file, one.title, before, value, ", ".join(one.ids), one.why.text(lang))
