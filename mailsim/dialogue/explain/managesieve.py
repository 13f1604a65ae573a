"""ManageSieve, row by row."""

from __future__ import annotations

import re
from collections import deque

from mailsim.dialogue.explain.explainer import Explainer, text_of
from mailsim.dialogue.explain.literals import Literals
from mailsim.dialogue.explain.lookup import every, first
from mailsim.dialogue.explain.values import Said
from mailsim.knowledge import Entry

_STATUS = re.compile(
    r"(OK|NO|BYE)(?:\s+|$)(?:\(([^\s)]+)(?:\s+(?:\"[^\"]*\"|[^)]*))?\)\s*)?(?:\"((?:[^\"\\]|\\.)*)\")?",
    re.IGNORECASE,
)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(.*)')


class ManageSieveExplainer(Explainer):
    """Knows which command the server's strings and literals belong to."""

    area = "managesieve"

    def __init__(self) -> None:
        super().__init__()
        self._asked: deque[str] = deque()
        self._sent = Literals()
        self._received = Literals()
        self._sends_script = False
        self._status: tuple[Entry, ...] = ()

    # --- the client

    def client(self, row: bytes) -> Said:
        """A literal's octets, what ends their command, a response, or a command."""
        data, rest = self._sent.take(row)
        if data or self._sent.continued:
            return self._continued(data, rest)
        text = text_of(rest)
        if self.challenged:
            self._sends_script = False
            said = self.response(text)
        else:
            said = self._command(text)
        return Said(said.entries + self._announced(self._sent, rest))

    def _continued(self, data: bytes, rest: bytes) -> Said:
        """A row of a literal, or the line end behind it (RFC 5804 §4)."""
        again = self._announced(self._sent, rest)
        kind = "SCRIPT-CONTENT" if self._sends_script else "SASL-RESPONSE"
        content = self.line(kind) if data else ()
        return Said(content + again or self.line("LITERAL"))

    def _command(self, text: str) -> Said:
        verb, _, argument = text.strip().partition(" ")
        verb = verb.upper()
        self._asked.append(verb)
        self._sends_script = verb != "AUTHENTICATE"
        found = first("managesieve.command", verb)
        if not found:
            return Said(self.line("UNKNOWN-COMMAND"))
        mechanism = argument.split()[:1] if verb == "AUTHENTICATE" else []
        return Said(found + every("sasl.mechanism", (one.strip('"') for one in mechanism)))

    def _announced(self, literals: Literals, row: bytes) -> tuple[Entry, ...]:
        return self.line("LITERAL") if literals.announces(row) else ()

    # --- the server

    def server(self, row: bytes) -> Said:
        """A literal's octets, a status, or a string."""
        data, rest = self._received.take(row)
        if data or self._received.continued:
            self._announced(self._received, rest)
            return self._literal(text_of(data))
        text = text_of(rest)
        found = _STATUS.match(text)
        said = self._ended(*found.groups(default="")) if found else Said(self._string(text))
        return Said(said.entries + self._announced(self._received, rest), said.values)

    def _literal(self, text: str) -> Said:
        if self._status:
            # The status's text: what a compiler says takes several lines.
            known, values = self.known_wording(text)
            return Said(known + self._status, values)
        if self._asked and self._asked[0] == "AUTHENTICATE":
            return Said(self.line("SASL-CHALLENGE"))
        return Said(self.line("SCRIPT-CONTENT"))

    def _ended(self, condition: str, code: str, text: str) -> Said:
        known, values = self.known_wording(text)
        codes = first("managesieve.code", code, code.partition("/")[0]) if code else ()
        status = codes + known + first("managesieve.status", condition)
        if self._asked:
            self._asked.popleft()
        elif not self.greeted:
            status = self.line("GREETING") + status
        self.greeted = True
        self.challenged = False
        self._status = status
        return Said(status, values)

    def _string(self, text: str) -> tuple[Entry, ...]:
        self._status = ()
        verb = self._asked[0] if self._asked else ""
        if verb == "AUTHENTICATE":
            self.challenged = True
            return self.line("SASL-CHALLENGE")
        if verb == "LISTSCRIPTS":
            return self.line("SCRIPT-LISTING")
        if found := _STRING.match(text):
            return self._capability(*found.groups())
        return ()

    def _capability(self, name: str, rest: str) -> tuple[Entry, ...]:
        words = rest.strip('"').split()
        tables = {"SASL": "sasl.mechanism", "SIEVE": "sieve.extension"}
        known = every(tables[name.upper()], words) if name.upper() in tables else ()
        capability = first("managesieve.capability", name)
        return capability + known + self.line("CAPABILITY-LINE")
