"""Sets of message numbers or unique identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from mailsim.errors import UsageError

MAX_NUMBER: Final = 2**32 - 1
_ITEM = r"(?:\*|[1-9][0-9]{0,9})(?::(?:\*|[1-9][0-9]{0,9}))?"
_SET = re.compile(rf"\$|{_ITEM}(?:,{_ITEM})*")


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """A set as it is written: "1:4,7,*", or "$" for the result of the last search.

        sequence-set = (seq-number / seq-range) ["," sequence-set]
        sequence-set =/ "$"                          ; RFC 5182, RFC 9051 §9

    Never expanded on its own: "1:4294967295" is eleven octets.  Raises
    UsageError for anything else.
    """

    text: str

    def __post_init__(self) -> None:
        if not _SET.fullmatch(self.text) or not all(
            int(n) <= MAX_NUMBER for n in re.findall("[0-9]+", self.text)
        ):
            raise UsageError("imap.not-a-sequence-set", text=self.text)

    @classmethod
    def of(cls, value: int | str | SequenceSet | Iterable[int]) -> SequenceSet:
        """A set from a number, its text, several numbers, or a set itself."""
        if isinstance(value, SequenceSet):
            return value
        if isinstance(value, (int, str)):
            return cls(str(value))
        return cls(",".join(map(str, value)))

    def ranges(self, largest: int) -> Iterator[tuple[int, int]]:
        """(first, last) of each part, first <= last, with `*` read as `largest`.

        "2:4 and 4:2 are equivalent" (RFC 3501 §9, seq-range).  "$" has none of its own.
        """
        for item in () if self.text == "$" else self.text.split(","):
            ends = [largest if end == "*" else int(end) for end in item.split(":")]
            yield min(ends), max(ends)

    def contains(self, number: int, largest: int) -> bool:
        """Whether `number` is in the set of a mailbox whose largest number is `largest`."""
        return any(first <= number <= last for first, last in self.ranges(largest))

    def count(self) -> int:
        """How many numbers the set names, repetitions counted; `*` counts as one."""
        return sum(last - first + 1 for first, last in self.ranges(MAX_NUMBER))

    def __str__(self) -> str:
        return self.text
