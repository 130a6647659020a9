"""Makes the benchmark's clips, once: real speech in eight formats, and damaged copies.

The recordings of tests/audio are looped in stereo. The second channel is delayed and softer, and
each has faint noise of its own, because digital silence above 8 kHz would be unfairly cheap to
decode.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks import ROOT

RECORDINGS: Final = ROOT / "tests" / "audio"

#: Seconds of the clips.
LENGTHS: Final = {"10s": 10, "5min": 300, "1h": 3600}
#: Seconds of their stand-ins in a smoke run.
SMOKE_LENGTHS: Final = {"10s": 1, "5min": 3, "1h": 5}

_OPUS = ["-c:a", "libopus"]
_AAC = ["-c:a", "aac", "-b:a", "128k"]
# As written by a browser's MediaRecorder: mono, 60 ms packets, live clusters, no duration, no cues.
_RECORDER = (
    *("-ac", "1", *_OPUS, "-b:a", "96k", "-frame_duration", "60"),
    *("-f", "webm", "-live", "1", "-cluster_time_limit", "1000"),
)
_VIDEO = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "30"]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that users transcribe.

    Attributes:
        suffix: of the file's name.
        encode: arguments for the ffmpeg program; none for the base file.
        video: whether there is a video track.
        piped: whether it is written to a pipe, as by a live recorder, so that the muxer cannot
            go back to fill anything in.
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
    """A folder of clips; each is made when it is first requested.

    Args:
        folder: where they are kept.
        ffmpeg: the program that encodes them.
        lengths: seconds of each length.
    """

    def __init__(
        self, folder: Path, ffmpeg: str, lengths: Mapping[str, int] = MappingProxyType(LENGTHS)
    ) -> None:
        self.folder = folder.absolute()  # workers have another working directory
        self.lengths = lengths
        self._ffmpeg = ffmpeg
        folder.mkdir(parents=True, exist_ok=True)

    def clip(self, form: str, length: str) -> Path:
        """Return the path of a clip, with its bytes in the page cache."""
        path = self._path(form, length)
        if not path.exists():
            self._make(form, length, path)
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
        return path

    def damaged(self, form: str, rounds: int) -> Iterator[tuple[str, Path]]:
        """Yield the kind of damage and the path for each damaged copy of a 10 s clip."""
        whole = self.clip(form, "10s").read_bytes()
        folder = self.folder / "damaged"
        folder.mkdir(exist_ok=True)
        for seed in range(rounds):
            for kind, data in _damage(whole, random.Random(f"{form} {seed}")):  # noqa: S311 - reproducible
                path = folder / f"{kind}-{seed}{FORMATS[form].suffix}"
                path.write_bytes(data)
                yield kind, path

    def _path(self, form: str, length: str) -> Path:
        return self.folder / f"{length}{FORMATS[form].suffix}"

    def _make(self, form: str, length: str, path: Path) -> None:
        kind, part = FORMATS[form], path.with_name(f"part-{path.name}")
        seconds = str(self.lengths[length])
        if not kind.encode:
            self._base(seconds, part)
        elif kind.video and length == "1h":
            # Encoding an hour of video would take minutes.
            short = str(self.clip(form, "5min"))
            self._run("-stream_loop", "11", "-i", short, "-c", "copy", "-t", seconds, str(part))
        else:
            screen = ("-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25") if kind.video else ()
            base = str(self.clip("wav48", length))
            self._run(*screen, "-i", base, "-t", seconds, *kind.encode, str(part), piped=kind.piped)
        part.rename(path)

    def _base(self, seconds: str, path: Path) -> None:
        """Mix the recordings into one 48 kHz stereo file."""
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
        """Join the recordings that contain speech and are not container samples."""
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
    """Yield damaged copies: flipped bits, zeroed ranges, truncated files."""
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
