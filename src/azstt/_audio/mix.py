"""Notice where a recording's channels cancel each other in the mix to one, and hear it anyway."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import repeat
from operator import add, mul
from typing import TYPE_CHECKING, Final, cast

from av.audio.frame import AudioFrame

from azstt._audio.planes import planes_of

if TYPE_CHECKING:
    from av.audio.layout import AudioLayout

#: Buffer codes and full scales of libav's sample formats.
_SAMPLES: Final = {
    "u8": ("B", 128.0),
    "s16": ("h", 2.0**15),
    "s32": ("i", 2.0**31),
    "s64": ("q", 2.0**63),
    "flt": ("f", 1.0),
    "dbl": ("d", 1.0),
}
#: How loud libav mixes a channel to mono, by its place: 0.5 for all others.
_WEIGHTS: Final = {"FC": 1.0, "FL": 0.5**0.5, "FR": 0.5**0.5, "LFE": 0.0, "LFE2": 0.0}
#: How many samples of each channel are looked at in a frame.
_LOOKS: Final = 16
#: The mean square, of full scale, from which a channel is loud: -60 dB.
_LOUD: Final = 1e-6
#: What is heard is canceled if it has less than this share of the power that the loudest channel
#: alone would have in the mean of all: -10 dB.
_CANCELED: Final = 0.1
#: Seconds between looks: as long as nothing but noise was heard, and then. The second is also for
#: how long a mix that was heard as loud before must be canceled before that is believed.
_SOON, _PATIENCE = 0.1, 0.3
#: The mean square of full scale from which a mix is no noise: -35 dB.
_NO_NOISE: Final = 3e-4
#: Seconds that the mix is loud before it is heard again.
_AGAIN: Final = 1.0


class Mix:
    """Decides frame by frame whether to hear the mix of all channels or, if canceled, another.

    If two channels cancel each other, one is the negative of the other, and their difference has
    less noise than each of them. Of more channels, the loudest one is heard.

    Args:
        layout: the frames' layout.
        sample_format: libav's name for their sample format.
        named: whether the source names the layout; if not, the mix is the mean.

    Attributes:
        pan: what to hear, in the notation of libav's ``pan`` filter; None for the mix.
        wait: seconds that need not be looked at, before the next look.
    """

    def __init__(self, layout: AudioLayout, sample_format: str, *, named: bool) -> None:
        self.pan: str | None = None
        self.wait: float = 0.0
        self._channels = layout.nb_channels
        mean = [1 / self._channels] * self._channels
        self._weights = _weights(layout) if named else mean
        self._pair = self._weights == [0.5, 0.5]
        self._code, self._scale = _SAMPLES[sample_format.removesuffix("p")]
        self._heard = 0  # the channel that is heard if `pan` is set
        self._suspicious = False  # the mix was canceled before: look at every frame
        self._loudest_mix = 0.0  # the largest mean square of full scale
        self._against = 0.0  # seconds of frames in a row that speak against what is heard

    def changes(self, frame: AudioFrame) -> bool:
        """Look at a frame, which is not empty; return whether `pan` changes with it."""
        seconds, before = frame.samples / frame.sample_rate, self.pan
        self._look(self._sample(frame), seconds)
        return self.pan != before

    def _look(self, channels: list[list[float]], seconds: float) -> None:
        full = self._scale**2 * len(channels[0])
        levels = [math.hypot(*channel) ** 2 / full for channel in channels]
        loudest = max(levels)
        self.wait = 0.0 if self._suspicious else _SOON
        if loudest < _LOUD:
            return
        mixed = self._mix_level(channels, levels, full)
        least = _CANCELED * loudest / self._channels**2
        if self.pan is None:
            self._check_mix(levels, mixed, seconds, canceled=mixed < least)
            return
        heard = sum(levels) / 2 - mixed if self._pair else levels[self._heard]
        self._against = 0.0 if mixed < least else self._against + seconds
        if mixed < least and heard < least:
            self._hear_loudest(levels)
        elif self._against and (heard < least or self._against > _AGAIN):
            self.pan, self._against = None, 0.0

    def _check_mix(
        self, levels: list[float], mixed: float, seconds: float, *, canceled: bool
    ) -> None:
        """Go on hearing the mix, unless it has been canceled for long enough."""
        if not canceled:
            self._against, self._loudest_mix = 0.0, max(mixed, self._loudest_mix)
            if self._loudest_mix > _NO_NOISE and not self._suspicious:
                self.wait = _PATIENCE
            return
        self._against, self.wait = self._against + seconds, 0.0
        doubtful = self._loudest_mix > _CANCELED * max(levels) and not self._suspicious
        if not doubtful or self._against > _PATIENCE:
            self._suspicious, self._against = True, 0.0
            self._hear_loudest(levels)

    def _hear_loudest(self, levels: list[float]) -> None:
        self._heard = levels.index(max(levels))
        self.pan = "mono|c0=0.5*c0-0.5*c1" if self._pair else f"mono|c0=c{self._heard}"

    def _sample(self, frame: AudioFrame) -> list[list[float]]:
        """Return some samples of each channel."""
        count, channels, code = frame.samples, self._channels, self._code
        step = count // _LOOKS or 1
        planes = [_numbers(memoryview(plane), code) for plane in planes_of(frame)]
        if len(planes) > 1:
            samples = [list(plane[:count:step]) for plane in planes]
        else:
            end, step = count * channels, channels * step
            samples = [list(planes[0][channel:end:step]) for channel in range(channels)]
        if code == "B":
            return [[sample - self._scale for sample in channel] for channel in samples]
        return samples

    def _mix_level(self, channels: list[list[float]], levels: list[float], full: float) -> float:
        if self._pair:
            # The squares of sum and difference are twice those of the two together.
            return sum(levels) / 2 - math.dist(*channels) ** 2 / (4 * full)
        mix = [0.0] * len(channels[0])
        for channel, weight in zip(channels, self._weights, strict=True):
            mix = list(map(add, mix, map(mul, channel, repeat(weight))))
        return math.hypot(*mix) ** 2 / full


def _numbers(plane: memoryview, code: str) -> memoryview[float]:
    # The annotations of memoryview.cast() do not take a code that varies.
    return cast("Callable[[str], memoryview[float]]", plane.cast)(code)


def _weights(layout: AudioLayout) -> list[float]:
    """Return the channels' shares in libav's mix of a layout."""
    weights = [_WEIGHTS.get(channel.name, 0.5) for channel in layout.channels]
    return [weight / sum(weights) for weight in weights] if sum(weights) else weights
