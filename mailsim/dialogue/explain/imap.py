"""IMAP, row by row."""

from __future__ import annotations

import re

from mailsim.dialogue.explain.explainer import Explainer, Message, text_of
from mailsim.dialogue.explain.literals import Literals
from mailsim.dialogue.explain.lookup import every, first, keyword
from mailsim.dialogue.explain.values import Said
from mailsim.knowledge import Entry

_COMMAND = re.compile(r"\S+ +((?:UID +)?[^\s{]+)\s*(.*)", re.IGNORECASE)
_STATUS = re.compile(
    r"(\S+) +(OK|NO|BAD|BYE|PREAUTH)(?: +|$)(?:\[([^\s\]]+) ?((?:[^\]\\]|\\.)*)\] ?)?(.*)",
    re.IGNORECASE,
)
_DATA = re.compile(r"\* +(?:\d+ +)?([^\s(]+) ?(.*)")
_SECTION = re.compile(r"\[[^\]]*\](?:<[^>]*>)?")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_WORD = re.compile(r"[^\s(){}]+")
_NESTED = r"\(((?:[^()]|\([^()]*\))*)\)"
_RETURN = re.compile(rf"\bRETURN +{_NESTED}", re.IGNORECASE)
_SELECTION = re.compile(rf"\s*{_NESTED}")
_ITEMS = re.compile(rf"{_NESTED}\s*$")

# Where the words of a command or response are looked up.
_COMMAND_TABLES = {
    "FETCH": ("imap.item",),
    "STORE": ("imap.item", "imap.flag"),
    "STATUS": ("imap.figure",),
    "APPEND": ("imap.flag",),
    "SEARCH": ("imap.key",),
    "SORT": ("imap.key",),
    "THREAD": ("imap.key",),
    "AUTHENTICATE": ("sasl.mechanism",),
    "ENABLE": ("imap.capability",),
}
_RESPONSE_TABLES = {
    "FETCH": ("imap.item", "imap.flag"),
    "FLAGS": ("imap.flag",),
    "PERMANENTFLAGS": ("imap.flag",),
    "LIST": ("imap.attribute",),
    "LSUB": ("imap.attribute",),
    "STATUS": ("imap.figure",),
    "ESEARCH": ("imap.option",),
    "CAPABILITY": ("imap.capability",),
    "ENABLED": ("imap.capability",),
}


