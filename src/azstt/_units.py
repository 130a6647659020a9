"""Seconds and the texts they are written as."""

from __future__ import annotations


def timestamp(seconds: float, *, decimal_mark: str = ".") -> str:
    """Write seconds as ``HH:MM:SS.mmm``, rounded to the millisecond.

    Hours take more than two digits where they must.
    """
    milliseconds = round(max(seconds, 0.0) * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{decimal_mark}{milliseconds:03d}"


def parse_seconds(text: str) -> float:
    """Read ``90``, ``1:30``, ``01:01:30.5`` as seconds.

    Raises:
        ValueError: the text is none of these.
    """
    parts = text.strip().split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    in_range = all(number >= 0 for number in numbers) and all(n < 60 for n in numbers[1:])  # noqa: PLR2004 - sixty minutes, sixty seconds
    if not 1 <= len(numbers) <= 3 or not in_range:  # noqa: PLR2004 - hours, minutes, seconds
        raise ValueError(f"not a time: {text!r}; write seconds (90.5) or HH:MM:SS (00:01:30.5)")
    seconds = 0.0
    for number in numbers:
        seconds = seconds * 60 + number
    return seconds
