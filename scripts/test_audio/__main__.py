"""Build `tests/audio/`, the small recordings that are committed with the tests.

    python -m scripts.corpus DIR --fetch
    python -m scripts.test_audio DIR

The tables are in `table.py`. The output is reproducible with the same release of PyAV; README.md
and LICENSES.md in the folder are written by hand and not touched.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from scripts.corpus.audio import (
    FLAC,
    Samples,
    Track,
    level,
    probe,
    read_audio,
    silence,
    write_audio,
    write_tracks,
)
from scripts.test_audio import table
from scripts.test_audio.live_webm import as_live

Row: TypeAlias = dict[str, str]
Entry: TypeAlias = dict[str, Any]

HERE = Path(__file__).resolve().parents[2] / "tests" / "audio"
RATE = 16000  # the sample rate of everything that is cut and joined here
LICENSES = {  # the start of the wording in the corpus's manifest -> the name in ours
    "Public domain": "public domain",
    "CC-BY-4.0 ": "CC-BY-4.0",
    "CC0-1.0 ": "CC0-1.0",
    "MIT": "MIT",
    "BSD-2-Clause": "BSD-2-Clause",
    "CMU Arctic": "LicenseRef-CMU-Arctic",
}


class NotRedistributableError(ValueError):
    """A clip's license does not allow committing it."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """The corpus that `scripts.corpus` built; rows by id."""

    folder: Path
    rows: dict[str, Row]

    @classmethod
    def load(cls, folder: Path) -> Corpus:
        """Read the manifest; the folder is the corpus, or the one that it was built in."""
        if not (folder / "manifest.tsv").exists():
            folder /= "corpus"
        with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
            return cls(folder, {row["id"]: row for row in csv.DictReader(file, delimiter="\t")})

    def path(self, clip: table.Clip) -> Path:
        """Return the file of a clip."""
        return self.folder / self.rows[clip.id]["path"]

    def samples(self, clip: table.Clip, rate: int) -> Samples:
        """Decode a clip to one channel, cut to its times."""
        whole = read_audio(self.path(clip), rate)
        stop = whole.shape[1] if clip.end is None else int(clip.end * rate)
        return whole[:, int(clip.start * rate) : stop]

    def text(self, clip: table.Clip) -> str:
        """Return the text of a clip; text in capitals only is lowered."""
        text = clip.text or self.rows[clip.id]["reference"]
        return text.lower() if text.isupper() else text

    def speaker(self, clip: table.Clip) -> str:
        """Return the speaker, without the remark in parentheses."""
        return re.sub(r" \(.*", "", self.rows[clip.id]["speaker"])

    def license(self, clip: table.Clip) -> str:
        """Return the license of a clip.

        Raises:
            NotRedistributableError: the clip may not be committed.
        """
        wording = self.rows[clip.id]["license"]
        if self.rows[clip.id]["redistributable"] == "yes":
            for start, name in LICENSES.items():
                if wording.startswith(start):
                    return name
        raise NotRedistributableError(f"{clip.id!r} may not be committed: {wording!r}")

    def source(self, clip: table.Clip) -> Entry:
        """Return the package of a clip, and its place in it."""
        row = self.rows[clip.id]
        part = {"start": clip.start, "end": clip.end} if clip.start or clip.end else {}
        return {"id": clip.id, "package": row["source"], "path": row["source_path"], **part}


def describe(file: Path, corpus: Corpus, clips: list[table.Clip], text: str, note: str) -> Entry:
    """Return the manifest's entry for a file made of clips; the audio is measured again."""
    info = probe(file)
    return {
        "file": file.relative_to(HERE).as_posix(),
        "language": corpus.rows[clips[0].id]["lang"] if clips else None,
        "speakers": list(dict.fromkeys(corpus.speaker(clip) for clip in clips)),
        "seconds": info.seconds,
        "sample_rate": info.rate,
        "channels": info.channels,
        "tracks": info.tracks,
        "container": info.container,
        "codec": info.codec,
        "text": text,
        "source": [corpus.source(clip) for clip in dict.fromkeys(clips)],
        "license": " AND ".join(sorted({corpus.license(clip) for clip in clips})) or "CC0-1.0",
        "note": note,
    }


