"""DNS, message by message: the header and the question; the records are the tracer's to show."""

from __future__ import annotations

from struct import Struct

from mailsim.dialogue.explain.explainer import Explainer
from mailsim.dialogue.explain.values import ExplainedExchange, Explanation, Said
from mailsim.dialogue.values import Exchange
from mailsim.knowledge import Entry, table

_HEADER = Struct("!6H")
"""ID, flags, and how many entries each of the four sections has (RFC 1035 §4.1.1)."""
_QUESTION = Struct("!2H")
_RESPONSE = 0x8000
_RCODE = 0x000F
_POINTER = 0xC0


class DnsExplainer(Explainer):
    """Explains a message as a whole, at its first row: an octet 10 in it ends no line."""

    area = "dns"

    def exchange(self, exchange: Exchange) -> ExplainedExchange:
        """Each message: its answer code or question, the flags that are set, the question."""
        rows = []
        for line in exchange.lines:
            said = self.server(line.raw)
            for index, row in enumerate(line.rows()):
                rows.append(Explanation(line, index, row, () if index else said.entries))
        return ExplainedExchange(exchange, tuple(rows))

    def client(self, row: bytes) -> Said:
        """A message; both sides send the same form (RFC 1035 §4.1)."""
        return self.server(row)

    def server(self, row: bytes) -> Said:
        """A message; nothing for what is none."""
        if int.from_bytes(row[:2], "big") == len(row) - 2:
            row = row[2:]  # by TCP its length goes before it (RFC 1035 §4.2.2)
        if len(row) < _HEADER.size:
            return Said()
        _, flags, questions, *_ = _HEADER.unpack_from(row)
        asked = _question(row[_HEADER.size :]) if questions else ()
        told = tuple(
            one for one in table("dns.flag") if one.name != "DO" and flags & one.data["bit"]
        )
        if flags & _RESPONSE:
            return Said(_valued("dns.rcode", flags & _RCODE) + asked + told)
        return Said(asked + told)


def _question(rest: bytes) -> tuple[Entry, ...]:
    """question = QNAME QTYPE QCLASS ; QNAME = *(length label) %x00   (RFC 1035 §4.1.2)"""
    at = 0
    while at < len(rest) and rest[at]:
        if rest[at] >= _POINTER:
            return ()
        at += 1 + rest[at]
    if len(rest) < at + 1 + _QUESTION.size:
        return ()
    kind, class_ = _QUESTION.unpack_from(rest, at + 1)
    return _valued("dns.type", kind) + _valued("dns.class", class_)


def _valued(table_id: str, value: int) -> tuple[Entry, ...]:
    return tuple(one for one in table(table_id) if one.data["value"] == value)[:1]
