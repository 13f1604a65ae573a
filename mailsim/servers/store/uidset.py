"""Sets of UIDs as text: `2,4:7,9`, as IMAP writes them (RFC 3501 §9, sequence-set)."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator


def written(uids: Iterable[int]) -> str:
    """The set of ascending UIDs as text."""
    return ",".join(
        str(first) if first == last else f"{first}:{last}" for first, last in runs(uids)
    )


def read(text: str) -> Iterator[tuple[int, int]]:
    """The runs of such a text."""
    for part in text.split(",") if text else ():
        first, _, last = part.partition(":")
        yield int(first), int(last or first)


def runs(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and last UID of each run of neighbours."""
    first = last = 0
    for uid in uids:
        if uid != last + 1 or not last:
            if last:
                yield first, last
            first = uid
        last = uid
    if last:
        yield first, last


def uids(runs: Iterable[tuple[int, int]]) -> Iterator[int]:
    """The UIDs of these runs, ascending; no two runs overlap."""
    for first, last in sorted(runs):
        yield from range(first, last + 1)


def all_but(gone: Iterable[tuple[int, int]], uid_next: int) -> array[int]:
    """The UIDs from 1 to before `uid_next` that are in none of the runs."""
    left = array("I")
    begin = 1
    for first, last in sorted(gone):
        left.extend(range(begin, first))
        begin = max(begin, last + 1)
    left.extend(range(begin, uid_next))
    return left
