"""Convert seconds to and from timestamps, ticks and milliseconds."""

from __future__ import annotations

import re
from math import inf

#: ``1h30m``, ``5m``, ``90s``.
_UNITS = re.compile(r"(?=.)(?:([\d.]+)h)?(?:([\d.]+)m)?(?:([\d.]+)s)?")


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
    """Parse ``90``, ``1:30`` or ``01:01:30.5``, or ``90s``, ``5m`` or ``1h30m``, as seconds.

    Raises:
        ValueError: the text is not in any of these forms.
    """
    units = _UNITS.fullmatch(text.strip())
    try:
        parts = units.groups("0") if units else text.strip().split(":")
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    units_in_range = units or all(0 <= number < 60 for number in numbers[1:])  # noqa: PLR2004 - minutes, seconds
    if not 1 <= len(numbers) <= 3 or not 0 <= numbers[0] < inf or not units_in_range:  # noqa: PLR2004 - HH:MM:SS
        raise ValueError(f"not a time: {text!r}; write 90, 90s, 5m, 1h30m, 1:30 or HH:MM:SS")
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
