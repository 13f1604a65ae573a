"""Base64 by groups of six bits as rows, and which groups a change has changed: without a widget."""

from __future__ import annotations

from typing import Final

from mailsim import sasl
from mailsim.sasl.message import printable

# A page holds so many groups with ease: 192 octets.
MOST: Final = 64
HEADINGS: Final = (
    "render.octets",
    "render.text",
    "render.bits",
    "render.sixes",
    "render.index",
    "render.letter",
)


def group_rows(data: bytes) -> tuple[tuple[str, ...], ...]:
    """A row for each group of three octets: octets, text, bits, sixes, their numbers, the letters."""
    return tuple(
        (
            " ".join(f"{octet:02x}" for octet in group.bytes_),
            " ".join(printable(bytes([octet])) for octet in group.bytes_),
            " ".join(f"{octet:08b}" for octet in group.bytes_),
            " ".join(group.sixes),
            " ".join(map(str, group.indexes)),
            " ".join(group.characters),
        )
        for group in sasl.base64_groups(data)
    )


def changed(before: bytes, after: bytes) -> frozenset[int]:
    """The numbers, from 0, of the groups of `after` that stood otherwise in `before`."""
    old = [group.bytes_ for group in sasl.base64_groups(before)]
    new = [group.bytes_ for group in sasl.base64_groups(after)]
    return frozenset(at for at, one in enumerate(new) if at >= len(old) or old[at] != one)
