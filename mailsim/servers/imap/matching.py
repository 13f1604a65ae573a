"""SEARCH keys against a message (RFC 3501 §6.4.4), as Dovecot reads them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

from mailsim.servers.imap.casing import folded
from mailsim.servers.imap.headers import Header
from mailsim.servers.imap.searchable import Searchable
from mailsim.servers.store.values import Message
from mailsim.wire.imap.dates import Date
from mailsim.wire.imap.search_keys import Key, ModSeq
from mailsim.wire.imap.sequence import MAX_NUMBER, SequenceSet
from mailsim.wire.mime.charsets import codec
from mailsim.wire.mime.dates import is_day, midnight

_DAY: Final = 86400
_NEVER: Final = 2**62
# What an address field may hold that the message does not.
_FILLERS: Final = b"MISSING_MAILBOX MISSING_DOMAIN SYNTAX_ERROR INVALID_ROUTE"


class BadCharsetError(Exception):
    """The charset of a SEARCH, SORT or THREAD is not known: NO [BADCHARSET] (RFC 3501 §6.4.4)."""


class BadKeyError(Exception):
    """A search key is not text of its charset, or nothing that this server looks for."""


class Candidate:
    """A message that may match: its number in the view, what the store knows of it, its content when asked."""

    def __init__(
        self, number: int, message: Message, content: Callable[[], bytes], *, recent: bool = False
    ) -> None:
        self.number = number
        self.message = message
        self.recent = recent
        self._content = content

    @cached_property
    def text(self) -> Searchable:
        """The content, to look into."""
        return Searchable(self._content())


class Around(NamedTuple):
    """What keys mean depends on: the time, the mailbox's largest number and UID, the saved result ("$")."""

    now: float
    largest: int
    largest_uid: int
    saved: Collection[int] = ()


Test: TypeAlias = "Callable[[Candidate], bool]"


class _Check(NamedTuple):
    """A test and what it costs: 0 what the store knows, 1 the header, 2 the whole text."""

    cost: int
    test: Test


class Query:
    """The keys of a search, ready to be put to one message after another.

    Raises BadCharsetError, BadKeyError.
    """

    def __init__(self, keys: Iterable[Key], around: Around, charset: str | None = None) -> None:
        encoding = codec(charset) if charset else "utf-8"
        if encoding is None:
            raise BadCharsetError(charset)
        self._around = around
        self._encoding = encoding
        self.keys = tuple(keys)
        self._check = self._all(self.keys)

    @cached_property
    def word(self) -> bytes | None:
        """A word in capitals that the text of any message that matches must have, if there is one."""
        keys = (key for key in self.keys if key.name in ("BODY", "TEXT"))
        words = [word for key in keys if (word := _word(self._needle(str(key.arguments[0]))))]
        return max(words, key=len, default=None)

    @property
    def needs_content(self) -> bool:
        """Whether any message's content may have to be read."""
        return self._check.cost > 0

    def matches(self, candidate: Candidate) -> bool:
        """Whether all keys fit."""
        return self._check.test(candidate)

    # --- Keys made of keys --------------------------------------------------------------------

    def _all(self, keys: Iterable[Any]) -> _Check:
        checks = sorted(map(self._made, keys), key=lambda check: check.cost)
        tests = [check.test for check in checks]
        if len(checks) == 1:
            return checks[0]
        cost = max((check.cost for check in checks), default=0)
        return _Check(cost, lambda one: all(test(one) for test in tests))

    def _any(self, keys: Iterable[Any]) -> _Check:
        first, second = sorted(map(self._made, keys), key=lambda check: check.cost)
        return _Check(second.cost, lambda one: first.test(one) or second.test(one))

    def _not(self, key: Any) -> _Check:
        cost, test = self._made(key)
        return _Check(cost, lambda one: not test(one))

    def _made(self, key: Key) -> _Check:
        name = key.name
        given: Any = key.arguments
        match name:
            case "AND" | "FUZZY":  # nothing here is fuzzy (RFC 6203 leaves it to the server)
                return self._all(given)
            case "OR":
                return self._any(given)
            case "NOT":
                return self._not(given[0])
            case "SET" | "UID":
                return _Check(0, self._in_set(given[0], uid=name == "UID"))
            case _:
                return self._stored(name, given) or self._read(name, given)

    # --- What the store knows -----------------------------------------------------------------

    def _stored(self, name: str, given: Sequence[Any]) -> _Check | None:
        test = _FLAGS.get(name) or self._measured(name, given)
        return None if test is None else _Check(0, test)

    def _measured(self, name: str, given: Sequence[Any]) -> Test | None:
        value: Any = given[0] if given else None
        now = self._around.now
        match name:
            case "KEYWORD" | "UNKEYWORD":
                return _keyword(value, wanted=name == "KEYWORD")
            case "LARGER":
                return lambda one: one.message.size > value
            case "SMALLER":
                return lambda one: one.message.size < value
            case "OLDER":  # RFC 5032
                return lambda one: int(one.message.received) <= now - value
            case "YOUNGER":
                return lambda one: int(one.message.received) >= now - value
            case "MODSEQ":
                return _modseq(value)
            case "BEFORE" | "ON" | "SINCE":
                return _dated(name, value, lambda one: int(one.message.received))
            case "SAVEDBEFORE" | "SAVEDON" | "SAVEDSINCE":  # RFC 8514
                return _dated(name[5:], value, lambda one: int(one.message.saved))
            case _:
                return None

    def _in_set(self, numbers: SequenceSet, *, uid: bool) -> Test:
        if numbers.text == "$":
            saved = frozenset(self._around.saved)
            return lambda one: one.message.uid in saved
        if uid:
            holds = _holder(numbers.ranges(self._around.largest_uid))
            return lambda one: holds(one.message.uid)
        # Unlike RFC 3501 §9 (seq-range), Dovecot finds nothing for "n:*" beyond the last number.
        largest = self._around.largest
        ranges = numbers.ranges(MAX_NUMBER)
        holds = _holder((min(first, largest), last) if first == MAX_NUMBER else (first, last)
                        for first, last in ranges)  # fmt: skip
        return lambda one: holds(one.number)

    # --- What the content says ----------------------------------------------------------------

    def _read(self, name: str, given: Sequence[Any]) -> _Check:
        match name:
            case "SENTBEFORE" | "SENTON" | "SENTSINCE":
                return _Check(1, _dated(name.removeprefix("SENT"), given[0], _sent))
            case "HEADER":
                return _Check(1, self._field(given[0].lower().encode(), given[1], Header.values))
            case "SUBJECT":
                return _Check(1, self._field(b"subject", given[0], Header.packed))
            case "BCC" | "CC" | "FROM" | "TO":
                field = name.lower().encode()
                return _Check(1, self._field(field, given[0], Header.addresses))
            case "BODY":
                return _Check(2, self._texts(given[0], lambda text: text.bodies))
            case "TEXT":
                return _Check(2, self._texts(given[0], lambda text: text.texts))
            case _:
                raise BadKeyError(name)

    def _needle(self, key: str) -> str:
        octets = key.encode("utf-8", "surrogateescape")
        try:
            return folded(octets.decode(self._encoding))
        except UnicodeDecodeError:
            raise BadKeyError(key) from None

    def _field(
        self, name: bytes, key: str, values: Callable[[Header, bytes], tuple[str, ...]]
    ) -> Test:
        needle = self._needle(key)
        if not needle:
            return lambda one: name in one.text.header.fields
        word = _word(needle)
        if word is None or word in _FILLERS:
            return lambda one: any(needle in value for value in values(one.text.header, name))
        return lambda one: (
            one.text.header_may_hold(word)
            and any(needle in value for value in values(one.text.header, name))
        )

    def _texts(self, key: str, texts: Callable[[Searchable], tuple[str, ...]]) -> Test:
        needle = self._needle(key)
        if not needle:
            return lambda _: True
        word = _word(needle)
        if word is None:
            return lambda one: any(needle in text for text in texts(one.text))
        return lambda one: (
            one.text.may_hold(word) and any(needle in text for text in texts(one.text))
        )


