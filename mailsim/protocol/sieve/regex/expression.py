"""Reads an expression (POSIX ERE, with the C library's backslashes)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from mailsim.protocol.sieve.complaint import Term

MAX_DEPTH: Final = 100
MAX_REPEAT: Final = 1000
MAX_ATOMS: Final = 3000
_ALL: Final = frozenset(range(256))
_REPEATS: Final = frozenset(b"*+?{")
_NAMED: Final = frozenset(b":.=")
_ANY: Final = _ALL - {0}
_DIGIT: Final = frozenset(b"0123456789")
_LOWER: Final = frozenset(range(0x61, 0x7B))
_UPPER: Final = frozenset(range(0x41, 0x5B))
_SPACE: Final = frozenset(b" \t\n\v\f\r")
_PRINT: Final = frozenset(range(0x20, 0x7F))
_ALNUM: Final = _DIGIT | _LOWER | _UPPER
WORD: Final = _ALNUM | {0x5F}
_CLASSES: Final = {
    b"alpha": _LOWER | _UPPER, b"digit": _DIGIT, b"alnum": _ALNUM, b"lower": _LOWER,
    b"upper": _UPPER, b"space": _SPACE, b"blank": frozenset(b" \t"), b"print": _PRINT,
    b"graph": _PRINT - {0x20}, b"punct": _PRINT - _ALNUM - {0x20},
    b"cntrl": frozenset((*range(0x20), 0x7F)), b"xdigit": frozenset(b"0123456789abcdefABCDEF"),
}  # fmt: skip


_REASONS: Final = {
    "sieve.regex-preceding": "invalid preceding regular expression",
    "sieve.regex-too-big": "regular expression too big",
    "sieve.regex-budget": "memory exhausted",
    "sieve.regex-brace": "unmatched \\{",
    "sieve.regex-bounds": "invalid content of \\{\\}",
    "sieve.regex-group": "unmatched ( or \\(",
    "sieve.regex-backslash": "trailing backslash",
    "sieve.regex-back-reference": "back references are not supported",
    "sieve.regex-bracket": "unmatched [, [^, [:, [., or [=",
    "sieve.regex-range": "invalid range end",
    "sieve.regex-class": "invalid character class name",
    "sieve.regex-collation": "invalid collation character",
}


class RegexError(Exception):
    """No expression; `reason` says why, and as the C library's regerror() says it."""

    def __init__(self, message_id: str, **params: str) -> None:
        super().__init__(message_id)
        said = _REASONS[message_id].replace("{", "{{").replace("}", "}}")
        self.reason = Term(message_id, said, tuple(params.items()))


class At(Enum):
    """An assertion about a place."""

    START = "^"
    END = "$"
    WORD_START = "\\<"
    WORD_END = "\\>"
    BOUNDARY = "\\b"
    INSIDE = "\\B"


@dataclass(frozen=True, slots=True)
class Octets:
    """One octet of a set."""

    octets: frozenset[int]


@dataclass(frozen=True, slots=True)
class Group:
    """A subexpression, whose match is kept under `number`."""

    number: int
    inner: Tree


