"""What is wrong with a SEARCH, SORT or THREAD, in Dovecot's words."""

from __future__ import annotations

from typing import Final

from mailsim.servers.imap import replies
from mailsim.servers.imap.words import Kind, Word
from mailsim.wire.imap.dates import Date
from mailsim.wire.imap.search_keys import KINDS
from mailsim.wire.imap.sequence import SequenceSet

_ORDER: Final = frozenset(
    {"ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"}
)
_ALGORITHMS: Final = ("ORDEREDSUBJECT", "REFERENCES", "REFS")
_DEEPEST: Final = 64


def search_refusal(words: tuple[Word, ...]) -> str:
    """Why these words are no search program."""
    rest = list(words)
    if not rest:
        return replies.SEARCH_MISSING
    if rest[0].atom == "CHARSET":
        rest.pop(0)
        if not rest or rest.pop(0).astring is None:
            return replies.CHARSET_ARGUMENT
        if not rest:
            return replies.SEARCH_MISSING
    return _keys(rest) or replies.INVALID


def _keys(words: list[Word], depth: int = 0) -> str:
    """Read keys until one is wrong: why, or ""."""
    while words:
        if why := _key(words, depth):
            return why
    return ""


def _key(words: list[Word], depth: int) -> str:
    if not words:
        return replies.SEARCH_ARGUMENT
    if depth > _DEEPEST:
        return replies.TOO_DEEP
    word = words.pop(0)
    if word.kind is Kind.LIST:
        return _keys(list(word.words), depth + 1) if word.words else replies.SEARCH_LIST
    name = word.atom
    if name is None:
        return replies.INVALID
    if name[:1].isdigit() or name[:1] in ("*", "$"):
        return "" if _is_set(name) else replies.BAD_SEQUENCE
    if name not in KINDS:
        return replies.SEARCH_UNKNOWN.format(name=name)
    for kind in KINDS[name]:
        if why := _value(words, name, kind, depth):
            return why
    return ""


def _value(words: list[Word], name: str, kind: str, depth: int) -> str:
    if kind == "key":
        return _key(words, depth + 1)
    if not words:
        return replies.SEARCH_PARAMETER.format(name=name)
    word = words.pop(0)
    text = word.atom or (word.astring or b"").decode("utf-8", "replace")
    if kind == "number64":
        interval = name in ("OLDER", "YOUNGER")
        good = text.isdecimal() and (not interval or int(text) > 0)
        wrong = replies.SEARCH_INTERVAL if interval else replies.SEARCH_SIZE
        return "" if good else wrong
    if kind == "set":
        return "" if _is_set(text) else replies.SEARCH_UIDS
    if kind == "date":
        return "" if _is_date(text) else replies.SEARCH_DATE
    if kind == "modseq":
        return "" if text.isdecimal() else replies.SEARCH_MODSEQ
    return "" if word.astring is not None else replies.INVALID


def _is_date(text: str) -> bool:
    try:
        return bool(Date.parse(text))
    except ValueError:
        return False


def _is_set(text: str) -> bool:
    try:
        return bool(SequenceSet(text))
    except ValueError:
        return False


def sort_refusal(words: tuple[Word, ...]) -> str:
    """Why these words are no sort program; "" where they are one."""
    if not words or words[0].kind is not Kind.LIST:
        return replies.SORT_ARGUMENT
    names = [word.atom for word in words[0].words]
    if not names:
        return replies.SORT_EMPTY
    for at, name in enumerate(names):
        if name not in _ORDER and name != "REVERSE":
            shown = words[0].words[at].raw.decode("utf-8", "replace")
            return replies.SORT_UNKNOWN.format(name=shown)
    if names[-1] == "REVERSE":
        return replies.SORT_REVERSE
    if len(words) < 2 or words[1].astring is None:
        return replies.CHARSET_ARGUMENT
    return "" if words[2:] else replies.SEARCH_MISSING


def thread_refusal(words: tuple[Word, ...]) -> str:
    """Why these words are no algorithm; "" where they are one."""
    if len(words) < 2 or words[0].atom is None or words[1].astring is None:
        return replies.INVALID
    if words[0].atom not in _ALGORITHMS:
        return replies.THREAD_ALGORITHM
    return "" if words[2:] else replies.SEARCH_MISSING
