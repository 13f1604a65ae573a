"""SMTP and LMTP, row by row."""

from __future__ import annotations

import re
from collections import deque

from mailsim.dialogue.explain.explainer import Explainer, Message, text_of
from mailsim.dialogue.explain.lookup import enhanced, every, first, keyword
from mailsim.dialogue.explain.values import Said
from mailsim.knowledge import Entry

_REPLY = re.compile(r"\s*(\d{3})(?:(-)|\s|$)\s?(-?)(.*)")
_PARAMETERS = re.compile(r".*?:\s*(?:<(?:[^>\"]|\"[^\"]*\")*>|\S+)(.*)")
_HELLO = ("EHLO", "LHLO")
_CONTENT = "."
"""What the reply to message content answers: no verb."""


class SmtpExplainer(Explainer):
    """Counts what has been asked, so that each reply is seen with its command."""

    area = "smtp"

    def __init__(self, *, lmtp: bool = False) -> None:
        super().__init__()
        self.protocol = "lmtp" if lmtp else "smtp"
        self._lmtp = lmtp
        self._asked: deque[str] = deque()
        self._rows_of_reply = 0
        self._recipients = 0
        self._chunk = 0
        self._message: Message | None = None

    # --- the client

    def client(self, row: bytes) -> Said:
        """Content, a chunk, a SASL response, or a command."""
        text = text_of(row)
        if self._chunk:
            self._chunk = max(self._chunk - len(row), 0)
            return Said(self.line("CHUNK"))
        if self._message:
            said = self._content(self._message, text)
        elif self.challenged:
            said = self.response(text)
        else:
            said = self._command(text)
        bare = self.line("BARE-LF") if row.endswith(b"\n") and not row.endswith(b"\r\n") else ()
        return Said(said.entries + bare, said.values)

    def _content(self, message: Message, text: str) -> Said:
        if text == ".":
            self._message = None
            return Said(self.line("END-OF-DATA"))
        kind, header = message.row(text)
        # A line that begins with a dot travels with one more (RFC 5321 §4.5.2).
        stuffed = self.line("STUFFED-DOT") if text.startswith(".") else ()
        return Said(stuffed + header + self.line(kind))

    def _command(self, text: str) -> Said:
        verb, _, argument = text.strip().partition(" ")
        verb = verb.upper()
        self._asked.append(verb)
        found = first("smtp.command", verb)
        if not found:
            return Said(self.line("UNKNOWN-COMMAND"))
        if verb == "BDAT" and (size := argument.split()[:1]) and size[0].isdecimal():
            self._chunk = int(size[0])
        return Said(found + _parts(verb, argument))

    # --- the server

    def server(self, row: bytes) -> Said:
        """A line of a reply."""
        found = _REPLY.match(text_of(row))
        if found is None:
            return Said()
        code, hyphen, second, text = found.groups()
        more = bool(hyphen or second)
        said = self.reply(code, text.strip())
        continued = self.line("CONTINUATION") if more else ()
        self._rows_of_reply = self._rows_of_reply + 1 if more else 0
        if not more:
            self._ended(code)
        return Said(said.entries + continued, said.values)

    def reply(self, code: str, text: str) -> Said:
        """A line of a reply, its code and what stands behind it."""
        verb = self._asked[0] if self._asked else ""
        reply = first("smtp.reply", code) or first("smtp.class", code[0])
        if code == "334":
            return Said(self.line("SASL-CHALLENGE") + reply)
        if code == "220" and verb in {"", "XCLIENT"} and not (self.greeted and not verb):
            # XCLIENT is answered as a new client would be greeted.
            _, values = self.known_wording(text)
            return Said(self.line("GREETING") + reply, values)
        if code == "250" and verb in _HELLO:
            return Said(self._hello(text) + reply)
        detail, rest = enhanced(text)
        number = text.removesuffix(rest).strip()
        known, values = self.known_wording(rest, verb=verb, code=number)
        return Said(known + detail + reply, values)

    def _hello(self, text: str) -> tuple[Entry, ...]:
        if self._rows_of_reply == 0:
            return self.line("GREETING-HELLO")
        word, _, rest = text.partition(" ")
        mechanisms = rest.split() if word.upper() == "AUTH" else []
        return keyword("smtp.extension", word) + every("sasl.mechanism", mechanisms)

    def _ended(self, code: str) -> None:
        verb = self._asked[0] if self._asked else ""
        self.greeted = True
        if code[0] == "3":
            self.challenged = code == "334"
            if verb == "DATA":
                self._message = Message()
                self._asked.popleft()
                # LMTP answers once for each recipient (RFC 2033 §4.2).
                times = max(self._recipients, 1) if self._lmtp else 1
                self._asked.extendleft([_CONTENT] * times)
            return
        if self._asked:
            self._asked.popleft()
        if verb == "RCPT" and code[0] == "2":
            self._recipients += 1
        elif verb in {"MAIL", "RSET", *_HELLO}:
            self._recipients = 0


def _parts(verb: str, argument: str) -> tuple[Entry, ...]:
    """What is known of a command's argument: parameters, a mechanism."""
    if verb == "AUTH":
        return first("sasl.mechanism", *argument.split()[:1])
    if verb not in {"MAIL", "RCPT"} or not (found := _PARAMETERS.match(argument)):
        return ()
    return every("smtp.parameter", (one.partition("=")[0] for one in found.group(1).split()))
