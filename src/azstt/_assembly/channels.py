"""Channels that are recognized separately: their samples apart, their transcripts together. Pure.

Each channel has its own session, assembler and ledger, as if it were a recording of its own. What
is merged counts seconds times channels, except where it tells of time itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from azstt._errors import AudioError
from azstt._result import AudioLedger, Usage
from azstt._transcript import Transcript

#: Each channel takes a session of the recognizer; more than these are no telephone call.
MOST_CHANNELS = 8


def check_count(channels: int, source: str) -> None:
    """Refuse more sessions than anybody means to have.

    Raises:
        AudioError: the source has more than `MOST_CHANNELS`.
    """
    if channels > MOST_CHANNELS:
        raise AudioError(
            f"{source!r} has {channels} channels, and at most {MOST_CHANNELS} can be recognized "
            "separately; leave out channels='separate' to mix them",
            source=source,
        )


def deinterleave(pcm: bytes, channels: int) -> list[bytes]:
    """Give each channel's own samples of 16-bit PCM."""
    if channels == 1:
        return [pcm]
    samples = memoryview(pcm).cast("h")
    return [samples[channel::channels].tobytes() for channel in range(channels)]


def merge(transcripts: Sequence[Transcript]) -> Transcript:
    """Make one transcript, in order of time, of those of a recording's channels."""
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
        ledger=_sum_of([transcript.ledger for transcript in transcripts]),
        usage=_usage_of([transcript.usage for transcript in transcripts]),
    )


def _sum_of(ledgers: Sequence[AudioLedger]) -> AudioLedger:
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


def _usage_of(usages: Sequence[Usage]) -> Usage:
    latencies = [u.first_result_latency for u in usages if u.first_result_latency is not None]
    return Usage(
        audio_seconds=sum(usage.audio_seconds for usage in usages),
        wall_seconds=max(usage.wall_seconds for usage in usages),
        first_result_latency=min(latencies, default=None),
        reconnects=sum(usage.reconnects for usage in usages),
    )
