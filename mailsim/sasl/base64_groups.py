"""Base64 made visible: three bytes, twenty-four bits, four groups of six, four letters."""

from __future__ import annotations

import base64
from dataclasses import dataclass

# RFC 4648 §4: the value 0 to 63 of each letter.
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(frozen=True, slots=True)
class Group:
    """One to three bytes and the four characters that stand for them.

    `bits` are the bytes' own, 8 to 24 of "0" and "1"; `padding` is the number of
    "=" at the end, 0 to 2.
    """

    characters: str
    bits: str
    bytes_: bytes
    padding: int

    @property
    def sixes(self) -> tuple[str, ...]:
        """The bits by six, the last filled with zeros; two to four of them."""
        filled = self.bits + "0" * (-len(self.bits) % 6)
        return tuple(filled[at : at + 6] for at in range(0, len(filled), 6))

    @property
    def indexes(self) -> tuple[int, ...]:
        """Each six as a number, 0 to 63: the letter's place in ALPHABET."""
        return tuple(int(six, 2) for six in self.sixes)


def base64_groups(data: bytes) -> tuple[Group, ...]:
    """`data` coded in base64, group by group; secrets in it are shown."""
    return tuple(_group(data[at : at + 3]) for at in range(0, len(data), 3))


def _group(some: bytes) -> Group:
    characters = base64.b64encode(some).decode("ascii")
    bits = "".join(f"{byte:08b}" for byte in some)
    return Group(characters, bits, some, characters.count("="))
