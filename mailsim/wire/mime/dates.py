"""The moment that a Date field names (RFC 5322 §3.3)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from mailsim.wire.mime.lexer import ATEXT

# [day-name ","] day month year hour ":" minute [":" second] [zone]; "." separates too, and what
# follows the zone does not count.
_DATE = re.compile(
    rb"\s*+(?:%(a)b{3}\s*+,\s*+)?([0-9]{1,2})(?!%(a)b)\s*+(%(a)b{3})%(a)b*+\s*+"
    rb"([0-9]{4}|[0-9]{2})(?!%(a)b)\s*+([0-9]{1,2})(?!%(a)b)\s*+[:.]\s*+([0-9]{2})(?!%(a)b)\s*+"
    rb"(?:[:.]\s*+([0-9]{2})(?!%(a)b)\s*+)?(?:(%(a)b++)|\Z)" % {b"a": b"[%b]" % ATEXT},
)
_COMMENT = re.compile(rb"\((?:[^()\\]|\\.)*+\)", re.DOTALL)
_MONTHS: Final = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct",
                  b"nov", b"dec")  # fmt: skip
_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ZONES: Final = {b"E": -5, b"C": -6, b"M": -7, b"P": -8}
_NUMERIC = re.compile(rb"([+-])([0-9]{2})([0-9]{2})")


class Moment(NamedTuple):
    """Seconds since 1970 in UTC, and the minutes east of Greenwich of who wrote them."""

    seconds: int
    zone: int


def parse_date(field: bytes) -> Moment | None:
    """The moment, or None where the field names none."""
    if b"(" in field:
        field = _without_comments(field)
    match = _DATE.match(field)
    if not match:
        return None
    day, month, year, hour, minute, second, zone = match.groups()
    name = month.lower()
    if name not in _MONTHS:
        return None
    seconds = _seconds(
        _year(year), _MONTHS.index(name) + 1, int(day), int(hour), int(minute), int(second or 0)
    )
    if seconds is None:
        return None
    minutes = _zone(zone) if zone else 0
    return Moment(seconds - minutes * 60, minutes)


def _without_comments(field: bytes) -> bytes:
    """Comments as one space each, the innermost first; 9 levels, more than anybody writes."""
    for _ in range(9):
        field, count = _COMMENT.subn(b" ", field)
        if not count:
            break
    return field


def _year(text: bytes) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (2000 if year < 70 else 1900)


def midnight(year: int, month: int, day: int) -> int:
    """The seconds from 1970 to the beginning of a day; `month` from 1."""
    before = year - 1
    days = before * 365 + before // 4 - before // 100 + before // 400
    days += sum(_DAYS[: month - 1]) + (1 if month > 2 and _is_leap(year) else 0) + day - 1
    return (days - 719162) * 86400


def is_day(year: int, month: int, day: int) -> bool:
    """Whether the month has such a day."""
    return 1 <= day <= _DAYS[month - 1] + (1 if month == 2 and _is_leap(year) else 0)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    """Since 1970; None for a day or time that there is not."""
    if year < 1900 or not is_day(year, month, day) or hour > 23 or minute > 59 or second > 60:
        return None
    return midnight(year, month, day) + hour * 3600 + minute * 60 + second


def _zone(text: bytes) -> int:
    """Minutes east of Greenwich: numeric, of one letter, or of North America; others are UTC."""
    if match := _NUMERIC.fullmatch(text):
        minutes = int(match[2]) * 60 + int(match[3])
        return minutes if match[1] == b"+" else -minutes
    upper = text.upper()
    if len(upper) == 1 and upper.isalpha():
        return _military(upper[0])
    if len(upper) == 3 and text.endswith(b"T") and upper[:1] in _ZONES and upper[1:2] in b"DS":
        return (_ZONES[upper[:1]] + (1 if upper[1:2] == b"D" else 0)) * 60
    return 0


def _military(letter: int) -> int:
    if letter < ord("J"):
        return (letter - ord("A") + 1) * 60
    if letter == ord("J") or letter == ord("Z"):
        return 0
    return (letter - ord("A") if letter <= ord("M") else ord("M") - letter) * 60
