"""Backends for `azstt live`."""

from __future__ import annotations

import pytest

#: Backends for the command, installed the way third-party ones are.
PLUGIN = """
import math
import sys
import time
from azstt import AudioGap, Ended, Failed, Final, Partial, Reconnecting, Segment, ServiceError
from azstt.testing import Cue, ScriptedBackend

def said(text, start=0.0, end=1.0, speaker=None):
    return Final(segment=Segment(text=text, start=start, end=end, speaker=speaker))

def talking():
    texts = ("One", "One two", "One two three")
    partials = [Partial(text=text, start=0.0, end=0.2) for text in texts]
    finals = (said("One, two, three.", speaker="Ann"), said("Four.", 1.0, 2.0))
    return ScriptedBackend([*partials, *finals])

def failing():
    failed = Failed(error=ServiceError("the service went away", hint="try again"))
    return ScriptedBackend([said("Half a sentence"), Cue(event=failed, at=2.0)])

def stuck():
    ended = Cue(event=Ended(position=9), at=1e6, delay=math.inf)
    return ScriptedBackend([said("Said before."), ended])

def slow():
    return ScriptedBackend([Cue(event=said("At last."), at=1.0, delay=1.5)])

def deaf():
    return ScriptedBackend()

class Loading(ScriptedBackend):
    def open(self, options, audio, emit):
        print("loading", file=sys.stderr, flush=True)
        time.sleep(3)
        return super().open(options, audio, emit)

def loading():
    return Loading([said("At last.")])

def troubled():
    lost = Reconnecting(attempt=1, delay=0.0, reason="connection reset")
    return ScriptedBackend([lost, AudioGap(start=0.5, end=2.0, reason="dropped")])
"""


@pytest.fixture(scope="session")
def plugins(tmp_path_factory):
    """Return a folder for the import path with an installed distribution of backends."""
    folder = tmp_path_factory.mktemp("live-plugins")
    (folder / "azstt_voices.py").write_text(PLUGIN)
    info = folder / "azstt_voices-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: azstt-voices\nVersion: 1.0\n")
    names = ("talking", "failing", "stuck", "slow", "deaf", "troubled", "loading")
    entries = "\n".join(f"{name} = azstt_voices:{name}" for name in names)
    (info / "entry_points.txt").write_text(f"[azstt.backends]\n{entries}\n")
    return folder
