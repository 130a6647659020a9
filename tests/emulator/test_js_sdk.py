"""Microsoft's JavaScript SDK, unmodified, against the emulator."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from azstt.emulator import Script, Utterance, marked_wav

HERE = Path(__file__).parent / "js"
SCRIPT = Script(
    segments=(
        Utterance(text="Hello there, Bob.", start=0, end=1, speaker="Guest-1"),
        Utterance(text="How are you?", start=3.5, end=4.5, speaker="Guest-2"),
    )
)
TEXTS = [segment.text for segment in SCRIPT.segments]


@pytest.fixture(scope="module")
def installed(npm_install) -> Path:
    """Install the SDK from npm, once."""
    if shutil.which("node") is None:
        pytest.skip("the JavaScript SDK needs node, which is not on the PATH")
    return npm_install("azure-js-sdk", HERE / "package.json", HERE / "recognize.js")


@pytest.fixture(params=["host", "endpoint"])
def recognize(request, installed, tmp_path):
    """Run the SDK in a mode, pointed at an emulator by `host` or `endpoint`."""

    def run(mode, emulator):
        (tmp_path / "speech.wav").write_bytes(marked_wav(6.0))
        path = "" if request.param == "host" else "/stt/speech/universal/v2"
        url = emulator.host + path
        done = subprocess.run(
            [
                shutil.which("node"),
                "recognize.js",
                mode,
                request.param,
                url,
                tmp_path / "speech.wav",
            ],
            cwd=installed,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_continuous(recognize, azure_speech_emulator):
    """A continuous session gets partials, and finals at their times."""
    heard = recognize("continuous", azure_speech_emulator(script=SCRIPT))
    assert [final["text"] for final in heard["finals"]] == TEXTS
    assert [final["offset"] for final in heard["finals"]] == [0, 35_000_000]
    assert heard["partials"] == ["hello", "hello there", "how", "how are"]
    assert heard["errors"] == []


def test_once(recognize, azure_speech_emulator):
    """A single shot returns the first utterance."""
    heard = recognize("once", azure_speech_emulator(script=SCRIPT))
    assert [final["text"] for final in heard["finals"]] == TEXTS[:1]


def test_conversation(recognize, azure_speech_emulator):
    """A conversation transcriber identifies the speakers."""
    heard = recognize("conversation", azure_speech_emulator(script=SCRIPT))
    assert [(final["text"], final["speaker"]) for final in heard["finals"]] == [
        (TEXTS[0], "Guest-1"),
        (TEXTS[1], "Guest-2"),
    ]
