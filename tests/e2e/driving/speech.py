"""Recordings, the microphone that plays them to a browser, and how well they are understood."""

from __future__ import annotations

import re
import wave
from dataclasses import dataclass
from pathlib import Path

import jiwer

import azstt

#: Seconds of silence before somebody speaks into the microphone. It hears from the moment that a
#: page asks for it, and a page takes a while from there until it records.
LEAD = 1.5


@dataclass(frozen=True)
class Recording:
    """Speech of which it is known what was said."""

    path: Path

    @property
    def pcm(self) -> bytes:
        """How it sounds: 16 kHz."""
        with azstt.open_audio(self.path) as reader:
            return b"".join(reader)

    @property
    def reference(self) -> list[str]:
        """The words that were said."""
        return words(self.path.with_suffix(".txt").read_text(encoding="utf-8"))

    def errors(self, text: str) -> float:
        """Give the word error rate of a transcript of it."""
        return jiwer.wer(" ".join(self.reference), " ".join(words(text)))

    def then(self, other: Recording, path: Path) -> Recording:
        """Put another one after it, with a second between, into a WAV file."""
        write_wav(path, self.pcm + bytes(32_000) + other.pcm)
        path.with_suffix(".txt").write_text(" ".join(self.reference + other.reference))
        return Recording(path)


class Microphone:
    """What a browser's fake device plays: a file, read anew whenever a page opens the device.

    So one browser can hear one recording after another. After the end it is silent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        write_wav(path, bytes(32_000))

    def plays(self, recording: Recording, lead: float = LEAD) -> None:
        """Play a recording from the next time on that a page opens the microphone."""
        new = self.path.with_suffix(".new")
        write_wav(new, bytes(2 * round(lead * 16_000)) + recording.pcm + bytes(32_000))
        new.replace(self.path)  # in one go: a browser may be opening it


def write_wav(path: Path, pcm: bytes) -> None:
    """Write 16 kHz mono PCM."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(pcm)


def words(text: str) -> list[str]:
    """Give the words alone: how engines punctuate is not what is held against them."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())
