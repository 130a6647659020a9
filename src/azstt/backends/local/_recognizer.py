"""One segment of audio in, one `Segment` out: the model, and the aligner if there is one.

Imports numpy, so it is imported late itself.
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
from azstt.backends.local._utterance import Utterance


class Recognizer:
    """A loaded model that all sessions share. Any number of threads may call it at once."""

    def __init__(self, folder: Path, *, align: bool) -> None:
        self._model: Moonshine = Moonshine(folder)
        self._aligner: Aligner | None = Aligner() if align else None
        self._aligning: Lock = Lock()  # it holds the interpreter anyway: a second gains nothing

    def text(self, pcm: bytes, *, canceled: Callable[[], bool]) -> str:
        """Recognize the text alone.

        Raises:
            CancelledError: ``canceled`` turned true.
        """
        return _joined(self._model.transcribe(pcm, canceled=canceled))

    def segment(
        self, utterance: Utterance, *, language: str | None, canceled: Callable[[], bool]
    ) -> Segment:
        """Recognize an utterance: text, words with times, confidences.

        Raises:
            CancelledError: ``canceled`` turned true.
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

    def _measured(self, utterance: Utterance, spoken: Sequence[SpokenWord]) -> tuple[Word, ...]:
        """Give the words with the aligner's times; nothing if it finds them not."""
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
_loading = Lock()


def load(folder: Path, *, published: bool, align: bool) -> Recognizer:
    """Load a model, once a process; it stays for the sessions to come.

    Args:
        folder: where its files lie.
        published: hold the files against the digests of the published model.
        align: measure word times.

    Raises:
        ServiceError: a file is not the published one.
    """
    with _loading:
        key = (folder.resolve(), align)
        if key not in _loaded:
            if published:
                _assets.verify(folder)
            _loaded[key] = Recognizer(folder, align=align)
        return _loaded[key]


def _joined(words: Sequence[SpokenWord]) -> str:
    return " ".join(word.text for word in words)
