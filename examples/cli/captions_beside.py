"""Write captions for every recording in a folder, and for new ones as they appear."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import azstt

RECORDINGS = {".flac", ".m4a", ".mkv", ".mov", ".mp3", ".mp4", ".ogg", ".wav", ".webm"}
POLL_INTERVAL = 2.0  # seconds

#: A file's size and modification time. While they change, the file is still being written.
State = tuple[int, int]


def without_captions(folder: Path) -> Iterator[tuple[Path, State]]:
    """Yield the recordings without captions."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in RECORDINGS and not captions_of(path).exists():
            stat = path.stat()
            yield path, (stat.st_size, stat.st_mtime_ns)


def captions_of(recording: Path) -> Path:
    """Return the path where players look for captions: talk.vtt for talk.mp4."""
    return recording.with_suffix(".vtt")


def caption(recording: Path, backend: str) -> None:
    """Transcribe a recording and write its captions next to it, atomically."""
    try:
        transcript = azstt.transcribe_file(recording, backend=backend)
    except azstt.AzsttError as error:
        print(f"{recording.name}: {error}", file=sys.stderr)
        return
    unfinished = captions_of(recording).with_suffix(".vtt.part")
    unfinished.write_text(transcript.to_vtt(max_chars=37), encoding="utf-8")
    unfinished.replace(captions_of(recording))
    speed = transcript.duration / max(transcript.usage.wall_seconds, 0.001)
    print(f"{recording.name}: {transcript.duration:.0f} s, {speed:.0f} x real time", flush=True)


def watch(folder: Path, backend: str) -> None:
    """Caption recordings once they stop growing; failed ones are retried after a change."""
    seen: dict[Path, State] = {}
    tried: dict[Path, State] = {}
    while True:
        found = dict(without_captions(folder))
        for path, state in found.items():
            if seen.get(path) == state != tried.get(path):
                tried[path] = state
                caption(path, backend)
        seen = found
        time.sleep(POLL_INTERVAL)


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backend", default="local", help="a name from `azstt backends`")
    parser.add_argument("--once", action="store_true", help="caption the current files, then exit")
    args = parser.parse_args()
    if args.once:
        for path, _ in without_captions(args.folder):
            caption(path, args.backend)
        return
    watch(args.folder, args.backend)


if __name__ == "__main__":
    main()
