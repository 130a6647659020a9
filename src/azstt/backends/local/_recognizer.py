"""One utterance in, one `Segment` out: the model, and the aligner if there is one.

Imports numpy and onnxruntime, so it is itself imported late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from threading import Lock

from azstt._result import Segment, Word
from azstt.backends.local import _assets
from azstt.backends.local._align import Aligner, spread_over_runs
from azstt.backends.local._model import Moonshine, SpokenWord
from azstt.backends.local._utterance import UtteranceAudio


class Recognizer:
    """A loaded model that all sessions share. Any number of threads may call it at once."""

    def __init__(self, folder: Path, *, align: bool) -> None:
        self._model: Moonshine = Moonshine(folder)
        self._aligner: Aligner | None = Aligner() if align else None
        self._aligning: Lock = Lock()  # it holds the GIL: a second aligner would gain nothing

    def text(self, pcm: bytes, *, canceled: Callable[[], bool]) -> str:
        """Return the text alone.

        Raises:
            DecodeCanceledError: ``canceled`` returned true.
        """
        return _joined(self._model.transcribe(pcm, canceled=canceled))

    def segment(
        self, utterance: UtteranceAudio, *, language: str | None, canceled: Callable[[], bool]
    ) -> Segment:
        """Return an utterance as text, words with times, and confidences.

        Raises:
            DecodeCanceledError: ``canceled`` returned true.
        """
        spoken = self._model.transcribe(utterance.pcm, canceled=canceled)
        if not spoken:
            return Segment(start=utterance.start, end=utterance.end, text="", language=language)
        words = self._measured(utterance, spoken) or spread_over_runs(
            [word.text for word in spoken], utterance.runs, [word.confidence for word in spoken]
        )
        return Segment(
            start=words[0].start,
            end=words[-1].end,
            text=_joined(spoken),
            words=words,
            confidence=fmean(word.confidence for word in spoken),
            language=language,
        )

    def _measured(
        self, utterance: UtteranceAudio, spoken: Sequence[SpokenWord]
    ) -> tuple[Word, ...]:
        """Return the words with the aligner's times; none if it does not find them."""
        if self._aligner is None:
            return ()
        with self._aligning:
            spans = self._aligner.align(utterance.pcm, [word.text for word in spoken])
        return tuple(
            Word(
                text=word.text,
                start=min(utterance.start + start, utterance.end),
                end=min(utterance.start + end, utterance.end),
                confidence=word.confidence,
            )
            for word, (start, end) in zip(spoken, spans or (), strict=spans is not None)
        )


_loaded: dict[tuple[Path, bool], Recognizer] = {}


def load(folder: Path, *, published: bool, align: bool) -> Recognizer:
    """Load a model, once per process; it stays loaded for later sessions. For one thread at a time.

    Args:
        folder: the folder with the model's files.
        published: check the files against the digests of the published model.
        align: measure word times.

    Raises:
        ServiceError: a file is not the published one.
    """
    key = (folder.resolve(), align)
    if key not in _loaded:
        if published:
            _assets.verify(folder)
        _loaded[key] = Recognizer(folder, align=align)
    return _loaded[key]


def _joined(words: Sequence[SpokenWord]) -> str:
    return " ".join(word.text for word in words)
