"""A message's way, put together from the log: which lines are about it, and what they tell."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Final

from mailsim.dialogue.log import parse_line
from mailsim.errors import UsageError
from mailsim.model import Journey, LogLine, Stop, StopKind

_STATUSES: Final[Mapping[str, StopKind]] = {
    "sent": StopKind.SENT,
    "deferred": StopKind.DEFERRED,
    "bounced": StopKind.BOUNCED,
    "undeliverable": StopKind.BOUNCED,
    "deliverable": StopKind.SENT,
}
_ACTIONS: Final[Mapping[str, StopKind]] = {
    "stored": StopKind.STORED,
    "failed": StopKind.DEFERRED,
    "forwarded": StopKind.FORWARDED,
    "answered": StopKind.ANSWERED,
    "discarded": StopKind.DISCARDED,
    "rejected": StopKind.REJECTED,
    "reject": StopKind.REJECTED,
    "milter-reject": StopKind.REJECTED,
    "removed": StopKind.REMOVED,
}

# A queue id is used again once its message is removed: which time this is counts too.
_Life = tuple[str, str, int]


def journey(lines: Iterable[str | LogLine], *, message_id: str = "", queue_id: str = "") -> Journey:
    """The way of the message with this Message-ID (with or without <>), or this queue id.

    `lines` is the log in its order, of one or several hosts.  What a filter re-injects,
    what another server queues and what a bounce sends belong to it.  An unknown
    message has no stops.  Raises UsageError unless exactly one of the two is given.
    """
    wanted = message_id.strip().removeprefix("<").removesuffix(">")
    if bool(wanted) == bool(queue_id):
        raise UsageError("dialogue.journey-whose")
    log = _Log([line if isinstance(line, LogLine) else parse_line(line) for line in lines])
    lives, ids = log.related(wanted, queue_id)
    stops = tuple(
        Stop(kind, line)
        for at, line in enumerate(log.lines)
        if (log.lives[at] in lives or _message_ids(line) & ids) and (kind := _kind(line))
    )
    queue_ids = dict.fromkeys(stop.line.queue_id for stop in stops if stop.line.queue_id)
    return Journey(stops, wanted or log.message_id(lives), tuple(queue_ids))


def _message_ids(line: LogLine) -> set[str]:
    """The message ids by which a line of another program than Postfix names the message."""
    names = (line.fields.get(key, "") for key in ("msgid", "Message-ID"))
    return {name for name in names if name}


def _kind(line: LogLine) -> StopKind | None:
    fields = line.fields
    if found := _STATUSES.get(fields.get("status", "")) or _ACTIONS.get(fields.get("action", "")):
        return found
    if "expired" in fields.get("status", ""):
        return StopKind.BOUNCED
    if "message-id" in fields:
        return StopKind.CLEANUP
    if "notification" in fields:
        return StopKind.NOTIFIED
    if "verdict" in fields:
        return StopKind.FILTERED
    if line.service == "qmgr" and "nrcpt" in fields:
        return StopKind.QUEUED
    if line.queue_id and (("client" in fields and "action" not in fields) or "uid" in fields):
        return StopKind.RECEIVED
    return None


class _Log:
    """The parsed lines, each with the life of the queue id that it speaks of."""

    def __init__(self, lines: list[LogLine]) -> None:
        self.lines = lines
        self.lives: list[_Life | None] = []
        self._begins: dict[str, list[tuple[int, _Life]]] = {}
        count: dict[tuple[str, str], int] = {}
        for at, line in enumerate(lines):
            key = (line.instance, line.queue_id)
            life = (*key, count.setdefault(key, 0)) if line.queue_id else None
            self.lives.append(life)
            if life:
                begun = self._begins.setdefault(line.queue_id, [])
                if life not in {one for _, one in begun[-8:]}:
                    begun.append((at, life))
            if line.fields.get("action") == "removed":
                count[key] += 1

    def related(self, message_id: str, queue_id: str) -> tuple[set[_Life], set[str]]:
        """The lives of the message asked for and of what came of it; all their message ids."""
        lives = {life for _, life in self._begins.get(queue_id, [])[-1:]}
        ids = {message_id} if message_id else set()
        known = -1
        while known != (known := len(lives) + len(ids)):
            for at, line in enumerate(self.lines):
                self._follow(at, line, lives, ids)
        return lives, ids

    def _follow(self, at: int, line: LogLine, lives: set[_Life], ids: set[str]) -> None:
        life, own = self.lives[at], line.fields.get("message-id", "")
        if life and own in ids:
            lives.add(life)
        if life not in lives and not _message_ids(line) & ids:
            return
        if own:
            ids.add(own)
        for key in ("queued_as", "notification", "Queue-ID"):
            if other := self._life_at(line.fields.get(key, ""), at):
                lives.add(other)

    def _life_at(self, queue_id: str, at: int) -> _Life | None:
        """The life of `queue_id` that line `at` speaks of: the last begun, else the next."""
        begun = self._begins.get(queue_id, [])
        if not begun:
            return None
        index = bisect_right([start for start, _ in begun], at) - 1
        return begun[max(index, 0)][1]

    def message_id(self, lives: set[_Life]) -> str:
        """The first message id of these lives."""
        for at, line in enumerate(self.lines):
            if self.lives[at] in lives and "message-id" in line.fields:
                return line.fields["message-id"]
        return ""
