"""Convert seconds to and from timestamps, ticks and milliseconds."""

from __future__ import annotations

from math import inf


def timestamp(seconds: float, *, decimal_mark: str = ".") -> str:
    """Format seconds as ``HH:MM:SS.mmm``, rounded to the millisecond.

    Hours have more than two digits from 100 hours on.
    """
    milliseconds = round(max(seconds, 0.0) * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{decimal_mark}{milliseconds:03d}"


def parse_seconds(text: str) -> float:
    """Parse ``90``, ``1:30`` or ``01:01:30.5`` as seconds.

    Raises:
        ValueError: the text is not in any of these forms.
    """
    try:
        numbers = [float(part) for part in text.strip().split(":")]
    except ValueError:
        numbers = []
    units_in_range = all(0 <= number < 60 for number in numbers[1:])  # noqa: PLR2004 - minutes, seconds
    if not 1 <= len(numbers) <= 3 or not 0 <= numbers[0] < inf or not units_in_range:  # noqa: PLR2004 - HH:MM:SS
        raise ValueError(f"not a time: {text!r}; write seconds (90.5) or HH:MM:SS (00:01:30.5)")
    seconds = 0.0
    for number in numbers:
        seconds = seconds * 60 + number
    return seconds


#: Azure counts time in ticks of 100 nanoseconds.
_TICKS_PER_SECOND = 10_000_000


def ticks_to_seconds(ticks: int) -> float:
    """Convert ticks of 100 ns to seconds."""
    return ticks / _TICKS_PER_SECOND


def seconds_to_ticks(seconds: float) -> int:
    """Convert seconds to ticks of 100 ns."""
    return round(seconds * _TICKS_PER_SECOND)


def milliseconds(seconds: float) -> str:
    """Format seconds as whole milliseconds, as Azure's properties expect them."""
    return str(round(seconds * 1000))
