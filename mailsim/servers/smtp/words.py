"""A command line cut into words as Postfix's smtpd does it, more leniently than RFC 5321."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# What almost every client sends needs no letter by letter reading.
_PLAIN = re.compile(
    r"[ ]*([!-~]+)(?: +(?i:(FROM:|TO:)) *(<[^<>\"\\\s]*>|[^<>\"\\:\s]+)((?: +[^<>\"\\:\s]+)*))? *"
)
_SPACES = " \t\n\v\f\r"
_KEYWORDS = ("to:", "from:")
_SHORT = 128


@dataclass(frozen=True, slots=True)
class Word:
    """One word; `broken` if a quotation or a bracket in it is not closed."""

    text: str
    broken: bool = False


def split(line: str) -> list[Word]:
    """The words of a command line without its line end.

    Brackets and quotation marks hold a word together; "FROM:" and "TO:" end at the colon,
    whatever follows.
    """
    # Clients say the same again and again; what may hold a secret is not remembered.
    if len(line) <= _SHORT and line.lstrip()[:4].upper() != "AUTH":
        return list(_split_before(line))
    return list(_split(line))


def _split(line: str) -> tuple[Word, ...]:
    line = line.partition("\0")[0]  # C's strings end there
    found = _PLAIN.fullmatch(line)
    if found and found[2] and found[1][0] not in '<"' and ":" not in found[1]:
        words = [found[1], found[2], found[3], *found[4].split()]
        return tuple(Word(word) for word in words)
    return tuple(_Splitter(line).words())


_split_before = lru_cache(maxsize=512)(_split)


class _Splitter:
    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    def words(self) -> list[Word]:
        found = []
        while (word := self._word()).text:
            found.append(word)
        return found

    def _next(self) -> str:
        letter = self._line[self._at : self._at + 1]
        self._at += 1
        return letter

    def _word(self) -> Word:
        text, broken = "", False
        while letter := self._next():
            if letter in _SPACES:
                if text:
                    break
            elif letter in '<"':
                quoted, closed = self._quoted(letter)
                text += quoted
                broken = broken or not closed
            elif letter == "\\":
                text += letter + self._next()
            else:
                text += letter
                if letter == ":" and text.lower() in _KEYWORDS:
                    break
        return Word(text, broken)

    def _quoted(self, opening: str) -> tuple[str, bool]:
        """Up to the closing bracket or quotation mark; whether there is one."""
        text, wanted = opening, [">" if opening == "<" else opening]
        while letter := self._next():
            text += letter
            if letter == "\\":
                text += self._next()
            elif letter == wanted[-1]:
                wanted.pop()
                if not wanted:
                    return text, True
            elif letter == '"' or (letter == "<" and wanted[-1] == ">"):
                wanted.append('"' if letter == '"' else ">")
        return text, False
