"""An expression as an automaton, and how it runs over a value."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from mailsim.protocol.sieve.regex.expression import (
    WORD,
    At,
    Either,
    Group,
    Octets,
    Reader,
    RegexError,
    Repeat,
    Sequence,
    Tree,
)

MAX_SIZE: Final = 3000
"""States of one automaton."""
_MAX_KEPT: Final = 12_500
"""States of the sets that one automaton remembers."""

_WITH_GROUPS: Final = 5
"""How much more it costs to follow a state when groups are kept."""

Span = tuple[int, int]
_Caps = tuple[int, ...]


class _State:
    """A state: takes an octet of a set, or holds without one; goes on to `out`."""

    __slots__ = ("at", "number", "octets", "out", "save")

    def __init__(
        self,
        number: int,
        *,
        octets: frozenset[int] | None = None,
        at: At | None = None,
        save: int = -1,
    ) -> None:
        self.number = number
        self.octets = octets
        self.at = at
        self.save = save
        self.out: list[int] = []


class _Builder:
    """Lays the states of a tree one behind the other (Thompson's construction)."""

    def __init__(self) -> None:
        self.states: list[_State] = []

    def state(
        self, *, octets: frozenset[int] | None = None, at: At | None = None, save: int = -1
    ) -> _State:
        if len(self.states) >= MAX_SIZE:
            raise RegexError("sieve.regex-too-big")
        made = _State(len(self.states), octets=octets, at=at, save=save)
        self.states.append(made)
        return made

    def add(self, tree: Tree, into: _State) -> _State:
        """Let `tree` follow `into`; returns the state behind it."""
        match tree:
            case Octets(octets):
                return self._link(into, self.state(octets=octets))
            case At():
                return self._link(into, self.state(at=tree))
            case Group(number, inner):
                start = self._link(into, self.state(save=2 * number))
                return self._link(self.add(inner, start), self.state(save=2 * number + 1))
            case Sequence(items):
                for item in items:
                    into = self.add(item, into)
                return into
            case Either(branches):
                end = self.state()
                for branch in branches:
                    self.add(branch, self._link(into, self.state())).out.append(end.number)
                return end
            case Repeat(inner, least, most):
                return self._repeat(inner, least, most, into)

    def _repeat(self, inner: Tree, least: int, most: int | None, into: _State) -> _State:
        for _ in range(least):
            into = self.add(inner, into)
        if most is None:
            loop = self._link(into, self.state())
            self.add(inner, self._link(loop, self.state())).out.append(loop.number)
            return self._link(loop, self.state())
        ends = []
        for _ in range(most - least):
            # A state that takes an octet goes on to one other alone: the choice has its own.
            choice = self._link(into, self.state())
            ends.append(choice)
            into = self.add(inner, self._link(choice, self.state()))
        end = self._link(into, self.state())
        for one in ends:
            one.out.append(end.number)
        return end

    @staticmethod
    def _link(before: _State, behind: _State) -> _State:
        before.out.append(behind.number)
        return behind


class Regex:
    """A compiled expression.

    `search(value, charge)` gives the spans of the whole match and of each group: leftmost, then
    longest; among equal ones, as the C library has it, the first alternative and the greediest
    repetition win.  (-1, -1) stands for a group without a match.  `charge(n)` is told of the work, and may raise.
    `cost` is what it took to make: its states, or its atoms where they are more.
    """

    __slots__ = ("_cache", "_kept", "_plain", "_size", "_start", "_states", "cost", "groups")

    def __init__(self, source: bytes, *, fold: bool) -> None:
        reader = Reader(source, fold=fold)
        tree = reader.read()
        builder = _Builder()
        start = builder.state(save=0)
        end = builder.add(tree, start)
        end.out.append(builder.state(save=1).number)
        self.groups = reader.groups
        self._states = builder.states
        self.cost = max(len(builder.states), reader.atoms)
        self._start = start.number
        self._size = 2 * (reader.groups + 1)
        ats = {state.at for state in builder.states}
        self._plain = ats <= {None, At.START, At.END}
        self._cache: dict[tuple[frozenset[int], int], frozenset[int]] = {}
        self._kept = 0

    def test(self, value: bytes, charge: Callable[[int], None]) -> bool:
        """Whether it matches anywhere."""
        if not self._plain:
            return self._spans(value, charge) is not None
        charge(len(value) + 1)
        final = len(self._states) - 1
        states = self._closed({self._start}, start=True, end=not value)
        if final in states:
            return True
        restart = self._closed({self._start}, start=False, end=False)
        step = self._cache.get
        last = len(value) - 1
        for at, octet in enumerate(value):
            if at == last:
                states = self._after(states, octet, frozenset((self._start,)), end=True)
            else:
                followed = step((states, octet))
                if followed is None:
                    charge(len(states))
                    followed = self._after(states, octet, restart, end=False)
                    self._keep(states, octet, followed)
                states = followed
            if final in states:
                return True
        return False

    def _keep(self, states: frozenset[int], octet: int, followed: frozenset[int]) -> None:
        """Remember a step; everything is forgotten when that is too much."""
        self._kept += len(followed) + 1
        if self._kept > _MAX_KEPT:
            self._cache.clear()
            self._kept = len(followed) + 1
        self._cache[states, octet] = followed

    def _after(
        self, states: frozenset[int], octet: int, restart: frozenset[int], *, end: bool
    ) -> frozenset[int]:
        taken = {
            self._states[one].out[0]
            for one in states
            if (octets := self._states[one].octets) is not None and octet in octets
        }
        return self._closed(taken | restart, start=False, end=end)

    def _closed(
        self, states: set[int] | frozenset[int], *, start: bool, end: bool
    ) -> frozenset[int]:
        """What is reached without an octet."""
        reached: set[int] = set()
        stack = list(states)
        while stack:
            number = stack.pop()
            if number in reached:
                continue
            reached.add(number)
            state = self._states[number]
            if state.octets is not None or (state.at is At.START and not start):
                continue
            if state.at is At.END and not end:
                continue
            stack.extend(state.out)
        return frozenset(reached)

    # --- with groups

    def search(self, value: bytes, charge: Callable[[int], None]) -> tuple[Span, ...] | None:
        """The spans of the match and of its groups, or None."""
        if self._plain and not self.test(value, charge):
            return None
        caps = self._spans(value, charge)
        if caps is None:
            return None
        return tuple(
            (caps[at], caps[at + 1]) if caps[at + 1] >= 0 else (-1, -1)
            for at in range(0, self._size, 2)
        )

    def _spans(self, value: bytes, charge: Callable[[int], None]) -> _Caps | None:
        best: _Caps | None = None
        threads: dict[int, _Caps] = {}
        final = len(self._states) - 1
        empty = (-1,) * self._size
        for at in range(len(value) + 1):
            if best is None:
                threads.setdefault(self._start, empty)
            elif not threads:
                break
            reached = self._follow(threads, value, at)
            charge(_WITH_GROUPS * (len(reached) + 1))
            if (found := reached.get(final)) and (best is None or _better(found, best)):
                best = found
            threads = {}
            if at == len(value):
                break
            octet = value[at]
            for number, caps in reached.items():
                state = self._states[number]
                if state.octets is None or octet not in state.octets:
                    continue
                if best is not None and caps[0] > best[0]:
                    continue
                out = state.out[0]
                if out not in threads or _better(caps, threads[out]):
                    threads[out] = caps
        return best

    def _follow(self, threads: dict[int, _Caps], value: bytes, at: int) -> dict[int, _Caps]:
        reached: dict[int, _Caps] = {}
        stack = list(threads.items())[::-1]
        while stack:
            number, caps = stack.pop()
            state = self._states[number]
            if state.save >= 0:
                caps = (*caps[: state.save], at, *caps[state.save + 1 :])
            known = reached.get(number)
            if known is not None and not _better(caps, known):
                continue
            reached[number] = caps
            if state.octets is None and (state.at is None or _holds(state.at, value, at)):
                stack.extend((one, caps) for one in reversed(state.out))
        return reached


def _better(left: _Caps, right: _Caps) -> bool:
    """Whether `left` is the match to be kept: an earlier start, then a later end."""
    if left[0] != right[0]:
        return left[0] < right[0]
    return left[1] > right[1]


def _holds(at: At, value: bytes, place: int) -> bool:
    if at is At.START:
        return place == 0
    if at is At.END:
        return place == len(value)
    before = place > 0 and value[place - 1] in WORD
    behind = place < len(value) and value[place] in WORD
    match at:
        case At.WORD_START:
            return behind and not before
        case At.WORD_END:
            return before and not behind
        case At.BOUNDARY:
            return before != behind
        case _:
            return before == behind


_KEPT: Final[OrderedDict[tuple[bytes, bool], Regex]] = OrderedDict()
_MOST_KEPT: Final = 128


def _free(_cost: int) -> None:
    """Nobody asks for the price."""


def compile_regex(source: bytes, *, fold: bool, charge: Callable[[int], None] = _free) -> Regex:
    """The automaton of an expression; the last ones are kept.

    `charge(cost)` is told of the work, if there was any, and may raise; an expression that is
    none costs what the largest would.  Raises RegexError.
    """
    if made := _KEPT.get((source, fold)):
        _KEPT.move_to_end((source, fold))
        return made
    try:
        made = Regex(source, fold=fold)
    except RegexError:
        charge(MAX_SIZE)
        raise
    charge(made.cost)
    _KEPT[source, fold] = made
    if len(_KEPT) > _MOST_KEPT:
        _KEPT.popitem(last=False)
    return made