@dataclass(frozen=True, slots=True)
class Repeat:
    """`inner` `least` to `most` times; None: without end."""

    inner: Tree
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Sequence:
    """One behind the other."""

    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of them."""

    branches: tuple[Tree, ...]


Tree: TypeAlias = At | Octets | Group | Repeat | Sequence | Either

_ESCAPES: Final[dict[int, Tree]] = {
    ord("w"): Octets(WORD), ord("W"): Octets(_ALL - WORD),
    ord("s"): Octets(_SPACE), ord("S"): Octets(_ALL - _SPACE),
    ord("b"): At.BOUNDARY, ord("B"): At.INSIDE, ord("<"): At.WORD_START, ord(">"): At.WORD_END,
    ord("`"): At.START, ord("'"): At.END,
}  # fmt: skip


class Reader:
    """ERE = branch *("|" branch)"""

    def __init__(self, source: bytes, *, fold: bool) -> None:
        self._source = source
        self._fold = fold
        self._at = 0
        self._depth = 0
        self.atoms = 0
        self.groups = 0

    def read(self) -> Tree:
        """The whole expression."""
        return self._either()

    def _peek(self) -> int:
        return self._source[self._at] if self._at < len(self._source) else -1

    def _either(self) -> Tree:
        branches = [self._branch()]
        while self._peek() == ord("|"):
            self._at += 1
            branches.append(self._branch())
        return branches[0] if len(branches) == 1 else Either(tuple(branches))

    def _branch(self) -> Tree:
        """branch = *piece"""
        items: list[Tree] = []
        while (octet := self._peek()) >= 0 and octet != ord("|"):
            # A ")" that nothing opened is an ordinary character there.
            if octet == ord(")") and self._depth:
                break
            items.append(self._piece(first=not items))
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _piece(self, *, first: bool) -> Tree:
        """piece = atom *("*" / "+" / "?" / "{" bounds "}")"""
        if self._peek() in _REPEATS - {0x7B} or (self._peek() == ord("{") and first):
            raise RegexError("sieve.regex-preceding")
        self._count()
        tree = self._atom()
        repeats = 0
        while (octet := self._peek()) in _REPEATS:
            repeats += 1
            if repeats > MAX_DEPTH:
                raise RegexError("sieve.regex-too-big")
            self._at += 1
            least, most = self._bounds(octet)
            tree = Repeat(tree, least, most)
        return tree

    def _count(self) -> None:
        """An atom more, or a member of a bracket, which may be a long range."""
        self.atoms += 1
        if self.atoms > MAX_ATOMS:
            raise RegexError("sieve.regex-too-big")

    def _bounds(self, octet: int) -> tuple[int, int | None]:
        if octet != ord("{"):
            return {ord("*"): (0, None), ord("+"): (1, None), ord("?"): (0, 1)}[octet]
        end = self._source.find(b"}", self._at)
        if end < 0:
            raise RegexError("sieve.regex-brace")
        low, comma, high = self._source[self._at : end].partition(b",")
        self._at = end + 1
        if not (low.isdigit() or (not low and comma)) or (high and not high.isdigit()):
            raise RegexError("sieve.regex-bounds")
        if len(low) > 6 or len(high) > 6:
            raise RegexError("sieve.regex-too-big")
        least = int(low or b"0")
        most = int(high) if high else None if comma else least
        if most is not None and least > most:
            raise RegexError("sieve.regex-bounds")
        if max(least, most or 0) > MAX_REPEAT:
            raise RegexError("sieve.regex-too-big")
        return least, most

    def _atom(self) -> Tree:
        octet = self._peek()
        self._at += 1
        if octet == ord("("):
            return self._group()
        if octet == ord("["):
            return Octets(self._cased(self._bracket()))
        if octet == ord("."):
            return Octets(_ANY)
        if octet == ord("^"):
            return At.START
        if octet == ord("$"):
            return At.END
        if octet == ord("\\"):
            return self._escape()
        return Octets(self._cased({octet}))

    def _group(self) -> Tree:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RegexError("sieve.regex-too-big")
        self.groups += 1
        number = self.groups
        inner = self._either()
        if self._peek() != ord(")"):
            raise RegexError("sieve.regex-group")
        self._at += 1
        self._depth -= 1
        return Group(number, inner)

    def _escape(self) -> Tree:
        octet = self._peek()
        if octet < 0:
            raise RegexError("sieve.regex-backslash")
        self._at += 1
        if ord("1") <= octet <= ord("9"):
            raise RegexError("sieve.regex-back-reference")
        return _ESCAPES.get(octet) or Octets(self._cased({octet}))

    def _cased(self, octets: set[int] | frozenset[int]) -> frozenset[int]:
        if not self._fold:
            return frozenset(octets)
        upper = {one - 32 for one in octets if one in _LOWER}
        return frozenset(octets | upper | {one + 32 for one in octets if one in _UPPER})

    # --- brackets

    def _bracket(self) -> set[int]:
        """bracket = "[" ["^"] 1*(class / equivalence / range / octet) "]" """
        negated = self._peek() == ord("^")
        self._at += negated
        octets: set[int] = set()
        first = True
        while first or self._peek() != ord("]"):
            octets |= self._member()
            first = False
        self._at += 1
        if not negated:
            return octets
        return set(_ALL - self._cased(octets))

    def _member(self) -> frozenset[int] | set[int]:
        self._count()
        start = self._element()
        if not isinstance(start, int):
            return start
        if self._peek() != ord("-") or self._source[self._at + 1 : self._at + 2] in (b"]", b""):
            return {start}
        self._at += 1
        end = self._element()
        if not isinstance(end, int) or end < start:
            raise RegexError("sieve.regex-range")
        return set(range(start, end + 1))

    def _element(self) -> int | frozenset[int]:
        octet = self._peek()
        if octet < 0:
            raise RegexError("sieve.regex-bracket")
        self._at += 1
        kind = self._peek()
        if octet != ord("[") or kind not in _NAMED:
            return octet
        end = self._source.find(bytes((kind, ord("]"))), self._at + 1)
        if end < 0:
            raise RegexError("sieve.regex-bracket")
        name = self._source[self._at + 1 : end]
        self._at = end + 2
        if kind == ord(":"):
            if name not in _CLASSES:
                raise RegexError("sieve.regex-class")
            return _CLASSES[name]
        if len(name) != 1:
            raise RegexError("sieve.regex-collation")
        return name[0] if kind == ord(".") else frozenset(name)
