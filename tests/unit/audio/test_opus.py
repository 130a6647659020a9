from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio.formats import opus

HEAD = b"OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        (b"", 0),
        (b"\x00", 480),  # SILK, 10 ms, one frame
        (b"\x18", 2_880),  # SILK, 60 ms
        (b"\x61ab", 960),  # hybrid, two of 10 ms
        (b"\x80", 120),  # CELT, 2.5 ms
        (b"\xfb\x83", 2_880),  # CELT, three of 20 ms: what Chromium makes
        (b"\xfb", 0),  # the count is missing
        (b"\xfb\x00", 0),  # no frames
        (b"\xfb\x07", 0),  # 140 ms are too long
        (b"\x83\x30", 5_760),  # 48 of 2.5 ms
    ],
)
def test_samples_of_a_packet(packet, samples):
    """A packet's first bytes show how many samples it contains, or that it is invalid."""
    assert opus.samples(packet) == samples


def test_samples_are_those_of_the_decoder(audio):
    """A packet decodes to as many samples as its header says."""
    with av.open(str(audio / "containers" / "opus.webm")) as container:
        decoder = container.streams.audio[0].codec_context
        for packet in container.demux(audio=0):
            frames = decoder.decode(packet)
            if packet.size and not packet.has_sidedata("skip_samples") and packet.pts:
                assert sum(frame.samples for frame in frames) == opus.samples(bytes(packet))


@pytest.mark.parametrize(
    ("size", "beginning", "possible"),
    [
        (1_276, b"\xf8", True),
        (9_000, b"\xf8", False),  # one frame has 1,275 bytes at most
        (400, b"\xfb\x83", True),
        (9_000, b"\xfb\x83", False),
        (9_000, b"\xfb\xc3", True),  # padding may be long
        (400, b"\xfb\x00", False),
        (400, b"", False),
    ],
)
def test_sizes_that_a_packet_can_have(size, beginning, possible):
    """Plausible and implausible sizes of a packet are distinguished by its first bytes."""
    assert opus.is_plausible(size, beginning) is possible


@pytest.mark.parametrize(
    ("head", "channels"),
    [
        (HEAD, 1),
        (HEAD[:9] + b"\x02" + HEAD[10:], 2),
        (HEAD[:9] + b"\x03" + HEAD[10:], 0),  # not without a table
        (HEAD[:18] + b"\x01", 0),  # a family with a table
        (HEAD[:8] + b"\x10" + HEAD[9:], 0),  # an unknown version
        (HEAD[:18], 0),
        (b"OpusTags" + HEAD[8:], 0),
        (b"", 0),
    ],
)
def test_channels_of_a_setup(head, channels):
    """Plain mono and stereo setups are distinguished from all others."""
    assert opus.channels(head) == channels


@given(st.binary(max_size=40))
def test_any_bytes_have_an_answer(data):
    """These functions work for any bytes."""
    assert 0 <= opus.samples(data) <= 5_760
    assert opus.is_plausible(len(data), data[:2]) in {True, False}
    assert opus.channels(data) in {0, 1, 2}
