"""Real recordings through the whole chain: file, decoder, the real SDK, the emulator, a recognizer.

The recognizer behind the emulator is the embedded one, so the result must be what it returns when
used directly. Both use the same segmentation silence, since the defaults differ; then nothing
may differ except for the rounding of times to the service's ticks. Words are not aligned with the
sound: the aligner's times depend on the audio before by a hundredth of a second or two.
"""

from __future__ import annotations

import pytest

import azstt
from azstt import emulator as emulators
from azstt.backends.azure import AzureLimits
from azstt.backends.local import LocalBackend
from azstt.emulator.engines._local import LocalEngine

pytestmark = pytest.mark.usefixtures("no_thread_left")

RECORDINGS = {
    "jfk.wav": {},
    "mediarecorder.webm": {},
    "long.ogg": {"end": 30.0},
    "containers/aac_faststart.m4a": {},
    "containers/amr_nb.amr": {},
    "containers/h264_mp3.mkv": {},
    "containers/opus.ogg": {},
    "silence.flac": {},
}
PAUSE = 0.8
TICK = 1e-6
#: Long, since recognition is slow on a small machine.
LIMITS = AzureLimits(first_response=60, pace=200)


@pytest.mark.parametrize(("name", "part"), RECORDINGS.items(), ids=RECORDINGS)
def test_the_chain_changes_nothing(azure, audio, name, part):
    """The SDK and the service pass the recognizer's words and times on unchanged."""
    asked = {"segmentation_silence": PAUSE, **part}
    recognizer = LocalBackend(align=False)
    with emulators.serve(engine=LocalEngine(recognizer)) as emulator:
        backend = azure(emulator, limits=LIMITS)
        heard = azstt.transcribe_file(audio / name, backend=backend, **asked)
        assert list(emulator.complaints(grace=3)) == []
    alone = azstt.transcribe_file(audio / name, backend=recognizer, **asked)
    assert heard.text == alone.text
    assert bool(heard.text) == (name != "silence.flac")
    for ours, theirs in zip(heard.segments, alone.segments, strict=True):
        assert [word.text for word in ours.words] == [word.text for word in theirs.words]
        assert times([ours, *ours.words]) == pytest.approx(times([theirs, *theirs.words]), abs=TICK)
    assert heard.ledger.sent == alone.ledger.sent
    assert heard.ledger.gaps == ()


def times(spans) -> list[float]:
    """Return the start and the end of each span."""
    return [at for span in spans for at in (span.start, span.end)]
