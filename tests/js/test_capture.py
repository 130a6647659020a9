"""What a page records is what was said, in a real browser, and sample by sample."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import wave
from importlib import resources
from pathlib import Path

import pytest

from azstt import open_audio
from azstt.backends.local import LocalBackend

HERE = Path(__file__).parent
WORKLET = resources.files("azstt") / "js" / "azstt-worklet.js"


@pytest.fixture(scope="module")
def resample(node):
    """Run tones through the worklet that records PCM."""

    def run(*tones):
        command = [node, HERE / "worklet.mjs", WORKLET.as_uri(), json.dumps(tones)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def level(samples) -> float:
    """Return the level of samples in dB relative to full scale."""
    power = sum(sample * sample for sample in samples) / len(samples)
    return 10 * math.log10(max(power, 1e-9) / 32767**2)


def test_resampling_preserves_waveform_and_timing(resample):
    """At any rate a tone comes out as the same tone, sample by sample, without added noise."""
    rates = [8000, 16_000, 22_050, 44_100, 48_000, 96_000]
    for rate, out in zip(
        rates, resample(*([rate, 16_000, 1000, 0.5] for rate in rates)), strict=True
    ):
        samples = out["samples"]
        assert len(samples) == 8000, rate
        expected = [0.5 * 32767 * math.sin(2 * math.pi * 1000 * n / 16_000) for n in range(8000)]
        middle = slice(400, -400)  # its abrupt start and end contain other frequencies
        noise = [one - other for one, other in zip(samples[middle], expected[middle], strict=True)]
        assert level(noise) < -85, rate


def test_resampling_does_not_alias(resample):
    """A tone above the new rate's range is removed; one below keeps its level."""
    high, low = resample([48_000, 16_000, 9000, 0.5], [48_000, 16_000, 6500, 0.5])
    assert level(high["samples"][400:-400]) < -85
    assert level(low["samples"][400:-400]) == pytest.approx(20 * math.log10(0.5) - 3.01, abs=0.1)


def test_chunks_are_a_tenth_of_a_second(resample):
    """The last chunk is shorter, and null follows it. A muted stream sends silence."""
    tone, muted = resample([48_000, 16_000, 440, 0.25], [16_000, 16_000, 0, 0.2])
    assert (tone["sizes"], tone["last"], tone["alive"]) == ([3200, 3200, 1600], None, False)
    assert set(muted["samples"]) == {0}
    assert len(muted["samples"]) == 3200


@pytest.fixture
def browse(tmp_path):
    """Open a page in a browser whose microphone plays a recording."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("recording needs Chromium, which is not on the PATH")
    browsers = []

    def run(url, speech):
        with wave.open(str(tmp_path / "microphone.wav"), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(speech)
        browsers.append(
            subprocess.Popen(
                [
                    chromium,
                    "--headless=new",
                    "--no-sandbox",  # root can't use it
                    "--disable-gpu",
                    "--autoplay-policy=no-user-gesture-required",
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-audio-capture={tmp_path / 'microphone.wav'}%noloop",
                    f"--user-data-dir={tmp_path / 'profile'}",
                    url,
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )

    yield run
    for browser in browsers:
        browser.kill()
        browser.wait()


def test_a_browser_is_transcribed(serve, browse, audio):
    """A page records a microphone in both formats, over unreliable connections, to the word.

    A recording stops with its session, even if the page closes it.
    """
    with open_audio(audio / "praatio_mary.flac") as reader:
        # The microphone plays from the moment that it is opened: silence while the page connects.
        speech = bytes(5 * 32_000) + b"".join(reader)
    pages = serve(LocalBackend(align=False), cuts=[9, 12], segmentation_silence=5.0)
    browse(f"{pages.url}/page?seconds=8&rate=16000", speech)
    assert pages.reported.wait(60)
    report = pages.reports[0]
    assert "error" not in report, report
    for way in report:
        assert way["transcript"].lower().strip(".,") == "mary rolled the barrel"
        assert way["lost"] == 1
    assert [way["type"] for way in report] == ["audio/webm;codecs=opus", "audio/pcm"]


def test_a_page_that_is_reloaded_keeps_its_words(serve, browse, audio):
    """Whoever reloads or closes a page leaves what was said to the server, to the word."""
    with open_audio(audio / "praatio_mary.flac") as reader:
        speech = bytes(3 * 32_000) + b"".join(reader)
    pages = serve(LocalBackend(align=False), grace=3, segmentation_silence=5.0)
    browse(f"{pages.url}/page?seconds=6&reload=1", speech)
    assert pages.opened.wait(60)
    assert pages.all_dropped(60)
    (session,) = pages.sessions
    assert session.transcript.text.lower().strip(".,") == "mary rolled the barrel"
    assert {gap.reason for gap in session.transcript.ledger.gaps} == {"truncated"}  # the WebM
