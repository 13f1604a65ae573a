"""Comparators (RFC 4790) and match types (RFC 5228 §2.7) on octets."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

Relation = Callable[[int, int], bool]
RELATIONS: Final[dict[str, Relation]] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
    "eq": operator.eq,
    "ne": operator.ne,
}
OCTET: Final = "i;octet"
CASEMAP: Final = "i;ascii-casemap"
NUMERIC: Final = "i;ascii-numeric"
COMPARATORS: Final = (OCTET, CASEMAP, NUMERIC)
SUBSTRING: Final = (OCTET, CASEMAP)
"""Those that can compare parts of strings."""

_SHORT: Final = 500
_DIGITS = re.compile(rb"[0-9]+")


def order(comparator: str, left: bytes, right: bytes) -> int:
    """Below 0, 0 or above 0, as `left` comes before, with or behind `right`."""
    if comparator == CASEMAP:
        # RFC 4790 §9.2.1: lower case counts as upper case; bytes.upper knows ASCII alone.
        left, right = left.upper(), right.upper()
    elif comparator == NUMERIC:
        return _numeric(left, right)
    return (left > right) - (left < right)


def _numeric(left: bytes, right: bytes) -> int:
    """What does not begin with a digit is positive infinity (RFC 4790 §9.1.1)."""
    first, second = _number(left), _number(right)
    if first is None or second is None:
        return (first is None) - (second is None)
    return (first > second) - (first < second)


def _number(text: bytes) -> tuple[int, bytes] | None:
    match = _DIGITS.match(text)
    if match is None:
        return None
    digits = match[0].lstrip(b"0")
    return len(digits), digits


def same(comparator: str, left: bytes, right: bytes) -> bool:
    """Whether the comparator finds them equal: ":is"."""
    return order(comparator, left, right) == 0


def contains(comparator: str, value: bytes, key: bytes) -> bool:
    """Whether `key` is somewhere in `value`: ":contains"."""
    if comparator == CASEMAP:
        return key.lower() in value.lower()
    return key in value


_ATOM = re.compile(rb"\\(.)|([*?])|\\$|([^\\*?]+)", re.DOTALL)


class _Piece:
    """A pattern's part between stars: literal runs at their offsets, and holes for any octet."""

    __slots__ = ("_runs", "holes", "size", "weight")

    def __init__(self, atoms: list[bytes | None]) -> None:
        self._runs: list[tuple[int, bytes]] = []
        self.holes: list[int] = []
        at = 0
        pending: list[bytes] = []
        for atom in [*atoms, None]:
            if atom is not None:
                pending.append(atom)
                continue
            if run := b"".join(pending):
                self._runs.append((at, run))
                at += len(run)
            pending = []
            self.holes.append(at)
            at += 1
        self.holes.pop()
        self.size = at - 1
        self.weight = 1 + (len(self._runs) if self.holes else 0)

    def stands(self, value: bytes, at: int) -> bool:
        """Whether it matches at `at`."""
        if at + self.size > len(value):
            return False
        return all(value.startswith(run, at + offset) for offset, run in self._runs)

    def find(self, value: bytes, at: int) -> int:
        """Where it matches first from `at` on, or -1."""
        if not self._runs:
            return at if at + self.size <= len(value) else -1
        offset, run = self._runs[0]
        while (found := value.find(run, at + offset)) >= 0:
            at = found - offset
            if self.stands(value, at):
                return at
            at += 1
        return -1

    def taken(self, value: bytes, at: int) -> list[bytes]:
        """What stands in its holes."""
        return [value[at + hole : at + hole + 1] for hole in self.holes]


class Pattern:
    """A pattern of ":matches": "*" any octets, "?" one, a backslash makes the next one plain.

    RFC 5228 §2.7.1; "?" is one octet, for so these comparators define a character.  Each "*"
    takes as little as it can, so that no octet is looked at again for each star before it: the
    time is at worst the value's length times `weight`.
    """

    __slots__ = ("_fold", "_pieces", "weight")

    def __init__(self, pattern: bytes, *, fold: bool) -> None:
        atoms: list[list[bytes | None]] = [[]]
        for plain, wild, run in _ATOM.findall(pattern.lower() if fold else pattern):
            if wild == b"*":
                atoms.append([])
            else:
                atoms[-1].append(None if wild else plain or run)
        self._pieces = [_Piece(one) for one in atoms]
        self._fold = fold
        self.weight = max(piece.weight for piece in self._pieces)

    def match(self, value: bytes) -> tuple[bytes, ...] | None:
        """The whole value, then what each wildcard took; None: no match."""
        folded = value.lower() if self._fold else value
        first, last = self._pieces[0], self._pieces[-1]
        if not first.stands(folded, 0):
            return None
        found, at = first.taken(value, 0), first.size
        if len(self._pieces) == 1:
            return (value, *found) if at == len(value) else None
        for piece in self._pieces[1:-1]:
            start = piece.find(folded, at)
            if start < 0:
                return None
            found += (value[at:start], *piece.taken(value, start))
            at = start + piece.size
        start = len(value) - last.size
        if start < at or not last.stands(folded, start):
            return None
        return (value, *found, value[at:start], *last.taken(value, start))


def pattern(key: bytes, *, fold: bool) -> Pattern:
    """The pattern of a key; a short one is made once."""
    return _kept(key, fold=fold) if len(key) <= _SHORT else Pattern(key, fold=fold)


@lru_cache(maxsize=256)
def _kept(key: bytes, *, fold: bool) -> Pattern:
    return Pattern(key, fold=fold)
