"""Literals in rows: what is content, what goes on behind it."""

from __future__ import annotations

import re
from typing import Final

from mailsim.secret import MASK

_ANNOUNCED = re.compile(rb"\{(\d{1,18})[+-]?\}\r?\n\Z")
_MASK: Final = MASK.encode()


class Literals:
    """Counts the octets of one side's literals, row by row.

    A masked literal is not as long as was announced: it ends with its mask.
    """

    def __init__(self) -> None:
        self.left = 0
        self.continued = False
        """Whether the last literal's command or response goes on behind it."""

    def take(self, row: bytes) -> tuple[bytes, bytes]:
        """The row's octets that are a literal's, and those behind them."""
        if not self.left:
            return b"", row
        masked = row.find(_MASK)
        end = masked + len(_MASK) if 0 <= masked < self.left else min(self.left, len(row))
        self.left = 0 if masked >= 0 and masked < self.left else self.left - end
        self.continued = self.left == 0
        return row[:end], row[end:]

    def announces(self, row: bytes) -> bool:
        """Whether a literal follows the row; it is counted from here on."""
        if not row:
            return False
        found = _ANNOUNCED.search(row)
        self.continued = False
        if found is None:
            return False
        self.left = int(found.group(1))
        self.continued = self.left == 0
        return True
