"""Parameters of MAIL and RCPT, and the xtext that protects their values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailsim.errors import UsageError

_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_VALUE = re.compile(r"[^\x00-\x20=\x7f]+")
_PLAIN = re.compile(r"[^!-*,-<>-~]")
_HEX = re.compile(r"\+([0-9A-F]{2})")


@dataclass(frozen=True, slots=True)
class Parameter:
    """`SIZE=1024`, or `SMTPUTF8` with no value ("").

    esmtp-param = esmtp-keyword ["=" esmtp-value]        ; RFC 5321 §4.1.2
    """

    keyword: str
    value: str = ""

    def __post_init__(self) -> None:
        if not _KEYWORD.fullmatch(self.keyword) or (
            self.value and not _VALUE.fullmatch(self.value)
        ):
            raise UsageError("smtp.bad-parameter", parameter=str(self))

    def __str__(self) -> str:
        return f"{self.keyword}={self.value}" if self.value else self.keyword


def parameters(items: dict[str, str | int | bool]) -> tuple[Parameter, ...]:
    """Parameters from keyword arguments: `size=10`, `smtputf8=True`; False leaves one out.

    An underscore stands for the hyphen of a keyword.
    """
    return tuple(
        Parameter(name.upper().replace("_", "-"), "" if value is True else str(value))
        for name, value in items.items()
        if value is not False
    )


def parse_parameters(text: str) -> tuple[Parameter, ...]:
    """*(SP esmtp-param): the parameters in `text`.  Raises UsageError."""
    found = []
    for word in text.split(" "):
        if word:
            keyword, equals, value = word.partition("=")
            if equals and not value:
                raise UsageError("smtp.bad-parameter", parameter=word)
            found.append(Parameter(keyword, value))
    return tuple(found)


def xtext_encode(text: str) -> str:
    """xtext = *( xchar / hexchar ), hexchar = "+" 2(%x30-39 / %x41-46)   ; RFC 3461 §4"""
    raw = text.encode("utf-8").decode("latin-1")
    return _PLAIN.sub(lambda found: f"+{ord(found[0]):02X}", raw)


def xtext_decode(text: str) -> str:
    """The text that `xtext_encode` protected."""
    raw = _HEX.sub(lambda found: chr(int(found[1], 16)), text)
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")
