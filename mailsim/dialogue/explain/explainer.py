"""What the explainers have in common: rows in the order in which they travelled."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import ClassVar

from mailsim.dialogue.explain.lookup import first, line, wording
from mailsim.dialogue.explain.values import ExplainedExchange, Explanation, Said
from mailsim.dialogue.values import Exchange, Side
from mailsim.knowledge import Entry

_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:")


def text_of(row: bytes) -> str:
    """A row without its line end; bytes that are not UTF-8 as \\xNN."""
    return row.rstrip(b"\r\n").decode("utf-8", "backslashreplace")


class Explainer(ABC):
    """Follows a dialogue row by row: what a row means depends on what came before it."""

    area: ClassVar[str]

    def __init__(self) -> None:
        self.greeted = False
        self.challenged = False
        self.protocol = self.area

    def exchange(self, exchange: Exchange) -> ExplainedExchange:
        """The next exchange, explained."""
        rows = []
        for one in exchange.lines:
            side = self.client if one.side is Side.CLIENT else self.server
            for index, row in enumerate(one.rows()):
                said = side(row)
                rows.append(Explanation(one, index, row, said.entries, said.values))
        return ExplainedExchange(exchange, tuple(rows))

    @abstractmethod
    def client(self, row: bytes) -> Said:
        """What the client's next row means."""

    @abstractmethod
    def server(self, row: bytes) -> Said:
        """What the server's next row means."""

    # --- for the explainers

    def line(self, name: str) -> tuple[Entry, ...]:
        """The kind of line `name` of this protocol."""
        return line(self.area, name)

    def response(self, text: str) -> Said:
        """The client's answer to a challenge."""
        self.challenged = False
        return Said(self.line("SASL-CANCEL" if text.strip('"') == "*" else "SASL-RESPONSE"))

    def known_wording(
        self, text: str, *, verb: str = "", code: str = ""
    ) -> tuple[tuple[Entry, ...], dict[str, str]]:
        """The wording that `text` is, if a known server words it so, and its values."""
        found = wording(self.protocol, text, verb=verb, code=code)
        return ((found[0],), found[1]) if found else ((), {})


class Message:
    """Follows a message's rows: header fields, the empty line, the body (RFC 5322 §2.1)."""

    def __init__(self) -> None:
        self.in_header = True
        self._last: tuple[Entry, ...] = ()

    def row(self, text: str) -> tuple[str, tuple[Entry, ...]]:
        """Give "HEADER-FIELD", "HEADER-END" or "BODY", with the field's entry."""
        if not self.in_header:
            return "BODY", ()
        if not text:
            self.in_header = False
            return "HEADER-END", ()
        # A folded field goes on (RFC 5322 §2.2.3).
        if text[0] in " \t" and self._last:
            return "HEADER-FIELD", self._last
        found = _FIELD.match(text)
        if found is None:
            self.in_header = False
            return "BODY", ()
        self._last = first("message.header", found.group(1))
        return "HEADER-FIELD", self._last
