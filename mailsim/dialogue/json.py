r"""A dialogue as JSON, with a version: written and read.

    {"mailsim-dialogue": 1,
     "endpoint": {"name": "smtp", "protocol": "smtp", "server": "mail.minfo.sn", "port": 25,
                  "security": "none"},
     "exchanges": [{"lines": [{"side": "C", "text": "NOOP\r\n", "secure": false, "at": 0.25}],
                    "notes": [{"id": "note.raw", "params": {}}]}]}

A unit is `text` where its bytes are UTF-8, else `base64`.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from enum import Enum
from math import inf, isfinite
from typing import Any, Final, TypeVar

from mailsim.dialogue.values import Dialogue, Exchange, Line, Note, Side
from mailsim.errors import UsageError
from mailsim.model import Endpoint, Protocol, Security

VERSION: Final = 1
KEY: Final = "mailsim-dialogue"

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


def write_json(dialogue: Dialogue, *, indent: int | None = 1) -> str:
    """The dialogue as JSON text.

    The address where the endpoint is reached is left out.  Nothing is masked:
    `redact` the dialogue first.
    """
    return json.dumps(to_document(dialogue), ensure_ascii=False, indent=indent)


def to_document(dialogue: Dialogue) -> dict[str, Any]:
    """The dialogue as values that JSON knows."""
    endpoint = dialogue.endpoint
    return {
        KEY: VERSION,
        "endpoint": {
            "name": endpoint.name,
            "protocol": endpoint.protocol.value,
            "server": endpoint.server,
            "port": endpoint.port,
            "security": endpoint.security.value,
        },
        "exchanges": [exchange_document(exchange) for exchange in dialogue.exchanges],
    }


def exchange_document(exchange: Exchange) -> dict[str, Any]:
    """One exchange as values that JSON knows."""
    return {
        "lines": [_line_document(line) for line in exchange.lines],
        "notes": [{"id": note.id, "params": dict(note.params)} for note in exchange.notes],
    }


def _line_document(line: Line) -> dict[str, Any]:
    raw: dict[str, str]
    try:
        raw = {"text": line.raw.decode()}
    except UnicodeDecodeError:
        raw = {"base64": b64encode(line.raw).decode()}
    return {"side": line.side.value, **raw, "secure": line.secure, "at": line.at}


def read_json(text: str, *, name: str = "-") -> Dialogue:
    """Read a dialogue from JSON text; `name` is the file's, for errors.

    Raises UsageError for what is not JSON, an unknown version or another shape.
    """
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno}
        raise UsageError("dialogue.json-syntax", file=name, **place) from None
    except (ValueError, RecursionError):
        raise UsageError("dialogue.json-syntax", file=name, line=1, column=1) from None
    return from_document(document, name=name)


def from_document(document: object, *, name: str = "-") -> Dialogue:
    """The dialogue that the document holds.  Raises UsageError as `read_json` does."""
    found = document.get(KEY) if isinstance(document, dict) else None
    if found != VERSION or isinstance(found, bool):
        shown = _shown(found)
        raise UsageError("dialogue.json-version", file=name, found=shown, accepted=VERSION)
    root = _Node(document, "", name)
    exchanges = tuple(_exchange(one) for one in root.items("exchanges"))
    return Dialogue(_endpoint(root.child("endpoint")), exchanges)


def _endpoint(node: _Node) -> Endpoint:
    return Endpoint(
        node.value("name", str),
        node.member("protocol", Protocol),
        node.value("server", str),
        node.value("port", int),
        node.member("security", Security),
    )


def _exchange(node: _Node) -> Exchange:
    lines = tuple(_line(one) for one in node.items("lines"))
    return Exchange(lines, tuple(_note(one) for one in node.items("notes")))


def _line(node: _Node) -> Line:
    raw = node.base64("base64") if node.has("base64") else node.text("text")
    return Line(node.member("side", Side), raw, node.value("secure", bool), node.number("at"))


def _note(node: _Node) -> Note:
    params = node.child("params")
    return Note(node.value("id", str), {key: params.value(key, str) for key in params})


class _Node:
    """A JSON object with its place in the document, so that an error can name it."""

    __slots__ = ("_file", "_place", "_value")

    def __init__(self, value: object, place: str, file: str) -> None:
        self._place = place
        self._file = file
        if not isinstance(value, dict):
            raise self._wrong("", value, "{…}")
        self._value: Mapping[str, object] = value

    def _wrong(self, key: str, found: object, accepted: str) -> UsageError:
        return UsageError(
            "dialogue.json-shape",
            file=self._file,
            place=self._at(key),
            found=_shown(found),
            accepted=accepted,
        )

    def _at(self, key: str) -> str:
        """The place of `key` in the document: "exchanges[0].lines"."""
        return ".".join(one for one in (self._place, key) if one)

    def __iter__(self) -> Iterator[str]:
        return iter(self._value)

    def has(self, key: str) -> bool:
        return key in self._value

    def value(self, key: str, kind: type[T] | tuple[type[T], ...]) -> T:
        found = self._value.get(key)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        # True is an int in Python, not in JSON.
        if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
            raise self._wrong(key, found, ", ".join(_NAMES[one] for one in kinds))
        return found

    def member(self, key: str, kind: type[E]) -> E:
        found = self.value(key, str)
        for one in kind:
            if one.value == found:
                return one
        raise self._wrong(key, found, ", ".join(str(one.value) for one in kind))

    def child(self, key: str) -> _Node:
        return _Node(self._value.get(key), self._at(key), self._file)

    def items(self, key: str) -> list[_Node]:
        found = self._value.get(key)
        if not isinstance(found, list):
            raise self._wrong(key, found, "[…]")
        place = self._at(key)
        return [_Node(one, f"{place}[{at}]", self._file) for at, one in enumerate(found)]

    def number(self, key: str) -> float:
        """JSON has no NaN and no Infinity (RFC 8259), though Python's reader takes them."""
        found = self.value(key, (int, float))
        try:
            number = float(found)
        except OverflowError:
            number = inf
        if not isfinite(number):
            raise self._wrong(key, found, _NAMES[float])
        return number

    def text(self, key: str) -> bytes:
        found = self.value(key, str)
        try:
            return found.encode()
        except UnicodeEncodeError:
            raise self._wrong(key, found, "UTF-8") from None

    def base64(self, key: str) -> bytes:
        found = self.value(key, str)
        try:
            return b64decode(found, validate=True)
        except ValueError:
            raise self._wrong(key, found, "base64") from None


_NAMES: Final[Mapping[object, str]] = {
    str: '"…"',
    int: "0, 1, 2 …",
    float: "0.5 …",
    bool: "true, false",
}


def _shown(value: object) -> str:
    shown = json.dumps(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}…"