def _word(needle: str) -> bytes | None:
    """A key of ASCII letters and digits as octets: what no fold and no quoting can stand in the middle of."""
    return needle.encode() if needle.isascii() and needle.isalnum() else None


def _has(flag: str) -> Test:
    return lambda one: flag in one.message.flags


def _lacks(flag: str) -> Test:
    return lambda one: flag not in one.message.flags


_FLAGS: Final[dict[str, Test]] = {
    "ALL": lambda _: True,
    "SAVEDATESUPPORTED": lambda _: True,
    "RECENT": lambda one: one.recent,
    "OLD": lambda one: not one.recent,
    "NEW": lambda one: one.recent and "\\Seen" not in one.message.flags,
    **{name.upper(): _has(f"\\{name}") for name in ("Answered", "Deleted", "Draft", "Flagged", "Seen")},
    **{
        f"UN{name.upper()}": _lacks(f"\\{name}")
        for name in ("Answered", "Deleted", "Draft", "Flagged", "Seen")
    },
}  # fmt: skip


def _keyword(name: str, *, wanted: bool) -> Test:
    """Keywords are told apart whatever their case (RFC 3501 §9, flag-keyword is an atom)."""
    key = name.lower()
    return lambda one: any(flag.lower() == key for flag in one.message.flags) is wanted


def _modseq(value: ModSeq) -> Test:
    """RFC 7162 §3.1.5; that there is one mod-sequence for all of a message's metadata is allowed."""
    return lambda one: one.message.modseq >= value.value


def _sent(one: Candidate) -> int:
    """The Date field's day is the sender's, whatever the zone (RFC 3501 §6.4.4)."""
    moment = one.text.header.sent
    return moment.seconds + moment.zone * 60


def _dated(name: str, day: Date, moment: Callable[[Candidate], int]) -> Test:
    # Dovecot takes a day that no month has for one that never comes.
    start = (
        midnight(day.year, day.month, day.day) if is_day(day.year, day.month, day.day) else _NEVER
    )
    match name:
        case "BEFORE":
            return lambda one: moment(one) < start
        case "ON":
            return lambda one: start <= moment(one) < start + _DAY
        case _:
            return lambda one: moment(one) >= start


def _holder(ranges: Iterable[tuple[int, int]]) -> Callable[[int], bool]:
    """Whether a number is in any of the ranges, by halving."""
    merged: list[list[int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    firsts = [first for first, _ in merged]
    lasts = [last for _, last in merged]

    def holds(number: int) -> bool:
        at = bisect_right(firsts, number) - 1
        return at >= 0 and number <= lasts[at]

    return holds
