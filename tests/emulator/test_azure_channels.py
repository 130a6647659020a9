from __future__ import annotations

import io
import wave
from array import array

import pytest

import azstt
from azstt import emulator as emulators

pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_each_channel_has_its_own_connection(azure, number_engine, numbers, said):
    """Both sides of a call are transcribed, each in its own channel, in order of time."""
    caller = array("h", numbers(8))
    called = array("h", [number and number + 50 for number in caller])
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((2, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(
            array("h", [s for both in zip(caller, called, strict=True) for s in both])
        )
    with emulators.serve(engine=number_engine) as emulator:
        transcript = azstt.transcribe_bytes(
            file.getvalue(), backend=azure(emulator), channels="separate"
        )
    sides = [
        " ".join(segment.text for segment in transcript.segments if segment.channel == channel)
        for channel in (0, 1)
    ]
    assert sides == [said(8), " ".join(str(number + 50) for number in range(1, 9))]
    assert [segment.channel for segment in transcript.segments] == [0, 1, 0, 1]
    assert len(emulator.requests) == 2
    assert transcript.usage.audio_seconds == transcript.ledger.sent == 2 * transcript.duration
    assert transcript.ledger.unaccounted == 0
