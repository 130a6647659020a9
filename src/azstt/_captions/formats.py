"""Segments as the text of whole files: SubRip, WebVTT, plain text, CSV, JSON lines. Pure.

Lines end with LF. Players accept it as well as CRLF, and Python turns it into CRLF in a file that
is written in text mode on Windows, where a CRLF would become CR CR LF. Only CSV uses CRLF, as
RFC 4180 requires.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from html import escape
from io import StringIO

from azstt._captions.layout import (
    Caption,
    Limits,
    make_captions,
    one_line,
    speaker_name,
    speaker_prefix,
    wrap_lines,
)
from azstt._result import Segment
from azstt._units import timestamp

_COLUMNS = ("start", "end", "speaker", "language", "confidence", "text", "channel")


def srt(segments: Sequence[Segment], limits: Limits, *, first: int = 1) -> str:
    """Return SubRip captions; a caption names its speaker where the speaker changes.

    Args:
        segments: what is said.
        limits: how much a caption may hold.
        first: the number of the first caption; more than 1 for text to append to a file.
    """
    blocks: list[str] = [""] if first > 1 else []
    speaker = ""
    captions = make_captions(segments, limits, name_speakers=True)
    for number, caption in enumerate(captions, start=first):
        prefix = speaker_prefix(caption.speaker) if caption.speaker != speaker else ""
        speaker = caption.speaker
        lines = wrap_lines(caption.fragments, limits, prefix=prefix)
        # SubRip has no escapes, and players read a line with an arrow as a line of times.
        lines = [line.replace("-->", "→") for line in lines]
        blocks.append("\n".join([str(number), _times(caption, ","), *lines, ""]))
    return "\n".join(blocks)


def vtt(segments: Sequence[Segment], limits: Limits) -> str:
    """Return WebVTT captions; each names its speaker in a voice tag."""
    blocks = ["WEBVTT\n"]
    for caption in make_captions(segments, limits, name_speakers=False):
        text = escape("\n".join(wrap_lines(caption.fragments, limits)), quote=False)
        speaker = escape(caption.speaker, quote=False)
        voiced = f"<v {speaker}>{text}</v>" if speaker else text
        blocks.append(f"{_times(caption, '.')}\n{voiced}\n")
    return "\n".join(blocks)


def txt(segments: Sequence[Segment]) -> str:
    """Return a line for each segment with text, after the speaker's or the channel's name."""
    lines = [(speaker_name(s), one_line(s.text)) for s in segments]
    return "".join(f"{speaker_prefix(speaker)}{text}\n" for speaker, text in lines if text)


def csv_text(segments: Sequence[Segment]) -> str:
    """Return CSV (RFC 4180): a header, then a row for each segment; times are in seconds."""
    file = StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for s in segments:
        times = f"{s.start:.3f}", f"{s.end:.3f}"
        writer.writerow([*times, s.speaker, s.language, s.confidence, s.text, s.channel])
    return file.getvalue()


def jsonl(segments: Sequence[Segment]) -> str:
    """Return JSON lines: an object for each segment, with the fields of `Segment`."""
    return "".join(f"{segment.model_dump_json()}\n" for segment in segments)


def _times(caption: Caption, decimal_mark: str) -> str:
    start, end = (
        timestamp(milliseconds / 1000, decimal_mark=decimal_mark)
        for milliseconds in (caption.start, caption.end)
    )
    return f"{start} --> {end}"
