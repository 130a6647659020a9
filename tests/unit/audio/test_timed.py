"""Frames with timestamps to PCM: silence in holes, and what is missing where."""

from __future__ import annotations

import math

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azstt._audio.clock import MediaClock
from azstt._audio.report import LONGEST_SILENCE, Tally
from azstt._audio.resample import Resampler, Target
from azstt._audio.timed import TimedResampler
from azstt._audio_format import AudioFormat

RATE = 16_000
#: Seconds of each frame.
FRAME = 0.02
SPEECH = AudioFormat()


class Decoded:
    """Frames of sound that were put on the media's timeline.

    Args:
        steps: timestamps of frames, or `Lost` before one.
        fill: see `Tally`.
        pause: see `TimedResampler`.

    Attributes:
        pcm: the output.
        tally: what is missing, and the timeline.
    """

    def __init__(self, steps, *, fill=LONGEST_SILENCE, pause=0.0) -> None:
        self.tally = Tally(fill)
        resampler = Resampler(Target(SPEECH, keep_channels=False, live=True), "x", self.tally)
        output = TimedResampler(resampler, MediaClock(), self.tally, pause=pause)
        self.pcm = b""
        for step in steps:
            if isinstance(step, Lost):
                output.lose(step.seconds)
            else:
                output.push(sound(), step)
            self.pcm += b"".join(output.pull())
        self.pcm += b"".join(output.flush())

    @property
    def seconds(self) -> float:
        """Seconds of output."""
        return len(self.pcm) / 2 / RATE

    @property
    def end(self) -> float:
        """The media's time of the end."""
        return self.tally.timeline.end(self.seconds)

    @property
    def missing(self):
        """What is missing: place, length, share of the timeline, and reason."""
        return [
            (round(gap.at, 3), round(gap.seconds, 3), round(gap.span, 3), gap.reason)
            for gap in self.tally.missing
        ]

    def silent(self, start: float, end: float) -> bool:
        """Whether there is nothing but silence between two places in the output."""
        part = self.pcm[round(start * RATE) * 2 : round(end * RATE) * 2]
        return bool(part) and not any(part)


class Lost(float):
    """So many seconds could not be read."""

    @property
    def seconds(self) -> float:
        return float(self)


def sound():
    """Return a frame that is loud in every sample."""
    frame = av.AudioFrame("s16", "mono", round(FRAME * RATE))
    frame.sample_rate = RATE
    frame.planes[0].update(b"\x40\x20" * frame.samples)
    return frame


def count(start, seconds):
    """Return the timestamps of the frames of a stretch."""
    return [start + FRAME * number for number in range(round(seconds / FRAME))]


def test_a_hole_becomes_silence():
    """A hole of 1.5 s is silence of that length, and absent in the report."""
    decoded = Decoded(count(0, 1) + count(2.5, 1))
    assert decoded.seconds == decoded.end == pytest.approx(3.5)
    assert decoded.missing == [(1.0, 1.5, 1.5, "absent")]
    assert decoded.silent(1.0, 2.5)
    assert not decoded.silent(0.99, 1.0)
    assert not decoded.silent(2.5, 2.51)


def test_a_long_hole_is_not_paid_for():
    """Of a minute's hole 5 s are silence, and the times jump in the middle of them."""
    decoded = Decoded(count(0, 1) + count(61, 1))
    assert decoded.seconds == pytest.approx(2 + LONGEST_SILENCE)
    assert decoded.end == pytest.approx(62)
    assert decoded.missing == [(1.0, 60.0, 60.0, "absent")]
    timeline = decoded.tally.timeline
    assert timeline.start(3.4) == pytest.approx(3.4)
    assert timeline.start(6.0) == pytest.approx(61.0)


def test_without_silence_only_the_times_jump():
    """The stored samples alone come out if holes are not filled; their times are right."""
    decoded = Decoded(count(0, 1) + count(2.5, 1), fill=0.0)
    assert decoded.seconds == pytest.approx(2.0)
    assert decoded.tally.timeline.end(1.0) == pytest.approx(1.0)
    assert decoded.tally.timeline.start(1.0) == pytest.approx(2.5)
    assert decoded.missing == [(1.0, 1.5, 1.5, "absent")]


