r"""A dialogue as text: what a transcript in a file looks like, written and read.

    # title: A message refused
    # protocol: smtp
    S: 220 mail.minfo.sn ESMTP Postfix

    C: EHLO poste.minfo.sn
    S: 250-mail.minfo.sn
    S: 250 STARTTLS

    C: STARTTLS
    S: 220 2.0.0 Ready to start TLS

    == TLS ==
    C: DATA
    S: 354 End data with <CR><LF>.<CR><LF>
    C: Subject: one unit, three rows
     :
     : .
    C| QUIT\n

Grammar, a row ending with LF or CRLF:

    text      = *( metadata / comment / unit / mark / blank )
    metadata  = "# " key ": " value          ; key = lower-case letters and dashes
    comment   = "#" *char
    unit      = ( "C" / "S" ) row *( SP row )  ; a space for the letter: the unit goes on
    row       = ":" [ SP *( char / HTAB ) ]  ; CRLF is implied
              / "|" [ SP *escaped ]          ; all is there, the line end too
    escaped   = char / "\\" / "\r" / "\n" / "\t" / "\x" 2HEXDIG
    mark      = "== TLS ==" / "== CLEAR ==" / "== SAME EXCHANGE =="
    blank     = *SP                          ; closes the exchange

A client's unit after a server's opens an exchange, unless the server's was
intermediate (3yz, "+", a ManageSieve challenge) or `== SAME EXCHANGE ==` stands
between them.  The same text serves as a script: its client's units are sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mailsim.dialogue.metadata import (
    ENDPOINT_KEYS,
    UNKNOWN_SERVER,
    Metadata,
    check_value,
    described_endpoint,
    endpoint_metadata,
    guess_protocol,
)
from mailsim.dialogue.values import Dialogue, Exchange, Line, Note, Side
from mailsim.errors import UsageError
from mailsim.model import Endpoint, Protocol, Security
from mailsim.model.service import usual_port

_TLS: Final = "== TLS =="
_CLEAR: Final = "== CLEAR =="
_SAME: Final = "== SAME EXCHANGE =="
_NO_METADATA: Final[Metadata] = {}

_METADATA = re.compile(r"#\s*([a-z][a-z-]*):(?:\s+(.*\S))?\s*")
_ROW = re.compile(r"([CS ])([:|])(?: (.*))?")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.?)", re.DOTALL)
_ESCAPES: Final[Mapping[str, bytes]] = {"\\": b"\\", "r": b"\r", "n": b"\n", "t": b"\t"}
_SHOWN: Final[Mapping[str, str]] = {"\\": "\\\\", "\r": "\\r", "\n": "\\n", "\t": "\\t"}
_INTERMEDIATE: Final[Mapping[Protocol, re.Pattern[bytes]]] = {
    Protocol.SMTP: re.compile(rb"\s*3\d\d"),
    Protocol.LMTP: re.compile(rb"\s*3\d\d"),
    Protocol.POP3: re.compile(rb"[+](?!OK)"),
    Protocol.IMAP: re.compile(rb"[+]"),
    Protocol.MANAGESIEVE: re.compile(rb'["{]'),
}


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a text holds: the dialogue, and its other `# key: value` lines."""

    dialogue: Dialogue
    metadata: Metadata = field(default_factory=dict)

    @property
    def script(self) -> tuple[bytes, ...]:
        """The client's units, to be sent again."""
        return tuple(x.raw for x in self.dialogue.lines() if x.side is Side.CLIENT)

    def first(self, key: str) -> str:
        """The first value of `key`, "" if there is none."""
        return next(iter(self.metadata.get(key, ())), "")


# --- Writing ---------------------------------------------------------------------------------


def write_text(dialogue: Dialogue, metadata: Mapping[str, Iterable[str]] = _NO_METADATA) -> str:
    """The dialogue as text; times and the address where the endpoint is reached are left out.

    Nothing is masked: `redact` the dialogue first.
    """
    head = {**endpoint_metadata(dialogue.endpoint), **metadata}
    rows = [f"# {key}: {' '.join(one.split())}" for key, values in head.items() for one in values]
    for exchange, said in _said(dialogue):
        rows += ["", *map(_note, exchange.notes), *said]
    return "\n".join([*rows, ""])


