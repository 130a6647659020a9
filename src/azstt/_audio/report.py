"""What decoding found: the report, and the tally that it is drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from azstt._models import FrozenModel

#: Two losses closer than this, in seconds, are one range.
_JOIN = 1e-6


class DamagedRange(FrozenModel):
    """Audio that was in the source and could not be decoded.

    Nothing stands in for it in the output: what comes after it follows at once.

    Attributes:
        at: seconds into the output at which it is missing.
        seconds: how much was lost, as far as the durations of the lost packets tell.
        packets: how many packets were lost.
    """

    at: float
    seconds: float
    packets: int


class DecodeReport(FrozenModel):
    """What a source turned out to be, and what became of it.

    Attributes:
        container: libav's name of the file format, such as ``"wav"`` or ``"matroska,webm"``.
        codec: libav's name of the codec, such as ``"pcm_s16le"`` or ``"opus"``.
        sample_rate: of the source's audio track, in hertz.
        channels: of the source's audio track.
        seconds: how much has been given out so far.
        damaged: what could not be decoded, in order; none of it is in `seconds`.
        truncated: whether the source ends before its container says it should.
    """

    container: str
    codec: str
    sample_rate: int
    channels: int
    seconds: float
    damaged: tuple[DamagedRange, ...] = ()
    truncated: bool = False

    def followed_by(self, report: DecodeReport | None) -> DecodeReport:
        """Give the report of this source and another that followed it in one stream."""
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
    """What the container says of the chosen track.

    Attributes:
        container: libav's name of the format.
        codec: libav's name of the codec.
        index: the track's number among all streams.
        sample_rate: in hertz; 0 if only decoding will tell.
        channels: 0 if only decoding will tell.
        seconds: how long it lasts; None if unknown.
        exact: whether `seconds` is written down rather than guessed.
        padded: whether what an encoder added to fill its last frames may follow it.
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
    """Counts what is lost while a lane runs; times are seconds from the source's first sample."""

    def __init__(self) -> None:
        self.losses: list[tuple[float, float, int]] = []
        self.truncated: bool = False

    def add_loss(self, at: float, seconds: float, packets: int = 1) -> None:
        """Count packets that could not be decoded, or never came."""
        if self.losses and at - self.losses[-1][0] <= _JOIN:
            start, lost, known = self.losses[-1]
            self.losses[-1] = (start, lost + seconds, known + packets)
        else:
            self.losses.append((at, seconds, packets))

    @property
    def lost(self) -> float:
        """How many seconds were lost, as far as packets say."""
        return sum(seconds for _, seconds, _ in self.losses)

    @property
    def packets(self) -> int:
        """How many packets were lost."""
        return sum(packets for _, _, packets in self.losses)

    def ranges(self, start: float, end: float | None) -> tuple[DamagedRange, ...]:
        """Give the losses inside a time range, in the time of an output that starts with it."""
        return tuple(
            DamagedRange(at=at - start, seconds=seconds, packets=packets)
            for at, seconds, packets in self.losses
            if at >= start and (end is None or at < end)
        )
