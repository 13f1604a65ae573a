"""What is wrong with a FETCH that the grammar does not know, in Dovecot's words."""

from __future__ import annotations

import re
from typing import Final

from mailsim.servers.imap import replies
from mailsim.servers.imap.columns import NAMES
from mailsim.servers.imap.words import Kind, Word
from mailsim.wire.imap.message_commands import FetchItem

_MACROS: Final = ("ALL", "FAST", "FULL")
_SECTION: Final = re.compile(r"(?:BODY(?:\.PEEK)?|BINARY(?:\.PEEK|\.SIZE)?)\[", re.IGNORECASE)
_PARTIAL: Final = re.compile(r"\]<(?![0-9]{1,19}(?:\.[0-9]{1,19})?>)")


def refusal(words: tuple[Word, ...], item: FetchItem | None = None) -> str:
    """Why these items and modifiers are refused; `item` is one that is not known."""
    if item is not None and item.section is not None and item.name in NAMES:
        return replies.FETCH_SECTION
    if item is not None:
        return replies.FETCH_PARAMETER.format(name=item.name)
    first = words[0]
    if first.kind is not Kind.LIST:
        if first.atom is None:
            return replies.INVALID
        return _of_item(list(words), macros=True) or replies.INVALID
    if not first.words:
        return replies.FETCH_EMPTY
    return _of_list(list(first.words)) or replies.INVALID


def _of_list(words: list[Word]) -> str:
    while words:
        if words[0].atom is None:
            return replies.FETCH_ATOMS
        if why := _of_item(words, macros=False):
            return why
    return ""


def _of_item(words: list[Word], *, macros: bool) -> str:
    """Take the words of one item; why it is refused, or ""."""
    name = words.pop(0).atom or ""
    if _SECTION.match(name):
        return _of_section(name, words)
    if name not in NAMES and not (macros and name in _MACROS):
        return replies.FETCH_PARAMETER.format(name=name)
    if name in ("PREVIEW", "SNIPPET") and words and words[0].kind is Kind.LIST:
        return _of_preview(words.pop(0))
    return ""


def _of_preview(word: Word) -> str:
    known = ("LAZY", "FUZZY", "LAZY=FUZZY")
    wrong = [one.raw.decode("utf-8", "replace") for one in word.words if one.atom not in known]
    return replies.PREVIEW_MODIFIER.format(name=wrong[0]) if wrong else ""


def _of_section(name: str, words: list[Word]) -> str:
    """fetch-att's section, which a list of fields cuts in three words."""
    if "]" not in name and words and words[0].kind is Kind.LIST:
        fields = words.pop(0)
        rest = (words.pop(0).atom or "") if words else ""
        if not fields.words:
            return replies.FETCH_SECTION
        name += rest
    if "]" not in name:
        return replies.FETCH_BRACKET
    if _PARTIAL.search(name):
        return replies.FETCH_PARTIAL
    return replies.FETCH_SECTION
