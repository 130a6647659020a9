"""A text that somebody corrected, laid over the segments that it was. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import azstt

_END = "\n"  # of a segment; a line in the text


def corrected(transcript: azstt.Transcript, text: str) -> azstt.Transcript:
    """Give the transcript with another text.

    Each word goes to the segment of the word that it stands for or beside. A segment whose text
    changes loses its words and their times, so that captions spread the text over its time; one
    that is left without text is left out.
    """
    new = _tokens(text)
    segments = [segment for segment in transcript.segments if segment.text]
    segments = segments or [azstt.Segment(start=0, end=transcript.duration, text="")]
    old = [(token, at) for at, one in enumerate(segments) for token in (*one.text.split(), _END)]
    texts: list[list[str]] = [[] for _ in segments]
    for token, place in zip(new, _places([token for token, _ in old], new), strict=True):
        if token != _END:
            texts[old[place][1]].append(token)
    now = [_with_text(*pair) for pair in zip(segments, map(" ".join, texts), strict=True)]
    return transcript.model_copy(update={"segments": tuple(one for one in now if one.text)})


def _tokens(text: str) -> list[str]:
    lines = [line.split() for line in text.splitlines()]
    return [token for line in lines if line for token in (*line, _END)]


def _places(old: Sequence[str], new: Sequence[str]) -> Iterator[int]:
    """Give for each new token the place of the old one that it stands for, or before."""
    # Rare words are what it finds its way by: with "the" as good as any, an hour takes seconds.
    changes = SequenceMatcher(None, old, new, autojunk=True).get_opcodes()
    for _, old_from, old_to, new_from, new_to in changes:
        for step in range(new_to - new_from):
            place = old_from + step * (old_to - old_from) // (new_to - new_from)
            yield min(place, len(old) - 1)


def _with_text(segment: azstt.Segment, text: str) -> azstt.Segment:
    if text.split() == segment.text.split():
        return segment
    return segment.model_copy(update={"text": text, "words": ()})