class ImapExplainer(Explainer):
    """Follows literals, continuations, IDLE and AUTHENTICATE."""

    area = "imap"

    def __init__(self) -> None:
        super().__init__()
        self._sent = Literals()
        self._received = Literals()
        self._message = Message()
        self._verb = ""
        self._tags: set[str] = set()
        self._command: tuple[Entry, ...] = ()
        self._response: tuple[Entry, ...] = ()

    # --- the client

    def client(self, row: bytes) -> Said:
        """A literal's octets, the rest of a command, a response, DONE, or a command."""
        data, rest = self._sent.take(row)
        content = self._content(data, opens=False) if data else ()
        if data and not rest:
            return Said(content)
        if self._sent.continued or data:
            entries = (*content, *self._command)
        else:
            entries = self._opened(text_of(rest))
        return Said(entries + self._announced(self._sent, rest))

    def _opened(self, text: str) -> tuple[Entry, ...]:
        if self.challenged:
            return self.response(text).entries
        if text.strip().upper() == "DONE" and self._verb == "IDLE":
            return first("imap.command", "DONE")
        found = _COMMAND.match(text)
        verb = " ".join(found.group(1).upper().split()) if found else ""
        known = first("imap.command", verb)
        if found is None or not known:
            self._command = ()
            return self.line(self._unknown(text))
        self._verb = verb.rpartition(" ")[2]
        self._tags.add(text.partition(" ")[0])
        self._command = known
        return known + _arguments(self._verb, found.group(2))

    @staticmethod
    def _unknown(text: str) -> str:
        """What a line that has no known command is: its first word may be one."""
        word, _, rest = text.partition(" ")
        if first("imap.command", word.upper()):
            return "NO-TAG"
        return "UNKNOWN-COMMAND" if rest.strip() else "TAG-ALONE"

    def _announced(self, literals: Literals, row: bytes) -> tuple[Entry, ...]:
        if not literals.announces(row):
            return ()
        self._message = Message()
        return self.line("LITERAL")

    def _content(self, data: bytes, *, opens: bool) -> tuple[Entry, ...]:
        _, header = self._message.row(text_of(data))
        is_message = opens or self._verb == "APPEND"
        return (header if is_message else ()) + self.line("LITERAL-DATA")

    # --- the server

    def server(self, row: bytes) -> Said:
        """A literal's octets, the rest of a response, "+", a status, or data."""
        data, rest = self._received.take(row)
        content = self._content(data, opens=True) if data else ()
        if data and not rest:
            return Said(content)
        if self._received.continued or data:
            said = Said((*content, *self._response))
        else:
            said = self._answered(text_of(rest))
            self._response = said.entries
        return Said(said.entries + self._announced(self._received, rest), said.values)

    def _answered(self, text: str) -> Said:
        if text.startswith("+"):
            return Said(self._continue() + first("imap.status", "+"))
        if status := _STATUS.match(text):
            return self._status(*status.groups(default=""))
        found = _DATA.match(text)
        if found is None:
            tagged = text.partition(" ")[0] in self._tags
            return Said(self.line("TAGGED") if tagged else ())
        name = found.group(1).upper()
        words = _words(_items(found.group(2)) if name == "STATUS" else found.group(2))
        if name == "CAPABILITY":
            known = tuple(one for word in words for one in keyword("imap.capability", word))
        else:
            known = _known_words(_RESPONSE_TABLES.get(name, ()), words)
        return Said(first("imap.response", name) + known + self.line("UNTAGGED"))

    def _continue(self) -> tuple[Entry, ...]:
        if self._verb == "IDLE":
            return self.line("IDLING")
        if self._verb == "AUTHENTICATE":
            self.challenged = True
            return self.line("SASL-CHALLENGE")
        return self.line("CONTINUATION")

    def _status(self, tag: str, condition: str, code: str, argument: str, text: str) -> Said:
        known, values = self.known_wording(text)
        codes = first("imap.code", code) if code else ()
        if code.upper() == "CAPABILITY":
            codes += tuple(x for word in argument.split() for x in keyword("imap.capability", word))
        elif code:
            codes += _known_words(_RESPONSE_TABLES.get(code.upper(), ()), _words(argument))
        kind = "UNTAGGED" if tag == "*" else "TAGGED"
        if not self.greeted and tag == "*" and not self._verb:
            kind = "GREETING"
        elif tag != "*":
            self._verb, self.challenged = "", False
        self.greeted = True
        status = first("imap.status", condition)
        if kind == "GREETING":
            return Said(self.line(kind) + codes + known + status, values)
        return Said(codes + known + status + self.line(kind), values)


def _arguments(verb: str, text: str) -> tuple[Entry, ...]:
    """What is known of a command's arguments: options apart, for ALL is a search key too."""
    found = _RETURN.search(text)
    wanted = _words(found.group(1)) if found else []
    rest = _RETURN.sub("RETURN", text)
    options = every("imap.option", wanted)
    if verb == "LIST":
        # list = "LIST" [SP "(" selection options ")"] SP mailbox SP patterns  ; RFC 9051 §9
        selection = _SELECTION.match(rest)
        options = every("imap.option", _words(selection.group(1)) if selection else []) + options
        return options + every("imap.figure", wanted)
    words = _words(_items(rest) if verb == "STATUS" else rest)
    return options + _known_words(_COMMAND_TABLES.get(verb, ()), words)


def _items(text: str) -> str:
    """What stands in the last parentheses: the items of STATUS, behind the mailbox's name."""
    found = _ITEMS.search(text)
    return found.group(1) if found else ""


def _words(text: str) -> list[str]:
    """The words outside quoted strings, a section in brackets as []."""
    return _WORD.findall(_QUOTED.sub(" ", _SECTION.sub("[]", text)))


def _known_words(tables: tuple[str, ...], words: list[str]) -> tuple[Entry, ...]:
    return tuple(one for table in tables for one in every(table, words))
