"""Makes the recordings: every form whole, and what may happen to it.

The ffmpeg program encodes; PyAV removes packets and writes the rest with the times they had; and
damage is done to the bytes. Everything is seeded, and made once: a file that is there is not made
again.
"""

from __future__ import annotations

import json
import random
import subprocess
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks import ROOT
from benchmarks.media.forms import FORMS, Form
from benchmarks.media.sound import BEEP, EVERY, FIRST, MASTER_RATE, beeping, beeps

if TYPE_CHECKING:
    from benchmarks.media.sound import Sound

#: Real recordings, which have nothing wrong with them.
GOOD: Final = ROOT / "tests" / "audio"
#: Seconds of a recording, and of the two that are joined.
SECONDS: Final = 24.0
JOINED: Final = (10.0, 8.0)
#: Seconds by which the audio begins after the pictures.
LATE: Final = 2.0
#: From and to when packets are removed, in seconds.
HOLES: Final = ((4.3, 5.6), (10.4, 11.7), (14.4, 20.6))
#: Seconds between two packets that a discontinuous transmission stores in a pause, at most.
_KEPT_EVERY: Final = 0.4
_SCREEN: Final = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=10")

Keep = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Case:
    """A recording.

    Attributes:
        form: the name of its form.
        kind: what happened to it.
        detail: how.
        path: where it is.
        whole: the recording before that, by which the loss is told; a joined one has two.
        beeps: when a player plays its beeps, if that is known from how it was made.
    """

    form: str
    kind: str
    detail: str
    path: Path
    whole: tuple[Path, ...]
    beeps: tuple[float, ...]


