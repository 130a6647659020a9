"""How far results are behind the audio. Pure."""

from __future__ import annotations

from collections import deque

from azstt._events import Event, Final, SpeechEnded, SpeechStarted


class Lag:
    """Follows the speech whose result is due. All times are the media's, in seconds."""

    def __init__(self) -> None:
        self._open: float | None = None
        self._due: deque[tuple[float, float]] = deque()

    def add(self, event: Event) -> None:
        """Add the next event."""
        match event:
            case SpeechStarted(at=at):
                self._open = at
            case SpeechEnded(at=at) if self._open is not None:
                self._due.append((self._open, at))
                self._open = None
            case Final(segment=segment):  # results come in order: what is earlier gets none
                while self._due and self._due[0][0] < segment.end:
                    self._due.popleft()
                if self._open is not None and self._open < segment.end:
                    self._open = None  # some recognizers end speech with the result
            case _:
                pass

    def behind(self, sent: float, taken: float) -> float:
        """Return how long before the end of the audio the recognizer has work to do, or owes some.

        Args:
            sent: up to where there is audio.
            taken: up to where the recognizer has taken it.
        """
        done = min(taken, self._due[0][1]) if self._due else taken
        return max(0.0, sent - done)
