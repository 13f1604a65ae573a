"""A dialogue a line at a time, without a widget: what may come next, what was said and means.

The stepper shows what stands here; a test or a script can hold it in the hand all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from mailsim.dialogue import Dialogue, Exchange, Side
from mailsim.dialogue.explain import Explanation, Meaning, explain
from mailsim.errors import MailsimError, UsageError
from mailsim.knowledge import find
from mailsim.language import language, word
from mailsim.model import Protocol
from mailsim.render.explained import meaning_fields
from mailsim.render.ladder import Ladder
from mailsim.render.rows import Row, RowKind, exchange_rows, safe
from mailsim.render.text import rows_text
from mailsim.tracers.base import Tracer

AnyTracer = Tracer[Any, Any]
Source = AnyTracer | Callable[[], AnyTracer]

# A browser holds so much with ease; the tracer's own dialogue keeps all of it.
_ROWS: Final = 200
_LETTERS: Final = 1_000
_LADDER: Final = 400
# What continues a command is no command of its own: its entry stands among the lines.
_RESPONSE, _CANCEL = "RESPONSE", "*"
_TAG: Final = re.compile(r"[a-z]\d+ ")
_LINES: Final = {".": "END-OF-DATA", _RESPONSE: "SASL-RESPONSE", _CANCEL: "SASL-CANCEL"}


@dataclass(frozen=True, slots=True)
class Choice:
    """A command that the state allows: its verb, what it is, and a line to begin from.

    `complete`: the line says all there is to say, so that choosing it may send it.
    """

    verb: str
    hint: str
    line: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """A row of the transcript, and what it means: a label ("" for the first) and a text each."""

    row: Row
    said: tuple[tuple[str, str], ...] = ()


class Stepping:
    """A dialogue with `source`: a tracer, or a call that connects one, such as `lab.smtp`.

    `script`: lines to be offered one after the other, `C:` before them or not.  Nothing
    raises: `told` is the sentence on what happened last, `failed` whether it went wrong.
    """

    def __init__(self, source: Source, script: str = "", lang: str | None = None) -> None:
        self.lang = language(lang)
        if not isinstance(source, Tracer) and not callable(source):
            raise UsageError("ui.no-tracer", kind=type(source).__name__)
        self._connect = None if isinstance(source, Tracer) else source
        self._script = list(_script_lines(script))
        self.tracer: AnyTracer | None = None
        self.spoken: tuple[Spoken, ...] = ()
        self._shown = 0
        self._server = ""
        self.told = ""
        self.failed = False
        if isinstance(source, Tracer):
            self._begin(source)
        else:
            self.connect()

    # what may come

    @property
    def ended(self) -> bool:
        """Whether nothing more can be said."""
        return self.tracer is None or self.tracer.ended

    @property
    def can_connect(self) -> bool:
        """Whether a new connection can be made."""
        return self._connect is not None

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The commands that the state allows now, in the order of the protocol's table."""
        if self.tracer is None or self.tracer.ended:
            return ()
        return tuple(self._choice(self.tracer, verb) for verb in _legal(self.tracer))

    @property
    def proposed(self) -> str:
        """The script's next line, "" where there is none."""
        return self._script[0] if self._script and not self.ended else ""

    def _choice(self, tracer: AnyTracer, verb: str) -> Choice:
        area = _area(tracer.protocol)
        if verb in _LINES:
            known = find(f"{area}.line", _LINES[verb])
            line = "" if verb == _RESPONSE else verb
            return Choice(verb, known.short(self.lang) if known else "", line, complete=line != "")
        known = find(f"{area}.command", verb) or find(f"{area}.command", verb.partition(" ")[0])
        line = (_example(known.example) if known else "") or verb
        complete = line.removeprefix(_tag(line)) == verb
        if line != verb and _tag(line) and tracer.protocol is Protocol.IMAP:
            # The exchanges so far make a tag that no other command of this dialogue has.
            line = f"a{len(tracer.dialogue.exchanges)} {line.removeprefix(_tag(line))}"
        return Choice(verb, known.short(self.lang) if known else "", line, complete)

    # what is done

    def connect(self) -> None:
        """Connect, or connect anew: what was said before is put aside."""
        if self._connect is None:
            return
        if self.tracer is not None:
            self.tracer.close()
        self.tracer, self.spoken, self._shown = None, (), 0
        try:
            self._begin(self._connect())
        except MailsimError as error:
            self._tell(error.worded(self.lang), failed=True)
            if isinstance(error.dialogue, Dialogue):
                self._grow(error.dialogue)

    def choose(self, verb: str) -> str:
        """Say the command where it is complete; else the line to begin from."""
        found = next((one for one in self.choices if one.verb == verb), None)
        if found is None:
            self._tell(word("ui.not-now", self.lang, verb=verb), failed=True)
            return ""
        if not found.complete:
            return found.line
        self.say(found.line)
        return ""

    def say(self, text: str) -> None:
        """Send a line, or several, exactly as typed, each ended by CRLF; hear what it provokes."""
        if self.tracer is None or self.tracer.ended:
            self._tell(word("ui.ended", self.lang), failed=True)
            return
        if text == self.proposed and self._script:
            self._script.pop(0)
        try:
            self.tracer.send_raw(_octets(text), note=False)
        except MailsimError as error:
            self._tell(error.worded(self.lang), failed=True)
        else:
            self._tell(word("ui.ended", self.lang) if self.ended else "")
        self._grow(self.tracer.dialogue)

    def listen(self, seconds: float = 1.0) -> None:
        """Hear what comes unasked."""
        if self.tracer is None or self.tracer.ended:
            self._tell(word("ui.ended", self.lang), failed=True)
            return
        try:
            self.tracer.listen(seconds)
        except MailsimError as error:
            self._tell(error.worded(self.lang), failed=True)
        self._grow(self.tracer.dialogue)

    def close(self) -> None:
        """Close the connection."""
        if self.tracer is not None:
            self.tracer.close()

    def _begin(self, tracer: AnyTracer) -> None:
        self.tracer = tracer
        self._tell(word("ui.connected", self.lang, server=tracer.endpoint))
        self._grow(tracer.dialogue)

    def _tell(self, sentence: str, *, failed: bool = False) -> None:
        self.told, self.failed = sentence, failed

    # what was said

    def _grow(self, dialogue: Dialogue) -> None:
        """Take in the exchanges that came since; secrets masked."""
        shown = safe(dialogue)
        self._server = dialogue.endpoint.server
        area = _area(dialogue.endpoint.protocol)
        explained = explain(shown)[self._shown :]
        secure = _secure(shown.exchanges[: self._shown])
        grown: list[Spoken] = []
        for one in explained:
            rows = _spoken(one.exchange, one.rows, area, self.lang, secure=secure)
            grown += _bounded(rows, self.lang)
            secure = _secure((one.exchange,), before=secure)
        self._shown = len(shown.exchanges)
        self.spoken += tuple(grown)

    @property
    def ladder(self) -> Ladder | None:
        """The dialogue as a diagram; of a very long one, its end."""
        if not self.spoken:
            return None
        rows = tuple(one.row for one in self.spoken[-_LADDER:])
        return Ladder(rows, self._server, self.lang)

    @property
    def transcript(self) -> str:
        """All that is shown, as text."""
        return rows_text(one.row for one in self.spoken)


