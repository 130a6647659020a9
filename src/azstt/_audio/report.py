"""Decoding results: the public report, and the internal records it is built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from azstt._assembly.timeline import Timeline
from azstt._models import FrozenModel
from azstt._result import Gap

#: The reasons of gaps in the media, see `Gap`.
TRUNCATED: Final = "truncated"
DAMAGED: Final = "damaged"
ABSENT: Final = "absent"
UNREADABLE: Final = "unreadable"

#: Seconds of silence that a recognizer is given for a hole at most: enough to end an utterance. The
#: rest of the hole is not paid for.
LONGEST_SILENCE: Final = 5.0
#: Gaps closer together than this, in seconds, are one.
_JOIN = 1e-6
#: Seconds from which holes together are filled with silence, so that words on their two sides do
#: not touch, and the output stays that close to the media; smaller ones only move the times.
_FILLED_FROM = 0.05
#: Seconds from which a hole without damage is worth telling.
_TOLD_FROM = 0.1


class DecodeReport(FrozenModel):
    """The format of a source, and what is missing in it.

    Attributes:
        container: libav's name for the file format, such as ``"wav"`` or ``"matroska,webm"``.
        codec: libav's name for the codec, such as ``"pcm_s16le"`` or ``"opus"``.
        sample_rate: sample rate of the source's audio track, in hertz.
        channels: number of channels of the source's audio track.
        seconds: how much audio has been produced so far, silence in holes included.
        missing: what is missing in the media, in order: see `Gap` for the reasons.
        canceled: seconds in which the channels would have canceled each other in the mix, and one
            of them was taken instead; ``channels="separate"`` or ``keep_channels`` keeps all.
        track: the number of the audio track, counted from 0 among those that can be decoded.
        tracks: how many there are.
    """

    container: str
    codec: str
    sample_rate: int
    channels: int
    seconds: float
    missing: tuple[Gap, ...] = ()
    canceled: float = 0.0
    track: int = 0
    tracks: int = 1

    @property
    def truncated(self) -> bool:
        """Whether the source ends earlier than its container says."""
        return any(gap.reason == TRUNCATED for gap in self.missing)


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
        named: whether it is known where each channel belongs.
        track: its number among the audio tracks that can be decoded.
        tracks: how many of them there are.
    """

    container: str
    codec: str
    index: int
    sample_rate: int
    channels: int
    seconds: float | None
    exact: bool
    padded: bool = False
    named: bool = True
    track: int = 0
    tracks: int = 1


class Tally:
    """Where the decoder's output stands on the media's timeline, and what is missing in it.

    One tally serves all recordings of a source that follow one another. Output is counted in
    seconds of PCM, the media in seconds as a player shows them.

    Args:
        fill: up to how many seconds of a hole in the media become silence in the output; the rest
            of it is a jump of the timeline.

    Attributes:
        timeline: converts output to media.
        missing: what is missing, in order of discovery, with times of the media.
        packets: how many packets could not be decoded.
        canceled: see `DecodeReport`.
        base: seconds of output before the recording that is being decoded.
        filled: seconds of silence put into holes.
    """

    def __init__(self, fill: float) -> None:
        self.timeline: Timeline = Timeline()
        self.missing: list[Gap] = []
        self.packets: int = 0
        self.canceled: float = 0.0
        self.base: float = 0.0
        self.filled: float = 0.0
        self._fill: float = fill
        self._owed: float = 0.0  # seconds of holes not filled so far; negative after a step back

    def hole(self, at: float, seconds: float, reason: str | None) -> float:
        """Enter a hole in the media; return how many seconds of silence to output for it.

        Args:
            at: the output so far, in seconds.
            seconds: the length of the hole; negative if the media steps back.
            reason: why nothing is there; None if nothing is missing.
        """
        self._owed += seconds
        missing = min(seconds, self._owed)
        if reason is not None and missing > (0.0 if reason == DAMAGED else _TOLD_FROM):
            self.add(reason, at, missing, span=missing)
        fill = 0.0
        if self._owed >= _FILLED_FROM:
            fill, self._owed = min(self._owed, self._fill), 0.0
        if fill != seconds:
            # In the middle of the silence, out of reach of what is said around it.
            self.timeline.jump(at + fill / 2, seconds - fill)
        self.filled += fill
        return fill

    def add(self, reason: str, at: float, seconds: float | None, *, span: float = 0.0) -> None:
        """Enter what is missing at a place in the output; join it to the gap before if it touches.

        Args:
            reason: see `Gap`.
            at: the output so far, in seconds.
            seconds: how much is missing; None if that is unknown.
            span: how much of the media's time it takes up.
        """
        place = max(0.0, at + self.timeline.total)
        last = self.missing[-1] if self.missing else None
        if (
            last is not None
            and last.reason == reason
            and last.seconds is not None
            and seconds is not None
            and abs(last.at + last.span - place) <= _JOIN
        ):
            seconds, span = last.seconds + seconds, last.span + span
            self.missing[-1] = last.model_copy(update={"seconds": seconds, "span": span})
        else:
            self.missing.append(Gap(at=place, seconds=seconds, reason=reason, span=span))
