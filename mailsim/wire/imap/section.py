"""Which part of a message: what stands between the brackets of BODY[…]."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailsim.wire.imap import tokens
from mailsim.wire.imap.scanner import Scanner

_PART = re.compile(rb"[1-9][0-9]{0,9}(?:\.[1-9][0-9]{0,9})*(?=[.\]])")
_TEXT = re.compile(rb"HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a message.

        section      = "[" [section-spec] "]"
        section-spec = section-msgtext / (section-part ["." section-text])

    `part` is the path to a body part, () for the message itself; `text` is
    HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT, MIME, or "" for all of it.
    """

    part: tuple[int, ...] = ()
    text: str = ""
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.fields:
            tokens.check(tokens.ASTRING, name, "header-fld-name")

    def __str__(self) -> str:
        spec = ".".join([*map(str, self.part), *([self.text] if self.text else [])])
        fields = f" ({' '.join(self.fields)})" if self.fields else ""
        return f"[{spec}{fields}]"


WHOLE = Section()


def read_section(scanner: Scanner) -> Section:
    """The section that stands here, brackets included."""
    scanner.expect(b"[")
    if scanner.skip(b"]"):
        return WHOLE
    match = scanner.match(_PART)
    part = tuple(map(int, match[0].split(b"."))) if match else ()
    text = ""
    fields: tuple[str, ...] = ()
    if not part or scanner.skip(b"."):
        text = scanner.need(_TEXT, "section-text").decode().upper()
        fields = _fields(scanner) if "FIELDS" in text else ()
    scanner.expect(b"]")
    return scanner.parsed(lambda _: Section(part, text, fields), "", "header-fld-name")


def _fields(scanner: Scanner) -> tuple[str, ...]:
    scanner.expect(b" ")
    # header-list holds one name at least (RFC 3501 §9).
    return scanner.many(scanner.astring) or scanner.fail("header-fld-name")
