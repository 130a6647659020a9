"""Recordings, the microphone that plays them to a browser, and word error rates."""

from __future__ import annotations

import re
import wave
from dataclasses import dataclass
from pathlib import Path

import jiwer

import azstt

#: Seconds of silence before the speech. The microphone plays as soon as a page opens it, and the
#: page takes a while from there to record.
LEAD = 1.5


@dataclass(frozen=True)
class Recording:
    """Speech with a known transcript."""

    path: Path

    @property
    def pcm(self) -> bytes:
        """The audio as 16 kHz PCM."""
        with azstt.open_audio(self.path) as reader:
            return b"".join(reader)

    @property
    def reference(self) -> list[str]:
        """The words of the known transcript."""
        return words(self.path.with_suffix(".txt").read_text(encoding="utf-8"))

    def errors(self, text: str) -> float:
        """Return the word error rate of a transcript of it."""
        return jiwer.wer(" ".join(self.reference), " ".join(words(text)))

    def then(self, other: Recording, path: Path) -> Recording:
        """Write a WAV file of this recording, a second of silence, and another recording."""
        write_wav(path, self.pcm + bytes(32_000) + other.pcm)
        path.with_suffix(".txt").write_text(" ".join(self.reference + other.reference))
        return Recording(path)


class Microphone:
    """The file that a browser's fake microphone plays, read again whenever a page opens it.

    So one browser can play different recordings. After the end it is silent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        write_wav(path, bytes(32_000))

    def plays(self, recording: Recording, lead: float = LEAD) -> None:
        """Play a recording when a page opens the microphone next."""
        new = self.path.with_suffix(".new")
        write_wav(new, bytes(2 * round(lead * 16_000)) + recording.pcm + bytes(32_000))
        new.replace(self.path)  # atomic: a browser may be opening it


def write_wav(path: Path, pcm: bytes) -> None:
    """Write 16 kHz mono PCM."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(pcm)


def words(text: str) -> list[str]:
    """Return only the words, as punctuation differs between engines."""
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())
