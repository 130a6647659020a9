"""Makes what the decoders are timed on, once: real speech in eight formats, and damaged clips.

The recordings of tests/audio follow each other in a loop, in stereo: the second channel is
delayed and softer, and both have their own faint noise, because digital silence above 8 kHz would
be unfairly cheap to decode.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import ROOT

RECORDINGS: Final = ROOT / "tests" / "audio"

#: Seconds of the clips.
LENGTHS: Final = {"10s": 10, "5min": 300, "1h": 3600}

_OPUS = ["-c:a", "libopus"]
_AAC = ["-c:a", "aac", "-b:a", "128k"]
# As a browser's MediaRecorder: mono, 60 ms packets, live clusters, no duration, no cues.
_RECORDER = (
    *("-ac", "1", *_OPUS, "-b:a", "96k", "-frame_duration", "60"),
    *("-f", "webm", "-live", "1", "-cluster_time_limit", "1000"),
)
_VIDEO = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "30"]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that people transcribe.

    Attributes:
        suffix: of the file's name.
        encode: the ffmpeg program's arguments; none for the base itself.
        video: there are pictures beside the sound.
        piped: written to a pipe, as a live recorder does, so that nothing is filled in later.
    """

    suffix: str
    encode: tuple[str, ...]
    video: bool = False
    piped: bool = False


FORMATS: Final = {
    "mp3": Format(".mp3", ("-ar", "44100", "-b:a", "128k")),
    "m4a": Format(".m4a", tuple(_AAC)),
    "opus": Format(".opus", (*_OPUS, "-b:a", "64k")),
    "webm": Format(".webm", _RECORDER, piped=True),
    "flac": Format(".flac", ("-ar", "44100", "-sample_fmt", "s16")),
    "wav48": Format("_48k_stereo.wav", ()),
    "wav16": Format("_16k_mono.wav", ("-ar", "16000", "-ac", "1", "-c:a", "pcm_s16le")),
    "mp4": Format(".mp4", (*_VIDEO, *_AAC), video=True),
}


class Inputs:
    """A folder of clips; each is made when it is first asked for.

    Args:
        folder: where they are, and stay.
        ffmpeg: the program that encodes them.
    """

    def __init__(self, folder: Path, ffmpeg: str) -> None:
        self.folder = folder.absolute()  # workers run elsewhere
        self._ffmpeg = ffmpeg
        folder.mkdir(parents=True, exist_ok=True)

    def clip(self, form: str, length: str) -> Path:
        """Give a clip's path, its bytes in the file cache."""
        path = self._path(form, length)
        if not path.exists():
            self._make(form, length, path)
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
        return path

    def damaged(self, form: str, rounds: int) -> Iterator[tuple[str, Path]]:
        """Give the kinds of damage and the damaged copies of a clip of 10 s."""
        whole = self.clip(form, "10s").read_bytes()
        folder = self.folder / "damaged"
        folder.mkdir(exist_ok=True)
        for seed in range(rounds):
            for kind, data in _damage(whole, random.Random(f"{form} {seed}")):  # noqa: S311  a seed
                path = folder / f"{kind}-{seed}{FORMATS[form].suffix}"
                path.write_bytes(data)
                yield kind, path

    def _path(self, form: str, length: str) -> Path:
        return self.folder / f"{length}{FORMATS[form].suffix}"

    def _make(self, form: str, length: str, path: Path) -> None:
        kind, part = FORMATS[form], path.with_name(f"part-{path.name}")
        seconds = str(LENGTHS[length])
        if not kind.encode:
            self._base(seconds, part)
        elif kind.video and length == "1h":
            # An hour of pictures would take minutes to encode.
            short = str(self.clip(form, "5min"))
            self._run("-stream_loop", "11", "-i", short, "-c", "copy", "-t", seconds, str(part))
        else:
            screen = ("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25") if kind.video else ()
            base = str(self.clip("wav48", length))
            self._run(*screen, "-i", base, "-t", seconds, *kind.encode, str(part), piped=kind.piped)
        part.rename(path)

    def _base(self, seconds: str, path: Path) -> None:
        """Mix the recordings to one file of 48 kHz in stereo."""
        speech = self.folder / "speech.wav"
        if not speech.exists():
            self._speech(speech)
        mix = (
            "[0:a]asplit[left][dry];[dry]adelay=delays=29S,volume=0.8[right];"
            "[left][right]join=inputs=2:channel_layout=stereo[voice];"
            "anoisesrc=r=48000:a=0.0035:seed=1[n1];anoisesrc=r=48000:a=0.0035:seed=2[n2];"
            "[n1][n2]join=inputs=2:channel_layout=stereo[noise];"
            "[voice][noise]amix=inputs=2:normalize=0:duration=first[out]"
        )
        loop = ("-stream_loop", "-1", "-i", str(speech))
        self._run(*loop, "-filter_complex", mix, "-map", "[out]", "-t", seconds, str(path))

    def _speech(self, path: Path) -> None:
        """Set all recordings of one speaker or several, but no containers, one after the other."""
        listed = json.loads((RECORDINGS / "manifest.json").read_text())
        files = [
            str(RECORDINGS / entry["file"])
            for entry in listed
            if entry["text"] and "/" not in entry["file"] and entry["tracks"] == 1
        ]
        inputs = [argument for file in files for argument in ("-i", file)]
        shape = "aformat=sample_rates=48000:channel_layouts=mono:sample_fmts=s16,apad=pad_dur=0.35"
        parts = "".join(f"[{i}:a]{shape}[p{i}];" for i in range(len(files)))
        names = "".join(f"[p{i}]" for i in range(len(files)))
        join = f"{parts}{names}concat=n={len(files)}:v=0:a=1[out]"
        self._run(*inputs, "-filter_complex", join, "-map", "[out]", str(path))

    def _run(self, *arguments: str, piped: bool = False) -> None:
        command = [self._ffmpeg, "-nostdin", "-v", "error", "-y", *arguments]
        if piped:
            with Path(command.pop()).open("wb") as file:
                subprocess.run([*command, "pipe:1"], check=True, stdout=file)
        else:
            subprocess.run(command, check=True)


def _damage(whole: bytes, rng: random.Random) -> Iterator[tuple[str, bytes]]:
    """Give damaged copies: flipped bits, zeroed ranges, and the beginning only."""
    for share in (0.0001, 0.001):
        data = bytearray(whole)
        for _ in range(max(1, int(share * len(data)))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        yield f"flip-{share:.2%}", bytes(data)
    for share in (0.01, 0.1):
        data = bytearray(whole)
        size = int(share * len(data))
        start = rng.randrange(len(data) - size)
        data[start : start + size] = bytes(size)
        yield f"zero-{share:.0%}", bytes(data)
    for low in (0.1, 0.5):
        size = int(rng.uniform(low, low + 0.4) * len(whole))
        yield f"cut-{low:.0%}", whole[:size]