def _legal(tracer: AnyTracer) -> tuple[str, ...]:
    """The verbs, and what gives up a login; within IMAP's commands that wait, what they wait for."""
    legal = tracer.legal()
    if tracer.protocol is Protocol.IMAP and not legal:
        sent = [line.raw for line in tracer.dialogue.lines() if line.side is Side.CLIENT]
        idle = bool(sent) and sent[-1].upper().rstrip().endswith(b" IDLE")
        legal = ("DONE",) if idle else (_RESPONSE,)  # RFC 2177 §3, RFC 3501 §6.2.2
    return (*legal, _CANCEL) if _RESPONSE in legal else legal


def _tag(line: str) -> str:
    """The tag of an example of IMAP, with the space behind it."""
    found = _TAG.match(line)
    return found[0] if found else ""


def _area(protocol: Protocol) -> str:
    """The area of knowledge: LMTP's commands stand with SMTP's."""
    return "smtp" if protocol is Protocol.LMTP else protocol.value


def _example(example: str) -> str:
    """What the client says in an example, up to the first answer."""
    lines = []
    for line in example.splitlines():
        if not line.startswith("C:"):
            break
        lines.append(line[2:].removeprefix(" "))
    return "\n".join(lines)


def _script_lines(script: str) -> Iterator[str]:
    """The client's lines of a transcript, or of bare lines."""
    lines = script.strip("\n").split("\n") if script.strip() else []
    marked = any(line.startswith(("C:", "S:")) for line in lines)
    for line in lines:
        if not marked:
            yield line
        elif line.startswith("C:"):
            yield line[2:].removeprefix(" ")


def _octets(text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return b"".join(line.encode("utf-8", "surrogateescape") + b"\r\n" for line in lines)


def _secure(exchanges: Iterable[Exchange], *, before: bool = False) -> bool:
    """Whether TLS covers the end of them."""
    for exchange in exchanges:
        before = exchange.lines[-1].secure if exchange.lines else before
    return before


def _spoken(
    exchange: Exchange,
    explained: Iterable[Explanation],
    area: str,
    lang: str,
    *,
    secure: bool,
) -> Iterator[Spoken]:
    """The exchange's rows, each with its own meaning."""
    meanings = {(id(one.line), one.row): one for one in explained}
    for row in exchange_rows(exchange, lang, secure=secure):
        found = meanings.get((id(row.line), row.index))
        yield Spoken(row, _said(found, area, lang) if found else ())


def _said(row: Explanation, area: str, lang: str) -> tuple[tuple[str, str], ...]:
    if not row.entries:
        return ()
    meaning = Meaning(area, row.entries, values=row.values)
    fields = (
        (word(f"render.{field}", lang), text)
        for field, text in meaning_fields(meaning, lang)
        if field != "example"  # the line itself is one
    )
    return (("", meaning.short(lang)), *fields)


def _bounded(spoken: Iterable[Spoken], lang: str) -> list[Spoken]:
    """What a browser can hold: the first rows, each cut where it is very long."""
    every = list(spoken)
    kept = [
        one
        if len(one.row.text) <= _LETTERS
        else Spoken(replace(one.row, text=f"{one.row.text[:_LETTERS]}…"), one.said)
        for one in every[:_ROWS]
    ]
    if len(every) > _ROWS:
        more = word("ui.more-rows", lang, count=len(every) - _ROWS)
        kept += [Spoken(Row(RowKind.NOTE, more)), every[-1]]
    return kept


__all__ = ["Choice", "Source", "Spoken", "Stepping"]
