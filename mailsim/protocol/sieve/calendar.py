"""Days and hours reckoned from seconds, and read from Date fields (RFC 5322 §3.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

_DAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_ZONES: Final = {
    "UT": 0, "GMT": 0, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420,
    "MDT": -360, "PST": -480, "PDT": -420,
}  # fmt: skip
_JULIAN_OF_1970: Final = 40_587
"""The modified Julian day of 1970-01-01 (RFC 5260 §4.2)."""
_LAST: Final = 253_402_300_799
"""9999-12-31T23:59:59Z."""


class Moment(NamedTuple):
    """A time with the zone that it is told in (minutes east of UTC)."""

    seconds: int
    zone: int

    def at(self, zone: int) -> Moment:
        """The same time in another zone."""
        return Moment(self.seconds, zone)

    @property
    def _local(self) -> int:
        return max(-62_135_596_800, min(_LAST, self.seconds + self.zone * 60))

    @property
    def date(self) -> tuple[int, int, int]:
        """Year, month and day."""
        return civil(self._local // 86_400)

    @property
    def time(self) -> tuple[int, int, int]:
        """Hour, minute and second."""
        rest = self._local % 86_400
        return rest // 3600, rest // 60 % 60, rest % 60

    @property
    def weekday(self) -> int:
        """0 for Sunday."""
        return (self._local // 86_400 + 4) % 7

    @property
    def julian(self) -> int:
        """The modified Julian day."""
        return self._local // 86_400 + _JULIAN_OF_1970

    def part(self, name: str) -> str | None:
        """A part of a date as the date test has it (RFC 5260 §4.2); None: no such part."""
        make = _PARTS.get(name)
        return None if make is None else make(self)

    @property
    def std11(self) -> str:
        """ "Tue, 03 Mar 2020 10:11:12 +0200" """
        year, month, day = self.date
        hour, minute, second = self.time
        clock = f"{hour:02}:{minute:02}:{second:02} {offset_text(self.zone)}"
        return f"{_DAYS[self.weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {clock}"

    @property
    def iso8601(self) -> str:
        """ "2020-03-03T10:11:12+02:00" """
        size = abs(self.zone)
        zone = f"{'-' if self.zone < 0 else '+'}{size // 60:02}:{size % 60:02}"
        end = zone if self.zone else "Z"
        return f"{_date_text(self)}T{_time_text(self)}{end}"


def _date_text(moment: Moment) -> str:
    return "{:04}-{:02}-{:02}".format(*moment.date)


def _time_text(moment: Moment) -> str:
    return "{:02}:{:02}:{:02}".format(*moment.time)


_PARTS: Final[dict[str, Callable[[Moment], str]]] = {
    "year": lambda moment: f"{moment.date[0]:04}",
    "month": lambda moment: f"{moment.date[1]:02}",
    "day": lambda moment: f"{moment.date[2]:02}",
    "date": _date_text,
    "julian": lambda moment: str(moment.julian),
    "hour": lambda moment: f"{moment.time[0]:02}",
    "minute": lambda moment: f"{moment.time[1]:02}",
    "second": lambda moment: f"{moment.time[2]:02}",
    "time": _time_text,
    "iso8601": lambda moment: moment.iso8601,
    "std11": lambda moment: moment.std11,
    "zone": lambda moment: offset_text(moment.zone),
    "weekday": lambda moment: str(moment.weekday),
}
PARTS: Final = frozenset(_PARTS)


def offset_text(zone: int) -> str:
    """ "+0200" """
    size = abs(zone)
    return f"{'-' if zone < 0 else '+'}{size // 60:02}{size % 60:02}"


def read_offset(text: str) -> int | None:
    """Minutes east of UTC of "+0200", or None."""
    if not re.fullmatch(r"[+-][0-9]{4}", text):
        return None
    size = int(text[1:3]) * 60 + int(text[3:])
    return -size if text[0] == "-" else size


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar."""
    # Reckoned from 0000-03-01, so that a leap day is the last of its year.
    days += 719_468
    era, of_era = divmod(days, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    day_of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return era * 400 + year_of_era + (month <= 2), month, day


def days_from(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01."""
    year -= month <= 2
    era, year_of_era = divmod(year, 400)
    day_of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return (
        era * 146_097
        + year_of_era * 365
        + year_of_era // 4
        - year_of_era // 100
        + day_of_year
        - 719_468
    )


# date-time = [day-of-week ","] date time [CFWS], with what Dovecot takes besides: whole names of
# months, dots in the time, zones of letters, anything behind.
_DATE = re.compile(
    r"(?:[A-Za-z]{3}\s*,\s*)?(\d{1,2})\s+([A-Za-z]{3})[A-Za-z]*\s+(\d{4}|\d{2})"
    r"\s+(\d{2})\s*[:.]\s*(\d{2})(?:\s*[:.]\s*(\d{2}))?(?:\s+([+-]\d{4}|[A-Za-z]+))?(?!\S)"
)
_COMMENT = re.compile(r"\((?:[^()\\]|\\.)*\)")


def read_date(text: str) -> Moment | None:
    """The time that a Date field gives, or None."""
    for _ in range(8):  # comments within comments
        text, count = _COMMENT.subn(" ", text)
        if not count:
            break
    match = _DATE.match(text.strip())
    if match is None:
        return None
    month = match[2].capitalize()
    if month not in _MONTHS:
        return None
    year = int(match[3])
    if len(match[3]) == 2:  # RFC 5322 §4.3 has 50 for the turn, Dovecot 70
        year += 2000 if year < 70 else 1900
    days = days_from(year, _MONTHS.index(month) + 1, int(match[1]))
    hour, minute, second = int(match[4]), int(match[5]), min(int(match[6] or 0), 59)
    valid = civil(days) == (year, _MONTHS.index(month) + 1, int(match[1]))
    if not valid or year < 1900 or hour > 23 or minute > 59 or int(match[6] or 0) > 60:
        return None
    zone = _zone(match[7] or "")
    return Moment(days * 86_400 + hour * 3600 + minute * 60 + second - zone * 60, zone)


def _zone(text: str) -> int:
    """Minutes east of UTC; an unknown zone is UTC (RFC 5322 §4.3)."""
    if text[:1] in ("+", "-"):
        return read_offset(text) or 0
    name = text.upper()
    if len(name) == 1:  # the letters of the military, J left out
        hours = "ABCDEFGHIKLM".find(name) + 1
        return 60 * (hours or -("NOPQRSTUVWXY".find(name) + 1))
    return _ZONES.get(name, 0)
