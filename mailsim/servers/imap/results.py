"""What SEARCH and SORT answer: numbers, or what RETURN asks for (RFC 4731, RFC 5267)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsim.servers.imap import replies
from mailsim.servers.imap.command import Asked
from mailsim.servers.imap.strings import string
from mailsim.servers.imap.words import Kind, Word
from mailsim.servers.store.uidset import written

if TYPE_CHECKING:
    from mailsim.servers.imap.view import View
    from mailsim.servers.store.values import Message

_OPTIONS: Final = frozenset({"MIN", "MAX", "ALL", "COUNT", "SAVE", "CONTEXT", "UPDATE"})
_PARTIAL: Final = re.compile(r"([1-9][0-9]{0,9}):([1-9][0-9]{0,9})")


@dataclass(frozen=True, slots=True)
class Returns:
    """The result options; `options` None where none were given."""

    options: frozenset[str] | None = None
    partial: tuple[int, int] | None = None

    def __contains__(self, name: str) -> bool:
        return self.options is not None and name in self.options

    @property
    def told(self) -> frozenset[str]:
        """What is told: ALL where nothing else is asked for (RFC 4731 §3.1)."""
        options = self.options or frozenset()
        shown = options & {"MIN", "MAX", "ALL", "COUNT"}
        silent = options & {"SAVE", "CONTEXT", "UPDATE"} or self.partial
        return shown if shown or silent else frozenset({"ALL"})


def read_returns(asked: Asked) -> tuple[Returns, tuple[Word, ...]]:
    """The options of RETURN, and the words behind them.  Raises RefusedError."""
    words = asked.words
    if len(words) < 2 or words[0].atom != "RETURN" or words[1].kind is not Kind.LIST:
        return Returns(), words
    given = list(words[1].words)
    options, partial = set(), None
    while given:
        name = given.pop(0).atom
        if name == "PARTIAL":
            partial = _partial(asked, given)
        elif name in _OPTIONS:
            options.add(str(name))
        else:
            raise asked.refused(replies.SEARCH_RETURN)
    return Returns(frozenset(options), partial), words[2:]


def _partial(asked: Asked, given: list[Word]) -> tuple[int, int]:
    """partial-range = nz-number ":" nz-number   ; RFC 5267 §4.4"""
    match = _PARTIAL.fullmatch((given.pop(0).atom or "") if given else "")
    if not match:
        raise asked.refused(replies.PARTIAL_RANGE)
    first, last = sorted((int(match[1]), int(match[2])))
    return first, last


class Results:
    """What was found, in the order in which it is told."""

    def __init__(self, view: View, asked: Asked, messages: Sequence[Message]) -> None:
        self._asked = asked
        self.messages = messages
        self.numbers = [one.uid if asked.uid else view.number(one.uid) for one in messages]

    def plain(self, *, modseq: bool) -> bytes:
        """`* SEARCH 2 3 (MODSEQ 5)`"""
        name = b"SORT" if self._asked.name.endswith("SORT") else b"SEARCH"
        numbers = "".join([f" {one}" for one in self.numbers]).encode()
        highest = b" (MODSEQ %d)" % self._highest(self.messages) if modseq and numbers else b""
        return b"* %b%b%b\r\n" % (name, numbers, highest)

    def extended(self, returns: Returns, *, modseq: bool) -> bytes:
        """`* ESEARCH (TAG "a1") UID COUNT 3`, in Dovecot's order."""
        told, numbers = returns.told, self.numbers
        items = []
        if "MIN" in told and numbers:
            items.append(f"MIN {numbers[0]}")
        if "MAX" in told and numbers:
            items.append(f"MAX {numbers[-1]}")
        if "ALL" in told and numbers:
            items.append(f"ALL {in_order(numbers)}")
        if returns.partial:
            items.append(self._partial(*returns.partial))
        if "COUNT" in told:
            items.append(f"COUNT {len(numbers)}")
        if modseq and numbers:
            items.append(f"MODSEQ {self._highest(self._shown(told))}")
        return esearch(self._asked, items)

    def _partial(self, first: int, last: int) -> str:
        shown = self.numbers[first - 1 : last]
        return f"PARTIAL ({first}:{last} {in_order(shown) if shown else 'NIL'})"

    def _shown(self, told: frozenset[str]) -> Sequence[Message]:
        """The messages whose mod-sequence counts: with MIN and MAX alone those two (RFC 7162 §3.1.10)."""
        if not told or told - {"MIN", "MAX"}:
            return self.messages
        ends = [self.messages[0]] if "MIN" in told else []
        return [*ends, self.messages[-1]] if "MAX" in told else ends

    @staticmethod
    def _highest(messages: Sequence[Message]) -> int:
        return max(one.modseq for one in messages)

    def saved(self, returns: Returns) -> list[int]:
        """What "$" stands for: MIN and MAX alone save those (RFC 5182 §2.4)."""
        told = returns.told
        if not told or told - {"MIN", "MAX"}:
            return sorted(one.uid for one in self.messages)
        return sorted({one.uid for one in self._shown(told)}) if self.messages else []


def esearch(asked: Asked, items: Sequence[str]) -> bytes:
    """esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)"""
    uid = b" UID" if asked.uid else b""
    told = "".join([f" {item}" for item in items]).encode()
    return b"* ESEARCH (TAG %b)%b%b\r\n" % (string(asked.tag.encode()), uid, told)


def in_order(numbers: Sequence[int]) -> str:
    """A set of numbers in the order in which they are, as ESORT tells them (RFC 5267 §3)."""
    return written(numbers)
