"""Word times: by forced alignment if pocketsphinx is installed, else spread by length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from azstt._result import Word
from azstt._threads.imports import guarded_import
from azstt._words.times import spread_words
from azstt.backends.local._utterance import Span

#: A crude guess at each letter's phoneme, for words that are not in the dictionary.
_LETTERS = (
    "a:AE b:B c:K d:D e:EH f:F g:G h:HH i:IH j:JH k:K l:L m:M n:N o:AA p:P q:K r:R s:S t:T "
    "u:AH v:V w:W x:K y:Y z:Z"
)
_PHONEMES = {letter: phoneme for letter, _, phoneme in (p.partition(":") for p in _LETTERS.split())}
_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
_FRAMES_A_SECOND = 100


class Aligner:
    """Finds the given English words in audio. For one thread at a time."""

    def __init__(self) -> None:
        with guarded_import("pocketsphinx", needed_by="LocalBackend(align=True)", extra="align"):
            pocketsphinx: Any = import_module("pocketsphinx")  # ships no types
        self._decoder: Any = pocketsphinx.Decoder(loglevel="FATAL", lm=None)

    def align(self, pcm: bytes, words: Sequence[str]) -> list[Span] | None:
        """Return each word's times from the start of the audio; None if they are not found."""
        keys = [self._key(word) for word in words]
        spoken = [key for key in keys if key]
        if not spoken or not pcm:
            return None
        decoder = self._decoder
        decoder.set_align_text(" ".join(spoken))
        # Otherwise the cepstral mean of the previous utterance is carried over.
        decoder.reinit_feat()
        decoder.start_utt()
        # In one call: normalizing over the whole utterance makes it accurate (in slices, starts
        # moved by 90 ms on average). It holds the GIL for 15 ms per second of audio.
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        found = [
            (part.start_frame / _FRAMES_A_SECOND, (part.end_frame + 1) / _FRAMES_A_SECOND)
            for part in decoder.seg() or ()
            if not part.word.startswith(("<", "["))
        ]
        if len(found) != len(spoken):
            return None
        return _with_silent(keys, found)

    def _key(self, word: str) -> str:
        """Return the dictionary's spelling of a word; add the word if it is new."""
        key = re.sub(r"[^a-z']", "", word.lower().replace(_APOSTROPHE, "'")).strip("'")
        if key and not self._decoder.lookup_word(key):
            self._decoder.add_word(key, " ".join(_PHONEMES[c] for c in key if c in _PHONEMES), True)
        return key


def _with_silent(keys: Sequence[str], found: Sequence[Span]) -> list[Span]:
    """Place words without letters, such as numbers, between their neighbors."""
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
    """Spread words over runs of speech by their length, never into the silence between runs."""
    spoken = sum(end - start for start, end in runs)
    words = spread_words(texts, 0.0, spoken, confidences)
    return tuple(
        word.model_copy(
            update={"start": _place(word.start, runs), "end": _place(word.end, runs, last=True)}
        )
        for word in words
    )


def _place(at: float, runs: Sequence[Span], *, last: bool = False) -> float:
    """Return the time in the audio after ``at`` seconds of speech.

    Between two runs, ``last`` selects the end of the first, not the start of the second.
    """
    for start, end in runs:
        if at < end - start or (last and at == end - start):
            return start + at
        at -= end - start
    return runs[-1][1]
