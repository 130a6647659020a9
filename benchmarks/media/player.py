"""What a player makes of a recording: the ffmpeg program, without and with the media's time."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.media.sound import RATE, find_beeps, sounding

#: Fills holes in the timestamps, and a late start, with silence.
_MEDIA_TIME: Final = ("-af", "aresample=async=1:first_pts=0")
_TIMEOUT: Final = 60


@dataclass(frozen=True, slots=True)
class Played:
    """What the ffmpeg program decodes.

    Attributes:
        seconds: all that comes out.
        sounding: of that, without digital silence.
        beeps: when a player plays them.
    """

    seconds: float
    sounding: float
    beeps: Sequence[float]


class Player:
    """Plays recordings, each once: results are kept in a file.

    Args:
        program: the ffmpeg program.
        kept: the file.
    """

    def __init__(self, program: str, kept: Path) -> None:
        self._program = program
        self._kept = kept
        self._played: dict[str, Played] = {}
        if kept.exists():
            for name, entry in json.loads(kept.read_text()).items():
                self._played[name] = Played(**entry)

    def play(self, path: Path) -> Played:
        """Decode a recording."""
        name = str(path)
        if name not in self._played:
            pcm = self._decoded(path)
            timed = self._decoded(path, *_MEDIA_TIME)
            starts = tuple(start for start, _ in find_beeps(timed))
            self._played[name] = Played(len(pcm) / 2 / RATE, sounding(pcm), starts)
        return self._played[name]

    def save(self) -> None:
        """Keep the results for the next run."""
        self._kept.write_text(json.dumps({name: asdict(p) for name, p in self._played.items()}))

    def _decoded(self, path: Path, *options: str) -> bytes:
        command = [self._program, "-nostdin", "-v", "quiet", "-i", str(path), "-vn", *options]
        shape = ["-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"]
        return subprocess.run(
            [*command, *shape], check=False, stdout=subprocess.PIPE, timeout=_TIMEOUT
        ).stdout
