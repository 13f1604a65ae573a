"""The lab's time: the system's, or one that a seed fixes; it can be advanced."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# 2010-06-21 08:00:00 UTC: the year of the thesis.
START = 1_277_107_200.0
LATEST = 253_370_764_800.0
"""9999-01-01: a year before the last of the calendar, so that what is due later has a date."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Clock:
    """Seconds since 1970 as the lab's servers see them.

    `fixed`: time begins at START and passes only by `tick` (one second: each connection that
    comes, each attempt of the queue) and `advance`, so that the same run gives the same
    stamps.  Else it is the system's time plus what it was advanced by.
    """

    def __init__(self, *, fixed: bool) -> None:
        self.fixed = fixed
        self._offset = 0.0
        self._waiters: list[Callable[[], None]] = []
        self._header = (-1, "")

    def now(self) -> float:
        """The time."""
        return (START if self.fixed else time.time()) + self._offset

    @property
    def offset(self) -> float:
        """By how much it was advanced, ticks included."""
        return self._offset

    def tick(self) -> None:
        """One second passes on a fixed clock."""
        if self.fixed:
            self._offset += 1.0

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass at once; what waits for a time is told."""
        self._offset += seconds
        for waiter in tuple(self._waiters):
            waiter()

    def on_advance(self, waiter: Callable[[], None]) -> None:
        """Call `waiter` after each `advance`."""
        self._waiters.append(waiter)

    def utc(self) -> datetime:
        """The time as a datetime in UTC."""
        return _utc(self.now())

    def syslog(self) -> str:
        """`Jun 21 08:00:01`   ; RFC 3164 §4.1.2"""
        now = self.utc()
        return f"{_MONTHS[now.month - 1]} {now.day:2d} {now:%H:%M:%S}"

    def header(self) -> str:
        """`Mon, 21 Jun 2010 08:00:01 +0000 (UTC)`, as Postfix writes a date   ; RFC 5322 §3.3"""
        return self.header_at(self.now())

    def header_at(self, seconds: float) -> str:
        """The same for another time, in seconds since 1970."""
        # The last one is kept: several fields of a message have the same date.
        if self._header[0] != int(seconds):
            now = _utc(seconds)
            day = f"{_DAYS[now.weekday()]}, {now.day} {_MONTHS[now.month - 1]} {now.year}"
            self._header = (int(seconds), f"{day} {now:%H:%M:%S} +0000 (UTC)")
        return self._header[1]


def _utc(seconds: float) -> datetime:
    """As datetime.fromtimestamp, which on Windows knows no year after 3000."""
    return _EPOCH + timedelta(seconds=seconds)
