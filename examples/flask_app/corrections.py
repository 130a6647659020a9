"""Applies a corrected text to the segments of a transcript. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import azstt

_END = "\n"  # ends a segment, which is a line in the text


def corrected(transcript: azstt.Transcript, text: str) -> azstt.Transcript:
    """Return the transcript with another text.

    Each word goes to the segment of the word that it replaces or follows. A segment whose text
    changes loses its words and their times, so that captions spread the text over its time; a
    segment without text is dropped.
    """
    new = _tokens(text)
    segments = [segment for segment in transcript.segments if segment.text]
    segments = segments or [azstt.Segment(start=0, end=transcript.duration, text="")]
    old = [(token, at) for at, one in enumerate(segments) for token in (*one.text.split(), _END)]
    texts: list[list[str]] = [[] for _ in segments]
    for token, index in zip(new, _align([token for token, _ in old], new), strict=True):
        if token != _END:
            texts[old[index][1]].append(token)
    updated = [_with_text(*pair) for pair in zip(segments, map(" ".join, texts), strict=True)]
    return transcript.model_copy(update={"segments": tuple(one for one in updated if one.text)})


def _tokens(text: str) -> list[str]:
    lines = [line.split() for line in text.splitlines()]
    return [token for line in lines if line for token in (*line, _END)]


def _align(old: Sequence[str], new: Sequence[str]) -> Iterator[int]:
    """Yield for each new token the index of the old one that it replaces or precedes."""
    # autojunk ignores frequent words: without it, an hour of text takes seconds.
    changes = SequenceMatcher(None, old, new, autojunk=True).get_opcodes()
    for _, old_from, old_to, new_from, new_to in changes:
        for step in range(new_to - new_from):
            index = old_from + step * (old_to - old_from) // (new_to - new_from)
            yield min(index, len(old) - 1)


def _with_text(segment: azstt.Segment, text: str) -> azstt.Segment:
    if text.split() == segment.text.split():
        return segment
    return segment.model_copy(update={"text": text, "words": ()})
