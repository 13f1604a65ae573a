"""Text made comparable: neither case nor the way in which accents are written counts."""

from __future__ import annotations

import re
import unicodedata

_NO_TEXT = re.compile("\N{REPLACEMENT CHARACTER}{2,}")


class _Letters(dict[int, str]):
    """Each letter as Dovecot compares it (i;unicode-casemap): its title case, decomposed; made when
    first met."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        title = letter.title()
        # Only what stays one letter: "ß" is not "SS" here.
        made = unicodedata.normalize("NFKD", title if len(title) == 1 else letter)
        self[code] = made
        return made


_LETTERS = _Letters()


def folded(text: str) -> str:
    """`text` in the form in which it is compared."""
    if text.isascii():
        return text.upper()
    # However many octets are no text, together they are one letter.
    return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text).translate(_LETTERS)