def put_text(file: Path, text: str) -> None:
    """Write the reference text beside a recording, as one line."""
    file.with_suffix(".txt").write_text(text + "\n", encoding="utf-8")


def put_json(file: Path, value: object) -> None:
    """Write indented JSON."""
    file.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def word_times(textgrid: Path) -> list[Entry]:
    """Read the word tier of a TextGrid, in long or short form, without silences."""
    bare = re.sub(r"\[\d+\]", "", textgrid.read_text(encoding="utf-8"))
    tokens = [quoted or number for quoted, number in re.findall(r'("[^"]*")|(-?\d[\d.e-]*)', bare)]
    at = next(i for i, pair in enumerate(pairwise(tokens)) if pair == ('"IntervalTier"', '"word"'))
    first, count = at + 5, int(tokens[at + 4])
    spans = [tokens[first + 3 * i : first + 3 * i + 3] for i in range(count)]
    return [
        {
            "word": word.strip('"').lower(),
            "start": round(float(start), 3),
            "end": round(float(end), 3),
        }
        for start, end, word in spans
        if word.strip('"')
    ]


def make_recording(corpus: Corpus, item: table.Recording) -> Entry:
    """Write a file with one voice, and its text beside it."""
    file, rate = HERE / item.file, int(corpus.rows[item.clip.id]["rate"])
    if item.encoding is None:
        shutil.copyfile(corpus.path(item.clip), file)
    else:
        write_audio(file, corpus.samples(item.clip, rate), rate, item.encoding)
        if "live" in item.encoding.muxer_options:
            file.write_bytes(as_live(file.read_bytes()))
    text = corpus.text(item.clip)
    put_text(file, text)
    if item.words:
        put_json(file.with_suffix(".words.json"), word_times(corpus.folder / item.words))
    return describe(file, corpus, [item.clip], text, item.note)


def make_containers(corpus: Corpus) -> list[Entry]:
    """Write one text in every container, with one text file for all."""
    clip = table.CONTAINERS_CLIP
    samples, text = corpus.samples(clip, RATE), corpus.text(clip)
    put_text(HERE / "containers" / "TEXT.txt", text)
    entries: list[Entry] = []
    for name, encoding, note in table.CONTAINERS:
        file = HERE / "containers" / name
        write_audio(file, samples, RATE, encoding)
        entries.append(describe(file, corpus, [clip], text, note))
    return [*entries, make_recording(corpus, table.STEREO_48K)]


def make_two_tracks(corpus: Corpus) -> Entry:
    """Write a file with two audio tracks, one for each speaker."""
    file, clips = HERE / table.TWO_TRACKS_FILE, list(table.TWO_TRACKS)
    tracks = [
        Track(corpus.samples(clip, RATE), RATE, title=corpus.speaker(clip), language="eng")
        for clip in clips
    ]
    write_tracks(file, tracks, table.TWO_TRACKS_ENCODING)
    texts = [corpus.text(clip) for clip in clips]
    put_text(file, texts[0])
    entry = describe(
        file, corpus, clips, texts[0], "text and seconds are track 0's; tracks_text has both"
    )
    seconds = [round(track.samples.shape[1] / RATE, 3) for track in tracks]
    return {**entry, "tracks_text": texts, "tracks_seconds": seconds}


