from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsim.protocol.sieve.calendar import Moment, civil, days_from, read_date, read_offset

moments = st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 30))  # noqa: DTZ001 - the zone comes on top
zones = st.integers(-12 * 60, 14 * 60)


@given(moments, zones)
def test_a_moment_has_the_parts_that_datetime_has(naive: datetime, zone: int) -> None:
    there = naive.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=zone)))
    moment = Moment(int(there.timestamp()), zone)
    assert moment.date == (there.year, there.month, there.day)
    assert moment.time == (there.hour, there.minute, there.second)
    assert moment.weekday == int(there.strftime("%w"))
    assert moment.julian == there.toordinal() - 678_576
    assert moment.std11 == format_datetime(there)
    assert read_date(format_datetime(there)) == moment
    assert moment.at(0).date == there.astimezone(UTC).timetuple()[:3]


@given(st.integers(-700_000, 3_000_000))
def test_days_go_there_and_back(days: int) -> None:
    assert days_from(*civil(days)) == days


def test_the_utc_is_written_as_z() -> None:
    assert Moment(0, 0).iso8601 == "1970-01-01T00:00:00Z"
    assert Moment(0, -210).iso8601 == "1969-12-31T20:30:00-03:30"


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("+0200", 120), ("-0530", -330), ("+02", None), ("0200", None), ("+02000", None), ("", None)],
)
def test_offsets(text: str, minutes: int | None) -> None:
    assert read_offset(text) == minutes


@given(st.text(max_size=60))
def test_any_text_is_a_date_or_none(text: str) -> None:
    moment = read_date(text)
    if moment:
        assert moment.std11
