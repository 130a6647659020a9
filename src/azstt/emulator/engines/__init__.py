"""Where the words come from.

An engine hears a turn's audio and says what it hears, in seconds from the turn's first sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias, runtime_checkable

from azstt._events import Partial, SpeechEnded, SpeechStarted
from azstt._models import FrozenModel
from azstt._result import Seconds
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import WaveFormat
from azstt.emulator.script import Utterance


class Phrase(FrozenModel):
    """An utterance that will not change."""

    utterance: Utterance


class Quiet(FrozenModel):
    """Nothing that was heard before ``until`` will be needed again."""

    until: Seconds


Heard: TypeAlias = SpeechStarted | Partial | Phrase | SpeechEnded | Quiet

#: Takes what was heard, on any thread; returns at once; never raises.
Listen: TypeAlias = Callable[[Heard], None]


class EngineSession(Protocol):
    """Hears one turn, or one channel of it. The calls come from worker threads, one at a time."""

    def write(self, audio: bytes, /) -> None:
        """Hear the next audio; may block: this is the back-pressure."""
        ...

    def finish(self) -> None:
        """Say what is left to say; returns when all is said."""
        ...

    def close(self) -> None:
        """Let go of everything, from any thread; frees a blocked call; nothing is said after."""
        ...


@runtime_checkable
class Engine(Protocol):
    """Makes a session for each turn. For a thread of any kind."""

    def open(
        self, request: TurnRequest, audio: WaveFormat, listen: Listen, channel: int
    ) -> EngineSession:
        """Make a session; may block.

        Args:
            request: what the client asks of the turn.
            audio: the format of what will be written: one channel, where they are separated.
            listen: takes what is heard.
            channel: which channel it hears; 0 where they are not separated.
        """
        ...