def lines_text(dialogue: Dialogue) -> str:
    """The lines alone, a blank one between exchanges; nothing is masked."""
    return "\n\n".join("\n".join(said) for _, said in _said(dialogue))


def _said(dialogue: Dialogue) -> Iterator[tuple[Exchange, list[str]]]:
    """Each exchange with its rows."""
    secure = dialogue.endpoint.security is Security.IMPLICIT
    for exchange in dialogue.exchanges:
        rows = _exchange_rows(exchange, dialogue.endpoint.protocol, secure=secure)
        yield exchange, list(rows)
        secure = exchange.lines[-1].secure if exchange.lines else secure


def _note(note: Note) -> str:
    params = f" {json.dumps(dict(note.params), ensure_ascii=False)}" if note.params else ""
    return f"# note: {note.id}{params}"


def _exchange_rows(exchange: Exchange, protocol: Protocol, *, secure: bool) -> Iterator[str]:
    before: Line | None = None
    for line in exchange.lines:
        if line.secure is not secure:
            secure = line.secure
            yield _TLS if secure else _CLEAR
        if before is not None and _opens(before, line.side, protocol):
            yield _SAME
        letter = line.side.value
        for row in line.rows():
            yield letter + shown(row)
            letter = " "
        before = line


def shown(raw: bytes) -> str:
    """One row as it stands behind its letter: plain behind ":", escaped behind "|"."""
    try:
        text = raw.removesuffix(b"\r\n").decode() if raw.endswith(b"\r\n") else "\n"
    except UnicodeDecodeError:
        text = "\n"
    # A tab folds header fields: it is plain, but for the end of a row.
    if text.replace("\t", "").isprintable() and not text.endswith((" ", "\t")):
        return f": {text}" if text else ":"
    # The bytes that are not UTF-8 come out as \xNN; a backslash that was there as \\.
    text = "".join(_SHOWN.get(x) or _escaped(x) for x in raw.decode("utf-8", "surrogateescape"))
    # A space at the end of a row is what editors take away.
    text = f"{text[:-1]}\\x20" if text.endswith(" ") else text
    return f"| {text}" if text else "|"


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    return "".join(f"\\x{octet:02x}" for octet in char.encode("utf-8", "surrogateescape"))


# --- Reading ---------------------------------------------------------------------------------


def read_text(text: str, *, name: str = "-", endpoint: Endpoint | None = None) -> Transcript:
    """Read a transcript or a script.

    `name` is the file's, for errors; `endpoint` what to take for all that the
    text does not say of its own, else the protocol is guessed from the first words.
    Raises UsageError with the file, the line and what is accepted.
    """
    rows = [row.removesuffix("\r") for row in text.removeprefix("\ufeff").split("\n")]
    return _Reader(name, endpoint).read(rows)


