"""What an engine is, and what it emits.

An engine takes the audio of a turn and emits events; their times are in seconds from the turn's
first sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias, runtime_checkable

from azstt._events import Partial, SpeechEnded, SpeechStarted
from azstt._models import FrozenModel
from azstt._result import Seconds
from azstt.emulator._script import Utterance
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import StreamFormat


class Phrase(FrozenModel):
    """A final result."""

    utterance: Utterance


class Processed(FrozenModel):
    """All audio before ``until`` has been processed, and the client may discard it."""

    until: Seconds


EngineEvent: TypeAlias = SpeechStarted | Partial | Phrase | SpeechEnded | Processed

#: Accepts an event on any thread; never blocks or raises.
EngineCallback: TypeAlias = Callable[[EngineEvent], None]


class EngineSession(Protocol):
    """Recognizes one turn, or one channel of it.

    `write` and `finish` are called from worker threads, one call at a time.
    """

    def write(self, audio: bytes, /) -> None:
        """Process the next audio; may block, which slows the client down."""
        ...

    def finish(self) -> None:
        """Emit the remaining results; returns when all are emitted."""
        ...

    def close(self) -> None:
        """Release all resources; may be called from any thread.

        Unblocks a pending call. Nothing is emitted afterwards.
        """
        ...


@runtime_checkable
class Engine(Protocol):
    """Opens a session for each turn. Thread-safe."""

    def open(
        self, request: TurnRequest, audio: StreamFormat, emit: EngineCallback, channel: int
    ) -> EngineSession:
        """Open a session; may block.

        Args:
            request: what the client asked for in this turn.
            audio: the format of the audio to come; has one channel if channels are separated.
            emit: callback for the events.
            channel: the channel to recognize; 0 if channels are not separated.
        """
        ...
