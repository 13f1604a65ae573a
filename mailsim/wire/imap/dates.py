"""Dates as IMAP writes them; no clock is asked here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailsim.errors import UsageError

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(r"([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
_DATE_TIME = re.compile(
    r"( [0-9]|[0-9]{2})-([A-Za-z]{3})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) "
    r"([+-])([0-9]{2})([0-9]{2})"
)


@dataclass(frozen=True, slots=True)
class Date:
    """A day, for SEARCH.

    date-text = date-day "-" date-month "-" date-year
    """

    year: int
    month: int
    day: int

    def __post_init__(self) -> None:
        _check_day(self)

    @classmethod
    def parse(cls, text: str) -> Date:
        """The date written "1-Feb-1994".  Raises UsageError for another form."""
        match = _DATE.fullmatch(text)
        if not match:
            raise UsageError("imap.not-a-date", text=text)
        return cls(int(match[3]), _month(match[2]), int(match[1]))

    def __str__(self) -> str:
        return f"{self.day}-{MONTHS[self.month - 1]}-{self.year:04}"


@dataclass(frozen=True, slots=True)
class DateTime:
    """A moment; `zone` is minutes east of Greenwich.

    date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
    """

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    zone: int

    def __post_init__(self) -> None:
        _check_day(self)
        if not (self.hour < 24 and self.minute < 60 and self.second <= 60):
            raise UsageError("imap.not-a-date", text=f"{self.hour}:{self.minute}:{self.second}")

    @classmethod
    def parse(cls, text: str) -> DateTime:
        """The moment written "17-Jul-1996 02:44:25 -0700".  Raises UsageError for another form."""
        match = _DATE_TIME.fullmatch(text)
        if not match:
            raise UsageError("imap.not-a-date", text=text)
        zone = int(match[8]) * 60 + int(match[9])
        return cls(
            int(match[3]),
            _month(match[2]),
            int(match[1]),
            int(match[4]),
            int(match[5]),
            int(match[6]),
            -zone if match[7] == "-" else zone,
        )

    def __str__(self) -> str:
        day = f"{self.day:2}-{MONTHS[self.month - 1]}-{self.year:04}"
        hours, minutes = divmod(abs(self.zone), 60)
        zone = f"{'-' if self.zone < 0 else '+'}{hours:02}{minutes:02}"
        return f"{day} {self.hour:02}:{self.minute:02}:{self.second:02} {zone}"


def _month(name: str) -> int:
    try:
        return MONTHS.index(name.capitalize()) + 1
    except ValueError:
        raise UsageError("imap.not-a-date", text=name) from None


def _check_day(value: Date | DateTime) -> None:
    if not (0 <= value.year <= 9999 and 1 <= value.month <= 12 and 1 <= value.day <= 31):
        raise UsageError("imap.not-a-date", text=f"{value.day}-{value.month}-{value.year}")
