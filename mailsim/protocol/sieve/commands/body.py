"""body (RFC 5173)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from mailsim.protocol.sieve.checker import Checker
from mailsim.protocol.sieve.commands.matching import MATCH, check_match, matched
from mailsim.protocol.sieve.commands.tests import positional
from mailsim.protocol.sieve.complaint import shown
from mailsim.protocol.sieve.program import Call
from mailsim.protocol.sieve.running import Run
from mailsim.protocol.sieve.spec import Option, Sort, Spec, Type
from mailsim.protocol.sieve.syntax import Node
from mailsim.wire.mime import Part

_HTML: Final = ("text/html", "application/xhtml+xml")
_UNSEEN = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(r"<[^<>]*>")


def _check(checker: Checker, node: Node, call: Call) -> None:
    check_match(checker, call, positional(node, 1), call.args[0])


def _body(run: Run, call: Call) -> bool:
    part = run.message.part
    how = call.tags.get("transform", "text")
    run.note(call, "sieve.trace-body", {"transform": f":{how}"})
    # RFC 5173 §4: a message of a header alone has no body, not even an empty one.
    if not part.body_start or not part.header.endswith((b"\n\r\n", b"\n\n", b"\r\n\r\n")):
        return matched(run, call, call.args[0], ())
    key = how
    types: list[str] = []
    if how == "content":
        types = [one.decode("utf-8", "replace").lower() for one in run.texts(call.tags[how])]
        key = "content " + "\0".join(types)
    values = run.message.bodies.get(key)
    if values is None:
        run.charge(5 * len(part.content))
        values = run.message.bodies[key] = list(_values(part, how, types))
    # RFC 5173 §6: match variables are left alone.
    return matched(run, call, call.args[0], _told(run, call, values), keep=False)


def _values(part: Part, how: str, types: list[str]) -> Iterator[bytes]:
    if how == "raw":
        return iter((part.body,))
    return _contents(part, types) if how == "content" else _texts(part)


def _told(run: Run, call: Call, values: list[bytes]) -> Iterator[bytes]:
    for value in values:
        run.charge(len(value))
        run.note(call, "sieve.trace-part", {"size": len(value), "start": shown(value, 60)})
        yield value


def _texts(part: Part) -> Iterator[bytes]:
    """What a person reads: the parts of text, and HTML without its marks (RFC 5173 §5.3)."""
    for one in part.walk():
        if one.media_type in _HTML:
            yield _plain(one.text()).encode()
        elif one.media_type.startswith("text/"):
            yield one.text().encode()


def _plain(text: str) -> str:
    """HTML as text: each mark parts words, entities are what they stand for."""
    pieces: list[str] = []
    for piece in _MARK.split(_UNSEEN.sub("", text)):
        if pieces and pieces[-1] and not pieces[-1][-1].isspace():
            pieces.append(" ")
        pieces.append(piece)
    return html.unescape("".join(pieces))


def _contents(part: Part, types: list[str]) -> Iterator[bytes]:
    """The parts of the types asked for, each by itself (RFC 5173 §5.2)."""
    wanted = [one for one in types if _possible(one)]
    for one in part.walk():
        kind = one.media_type
        if not any(not name or name in (kind, kind.partition("/")[0]) for name in wanted):
            continue
        if kind.startswith("multipart/") and one.children:
            yield from _around(one)
        elif kind == "message/rfc822" and one.children:
            yield one.children[0].header
        elif kind.startswith("text/"):
            yield one.text().encode()
        else:
            yield one.decoded() or b""


def _possible(name: str) -> bool:
    return not (name.startswith("/") or name.endswith("/") or name.count("/") > 1)


def _around(part: Part) -> Iterator[bytes]:
    """A multipart's prologue and epilogue."""
    content, first, last = part.content, part.children[0], part.children[-1]
    start = content.rfind(b"\n--", part.body_start - 1, first.start)
    yield content[part.body_start : max(start + 1, part.body_start)]
    close = content.find(b"\n--", max(last.end - 2, 0), part.end)
    end = content.find(b"\n", close + 1, part.end) if close >= 0 else -1
    yield content[end + 1 : part.end] if end >= 0 else b""


_TRANSFORM: Final = (
    Option("raw", family="transform"),
    Option("content", Type.STRINGS, family="transform"),
    Option("text", family="transform"),
)
SPECS: Final = (
    Spec(
        "body", Sort.TEST, _body, (("key list", Type.STRINGS),), (*MATCH, *_TRANSFORM), "body",
        check=_check,
    ),
)  # fmt: skip
