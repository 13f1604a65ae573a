"""Masks what the finders find, in its own place and wherever else it stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

from mailsim.dialogue.redact.finder import Finder, Span
from mailsim.dialogue.redact.known import Known, Names, searched, stands_in_name
from mailsim.dialogue.redact.lines import Pop3Finder, SmtpFinder
from mailsim.dialogue.redact.strings import ImapFinder, ManageSieveFinder
from mailsim.dialogue.values import Dialogue, Exchange, Line, Note, Side
from mailsim.model import Endpoint, Protocol
from mailsim.secret import MASK

_FINDERS: Final[Mapping[Protocol, type[Finder]]] = {
    Protocol.SMTP: SmtpFinder,
    Protocol.LMTP: SmtpFinder,
    Protocol.POP3: Pop3Finder,
    Protocol.IMAP: ImapFinder,
    Protocol.MANAGESIEVE: ManageSieveFinder,
}
_MASK: Final = MASK.encode()


def redact(dialogue: Dialogue) -> Dialogue:
    """The dialogue with MASK for each secret: where it was sent, and anywhere before or after.

    Masked are passwords, SASL messages of the client as a whole (base64) and
    digests; further on each of them as it is, base64 of it and its quoted form, on both
    sides.  What stands in a name that was there before the secret (`minfo` in
    mail.minfo.sn) is left; a secret of fewer than 3 characters goes in its own place alone.
    """
    redactor = Redactor(dialogue.endpoint)
    spans = [span for exchange in dialogue.exchanges for span in redactor.find(exchange)]
    lines = iter(redactor.mask(list(dialogue.lines()), spans))
    return replace(
        dialogue,
        exchanges=tuple(
            Exchange(tuple(next(lines) for _ in one.lines), redactor.notes(one.notes))
            for one in dialogue.exchanges
        ),
    )


# Everybody knows the lab's domain, of which the thesis's password is the first label: to mask
# it there would tell the password, and make the transcript unreadable.
LAB_DOMAIN: Final = b"minfo.sn"


class Redactor:
    """Redacts exchange by exchange, while the connection is open.

    What is shown before a secret is sent cannot be masked: for a dialogue that has ended
    use `redact`.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        finder = _FINDERS.get(endpoint.protocol)
        self._finder = finder() if finder else None
        self._names = Names()
        self._names.add(LAB_DOMAIN)
        self._names.add(f"{endpoint.server} {endpoint.name}".encode())
        self._known: dict[bytes, Known] = {}

    def feed(self, exchange: Exchange) -> Exchange:
        """The next exchange, with all secrets known so far masked."""
        spans = self.find(exchange)
        return Exchange(tuple(self.mask(exchange.lines, spans)), self.notes(exchange.notes))

    def find(self, exchange: Exchange) -> list[list[Span]]:
        """Learn the exchange's secrets; where they stand in each of its lines."""
        return [self._find(line) for line in exchange.lines]

    def _find(self, line: Line) -> list[Span]:
        if self._finder is None:
            return []
        if line.side is Side.SERVER:
            self._finder.server(line.raw)
            self._names.add(line.raw)
            return []
        found = self._finder.client(line.raw)
        for value in found.values:
            if value not in self._known:
                self._known[value] = Known(value, self._names.around(value))
        self._names.add(_cut(line.raw, found.spans, b" "))
        return found.spans

    def mask(self, lines: Sequence[Line], spans: Sequence[Sequence[Span]]) -> list[Line]:
        """The lines without the spans and without what is known, each side read as one stream."""
        all_spans = [list(one) for one in spans]
        for side in Side:
            places = [at for at, line in enumerate(lines) if line.side is side]
            raws = [lines[at].raw for at in places]
            for index, span in self._occurrences(raws):
                all_spans[places[index]].append(span)
        return [
            replace(line, raw=_cut(line.raw, one, _MASK)) if one else line
            for line, one in zip(lines, all_spans, strict=True)
        ]

    def notes(self, notes: Iterable[Note]) -> tuple[Note, ...]:
        """The notes with what is known masked in their parameters."""
        return tuple(
            Note(note.id, {key: self._masked_text(text) for key, text in note.params.items()})
            for note in notes
        )

    def _masked_text(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogateescape")
        spans = [span for _, span in self._occurrences([raw])]
        return _cut(raw, spans, _MASK).decode("utf-8", "surrogateescape")

    def _occurrences(self, raws: Sequence[bytes]) -> Iterator[tuple[int, Span]]:
        """Each known secret's places: the index in `raws`, and the span there."""
        stream = b"".join(raws)
        starts = [0, *accumulate(len(raw) for raw in raws)]
        for start, end in self._matches(stream):
            index = bisect_right(starts, start) - 1
            while starts[index] < end:
                low = max(start - starts[index], 0)
                high = min(end, starts[index + 1]) - starts[index]
                if low < high:
                    yield index, (low, high)
                index += 1
                if index == len(raws):
                    break

    def _matches(self, stream: bytes) -> Iterator[Span]:
        free = [one.value for one in self._known.values() if not one.names]
        pattern = searched(free)
        if pattern:
            yield from (found.span() for found in pattern.finditer(stream))
        for known in self._known.values():
            if known.names and (own := searched([known.value])):
                for found in own.finditer(stream):
                    if not stands_in_name(stream, *found.span(), known.names):
                        yield found.span()


def _cut(raw: bytes, spans: Iterable[Span], instead: bytes) -> bytes:
    """`raw` with `instead` for each span; spans that overlap or touch count as one."""
    parts: list[bytes] = []
    at = 0
    covered = False
    for start, end in sorted(spans):
        if start > at or not covered:
            parts += [raw[at:start], instead]
        at, covered = max(at, end), True
    return b"".join([*parts, raw[at:]])