def make_long(corpus: Corpus) -> Entry:
    """Join clips to a recording of more than five minutes, and write its segment times."""
    file = HERE / table.LONG_FILE
    clips = [table.Clip(name) for name in (*table.LONG_ONCE, *table.LONG_AGAIN)]
    parts, now = [silence(0.5, RATE)], 0.5
    segments: list[Entry] = []
    for clip in clips:
        samples = level(corpus.samples(clip, RATE))
        segments.append(segment(corpus, clip, now, samples.shape[1] / RATE))
        parts += [samples, silence(table.LONG_GAP, RATE)]
        now += (samples.shape[1] + int(table.LONG_GAP * RATE)) / RATE
    write_audio(file, np.concatenate(parts, axis=1), RATE, table.LONG_ENCODING)
    text = " ".join(item["text"] for item in segments)
    put_text(file, text)
    put_json(file.with_suffix(".json"), segments)
    again = len(table.LONG_AGAIN)
    note = f"segment times in long.json; joined clips, the last {again} for the second time"
    return describe(file, corpus, clips, text, note)


def segment(corpus: Corpus, clip: table.Clip, start: float, seconds: float) -> Entry:
    """Return a segment: times, speaker and text."""
    return {
        "start": round(start, 3),
        "end": round(start + seconds, 3),
        "speaker": corpus.speaker(clip),
        "text": corpus.text(clip),
    }


def make_stereo(corpus: Corpus) -> Entry:
    """Write a conversation with a channel for each speaker."""
    file, rate = HERE / table.STEREO_FILE, table.STEREO_RATE
    now = 0.3
    turns: list[Entry] = []
    parts: list[tuple[int, int, Samples]] = []
    for turn in table.STEREO:
        samples = level(corpus.samples(turn.clip, rate))
        turns.append(
            {"channel": turn.side, **segment(corpus, turn.clip, now, samples.shape[1] / rate)}
        )
        parts.append((int(now * rate), turn.side, samples))
        now += samples.shape[1] / rate + 0.5
    both = np.zeros((2, int(now * rate)), np.float32)
    for start, side, samples in parts:
        both[side, start : start + samples.shape[1]] = samples
    write_audio(file, both, rate, FLAC)
    text = " ".join(item["text"] for item in turns)
    put_text(file, text)
    put_json(file.with_suffix(".json"), turns)
    note = "a speaker a side: channel 0 is left; turns in stereo.json"
    return describe(file, corpus, [turn.clip for turn in table.STEREO], text, note)


def make_edges(corpus: Corpus) -> list[Entry]:
    """Write recordings without speech: silence and noise."""
    quiet = silence(table.EDGE_SECONDS, table.EDGE_RATE)
    noise = np.random.default_rng(table.NOISE_SEED).normal(0, table.NOISE_LEVEL, quiet.shape)
    made = ((table.SILENCE_FILE, quiet, "zeros"), (table.NOISE_FILE, noise, "white noise"))
    entries: list[Entry] = []
    for name, samples, note in made:
        write_audio(HERE / name, samples.astype(np.float32), table.EDGE_RATE, FLAC)
        entries.append(describe(HERE / name, corpus, [], "", note))
    return entries


def check_notices(entries: list[Entry]) -> None:
    """Warn about licenses that LICENSES.md does not name."""
    notices = (HERE / "LICENSES.md").read_text(encoding="utf-8")
    used = {part for entry in entries for part in entry["license"].split(" AND ")}
    for name in sorted(used):
        if name not in notices:
            print(f"LICENSES.md does not name {name!r}", file=sys.stderr)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser("scripts.test_audio", description="build tests/audio")
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the corpus was built")
    corpus = Corpus.load(parser.parse_args().folder)
    (HERE / "containers").mkdir(parents=True, exist_ok=True)
    entries = [make_recording(corpus, item) for item in table.SPEECH]
    entries += make_containers(corpus)
    entries += [make_two_tracks(corpus), make_recording(corpus, table.MEDIARECORDER)]
    entries += [make_long(corpus), make_stereo(corpus), *make_edges(corpus)]
    put_json(HERE / "manifest.json", entries)
    check_notices(entries)
    size = sum(file.stat().st_size for file in HERE.rglob("*") if file.is_file())
    print(f"{len(entries)} recordings, {size / 1e6:.2f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
