"""SASL messages as text: parts, base64 by groups of six bits, what leaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mailsim import sasl
from mailsim.language import language, word
from mailsim.sasl.message import Message, Side, printable

_PER_ROW = 4
_FEW = 8


def step_lines(step: sasl.Step, *, lang: str | None = None, bits: bool = False) -> Iterator[str]:
    """One message of an exchange, its secrets shown; the last line is its token.

    `bits`: every group of base64, not only the first ones of a long token.
    """
    spoken = language(lang)
    side = word(f"render.side-{step.side.value}", spoken)
    yield f"{step.side.value}  {side}: {step.name(spoken)}"
    yield from part_lines(step, lang=spoken)
    yield from group_lines(step.data, lang=spoken, every=bits)
    yield f"   {word('render.learnt', spoken)} {step.learnt(spoken)}"
    yield step.token_base64 or word("render.empty-token", spoken)


def part_lines(message: Message, *, lang: str | None = None) -> Iterator[str]:
    """The parts that travel, then those that are worked out and stay at home."""
    spoken = language(lang)
    sent = [one for one in message.parts if one.sent]
    kept = [one for one in message.parts if not one.sent]
    width = max((len(one.name) for one in message.parts), default=0)
    for one in sent:
        yield f"   {one.name:<{width}}  {_value(one)}  — {one.note(spoken)}"
    if kept:
        yield f"   {word('render.kept', spoken)}"
    for one in kept:
        yield f"   {one.name:<{width}}  {_value(one)}  — {one.note(spoken)}"


def _value(one: sasl.Part) -> str:
    return one.shown(reveal=True) or '""'


def group_lines(data: bytes, *, lang: str | None = None, every: bool = False) -> Iterator[str]:
    """The table bytes, bits, sixes, index, letter; four groups a row."""
    groups = sasl.base64_groups(data)
    shown = groups if every or len(groups) <= _FEW else groups[:_PER_ROW]
    for at in range(0, len(shown), _PER_ROW):
        yield from _table(shown[at : at + _PER_ROW], language(lang))
    if len(shown) < len(groups):
        yield f"   {word('render.more-groups', language(lang), count=len(groups) - len(shown))}"


def _table(groups: tuple[sasl.Group, ...], lang: str) -> Iterator[str]:
    cells = [
        [" ".join(f"{octet:02x}" for octet in group.bytes_) for group in groups],
        [" ".join(printable(bytes([octet])) for octet in group.bytes_) for group in groups],
        [" ".join(f"{octet:08b}" for octet in group.bytes_) for group in groups],
        [" ".join(group.sixes) for group in groups],
        [" ".join(f"{index:<6}" for index in group.indexes).rstrip() for group in groups],
        [" ".join(f"{letter:<6}" for letter in group.characters).rstrip() for group in groups],
    ]
    names = [word(f"render.{name}", lang) for name in _ROWS]
    width = max(map(len, names))
    columns = [max(len(row[n]) for row in cells) for n in range(len(groups))]
    for name, row in zip(names, cells, strict=True):
        body = " | ".join(f"{cell:<{size}}" for cell, size in zip(row, columns, strict=True))
        yield f"   {name:<{width}}  {body}".rstrip()


_ROWS = ("octets", "text", "bits", "sixes", "index", "letter")


def step_document(step: sasl.Step, lang: str | None = None) -> dict[str, Any]:
    """The step as a JSON document, its secrets shown."""
    return {
        "side": step.side.value,
        "mechanism": step.mechanism,
        "message": step.name(lang),
        "token": step.token_base64,
        "parts": [
            {"name": one.name, "value": one.shown(reveal=True), "sent": one.sent}
            for one in step.parts
        ],
        "groups": [
            {"octets": group.bytes_.hex(), "sixes": group.sixes, "letters": group.characters}
            for group in sasl.base64_groups(step.data)
        ],
        "learnt": step.learnt(lang),
    }


def decoded_lines(decoded: sasl.Decoded, *, lang: str | None = None) -> Iterator[str]:
    """A captured token: what it is, what it leaks, its parts; the secrets shown."""
    spoken = language(lang)
    yield decoded.name(spoken)
    if len(decoded.candidates) > 1:
        names = ", ".join(decoded.candidates)
        yield f"   {word('render.candidates', spoken, names=names)}"
    yield f"   {word('render.learnt', spoken)} {decoded.learnt(spoken)}"
    yield from part_lines(decoded, lang=spoken)


def decoded_document(decoded: sasl.Decoded, lang: str | None = None) -> dict[str, Any]:
    """The decoded token as a JSON document, its secrets shown."""
    return {
        "mechanism": decoded.mechanism,
        "candidates": list(decoded.candidates),
        "side": decoded.side.value if isinstance(decoded.side, Side) else None,
        "message": decoded.name(lang),
        "parts": [{"name": one.name, "value": one.shown(reveal=True)} for one in decoded.parts],
        "learnt": decoded.learnt(lang),
    }
