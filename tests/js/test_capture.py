"""What a page records is what was said, in a real browser and to the sample."""

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
def put_through(node):
    """Put tones through the worklet that records PCM."""

    def run(*tones):
        command = [node, HERE / "worklet.mjs", WORKLET.as_uri(), json.dumps(tones)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def level(samples) -> float:
    """Give the level of samples in dB below full scale."""
    power = sum(sample * sample for sample in samples) / len(samples)
    return 10 * math.log10(max(power, 1e-9) / 32767**2)


def test_sound_keeps_its_shape_and_its_time_at_any_rate(put_through):
    """A tone comes out as the same tone, each sample where it should be, without added noise."""
    rates = [8000, 16_000, 22_050, 44_100, 48_000, 96_000]
    for rate, out in zip(
        rates, put_through(*([rate, 16_000, 1000, 0.5] for rate in rates)), strict=True
    ):
        heard = out["heard"]
        assert len(heard) == 8000, rate
        wanted = [0.5 * 32767 * math.sin(2 * math.pi * 1000 * n / 16_000) for n in range(8000)]
        middle = slice(400, -400)  # the tone begins and ends at once: that is another sound
        noise = [one - other for one, other in zip(heard[middle], wanted[middle], strict=True)]
        assert level(noise) < -85, rate


def test_nothing_is_heard_that_was_not_there(put_through):
    """A tone that the new rate can't hold is gone, and not another; a lower one is as loud."""
    high, low = put_through([48_000, 16_000, 9000, 0.5], [48_000, 16_000, 6500, 0.5])
    assert level(high["heard"][400:-400]) < -85
    assert level(low["heard"][400:-400]) == pytest.approx(20 * math.log10(0.5) - 3.01, abs=0.1)


def test_pieces_are_of_a_tenth_of_a_second(put_through):
    """The last is what is left; then it says that it is over. A stream that is muted is silent."""
    tone, muted = put_through([48_000, 16_000, 440, 0.25], [16_000, 16_000, 0, 0.2])
    assert (tone["sizes"], tone["last"], tone["alive"]) == ([3200, 3200, 1600], None, False)
    assert set(muted["heard"]) == {0}
    assert len(muted["heard"]) == 3200


@pytest.fixture
def browse(tmp_path):
    """Open a page in a browser whose microphone hears a recording."""
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
                    "--no-sandbox",  # which root has none of
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


def test_a_browser_is_heard(serve, browse, audio):
    """A page records a microphone in both ways, over connections that break, to the word.

    A recording stops with its session, also when the page closes that.
    """
    with open_audio(audio / "praatio_mary.flac") as reader:
        speech = bytes(32_000) + b"".join(reader)  # silence first: the page must get ready
    pages = serve(LocalBackend(align=False), cuts=[9, 12], segmentation_silence=5.0)
    browse(f"{pages.url}/page?seconds=3&rate=16000", speech)
    assert pages.reported.wait(60)
    report = pages.reports[0]
    assert "error" not in report, report
    for way in report:
        assert way["transcript"].lower().strip(".,") == "mary rolled the barrel"
        assert way["lost"] == 1
    assert [way["type"] for way in report] == ["audio/webm;codecs=opus", "audio/pcm"]
