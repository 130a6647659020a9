"""Channels that are recognized separately: splitting samples, merging transcripts. Pure.

Each channel has its own session, assembler and ledger, as if it were a recording by itself. Merged
amounts of audio are in seconds times channels; merged times and durations are those of the
recording.
"""

from __future__ import annotations

from collections.abc import Sequence

from azstt._errors import AudioError
from azstt._result import AudioLedger, Usage
from azstt._transcript import Transcript

#: Each channel takes a recognizer session of its own; no phone call has more channels than this.
MOST_CHANNELS = 8


def check_count(channels: int, source: str) -> None:
    """Refuse more channels than anybody can mean to recognize separately.

    Raises:
        AudioError: the source has more than `MOST_CHANNELS`.
    """
    if channels > MOST_CHANNELS:
        raise AudioError(
            f"{source!r} has {channels} channels, and at most {MOST_CHANNELS} can be recognized "
            "separately; use channels='mix'",
            source=source,
        )


def deinterleave(pcm: bytes, channels: int) -> list[bytes]:
    """Split interleaved 16-bit PCM into the samples of each channel."""
    if channels == 1:
        return [pcm]
    samples = memoryview(pcm).cast("h")
    return [samples[channel::channels].tobytes() for channel in range(channels)]


def merge(transcripts: Sequence[Transcript]) -> Transcript:
    """Merge the transcripts of a recording's channels into one, in order of time."""
    first = transcripts[0]
    segments = sorted(
        (
            segment.model_copy(update={"channel": channel})
            for channel, transcript in enumerate(transcripts)
            for segment in transcript.segments
        ),
        key=lambda segment: segment.start,
    )
    return Transcript(
        segments=tuple(segments),
        duration=max(transcript.duration for transcript in transcripts),
        language=next((segment.language for segment in segments if segment.language), None)
        or first.language,
        backend=first.backend,
        model=first.model,
        track=first.track,
        ledger=_sum_ledgers([transcript.ledger for transcript in transcripts]),
        usage=_merge_usages([transcript.usage for transcript in transcripts]),
    )


def _sum_ledgers(ledgers: Sequence[AudioLedger]) -> AudioLedger:
    gaps = [
        gap.model_copy(update={"channel": channel})
        for channel, ledger in enumerate(ledgers)
        for gap in ledger.gaps
    ]
    return AudioLedger(
        decoded=sum(ledger.decoded for ledger in ledgers),
        sent=sum(ledger.sent for ledger in ledgers),
        recognized=sum(ledger.recognized for ledger in ledgers),
        silent=sum(ledger.silent for ledger in ledgers),
        gaps=tuple(sorted(gaps, key=lambda gap: gap.at)),
    )


def _merge_usages(usages: Sequence[Usage]) -> Usage:
    latencies = [u.first_result_latency for u in usages if u.first_result_latency is not None]
    return Usage(
        audio_seconds=sum(usage.audio_seconds for usage in usages),
        wall_seconds=max(usage.wall_seconds for usage in usages),
        first_result_latency=min(latencies, default=None),
        reconnects=sum(usage.reconnects for usage in usages),
    )