class _Reader:
    """Reads the metadata first, for they say whether TLS covers the first byte; then the units."""

    def __init__(self, name: str, endpoint: Endpoint | None) -> None:
        self._name = name
        self._endpoint = endpoint
        self._number = 0
        self._metadata: dict[str, tuple[str, ...]] = {}
        self._secure = False
        self._items: list[Line | Note | str | None] = []

    def read(self, rows: list[str]) -> Transcript:
        for self._number, row in enumerate(rows, 1):
            if (found := _METADATA.fullmatch(row)) and found.group(1) != "note":
                self._add_metadata(found.group(1), found.group(2) or "")
        known = self._endpoint.security.value if self._endpoint else ""
        security = self._metadata.get("security", (known,))[0]
        self._secure = security.lower() == Security.IMPLICIT.value
        for self._number, row in enumerate(rows, 1):
            self._row(row)
        endpoint = described_endpoint(self._metadata, self._endpoint or self._guessed())
        exchanges = tuple(_grouped(self._items, endpoint.protocol))
        rest = {k: v for k, v in self._metadata.items() if k not in ENDPOINT_KEYS}
        return Transcript(Dialogue(endpoint, exchanges), rest)

    def _add_metadata(self, key: str, value: str) -> None:
        check_value(key, value, lambda accepted: self._bad_value(key, value, accepted))
        self._metadata[key] = (*self._metadata.get(key, ()), value)

    def _row(self, row: str) -> None:
        if not row.strip():
            self._items.append(None)
        elif row.startswith("#"):
            if (found := _METADATA.fullmatch(row)) and found.group(1) == "note":
                self._items.append(self._note(found.group(2) or ""))
        elif row.rstrip() in {_TLS, _CLEAR}:
            self._secure = row.rstrip() == _TLS
        elif row.rstrip() == _SAME:
            self._items.append(_SAME)
        elif found := _ROW.fullmatch(row):
            self._unit(*found.groups(default=""))
        else:
            raise UsageError("dialogue.bad-row", file=self._name, line=self._number, row=row[:60])

    def _note(self, value: str) -> Note:
        note_id, _, params = value.partition(" ")
        try:
            found = json.loads(params) if params else {}
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self._bad_value("note", value, 'ID, ID {"key": "value"}')
        return Note(note_id, {str(key): str(one) for key, one in found.items()})

    def _unit(self, letter: str, kind: str, text: str) -> None:
        raw = text.encode("utf-8", "surrogatepass") + b"\r\n" if kind == ":" else self._raw(text)
        if letter != " ":
            self._items.append(Line(Side(letter), raw, self._secure))
            return
        last = self._items[-1] if self._items else None
        if not isinstance(last, Line):
            raise UsageError("dialogue.no-unit", file=self._name, line=self._number)
        self._items[-1] = replace(last, raw=last.raw + raw)

    def _raw(self, text: str) -> bytes:
        parts, start = [], 0
        for found in _ESCAPE.finditer(text):
            before = text[start : found.start()].encode("utf-8", "surrogatepass")
            parts += [before, self._escape(found.group(1))]
            start = found.end()
        return b"".join([*parts, text[start:].encode("utf-8", "surrogatepass")])

    def _escape(self, code: str) -> bytes:
        if len(code) == 3:
            return bytes.fromhex(code[1:])
        if code not in _ESCAPES:
            raise UsageError("dialogue.bad-escape", file=self._name, line=self._number, text=code)
        return _ESCAPES[code]

    def _bad_value(self, key: str, value: str, accepted: str) -> UsageError:
        place = {"file": self._name, "line": self._number}
        return UsageError("dialogue.bad-value", key=key, value=value, accepted=accepted, **place)

    def _guessed(self) -> Endpoint:
        rows = (x.raw for x in self._items if isinstance(x, Line))
        protocol = guess_protocol(rows) or Protocol.SMTP
        return Endpoint(protocol.value, protocol, UNKNOWN_SERVER, usual_port(protocol))


def _grouped(items: Iterable[Line | Note | str | None], protocol: Protocol) -> Iterator[Exchange]:
    lines: list[Line] = []
    notes: list[Note] = []
    joined = False
    for item in [*items, None]:
        opens = isinstance(item, Line) and lines and _opens(lines[-1], item.side, protocol)
        if (item is None or (opens and not joined)) and (lines or notes):
            yield Exchange(tuple(lines), tuple(notes))
            lines, notes = [], []
        joined = item == _SAME
        if isinstance(item, Line):
            lines.append(item)
        elif isinstance(item, Note):
            notes.append(item)


def _opens(before: Line, side: Side, protocol: Protocol) -> bool:
    """Whether a unit of `side` after `before` opens an exchange."""
    if side is Side.SERVER or before.side is Side.CLIENT:
        return False
    intermediate = _INTERMEDIATE.get(protocol)
    return intermediate is None or not intermediate.match(before.rows()[0])
