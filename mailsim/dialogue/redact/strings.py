"""IMAP and ManageSieve: commands whose arguments are quoted strings and literals."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailsim.dialogue.redact.finder import Finder, Found, Span, first_row

_QUOTED = re.compile(rb'"((?:[^"\\\r\n]|\\.)*)("?)')
_LITERAL = re.compile(rb"~?\{(\d{1,18})([+-]?)\}\r?\n")
_ATOM = re.compile(rb"[^\s]+")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_LITERAL_AT_END = re.compile(rb"\{(\d{1,18})([+-]?)\}\r?\n\Z")
_LOGIN = re.compile(rb"\s*(?:([^\s]+)\s+)?(LOGIN|AUTHENTICATE)[^\S\r\n]+", re.IGNORECASE)
_AUTHENTICATE = re.compile(rb"\s*AUTHENTICATE[^\S\r\n]+", re.IGNORECASE)
_IDLE = re.compile(rb"\s*\S+\s+IDLE\s*$", re.IGNORECASE)
_TAGGED = re.compile(rb"([^\s*]\S*) +(?:OK|NO|BAD)(?:\s|$)|\* +BAD(?:\s|$)", re.IGNORECASE)
_SIEVE_FINAL = re.compile(rb"\s*(?:OK|NO|BYE)(?:[\s(\"]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument: where its own bytes stand, and whether all of them are there."""

    span: Span
    quoted: bool = False
    whole: bool = True


def arguments(data: bytes, start: int) -> tuple[list[Argument], int]:
    r"""The arguments from `start` to the end of the command, and where that is (0: not yet there).

    argument = quoted / literal / 1*(any CHAR except SP CR LF)
    quoted   = DQUOTE *( CHAR / "\" CHAR ) DQUOTE      (RFC 3501 §9, RFC 5804 §4)
    literal  = "{" number ["+" / "-"] "}" CRLF *OCTET
    """
    found: list[Argument] = []
    at = start
    while at < len(data):
        if data[at] in b"\r\n":
            end = data.find(b"\n", at) + 1
            return found, end
        if data[at] in b" \t":
            at += 1
            continue
        one = _argument(data, at)
        found.append(one)
        at = one.span[1] + (one.quoted and data[one.span[1] : one.span[1] + 1] == b'"')
    return found, 0


def _argument(data: bytes, at: int) -> Argument:
    if quoted := _QUOTED.match(data, at):
        return Argument(quoted.span(1), quoted=True, whole=bool(quoted.group(2)))
    if literal := _LITERAL.match(data, at):
        end = literal.end() + int(literal.group(1))
        return Argument((literal.end(), min(end, len(data))), whole=end <= len(data))
    atom = _ATOM.match(data, at)
    return Argument(atom.span() if atom else (at, at + 1))


def value(data: bytes, argument: Argument) -> bytes:
    """The argument's value, escapes resolved."""
    raw = data[slice(*argument.span)]
    return _ESCAPED.sub(rb"\1", raw) if argument.quoted else raw


