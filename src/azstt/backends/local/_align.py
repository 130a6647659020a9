"""When each word was said: by forced alignment where pocketsphinx is installed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from azstt._assembly.words import spread_words
from azstt._result import Word
from azstt.backends.local._utterance import Span

#: A crude guess at how each letter sounds, for words that the dictionary lacks.
_LETTERS = (
    "a:AE b:B c:K d:D e:EH f:F g:G h:HH i:IH j:JH k:K l:L m:M n:N o:AA p:P q:K r:R s:S t:T "
    "u:AH v:V w:W x:K y:Y z:Z"
)
_SOUNDS = {letter: sound for letter, _, sound in (p.partition(":") for p in _LETTERS.split())}
_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
_FRAMES_A_SECOND = 100


class Aligner:
    """Finds where in the audio given English words lie. For one thread at a time."""

    def __init__(self) -> None:
        pocketsphinx: Any = import_module("pocketsphinx")  # ships no types
        self._decoder: Any = pocketsphinx.Decoder(loglevel="FATAL", lm=None)

    def align(self, pcm: bytes, words: Sequence[str]) -> list[Span] | None:
        """Give each word's times from the start of the audio; None if they can't be found."""
        keys = [self._key(word) for word in words]
        said = [key for key in keys if key]
        if not said or not pcm:
            return None
        decoder = self._decoder
        decoder.set_align_text(" ".join(said))
        # It would carry its mean of the features on from the utterance before.
        decoder.reinit_feat()
        decoder.start_utt()
        # In one piece: to normalize by the whole is what makes it exact (in slices the starts
        # moved by 90 ms in the mean). It holds the interpreter for 15 ms a second of audio.
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        found = [
            (part.start_frame / _FRAMES_A_SECOND, (part.end_frame + 1) / _FRAMES_A_SECOND)
            for part in decoder.seg() or ()
            if not part.word.startswith(("<", "["))
        ]
        if len(found) != len(said):
            return None
        return _with_silent(keys, found)

    def _key(self, word: str) -> str:
        """Give the dictionary's spelling of a word; teach it the word if it is new."""
        key = re.sub(r"[^a-z']", "", word.lower().replace(_APOSTROPHE, "'")).strip("'")
        if key and not self._decoder.lookup_word(key):
            self._decoder.add_word(key, " ".join(_SOUNDS[c] for c in key if c in _SOUNDS), True)
        return key


def _with_silent(keys: Sequence[str], found: Sequence[Span]) -> list[Span]:
    """Put words without letters, such as numbers, between their neighbors."""
    ends = iter(found)
    spans: list[Span] = []
    at = 0.0
    for key in keys:
        span = next(ends) if key else (at, at)
        spans.append(span)
        at = span[1]
    return spans


def spread_over_runs(
    texts: Sequence[str], runs: Sequence[Span], confidences: Sequence[float]
) -> tuple[Word, ...]:
    """Spread words over runs of speech by their length; none falls into the silence between."""
    spoken = sum(end - start for start, end in runs)
    words = spread_words(texts, 0.0, spoken, confidences)
    return tuple(
        word.model_copy(
            update={"start": _place(word.start, runs), "end": _place(word.end, runs, last=True)}
        )
        for word in words
    )


def _place(at: float, runs: Sequence[Span], *, last: bool = False) -> float:
    """Give the time in the audio after ``at`` seconds of speech.

    Where one run ends and the next begins, ``last`` takes the end of the first.
    """
    for start, end in runs:
        if at < end - start or (last and at == end - start):
            return start + at
        at -= end - start
    return runs[-1][1]
