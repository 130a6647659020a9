"""A transcript as the files that people open: SubRip, WebVTT, plain text, CSV. Pure.

Lines end with LF: players read it as well as CRLF, and a file written in text mode on Windows
gets CRLF from Python; CRLF here would become CR CR LF there. CSV alone has the CRLF of RFC 4180.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from html import escape
from io import StringIO

from azstt._captions.layout import Caption, Limits, cues, one_line, prefix, wrap
from azstt._result import Segment
from azstt._units import timestamp

_COLUMNS = ("start", "end", "speaker", "language", "confidence", "text", "channel")


def srt(segments: Sequence[Segment], limits: Limits) -> str:
    """Write SubRip; a cue names its speaker where another one spoke before."""
    blocks: list[str] = []
    speaker = ""
    for number, cue in enumerate(cues(segments, limits, name_speakers=True), start=1):
        before = prefix(cue.speaker) if cue.speaker != speaker else ""
        speaker = cue.speaker
        # SubRip has no escapes, and an arrow in a text would be read as a line of times.
        lines = [line.replace("-->", "→") for line in wrap(cue.pieces, limits, before=before)]
        blocks.append("\n".join([str(number), _times(cue, ","), *lines, ""]))
    return "\n".join(blocks)


def vtt(segments: Sequence[Segment], limits: Limits) -> str:
    """Write WebVTT; each cue names its speaker in a voice tag."""
    blocks = ["WEBVTT\n"]
    for cue in cues(segments, limits, name_speakers=False):
        text = escape("\n".join(wrap(cue.pieces, limits)), quote=False)
        speaker = escape(cue.speaker, quote=False)
        voiced = f"<v {speaker}>{text}</v>" if speaker else text
        blocks.append(f"{_times(cue, '.')}\n{voiced}\n")
    return "\n".join(blocks)


def txt(segments: Sequence[Segment]) -> str:
    """Write a line for each segment that has text, after its speaker's name where it has one."""
    lines = [(one_line(s.speaker or ""), one_line(s.text)) for s in segments]
    return "".join(f"{prefix(speaker)}{text}\n" for speaker, text in lines if text)


def csv_text(segments: Sequence[Segment]) -> str:
    """Write RFC 4180: a header, then a row for each segment; times are seconds."""
    file = StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for s in segments:
        times = f"{s.start:.3f}", f"{s.end:.3f}"
        writer.writerow([*times, s.speaker, s.language, s.confidence, s.text, s.channel])
    return file.getvalue()


def _times(cue: Caption, decimal_mark: str) -> str:
    start, end = (timestamp(at / 1000, decimal_mark=decimal_mark) for at in (cue.start, cue.end))
    return f"{start} --> {end}"
