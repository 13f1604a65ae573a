"""The tokens of structured header fields, read as leniently as Dovecot reads them."""

from __future__ import annotations

import re
from typing import Final

BROKEN: Final = -1
END: Final = 0
MORE: Final = 1

# RFC 5322 §3.2.3, with the octets above 127 that RFC 6532 §3.2 adds.
ATEXT: Final = rb"!#-'*+\-/-9=?A-Z^-~\x80-\xff"
# RFC 2045 §5.1: what a token may not hold besides are "/", "?" and "="; "." it may.
_TOKEN = re.compile(rb"[!#-'*+\-.0-9A-Z^-~\x80-\xff]*")
_ATOM = re.compile(rb"[%b]+" % ATEXT)
_ATOM_OR_DOT = re.compile(rb"[%b.]*" % ATEXT)
_DOTS = re.compile(rb"\.+")
_SPACE = re.compile(rb"[ \t\r\n]*")
_COMMENT_MARK = re.compile(rb"[()\\\n]")
_QUOTED_MARK = re.compile(rb'["\\\n]')
_LITERAL_MARK = re.compile(rb"[\[\]\\]")
_BEGINS_WORD = re.compile(rb'["%b.]' % ATEXT)


_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()


def no_nul(value: bytes) -> bytes:
    """`value` with U+FFFD for each NUL, which no string of IMAP may hold."""
    return value.replace(b"\0", _REPLACEMENT) if b"\0" in value else value


def is_atext(word: bytes, also: bytes = b"") -> bool:
    """Whether `word` is an atom, octets of `also` apart."""
    left = word.translate(None, also)
    return bool(word) and (not left or _ATOM.fullmatch(left) is not None)


class Lexer:
    """Reads one field's body, `data`, from `pos` on.

    Each reading method adds what it read to `out` and says how it went on: MORE to come, END of
    the field, or BROKEN.  Runs of space and comments (CFWS) behind a token are skipped.
    """

    __slots__ = ("comment", "data", "end", "out", "pos")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.end = len(data)
        self.pos = 0
        self.out = bytearray()
        self.comment = b""
        """The last comment that was skipped, its quoted pairs read."""

    def at(self, octet: bytes) -> bool:
        """Whether `octet` stands here."""
        return self.data.startswith(octet, self.pos)

    def take(self) -> bytes:
        """What was read since the last call."""
        taken = no_nul(bytes(self.out))
        self.out.clear()
        return taken

    def more(self) -> int:
        """MORE or END."""
        return MORE if self.pos < self.end else END

    def skip(self) -> int:
        """[CFWS]   ; RFC 5322 §3.2.2"""
        data = self.data
        while True:
            # One test for the field's body without space or comment here, which most are.
            match = _SPACE.match(data, self.pos)
            self.pos = match.end() if match else self.pos
            if self.pos >= self.end:
                return END
            if data[self.pos] != 0x28:
                return MORE
            if self._skip_comment() == BROKEN:
                return BROKEN

    def _skip_comment(self) -> int:
        """comment = "(" *([FWS] ccontent) [FWS] ")" """
        level, start = 1, self.pos + 1
        pieces: list[bytes] = []
        at = start
        while mark := _COMMENT_MARK.search(self.data, at):
            at = mark.end()
            if mark[0] == b"\\" and self.data[at : at + 1] in b"\n":
                if at >= self.end:
                    break
                continue  # a fold is not quoted
            if mark[0] in b"\\\n":
                pieces.append(self.data[start : at - 1].removesuffix(b"\r"))
                start = at
                at += mark[0] == b"\\"
                continue
            level += 1 if mark[0] == b"(" else -1
            if level == 0:
                pieces.append(self.data[start : at - 1])
                self.comment = b"".join(pieces)
                self.pos = at
                return self.more()
        self.comment = b"".join(pieces)
        self.pos = self.end
        return BROKEN

    def token(self) -> int:
        """token, of no octet too   ; RFC 2045 §5.1"""
        return self._run(_TOKEN)

    def atom(self) -> int:
        """atom = [CFWS] 1*atext [CFWS]"""
        return self._run(_ATOM)

    def _run(self, pattern: re.Pattern[bytes]) -> int:
        match = pattern.match(self.data, self.pos)
        if match is None:
            return BROKEN
        self.out += match[0]
        self.pos = match.end()
        return self.skip() if self.pos < self.end else END

    def dot_atom(self) -> int:
        """dot-atom, with CFWS around the dots too   ; RFC 5322 §4.4 obs-local-part, obs-domain"""
        status = self._run(_ATOM)
        while status == MORE and self.at(b"."):
            self.out += b"."
            self.pos += 1
            status = self.skip()
            # A dot at the end is none of the grammar's, nor are two.
            status = BROKEN if status == END else status
            if status == MORE:
                status = self._run(_ATOM)
        return status

    def dots_atom(self) -> int:
        """A local part whose dots may stand anywhere: "..a.", which some providers gave out."""
        status = BROKEN
        while True:
            if match := _DOTS.match(self.data, self.pos):
                self.out += match[0]
                self.pos = match.end()
                status = self.more()
                if status == END:
                    return END
            if self.at(b"@"):
                return status
            status = self._run(_ATOM)
            if status != MORE or not self.at(b"."):
                return status

    def quoted(self) -> int:
        """quoted-string = DQUOTE *([FWS] qcontent) [FWS] DQUOTE [CFWS], its folds undone"""
        data = self.data
        start = at = self.pos + 1
        while mark := _QUOTED_MARK.search(data, at):
            at = mark.end()
            if mark[0] == b'"':
                self.out += data[start : at - 1]
                self.pos = at
                return self.skip()
            if mark[0] == b"\n":
                self.out += data[start : at - 1].removesuffix(b"\r")
                start = at
            elif at >= self.end:
                break
            elif data[at] != 0x0A:  # a fold is not quoted
                self.out += data[start : at - 1]
                start = at
                at += 1
        self.pos = self.end
        return BROKEN

    def phrase(self) -> int:
        """phrase = 1*word / obs-phrase; the words with one space between   ; RFC 5322 §4.1"""
        if self.pos >= self.end:
            return END
        if self.at(b"."):
            return BROKEN
        while True:
            status = self.quoted() if self.at(b'"') else self._run(_ATOM_OR_DOT)
            if status != MORE:
                return status
            if not _BEGINS_WORD.match(self.data, self.pos):
                return MORE
            self.out += b" "

    def domain(self) -> int:
        """ "@" domain; domain = dot-atom / domain-literal / obs-domain"""
        self.pos += 1
        if self.skip() != MORE:
            return BROKEN
        return self._domain_literal() if self.at(b"[") else self.dot_atom()

    def _domain_literal(self) -> int:
        at = self.pos + 1
        while mark := _LITERAL_MARK.search(self.data, at):
            at = mark.end()
            if mark[0] == b"]":
                self.out += self.data[self.pos : at]
                self.pos = at
                return self.skip()
            if mark[0] == b"[":
                self.pos = mark.start()
                return BROKEN
            at += 1
        self.pos = self.end
        return BROKEN
