"""Decoding results: the public report, and the internal records it is built from."""

from __future__ import annotations

from dataclasses import dataclass

from azstt._models import FrozenModel

#: Losses closer together than this, in seconds, are merged into one range.
_JOIN = 1e-6


class DamagedRange(FrozenModel):
    """Audio in the source that could not be decoded.

    It leaves no gap in the output: the audio after it follows immediately.

    Attributes:
        at: where it is missing, in seconds of output.
        seconds: how much was lost, judging by the durations of the lost packets.
        packets: how many packets were lost.
    """

    at: float
    seconds: float
    packets: int


class DecodeReport(FrozenModel):
    """The format of a source, and what was lost in decoding it.

    Attributes:
        container: libav's name for the file format, such as ``"wav"`` or ``"matroska,webm"``.
        codec: libav's name for the codec, such as ``"pcm_s16le"`` or ``"opus"``.
        sample_rate: sample rate of the source's audio track, in hertz.
        channels: number of channels of the source's audio track.
        seconds: how much audio has been produced so far.
        damaged: what could not be decoded, in order; not included in `seconds`.
        truncated: whether the source ends earlier than its container says.
    """

    container: str
    codec: str
    sample_rate: int
    channels: int
    seconds: float
    damaged: tuple[DamagedRange, ...] = ()
    truncated: bool = False

    def followed_by(self, report: DecodeReport | None) -> DecodeReport:
        """Return the combined report of this source and one that followed it in the stream."""
        if report is None:
            return self
        later = (part.model_copy(update={"at": self.seconds + part.at}) for part in report.damaged)
        return report.model_copy(
            update={
                "seconds": self.seconds + report.seconds,
                "damaged": (*self.damaged, *later),
                "truncated": self.truncated or report.truncated,
            }
        )


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """What the container says about the selected track.

    Attributes:
        container: libav's name for the format.
        codec: libav's name for the codec.
        index: the track's index among all streams.
        sample_rate: in hertz; 0 if unknown until decoded.
        channels: 0 if unknown until decoded.
        seconds: duration; None if unknown.
        exact: whether `seconds` is stated by the container rather than estimated.
        padded: whether encoder padding may follow the stated duration.
    """

    container: str
    codec: str
    index: int
    sample_rate: int
    channels: int
    seconds: float | None
    exact: bool
    padded: bool = False


class Tally:
    """Records losses during decoding; times are in seconds from the source's first sample."""

    def __init__(self) -> None:
        self.losses: list[tuple[float, float, int]] = []
        self.truncated: bool = False

    def add_loss(self, at: float, seconds: float, packets: int = 1) -> None:
        """Record packets that could not be decoded or are missing."""
        if self.losses and at - self.losses[-1][0] <= _JOIN:
            start, lost, known = self.losses[-1]
            self.losses[-1] = (start, lost + seconds, known + packets)
        else:
            self.losses.append((at, seconds, packets))

    @property
    def lost(self) -> float:
        """How many seconds were lost, judging by packet durations."""
        return sum(seconds for _, seconds, _ in self.losses)

    @property
    def packets(self) -> int:
        """How many packets were lost."""
        return sum(packets for _, _, packets in self.losses)

    def ranges(self, start: float, end: float | None) -> tuple[DamagedRange, ...]:
        """Return the losses between `start` and `end`, with times relative to `start`."""
        return tuple(
            DamagedRange(at=at - start, seconds=seconds, packets=packets)
            for at, seconds, packets in self.losses
            if at >= start and (end is None or at < end)
        )
