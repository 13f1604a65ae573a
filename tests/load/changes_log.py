"""What imap_changes.py wrote down, and what may be in the mailboxes after it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

BOXES = ("INBOX", "Trash")
_TARGET = {"append": "INBOX", "copy": "Trash", "move": "Trash"}


class Found(NamedTuple):
    """A message, as the store or the server tells of it."""

    uid: int
    name: str
    flags: frozenset[str]
    modseq: int


@dataclass(frozen=True)
class Kept:
    """A mailbox as it was found."""

    messages: list[Found]
    uid_next: int
    uid_validity: int
    highest_modseq: int


class State(NamedTuple):
    """How often a message is there, and how it is marked in INBOX."""

    inbox: int = 0
    trash: int = 0
    flagged: bool = False
    deleted: bool = False

    def after(self, step: str) -> State:
        """What the step makes of it."""
        return {
            "append": self._replace(inbox=self.inbox + 1),
            "copy": self._replace(trash=self.trash + 1),
            "move": State(trash=self.trash + 1),
            "flag": self._replace(flagged=True),
            "unflag": self._replace(flagged=False),
            "delete": self._replace(deleted=True),
            "expunge": State(trash=self.trash),
        }[step]


def doomed(states: set[State]) -> set[State]:
    """The same; what is marked as deleted goes with anybody's EXPUNGE."""
    return states | {one.after("expunge") for one in states if one.deleted}


@dataclass
class History:
    """All that was written down, from round to round."""

    possible: dict[str, set[State]] = field(default_factory=dict)
    """In which states a message may be."""
    answered: Counter[str] = field(default_factory=Counter)
    """The steps that were answered OK."""
    _before: dict[tuple[str, str], set[State]] = field(default_factory=dict)
    _pending: list[list[str]] = field(default_factory=list)
    """The messages of APPENDs that were not answered."""
    _names: dict[tuple[str, int], str] = field(default_factory=dict)
    """Which message has, or had, a UID: no other shall ever have it."""
    _validity: dict[str, int] = field(default_factory=dict)
    _modseq: dict[str, int] = field(default_factory=dict)

    def read(self, file: Path) -> None:
        """A round's log."""
        self._pending.clear()
        for line in file.read_text("utf-8").splitlines():
            sign, step, what, *told = line.split()
            if step == "modseq":
                self._modseq[what] = max(self._modseq.get(what, 0), int(told[0]))
            elif step == "uidvalidity":
                assert self._validity.setdefault(what, int(told[0])) == int(told[0])
            elif sign == "?":
                self._begun(step, what.split(","))
            else:
                self._done(step, what.split(","), "".join(told).split(","))

    def _begun(self, step: str, names: list[str]) -> None:
        if step == "append":
            self._pending.append(names)
        for name in names:
            before = self._before[step, name] = self.possible.get(name, {State()})
            self.possible[name] = doomed(before | {one.after(step) for one in before})

    def _done(self, step: str, names: list[str], uids: list[str]) -> None:
        self.answered[step] += 1
        if step == "append":
            self._pending.remove(names)
        for name in names:
            before = self._before.pop((step, name))
            self.possible[name] = doomed({one.after(step) for one in before})
        if step in _TARGET:
            for name, uid in zip(names, uids, strict=True):
                self._belongs(_TARGET[step], int(uid), name)

    def _belongs(self, box: str, uid: int, name: str) -> None:
        assert self._names.setdefault((box, uid), name) == name, f"{box} {uid} was used twice"

    # what must be true of the mailboxes

    def check(self, kept: dict[str, Kept]) -> None:
        """Nothing is lost, doubled, half done, or numbered anew."""
        for box, one in kept.items():
            self._check_numbers(box, one)
        found = states(kept)
        assert found.keys() <= self.possible.keys()
        for name, possible in self.possible.items():
            assert found.get(name, State()) in possible, name
        for names in self._pending:  # RFC 3502: all of them or none
            assert len({found.get(name, State()).inbox for name in names}) == 1, names
        # What was in doubt is known now.
        self.possible = {name: doomed({found.get(name, State())}) for name in self.possible}
        self._before.clear()

    def _check_numbers(self, box: str, kept: Kept) -> None:
        for one in kept.messages:
            self._belongs(box, one.uid, one.name)
        assert kept.uid_next > max((uid for name, uid in self._names if name == box), default=0)
        assert self._validity.setdefault(box, kept.uid_validity) == kept.uid_validity
        assert kept.highest_modseq >= self._modseq.get(box, 0)
        assert all(one.modseq <= kept.highest_modseq for one in kept.messages)
        self._modseq[box] = kept.highest_modseq


def states(kept: dict[str, Kept]) -> dict[str, State]:
    """The state of each message that is anywhere."""
    counts = {box: Counter(one.name for one in kept[box].messages) for box in BOXES}
    flags = {one.name: one.flags for one in kept["INBOX"].messages}
    return {
        name: State(
            counts["INBOX"][name],
            counts["Trash"][name],
            "\\Flagged" in flags.get(name, ()),
            "\\Deleted" in flags.get(name, ()),
        )
        for name in counts["INBOX"] | counts["Trash"]
    }
