from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._units import milliseconds, parse_seconds, seconds_to_ticks, ticks_to_seconds, timestamp


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00:00.000"),
        (1.5, "00:00:01.500"),
        (59.9996, "00:01:00.000"),
        (3661.001, "01:01:01.001"),
        (360_000, "100:00:00.000"),
        (-1, "00:00:00.000"),
    ],
)
def test_timestamp(seconds, text):
    """A timestamp is rounded to the millisecond, with carry."""
    assert timestamp(seconds) == text


def test_the_decimal_mark_can_be_a_comma():
    """SubRip timestamps have a decimal comma."""
    assert timestamp(1.25, decimal_mark=",") == "00:00:01,250"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("90", 90), ("1:30", 90), ("01:01:30.5", 3690.5), (" 7.25 ", 7.25), ("0", 0)],
        *[("90s", 90), ("5m", 300), ("1h30m", 5400), ("1.5h", 5400), ("90m2.5s", 5402.5)],
    ],
)
def test_parse_seconds(text, seconds):
    """Times can be given as players show them, or with units."""
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *["", "x", "1:60", "-1", "1:2:3:4", "1:", "nan", "inf", "1:-2"],
        *["m", "5x", "30m1h", "1:30m", "1.2.3s", "5 m", "infm"],
    ],
)
def test_an_invalid_time_is_refused(text):
    """The message shows the text and how to write a time."""
    with pytest.raises(ValueError, match=r"not a time: .*HH:MM:SS"):
        parse_seconds(text)


@given(st.floats(0, 1e6))
def test_a_timestamp_reads_back(seconds):
    """Formatting and parsing a time loses less than a millisecond."""
    assert parse_seconds(timestamp(seconds)) == pytest.approx(seconds, abs=0.0006)


def test_ticks_are_a_hundred_nanoseconds():
    """Ten million ticks are a second, in both directions."""
    assert ticks_to_seconds(25_000_000) == 2.5
    assert seconds_to_ticks(2.5) == 25_000_000


def test_milliseconds_are_whole():
    """Azure's properties take whole milliseconds."""
    assert milliseconds(0.7004) == "700"
