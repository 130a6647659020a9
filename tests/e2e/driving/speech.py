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
    def reference(self) -> str:
        """What was said."""
        return self.path.with_suffix(".txt").read_text(encoding="utf-8")

    @property
    def seconds(self) -> float:
        """How long it is."""
        with azstt.open_audio(self.path) as reader:
            return sum(len(chunk) for chunk in reader) / 32_000

    def errors(self, text: str) -> float:
        """Give the word error rate of a transcript of it."""
        return jiwer.wer(" ".join(words(self.reference)), " ".join(words(text)))


class Microphone:
    """What a browser's fake device plays: a file, read anew whenever a page opens the device.

    So one browser can hear one recording after another. After the end it is silent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write(b"")

    def plays(self, *recordings: Recording, lead: float = LEAD) -> None:
        """Play these from the next time on that a page opens the microphone."""
        pcm = bytearray(2 * round(lead * 16_000))
        for recording in recordings:
            with azstt.open_audio(recording.path) as reader:
                pcm += b"".join(reader)
        self._write(bytes(pcm))

    def _write(self, pcm: bytes) -> None:
        """Replace the file in one go: a browser may be opening it."""
        new = self.path.with_suffix(".new")
        with wave.open(str(new), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(pcm + bytes(32_000))
        new.replace(self.path)


def words(text: str) -> list[str]:
    """Give the words alone: how engines punctuate is not what is held against them."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())