class ImapFinder(Finder):
    """LOGIN's password, AUTHENTICATE's responses (RFC 3501 §6.2.2 and §6.2.3, RFC 4959 §3)."""

    commands = re.compile(
        rb"\s*\S+\s+(?:NOOP|LOGOUT|CAPABILITY|LOGIN|SELECT|EXAMINE|LIST|STATUS|UID|FETCH|AUTHENTICATE)"
        rb"(?:\s|$)",
        re.IGNORECASE,
    )

    def __init__(self) -> None:
        super().__init__()
        self._asked = 0
        self._idle = False
        self._server_skip = 0

    def scan(self, data: bytes, found: Found) -> int:
        """A response, LOGIN or AUTHENTICATE with their literals, or a line of another command."""
        line = first_row(data)
        if self.responds(line):
            return self._response(line, found)
        asked = _LOGIN.match(data)
        if asked is None:
            return self._other(line, found)
        args, end = arguments(data, asked.end())
        if asked.group(2).upper() == b"LOGIN":
            self._login(data, args, found, whole=end > 0)
        else:
            self._authenticate(data, asked.group(1) or b"", args, found, whole=end > 0)
        return end

    def _response(self, line: bytes, found: Found) -> int:
        whole = line.endswith(b"\n")
        start = len(line) - len(line.lstrip())
        self.response(line, (start, len(line.rstrip())), found, whole=whole)
        if whole:
            self.responded()
        return len(line) if whole else 0

    def _other(self, line: bytes, found: Found) -> int:
        whole = line.endswith(b"\n")
        self.strays(line, found, whole=whole)
        if whole:
            self._idle = bool(_IDLE.match(line)) or (self._idle and not line.strip())
            self._literal(line)
        return len(line) if whole else 0

    def _literal(self, line: bytes) -> None:
        if literal := _LITERAL_AT_END.search(line):
            size = int(literal.group(1))
            # Without "+" the octets follow once the server asks for them (RFC 3501 §4.3).
            self.skip, self._asked = (size, 0) if literal.group(2) else (0, size)

    def _login(self, data: bytes, args: list[Argument], found: Found, *, whole: bool) -> None:
        for one in args[1:]:
            found.spans.append(one.span)
            if whole:
                found.values += [value(data, one), data[slice(*one.span)]]

    def _authenticate(
        self, data: bytes, tag: bytes, args: list[Argument], found: Found, *, whole: bool
    ) -> None:
        before = self.sasl
        self.opened(value(data, args[0]) if args else b"", tag)
        for one in args[1:]:
            self.response(data, one.span, found, whole=whole)
            self.responded()
        self.strays(data, found, whole=whole)
        if not whole:
            self.sasl = before

    def server(self, raw: bytes) -> None:
        """A "+" asks for a literal, else for a response; a tagged reply ends the command."""
        if self._server_skip:
            taken = min(self._server_skip, len(raw))
            self._server_skip -= taken
            raw = raw[taken:]
        row = first_row(raw)
        if literal := _LITERAL_AT_END.search(raw):
            self._server_skip = int(literal.group(1))
        if row.startswith(b"+"):
            self._continued()
        elif tagged := _TAGGED.match(row):
            # "* BAD" is about a command that the server could not determine (RFC 3501 §7.1.3).
            self._ended(tagged.group(1) or b"")

    def _continued(self) -> None:
        if self._asked:
            self.skip, self._asked = self._asked, 0
        elif not self.pending and not self._idle:
            if self.sasl is None:
                self.opened(b"")
            if self.sasl is not None:
                self.sasl.challenged = True

    def _ended(self, tag: bytes) -> None:
        # A literal that was refused does not come: what follows is a command again.
        self._asked, self._idle = 0, False
        if not tag or self.pending.split()[:1] == [tag]:
            self.pending = b""
        if self.sasl is not None and tag in (self.sasl.tag, b""):
            self.sasl = None


class ManageSieveFinder(Finder):
    """AUTHENTICATE's strings, quoted or literal (RFC 5804 §2.1)."""

    commands = re.compile(
        rb"\s*(?:AUTHENTICATE|STARTTLS|LOGOUT|CAPABILITY|HAVESPACE|PUTSCRIPT|LISTSCRIPTS|SETACTIVE"
        rb"|GETSCRIPT|DELETESCRIPT|RENAMESCRIPT|CHECKSCRIPT|NOOP|UNAUTHENTICATE)(?:\s|$)",
        re.IGNORECASE,
    )

    def __init__(self) -> None:
        super().__init__()
        self._owed = 0
        self._replies_before = 0

    def scan(self, data: bytes, found: Found) -> int:
        """A response, AUTHENTICATE, or a line of another command."""
        line = first_row(data)
        if self.responds(line):
            args, end = arguments(data, 0)
            self._strings(data, args, found, whole=end > 0)
            return end
        asked = _AUTHENTICATE.match(data)
        if asked is None:
            return self._other(line, found)
        args, end = arguments(data, asked.end())
        before = self.sasl
        self.opened(value(data, args[0]) if args else b"")
        if args[1:]:
            self._strings(data, args[1:], found, whole=end > 0)
        if end:
            self._replies_before = self._owed
            self._owed += 1
        else:
            self.sasl = before
        return end

    def _strings(self, data: bytes, args: list[Argument], found: Found, *, whole: bool) -> None:
        for one in args:
            self.response(data, one.span, found, whole=whole)
        if whole:
            self.responded()

    def _other(self, line: bytes, found: Found) -> int:
        whole = line.endswith(b"\n")
        self.strays(line, found, whole=whole)
        if not whole:
            return 0
        if literal := _LITERAL_AT_END.search(line):
            # A client never waits for leave (RFC 5804 §1.2).
            self.skip = int(literal.group(1))
        elif self.commands.match(line):
            self._owed += 1
        return len(line)

    def server(self, raw: bytes) -> None:
        """A string asks for a response; OK, NO and BYE end the command."""
        row = first_row(raw)
        if _SIEVE_FINAL.match(row):
            self._owed = max(self._owed - 1, 0)
            self.skip = 0
            if self._replies_before == 0:
                self.sasl = None
            self._replies_before = max(self._replies_before - 1, 0)
        elif self.sasl is not None and row.lstrip().startswith((b'"', b"{")):
            self.sasl.challenged = True
