"""What Amavis finds wrong with a header section: check_header_validity of amavis 2.13."""

from __future__ import annotations

import re
from typing import Final

from mailsim.servers.filter.message import Head

MIME, EIGHT_BIT, CONTROL, EMPTY, LONG, SYNTAX, MISSING, MULTIPLE = range(1, 9)
_LONGEST = 998  # RFC 5322 §2.1.1
_WELL_FORMED = re.compile(rb"(?:[!-9;-~\x80-\xff]++[ \t]*+:[^\n]*+\n(?:[ \t][^\n]*+\n)*+)*+")
_BLANK_FOLD = re.compile(rb"^[ \t]+\r?$", re.MULTILINE)
_CONTROL = re.compile(rb"\x00|\r(?!\n)")
_ONCE: Final = {name.lower(): name for name in (
    "Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject", "Message-ID",
    "References", "In-Reply-To", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    "Content-ID", "Content-Description", "Content-Disposition", "Auto-Submitted",
)}  # fmt: skip


def check(head: Head) -> tuple[int, str]:
    """The category (Amavis's minor one) and the first complaint; 0 and "" if all is well."""
    found = [*_shape(head.raw), *_eight_bit(head), *_counts(head)]
    return (max(kind for kind, _ in found), found[0][1]) if found else (0, "")


def _shape(raw: bytes) -> list[tuple[int, str]]:
    found = []
    good = _WELL_FORMED.match(raw)
    if good and good.end() < len(raw):
        line = raw[good.end() :].partition(b"\n")[0]
        found.append((SYNTAX, f"Invalid header field syntax: {_shown(line)}"))
    if (b"\n " in raw or b"\n\t" in raw) and _BLANK_FOLD.search(raw):
        found.append((EMPTY, "Improper folded header field made up entirely of whitespace"))
    if len(raw) > _LONGEST and (line := _long_line(raw)):
        found.append((LONG, f"Header line longer than 998 characters: {_shown(line)}"))
    if _CONTROL.search(raw):
        found.append((CONTROL, "Improper use of control character"))
    return found


def _long_line(raw: bytes) -> bytes:
    return next((line for line in raw.split(b"\n") if len(line.rstrip(b"\r")) > _LONGEST), b"")


def _eight_bit(head: Head) -> list[tuple[int, str]]:
    """UTF-8 that nobody announced is let pass: its test is off by default."""
    if head.raw.isascii():
        return []
    for name, value in head.fields:
        try:
            value.decode("utf-8")
        except UnicodeDecodeError as error:
            octet = value[error.start]
            line = _shown(name.encode("latin-1") + b":" + value)
            said = f"Non-encoded non-ASCII data (and not UTF-8) (char {octet:02X} hex): {line}"
            return [(EIGHT_BIT, said)]
    return []


def _counts(head: Head) -> list[tuple[int, str]]:
    counts = head.counts
    found = [
        (MISSING, f'Missing required header field: "{name}"')
        for name in ("Date", "From")
        if name.lower() not in counts
    ]
    for name in [one for one, count in counts.items() if count > 1 and one in _ONCE]:
        said = f'Duplicate header field: "{_ONCE[name]}"'
        if counts[name] > 2:
            said = (
                f'Header field occurs more than once: "{_ONCE[name]}" occurs {counts[name]} times'
            )
        found.append((MULTIPLE, said))
    return found


def _shown(line: bytes) -> str:
    text = line[:50].decode("latin-1").rstrip("\r\n") + ("[...]" if len(line) > 50 else "")
    return "".join(c if " " <= c <= "~" else f"\\x{{{ord(c):02X}}}" for c in text)
