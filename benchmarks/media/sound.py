"""Speech with beeps at known times, and finding the beeps again. Sound is arrays of 16-bit mono."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Sound: TypeAlias = NDArray[np.int16]

#: Samples per second in which beeps are looked for.
RATE: Final = 16_000
#: Samples per second of what is encoded.
MASTER_RATE: Final = 48_000
#: Hertz of the beeps; speech is hardly ever a pure tone.
_TONE: Final = 2_000
#: Seconds of a beep, and the first beep and the time between two.
BEEP, FIRST, EVERY = 0.3, 1.0, 2.0
#: Samples between two looks, and samples that each one takes in.
_HOP, _WINDOW = 80, 160
#: The share of a window's energy that is the tone's, and the tone's amplitude, in a beep.
_PURE, _LOUD = 0.5, 1_000
#: Seconds that a beep lasts at least; a shorter one lost its beginning or its end.
_WHOLE: Final = 0.26
#: Looks without the tone that do not end a beep.
_BREAK: Final = 2
#: Seconds of digital silence from which it is not sound: the voice's recordings have noise.
_SILENCE: Final = 0.09


def beeping(speech: Sound, seconds: float, seed: int) -> Sound:
    """Return that many seconds of speech with faint noise and a beep every two seconds."""
    size = round(seconds * MASTER_RATE)
    dice = np.random.default_rng(seed)
    voice = np.resize(np.roll(speech, -seed * MASTER_RATE), size) * 0.5
    times = np.arange(size) / MASTER_RATE
    in_beep = ((times - FIRST) % EVERY < BEEP) & (times >= FIRST)
    tone = 12_000 * np.sin(2 * np.pi * _TONE * times)
    return (np.where(in_beep, tone, voice) + dice.normal(0, 150, size)).astype(np.int16)


def beeps(seconds: float) -> tuple[float, ...]:
    """Return when the beeps of a recording of this length begin."""
    count = int((seconds - BEEP - FIRST) // EVERY) + 1
    return tuple(FIRST + EVERY * index for index in range(count))


def find_beeps(pcm: bytes) -> list[tuple[float, float]]:
    """Return the start and the end of each whole beep, in seconds."""
    sound = np.frombuffer(pcm, np.int16).astype(np.float64)
    if len(sound) < _WINDOW:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
    wave = np.exp(-2j * np.pi * _TONE / RATE * np.arange(_WINDOW))
    strength = np.abs(windows @ wave)
    energy = (windows**2).sum(axis=1) + 1.0
    heard = (2 / _WINDOW * strength**2 > _PURE * energy) & (2 / _WINDOW * strength > _LOUD)
    return _runs(np.flatnonzero(heard).tolist())


def _runs(looks: list[int]) -> list[tuple[float, float]]:
    """Join looks that follow one another to beeps."""
    found: list[list[int]] = []
    for look in looks:
        if found and look - found[-1][1] <= 1 + _BREAK:
            found[-1][1] = look
        else:
            found.append([look, look])
    # A window has the tone for the most part when half of it is in the beep.
    spans = [((a * _HOP + _HOP) / RATE, (b * _HOP + _HOP) / RATE) for a, b in found]
    return [(start, end) for start, end in spans if end - start >= _WHOLE]


def sounding(pcm: bytes) -> float:
    """Return the seconds of sound: all but digital silence, which is what fills holes."""
    sound = np.frombuffer(pcm, np.int16)
    edges = np.flatnonzero(np.diff(np.concatenate(([1], sound, [1])) == 0))
    lengths = edges[1::2] - edges[0::2]
    silent = int(lengths[lengths >= _SILENCE * RATE].sum())
    return (len(sound) - silent) / RATE
