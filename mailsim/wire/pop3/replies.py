"""Replies: a status line, and behind some of them a listing or a message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from mailsim.errors import RemoteProtocolError, UsageError
from mailsim.wire.content import END_OF_DATA, dot_stuff
from mailsim.wire.outcome import Outcome
from mailsim.wire.pop3.commands import Form
from mailsim.wire.quirk import NONE, Quirk

_CODE = re.compile(r"\[([^\x00-\x20\x7f/\]]+(?:/[^\x00-\x20\x7f/\]]+)*)\] ?(.*)", re.DOTALL)
_CODE_NAME = re.compile(r"[^\x00-\x20\x7f/\]]+(?:/[^\x00-\x20\x7f/\]]+)*")
_LINE_BREAK = re.compile(r"[\r\n]")
_SPACED = re.compile(rb"([+-]) +(?=(?:OK|ERR)\b)")

# Codes that say "later": the maildrop is busy, a delay runs (RFC 2449 §8.1), the
# fault is temporary (RFC 3206).
_LATER = ("IN-USE", "LOGIN-DELAY", "SYS/TEMP")


class Status(Enum):
    """The indicator that begins a reply."""

    OK = "+OK"
    ERR = "-ERR"
    CHALLENGE = "+"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply.

    `code` is the extended response code without its brackets ("IN-USE"), "" for
    none; `text` what follows, for people, or a challenge's base64.  `lines` are a
    listing's entries, without CRLF and unstuffed, `content` a message with its
    CRLF line ends, unstuffed; None where the reply has none.
    """

    status: Status
    text: str = ""
    code: str = ""
    lines: tuple[str, ...] | None = None
    content: bytes | None = None

    def __post_init__(self) -> None:
        if _LINE_BREAK.search("".join((self.text, *(self.lines or ())))):
            raise UsageError("pop3.line-break")
        if self.code and not _CODE_NAME.fullmatch(self.code):
            raise UsageError("pop3.bad-code", text=self.code)
        if self.content and not self.content.endswith(b"\n"):
            raise UsageError("pop3.content-without-line-end")

    @property
    def ok(self) -> bool:
        """Whether it is +OK."""
        return self.status is Status.OK

    @property
    def outcome(self) -> Outcome:
        """What the reply comes to."""
        if self.status is Status.ERR:
            return Outcome.TEMPORARY if self.code.upper() in _LATER else Outcome.PERMANENT
        return Outcome.SUCCESS if self.ok else Outcome.INTERMEDIATE

    def units(self) -> tuple[bytes, ...]:
        """The status line, each entry, a message as one block, the final dot: as they travel.

        single-line = status [SP text] CRLF                   ; RFC 2449 §3
        multi-line  = single-line *dot-stuffed "." CRLF
        """
        units = [_encode(self._head())]
        if self.lines is not None:
            units += [dot_stuff(_encode(entry)) for entry in self.lines]
        if self.content:
            units.append(dot_stuff(self.content))
        if self.lines is not None or self.content is not None:
            units.append(END_OF_DATA)
        return tuple(units)

    def _head(self) -> str:
        if self.status is Status.CHALLENGE:
            return f"+ {self.text}"
        return " ".join(
            part for part in (self.status.value, self.code and f"[{self.code}]", self.text) if part
        )

    def __str__(self) -> str:
        return self._head().rstrip()


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape") + b"\r\n"


def parse_status(raw: bytes, form: Form, quirks: frozenset[Quirk] = NONE) -> Reply:
    """The reply that a status line begins; `form` says whether a challenge may come.

        single-line = status [SP text] CRLF
        status      = "+OK" / "-ERR"             ; in upper case, RFC 1939 §3
        text        = *schar / resp-code *CHAR
        resp-code   = "[" resp-level *("/" resp-level) "]"    ; RFC 2449 §3
        challenge   = "+" SP [base64] CRLF       ; RFC 5034

    Raises RemoteProtocolError for anything else.
    """
    body = raw.removesuffix(b"\n").removesuffix(b"\r")
    if Quirk.SPACED_REPLY in quirks:
        body = _SPACED.sub(rb"\1", body, count=1)
    word, _, rest = body.partition(b" ")
    text = rest.decode("utf-8", "surrogateescape")
    if word == b"+" and form is Form.SASL:
        return Reply(Status.CHALLENGE, text.replace("\r", ""))
    if word not in (b"+OK", b"-ERR") or b"\r" in rest:
        shown = body[:80].decode("utf-8", "backslashreplace")
        raise RemoteProtocolError("pop3.bad-status", line=shown)
    coded = _CODE.fullmatch(text)
    code, text = coded.groups() if coded else ("", text)
    return Reply(Status(word.decode()), text, code)