class Recordings:
    """A folder of recordings.

    Args:
        folder: where they are kept.
        ffmpeg: the program that encodes them.
        quick: few kinds of damage instead of all.
    """

    def __init__(self, folder: Path, ffmpeg: str, *, quick: bool) -> None:
        self._folder = folder.absolute()
        self._ffmpeg = ffmpeg
        self._quick = quick
        for name in ("whole", "masters", "damaged", "truncated", "late", "gapped", "joined", "dtx"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def cases(self, name: str) -> Iterator[Case]:
        """Yield all recordings of a form."""
        form = FORMS[name]
        whole = self._encoded("whole", name, form, SECONDS)
        heard = beeps(SECONDS)
        yield Case(name, "whole", "", whole, (whole,), heard)
        data = whole.read_bytes()
        for detail, damaged in _damage(data, form, name, quick=self._quick):
            path = self._written("damaged", name, detail, form, damaged)
            yield Case(name, "damaged", detail, path, (whole,), heard)
        for detail, share in (("half", 0.5), ("at 90 %", 0.9)):
            path = self._written("truncated", name, detail, form, data[: int(share * len(data))])
            yield Case(name, "truncated", detail, path, (whole,), heard)
        if form.video:
            late = tuple(at + LATE for at in heard)
            path = self._encoded("late", name, form, SECONDS, offset=LATE)
            yield Case(name, "late", "", path, (whole,), late)
        if form.timed:
            rest = tuple(at for at in heard if _outside_holes(at))
            path = self._remuxed("gapped", name, form, whole, _outside_holes)
            yield Case(name, "gapped", "", path, (whole,), rest)
        yield from self._joined(name, form)
        if form.audio[1] == "libopus" and not form.video:
            path = self._remuxed("dtx", name, form, self._pausing(name, form), _Pauses())
            yield Case(name, "dtx", "", path, (), heard)

    def _joined(self, name: str, form: Form) -> Iterator[Case]:
        first = self._encoded("whole", f"{name} 10 s", form, JOINED[0])
        variants = {"same": (), **({"other": form.other} if form.other else {})}
        for detail, other in variants.items():
            second = self._encoded("whole", f"{name} 8 s {detail}", form, JOINED[1], 5, other=other)
            data = first.read_bytes() + second.read_bytes()
            path = self._written("joined", name, detail, form, data)
            yield Case(name, "joined", detail, path, (first, second), ())

    def _pausing(self, name: str, form: Form) -> Path:
        """Return a recording of nothing but beeps."""
        return self._encoded("whole", f"{name} beeps", form, SECONDS, None)

    def _encoded(
        self,
        kind: str,
        name: str,
        form: Form,
        seconds: float,
        seed: int | None = 0,
        *,
        offset: float = 0.0,
        other: tuple[str, ...] = (),
    ) -> Path:
        path = self._path(kind, name, "", form)
        if not path.exists():
            screen = _SCREEN if form.video else ()
            delay = ("-itsoffset", str(offset)) if offset else ()
            tracks = ("-map", "0:v", "-map", "1:a") if form.video else ()
            ends = ("-t", str(seconds + offset), "-f", form.muxer)
            options = [text for key, value in form.options.items() for text in (f"-{key}", value)]
            shown = (*screen, *delay, "-i", str(self._master(seconds, seed)), *tracks)
            self._run(
                *shown,
                *form.video,
                *form.audio,
                *other,
                *ends,
                *options,
                path=path,
                piped=form.piped,
            )
        return path

    def _run(self, *arguments: str, path: Path, piped: bool) -> None:
        command = [self._ffmpeg, "-nostdin", "-v", "error", "-y", *arguments]
        part = path.with_name(f"part-{path.name}")
        if piped:
            with part.open("wb") as file:
                subprocess.run([*command, "pipe:1"], check=True, stdout=file)
        else:
            subprocess.run([*command, str(part)], check=True)
        part.rename(path)

    def _master(self, seconds: float, seed: int | None) -> Path:
        """Return what is encoded; without a seed, beeps and silence."""
        path = self._folder / "masters" / f"{seconds:g} s {seed}.wav"
        if not path.exists():
            speech = np.zeros(MASTER_RATE, np.int16) if seed is None else self._speech()
            sound = beeping(speech, seconds, seed or 0)
            with wave.open(str(path), "wb") as writer:
                writer.setparams((1, 2, MASTER_RATE, 0, "NONE", ""))
                writer.writeframes(sound.tobytes())
        return path

    def _speech(self) -> Sound:
        listed = json.loads((GOOD / "manifest.json").read_text())
        names = [
            entry["file"]
            for entry in listed
            if entry["text"] and "/" not in entry["file"] and entry["tracks"] == 1
        ]
        pcm = b""
        for name in names:
            command = [self._ffmpeg, "-v", "error", "-i", str(GOOD / name)]
            shape = ["-ac", "1", "-ar", str(MASTER_RATE), "-f", "s16le", "-"]
            pcm += subprocess.run([*command, *shape], check=True, stdout=subprocess.PIPE).stdout
        return np.frombuffer(pcm, np.int16)

    def _written(self, kind: str, name: str, detail: str, form: Form, data: bytes) -> Path:
        path = self._path(kind, name, detail, form)
        if not path.exists():
            path.write_bytes(data)
        return path

    def _remuxed(self, kind: str, name: str, form: Form, source: Path, keep: Keep) -> Path:
        path = self._path(kind, name, "", form)
        if not path.exists():
            part = path.with_name(f"part-{path.name}")
            _remux(source, part, form, keep)
            part.rename(path)
        return path

    def _path(self, kind: str, name: str, detail: str, form: Form) -> Path:
        words = "-".join(f"{name} {detail}".replace("%", "").split())
        return self._folder / kind / f"{words}.{form.suffix}"


class _Unseekable:
    """A file that only takes what is appended, like a pipe."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()


def _remux(source: Path, path: Path, form: Form, keep: Keep) -> None:
    """Copy a file without the audio packets whose times are not kept."""
    # PyAV leaves the types of streams and packets open.
    libav: Any = import_module("av")
    target: Any = _Unseekable(path) if form.piped else str(path)
    # A page of Ogg tells only when it ends: with a page for each packet, every packet's time stays.
    options = {"page_duration": "20000"} if form.muxer == "ogg" else dict(form.options)
    with (
        libav.open(str(source)) as old,
        libav.open(target, "w", form.muxer, options=options) as new,
    ):
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        start = (old.start_time or 0) / 1e6
        for packet in old.demux():
            if packet.dts is None or packet.pts is None:
                continue
            at = float(packet.pts * packet.time_base) - start
            if packet.stream.type == "audio" and not keep(at):
                continue
            packet.stream = streams[packet.stream.index]
            new.mux(packet)
    if form.piped:
        target.close()


def _outside_holes(at: float) -> bool:
    return not any(start <= at < end for start, end in HOLES)


class _Pauses:
    """Keeps the packets with sound, and one every now and then in the pauses."""

    def __init__(self) -> None:
        self._last = -1.0

    def __call__(self, at: float) -> bool:
        since = (at - FIRST) % EVERY
        sound = at > FIRST - EVERY / 4 and (since < BEEP + 0.1 or since > EVERY - 0.1)
        if sound or at - self._last >= _KEPT_EVERY - 0.01:
            self._last = at
            return True
        return False


def _damage(data: bytes, form: Form, name: str, *, quick: bool) -> Iterator[tuple[str, bytes]]:
    """Yield damaged copies: 6 % of the bytes, in one place or in a dozen."""
    ways = [way for way in _WAYS if not (form.pcm and way == "zeros")]
    size = len(data)
    for index, way in enumerate(ways):
        dice = random.Random(f"{name} {way}")  # noqa: S311 - reproducible
        block = [(int(0.4 * size), int(0.46 * size))]
        places = sorted(dice.sample(range(20, 190), 12))
        scattered = [(at * size // 200, (at + 1) * size // 200) for at in places]
        layouts = {"block": block, "scattered": scattered}
        for layout, spans in layouts.items():
            if not quick or (index + (layout == "block")) % len(_WAYS) == 0:
                yield f"{way} {layout}", _damaged(data, spans, _WAYS[way], dice)


def _damaged(
    data: bytes,
    spans: list[tuple[int, int]],
    way: Callable[[bytes, random.Random], bytes],
    dice: random.Random,
) -> bytes:
    parts: list[bytes] = []
    at = 0
    for start, end in spans:
        parts += [data[at:start], way(data[start:end], dice)]
        at = end
    return b"".join([*parts, data[at:]])


def _flipped(data: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(len(data) // 20):
        damaged[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(damaged)


_WAYS: Final[dict[str, Callable[[bytes, random.Random], bytes]]] = {
    "zeros": lambda data, _: bytes(len(data)),
    "random": lambda data, dice: dice.randbytes(len(data)),
    "flipped": _flipped,
    "deleted": lambda _data, _dice: b"",
}