def test_damage_with_timestamps():
    """The timestamp after damage tells how much is lost, whatever the packets told."""
    decoded = Decoded([*count(0, 1), Lost(0.02), *count(1.5, 1)])
    assert decoded.missing == [(1.0, 0.5, 0.5, "damaged")]
    assert decoded.silent(1.0, 1.5)
    assert decoded.end == pytest.approx(2.5)


def test_damage_without_timestamps():
    """Without timestamps the packets tell, and the timeline goes on without a pause."""
    decoded = Decoded([*[None] * 50, Lost(0.3), *[None] * 50])
    assert decoded.missing == [(1.0, 0.3, 0.0, "damaged")]
    assert decoded.seconds == decoded.end == pytest.approx(2.0)


def test_damage_that_is_longer_than_its_hole():
    """Of more damage than the timestamps have room for, the rest takes no time."""
    decoded = Decoded([*count(0, 1), Lost(0.5), *count(1.2, 1)])
    assert decoded.missing == [(1.0, 0.5, 0.2, "damaged")]
    assert decoded.end == pytest.approx(2.2)


def test_damage_at_the_end():
    """What could not be read after the last frame is said, too."""
    assert Decoded([*count(0, 1), Lost(0.3)]).missing == [(1.0, 0.3, 0.0, "damaged")]


def test_a_late_start():
    """Sound that begins late is not missing anything."""
    decoded = Decoded(count(2, 1))
    assert decoded.missing == []
    assert decoded.silent(0, 2)
    assert decoded.end == pytest.approx(3.0)


def test_a_pause_of_the_codec():
    """Silence that the codec never stored is not missing; a longer hole is."""
    steps = count(0, 1) + count(1.4, 1)
    assert Decoded(steps, pause=0.45).missing == []
    assert Decoded(steps).missing == [(1.0, 0.4, 0.4, "absent")]


def test_small_holes_are_filled_together():
    """A recorder whose clock is 2 % slow gets its silence bit by bit, and nothing is missing."""
    steps = [time * 1.02 for time in count(0, 20)]
    decoded = Decoded(steps)
    assert decoded.end == pytest.approx(20.4, abs=0.05)
    assert decoded.seconds == pytest.approx(20.4, abs=0.15)
    assert decoded.missing == []


def test_small_holes_and_steps_back_cancel():
    """Times that go ahead and back again move the words, and never add silence."""
    steps = [time + 0.045 * (round(time) % 2) for time in count(0, 20)]
    decoded = Decoded(steps)
    assert decoded.seconds == pytest.approx(20.0)
    assert decoded.missing == []
    assert decoded.end == pytest.approx(20.0, abs=0.05)


def test_a_step_back():
    """Sound that overlaps what came before is kept, at its own time."""
    decoded = Decoded(count(0, 2) + count(1.5, 1))
    assert decoded.seconds == pytest.approx(3.0)
    assert decoded.end == pytest.approx(2.5)
    assert decoded.missing == []


stamps = st.one_of(
    st.none(), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, 5.0, 1e5, math.inf, math.nan])
)
stretches = st.tuples(stamps, st.integers(1, 8), st.sampled_from([0.0, 0.0, 0.02, 3.0]))


@settings(max_examples=50, deadline=None)
@given(st.lists(stretches, max_size=12))
def test_hostile_timestamps(stretches):
    """Whatever the timestamps say, every sample comes out, and little more than 5 s a hole."""
    steps, frames = [], 0
    for start, number, lost in stretches:
        steps += [Lost(lost)] * bool(lost)
        steps += [None if start is None else start + FRAME * index for index in range(number)]
        frames += number
    decoded = Decoded(steps)
    loud = sum(map(bool, decoded.pcm[::2]))
    assert loud == frames * round(FRAME * RATE)
    assert decoded.seconds == pytest.approx(frames * FRAME + decoded.tally.filled, abs=0.01)
    assert decoded.tally.filled <= (LONGEST_SILENCE + 0.05) * len(stretches)
    assert all(gap.seconds > 0 and gap.at >= 0 for gap in decoded.tally.missing)
