"""POP3, row by row."""

from __future__ import annotations

import re
from collections import deque

from mailsim.dialogue.explain.explainer import Explainer, Message, text_of
from mailsim.dialogue.explain.lookup import every, first, keyword
from mailsim.dialogue.explain.values import Said
from mailsim.knowledge import Entry

_STATUS = re.compile(r"([+] ?OK|-ERR)(?:\s+|$)(?:\[([^\]]*)\]\s*)?(.*)", re.IGNORECASE)
_LISTINGS = {"LIST": "SCAN-LISTING", "UIDL": "UNIQUE-ID-LISTING"}
_SINGLE = {"STAT": "DROP-LISTING", **_LISTINGS}
# What is answered with several lines: always, or when no message is named (RFC 1939 §5, §7).
_MULTI = frozenset({"RETR", "TOP", "CAPA"})
_MULTI_BARE = frozenset({"LIST", "UIDL", "AUTH", "LANG"})


class Pop3Explainer(Explainer):
    """Knows which command each answer belongs to, and which answers have several lines."""

    area = "pop3"

    def __init__(self) -> None:
        super().__init__()
        self._asked: deque[tuple[str, bool]] = deque()
        self._multi = ""
        self._message = Message()

    def client(self, row: bytes) -> Said:
        """A SASL response, or a command."""
        text = text_of(row)
        if self.challenged:
            return self.response(text)
        verb, _, argument = text.strip().partition(" ")
        verb = verb.upper()
        self._asked.append((verb, bool(argument.strip())))
        self.greeted = True  # or the dialogue begins after the greeting
        found = first("pop3.command", verb)
        if not found:
            return Said(self.line("UNKNOWN-COMMAND"))
        mechanism = argument.split()[:1] if verb == "AUTH" else []
        return Said(found + every("sasl.mechanism", mechanism))

    def server(self, row: bytes) -> Said:
        """A line of a listing or a message, a challenge, or a status."""
        text = text_of(row)
        if self._multi:
            return self._listed(text)
        if found := _STATUS.match(text):
            return self._status(*found.groups(default=""))
        if text.startswith("+"):
            self.challenged = True
            return Said(self.line("SASL-CHALLENGE") + first("pop3.status", "+"))
        return Said()

    def _status(self, sign: str, code: str, text: str) -> Said:
        ok = sign.startswith("+")
        status = first("pop3.status", "+OK" if ok else "-ERR")
        known, values = self.known_wording(text)
        # A code has a hierarchy: SYS/TEMP is a kind of SYS (RFC 2449 §8).
        codes = first("pop3.code", code, code.partition("/")[0]) if code else ()
        if not self.greeted and not self._asked:
            self.greeted = True
            return Said(codes + self.line("GREETING") + status, values)
        verb, argument = self._asked.popleft() if self._asked else ("", False)
        if not ok:
            return Said(known + codes + status, values)
        if verb in _MULTI or (verb in _MULTI_BARE and not argument):
            self._multi, self._message = verb, Message()
        single = verb == "STAT" or (verb in _LISTINGS and argument)
        return Said((self.line(_SINGLE[verb]) if single else known) + codes + status, values)

    def _listed(self, text: str) -> Said:
        if text == ".":
            self._multi = ""
            return Said(self.line("END"))
        if self._multi in {"RETR", "TOP"}:
            stuffed = self.line("STUFFED-DOT") if text.startswith(".") else ()
            _, header = self._message.row(text)
            return Said(stuffed + header + self.line("MESSAGE-LINE"))
        if self._multi in _LISTINGS:
            return Said(self.line(_LISTINGS[self._multi]))
        return Said(self._capability(text) + self.line("CAPABILITY-LINE"))

    def _capability(self, text: str) -> tuple[Entry, ...]:
        word, _, rest = text.partition(" ")
        if self._multi == "AUTH":
            return first("sasl.mechanism", word)
        mechanisms = rest.split() if word.upper() == "SASL" else []
        return keyword("pop3.capability", word) + every("sasl.mechanism", mechanisms)
