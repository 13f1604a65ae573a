"""Replies: a code, perhaps an enhanced code, and lines for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.wire.outcome import Outcome
from mailsim.wire.quirk import NONE, Quirk

# status-code = class "." subject "." detail          ; RFC 2034 §4
_ENHANCED = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?: |$)")
_CHALLENGE = 334
_BY_DIGIT = {
    2: Outcome.SUCCESS,
    3: Outcome.INTERMEDIATE,
    4: Outcome.TEMPORARY,
    5: Outcome.PERMANENT,
}
_CODES = {str(code).encode(): code for code in range(200, 600)}


@dataclass(frozen=True, slots=True)
class EnhancedCode:
    """`5.1.1`: class, subject, detail (RFC 2034 §4)."""

    class_: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.class_}.{self.subject}.{self.detail}"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply, of one line or several.

    `lines` are the texts behind the code as they travelled, with the enhanced
    code where there is one; `texts` are without it.
    """

    code: int
    lines: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        if not 200 <= self.code <= 599 or not self.lines:
            raise UsageError("smtp.bad-reply-code", code=self.code)

    @classmethod
    def of(cls, code: int, enhanced: str, *texts: str) -> Reply:
        """A reply in which every line carries `enhanced` ("" for none), RFC 2034 §4."""
        return cls(code, tuple(f"{enhanced} {text}" if enhanced else text for text in texts))

    @property
    def enhanced(self) -> EnhancedCode | None:
        """The enhanced code of the first line, if its class agrees with the code's."""
        found = _ENHANCED.match(self.lines[0])
        if not found or int(found[1]) != self.code // 100:
            return None
        return EnhancedCode(int(found[1]), int(found[2]), int(found[3]))

    @property
    def texts(self) -> tuple[str, ...]:
        """The lines without the enhanced code."""
        if not self.enhanced:
            return self.lines
        return tuple(_ENHANCED.sub("", line, count=1) for line in self.lines)

    @property
    def text(self) -> str:
        """All texts, a line each."""
        return "\n".join(self.texts)

    @property
    def outcome(self) -> Outcome:
        """What the reply comes to; 421 closes the connection (RFC 5321 §3.8)."""
        return Outcome.CLOSING if self.code == 421 else _BY_DIGIT[self.code // 100]

    def units(self) -> tuple[bytes, ...]:
        """The lines as they travel.

        Reply-line = *( Reply-code "-" [ textstring ] CRLF )
                     Reply-code [ SP textstring ] CRLF        ; RFC 5321 §4.2
        continue-req = "334" SP [base64] CRLF                 ; RFC 4954
        """
        return _units(self.code, self.lines)

    def __str__(self) -> str:
        return f"{self.code} {self.lines[0]}".rstrip()


@lru_cache(maxsize=256)  # a server says the same again and again
def _units(code: int, lines: tuple[str, ...]) -> tuple[bytes, ...]:
    *first, last = lines
    rows = [f"{code}-{text}\r\n" for text in first]
    rows.append(f"{code} {last}\r\n" if last or code == _CHALLENGE else f"{code}\r\n")
    return tuple(row.encode("utf-8", "surrogateescape") for row in rows)


class ReplyLine(NamedTuple):
    """One line of a reply: `last` is False behind a hyphen."""

    code: int
    last: bool
    text: str


def parse_reply_line(line: bytes, quirks: frozenset[Quirk] = NONE) -> ReplyLine:
    """Reply-code ( "-" / SP ) [ textstring ] CRLF, or Reply-code CRLF   ; RFC 5321 §4.2

    Reply-code = %x32-35 %x30-35 %x30-39; a second digit over 5 is let through,
    for a client goes by the first (RFC 5321 §4.2.1).  Raises RemoteProtocolError.
    """
    text = line[4:].removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "surrogateescape")
    code, mark = _CODES.get(line[:3]), line[3:4]
    if code is None or mark not in b" -\r\n":
        shown = line[:80].decode("utf-8", "backslashreplace").rstrip()
        raise RemoteProtocolError("smtp.bad-reply", line=shown)
    last = mark != b"-"
    if quirks and Quirk.SPACED_REPLY in quirks:
        last = last and not text.startswith("-")
        text = text.lstrip("- ")
    return ReplyLine(code, last, text)
