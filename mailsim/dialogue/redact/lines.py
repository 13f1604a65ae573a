"""SMTP and POP3: commands of one line each, replies that are counted."""

from __future__ import annotations

import re

from mailsim.dialogue.redact.finder import Finder, Found, first_row, stripped

_AUTH = re.compile(rb"\s*AUTH\s+(\S+)[^\S\r\n]*", re.IGNORECASE)
_PASS = re.compile(rb"\s*PASS(?:\s|$)", re.IGNORECASE)
_APOP = re.compile(rb"\s*APOP\s+\S+\s+", re.IGNORECASE)
_BDAT = re.compile(rb"\s*BDAT\s+(\d{1,18})(?:\s|$)", re.IGNORECASE)
_DATA = re.compile(rb"\s*DATA\s*$", re.IGNORECASE)
_END_OF_DATA = re.compile(rb"(?:\A|\n)\.\r?\n")


class LineFinder(Finder):
    """Counts the replies that are owed, so that a pipelined AUTH knows its own."""

    def __init__(self) -> None:
        super().__init__()
        self.owed = 0
        self._replies_before = 0

    def scan(self, data: bytes, found: Found) -> int:
        """One line; a response, or a command."""
        end = data.find(b"\n") + 1
        line, whole = data[:end] or data, end > 0
        if self.responds(line):
            self.response(line, stripped(line), found, whole=whole)
            if whole:
                self.responded()
        else:
            self.command(line, found, whole=whole)
            self.owed += whole
        return end

    def command(self, line: bytes, found: Found, *, whole: bool) -> None:
        """Judge a command: here AUTH, which both protocols have (RFC 4954 §4, RFC 5034 §4)."""
        asked = _AUTH.match(line)
        if asked is None:
            self.strays(line, found, whole=whole)
            return
        before = self.sasl
        self.opened(asked.group(1))
        span = stripped(line, asked.end())
        if span[0] < span[1]:
            self.response(line, span, found, whole=whole)
            self.responded()
        self.strays(line, found, whole=whole)
        if whole:
            self._replies_before = self.owed
        else:
            self.sasl = before

    def replied(self) -> None:
        """A final reply came: the oldest command has its answer."""
        self.owed = max(self.owed - 1, 0)
        if self.sasl is not None and self._replies_before == 0:
            self.sasl = None
        self._replies_before = max(self._replies_before - 1, 0)

    def challenge(self) -> None:
        """The server waits for a response."""
        if self.sasl is not None:
            self.sasl.challenged = True


class SmtpFinder(LineFinder):
    """AUTH with its initial response and the lines up to its final reply (RFC 4954 §4)."""

    commands = re.compile(
        rb"\s*(?:(?:MAIL\s+FROM|RCPT\s+TO)\s*:"
        rb"|(?:EHLO|HELO|LHLO|DATA|BDAT|RSET|NOOP|QUIT|VRFY|EXPN|HELP|STARTTLS|AUTH|XCLIENT)(?:\s|$))",
        re.IGNORECASE,
    )

    def __init__(self) -> None:
        super().__init__()
        self._content = False
        self._data_sent = False

    def scan(self, data: bytes, found: Found) -> int:
        """Message content is no command, whatever it looks like."""
        if not self._content:
            return super().scan(data, found)
        end = _END_OF_DATA.search(data)
        if end:
            self._content = False
            return end.end()
        # The last row may be the beginning of the end.
        return data.rfind(b"\n") + 1

    def command(self, line: bytes, found: Found, *, whole: bool) -> None:
        """AUTH, and what opens message content."""
        super().command(line, found, whole=whole)
        if whole and (chunk := _BDAT.match(line)):
            self.skip = int(chunk.group(1))
        self._data_sent = self._data_sent or bool(whole and _DATA.match(line))

    def server(self, raw: bytes) -> None:
        """334 asks for a response, whether or not AUTH was recognised."""
        row = first_row(raw)
        if row.lstrip().startswith(b"334"):
            if self.sasl is None:
                self.opened(b"")
            self.challenge()
        elif re.match(rb"\s*3\d\d", row):
            self._content, self._data_sent = self._data_sent, False
        elif re.match(rb"\s*\d{3}(?!-)", row):
            # A chunk or content that was refused: what follows is a command again.
            self.skip, self._content = 0, False
            self.replied()


class Pop3Finder(LineFinder):
    """PASS, APOP's digest (RFC 1939 §7), AUTH (RFC 5034 §4)."""

    commands = re.compile(
        rb"\s*(?:USER|PASS|APOP|STAT|LIST|RETR|DELE|NOOP|RSET|TOP|UIDL|QUIT|CAPA|STLS|AUTH)(?:\s|$)",
        re.IGNORECASE,
    )

    def command(self, line: bytes, found: Found, *, whole: bool) -> None:
        """A password may hold spaces (RFC 1939 §7)."""
        asked = _PASS.match(line) or _APOP.match(line)
        if asked is None:
            super().command(line, found, whole=whole)
            return
        span = stripped(line, asked.end())
        if span[0] < span[1]:
            found.spans.append(span)
            if whole:
                found.values += [line[slice(*span)], line[asked.end() :].rstrip(b"\r\n")]

    def server(self, raw: bytes) -> None:
        """A "+" alone asks for a response; +OK and -ERR end it."""
        row = first_row(raw).lstrip().upper()
        if row.startswith((b"+OK", b"+ OK", b"-ERR")):
            self.replied()
        elif row.startswith(b"+"):
            self.challenge()
