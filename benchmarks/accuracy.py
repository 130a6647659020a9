"""Accuracy and cost of the embedded recognizer: `python -m benchmarks.accuracy CORPUS`.

CORPUS is a folder with a manifest.tsv (columns id, path, subset, lang, rate, duration_s,
reference, notes); `python -m scripts.corpus` builds one. Every clip goes through azstt's own
decoder and through the backend port, and the times include both. Word error rates compare words
in normalized spelling (`wording.py`); intervals are 95 % bootstraps over the clips.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from statistics import fmean, median
from typing import Any, cast

import jiwer
import numpy as np

from azstt import RecognitionOptions, Word
from azstt._audio import open_audio
from azstt._audio_format import AudioFormat
from azstt._events import Event, Failed, Final, Partial
from azstt.backends import RecognizerBackend
from azstt.backends.local import LocalBackend
from benchmarks import ROOT
from benchmarks.processes import peak_memory
from benchmarks.report import SMOKE_NOTICE, machine
from benchmarks.wording import words

#: Sample rate in Hz below which much of what distinguishes consonants is missing.
WIDEBAND = 16_000
#: Seconds below which a clip gives the model little context.
SHORT = 3.0
#: Recordings in tests/audio for the smoke run; the second has labeled word times.
SMOKE_CLIPS = ("arctic_a0009.flac", "praatio_bobby.flac")


@dataclass
class Clip:
    """A recording with its reference words."""

    name: str
    path: Path
    kind: str
    reference: list[str]


@dataclass
class Recognized:
    """The result for one clip, with its cost in seconds."""

    clip: Clip
    text: list[str]
    words: list[Word]
    audio: float
    wall: float
    cpu: float
    partials: int = 0
    errors: tuple[int, int, int] = (0, 0, 0)  # substitutions, deletions, insertions


def clips(corpus: Path, subsets: Iterable[str]) -> Iterator[Clip]:
    with (corpus / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["subset"] in subsets and row["lang"].startswith("en"):
                yield Clip(row["id"], corpus / row["path"], kind(row), words(row["reference"]))


def kind(row: dict[str, str]) -> str:
    if row["subset"] != "en-core":
        return row["subset"]
    if "spontaneous" in row["notes"]:
        return "spontaneous"
    if int(row["rate"]) < WIDEBAND:
        return "telephone"
    return "short" if float(row["duration_s"]) < SHORT else "read"


def recognize(backend: RecognizerBackend, clip: Clip, options: RecognitionOptions) -> Recognized:
    """Decode and recognize a clip."""
    events: list[Event] = []
    wall, cpu, size = time.perf_counter(), time.process_time(), 0
    session = backend.open(options, AudioFormat(), events.append)
    session.start()
    with open_audio(clip.path) as audio:
        for pcm in audio:
            size += len(pcm)
            session.write(pcm)
    session.finish()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    session.close()
    result = Recognized(clip, [], [], AudioFormat().seconds(size), wall, cpu)
    for event in events:
        match event:
            case Final(segment=segment):
                result.text += words(segment.text)
                result.words += segment.words
            case Partial():
                result.partials += 1
            case Failed(error=error):
                raise error
            case _:
                pass
    return result


def score(result: Recognized) -> None:
    """Count the word errors of a result."""
    if result.text and result.clip.reference:
        found = jiwer.process_words(" ".join(result.clip.reference), " ".join(result.text))
        result.errors = (found.substitutions, found.deletions, found.insertions)
    else:
        result.errors = (0, len(result.clip.reference), len(result.text))


def rate(results: list[Recognized]) -> float:
    """Return the word error rate in percent."""
    said = sum(len(result.clip.reference) for result in results)
    return 100 * sum(sum(result.errors) for result in results) / max(1, said)


def interval(results: list[Recognized], times: int = 2000) -> tuple[float, float]:
    """Return the 95 % interval of the word error rate."""
    drawn = np.random.default_rng(1).integers(len(results), size=(times, len(results)))
    wrong = np.array([sum(result.errors) for result in results])[drawn].sum(axis=1)
    said = np.array([len(result.clip.reference) for result in results])[drawn].sum(axis=1)
    low, high = np.percentile(100 * wrong / np.maximum(1, said), (2.5, 97.5))
    return float(low), float(high)


def print_table(results: list[Recognized]) -> None:
    print(
        f"{'':18} {'clips':>5} {'audio s':>8} {'words':>6} {'WER %':>6} {'95 % interval':>14} ",
        end="",
    )
    print(f"{'sub':>4} {'del':>4} {'ins':>4} {'cpuRTF':>7} {'RTF':>6}")
    kinds = sorted({result.clip.kind for result in results})
    for name in [*kinds, "all"] if len(kinds) > 1 else kinds:
        print_row(name, [result for result in results if name in (result.clip.kind, "all")])


def print_row(name: str, results: list[Recognized]) -> None:
    audio = sum(result.audio for result in results)
    said = sum(len(result.clip.reference) for result in results)
    low, high = interval(results)
    subs, dels, adds = (sum(result.errors[i] for result in results) for i in range(3))
    cpu, wall = (sum(getattr(r, part) for r in results) / audio for part in ("cpu", "wall"))
    print(f"{name:18} {len(results):5} {audio:8.1f} {said:6} {rate(results):6.1f} ", end="")
    print(f"{f'{low:.1f} to {high:.1f}':>14} {subs:4} {dels:4} {adds:4} {cpu:7.3f} {wall:6.3f}")


def print_word_times(results: Iterable[Recognized]) -> None:
    """Print the errors of word start times for recordings that have labeled words."""
    for result in results:
        labels = labeled(result.clip.path)
        spoken = [(word, part) for word in result.words for part in words(word.text)[:1]]
        match = SequenceMatcher(a=[w for w, _ in labels], b=[part for _, part in spoken])
        off = [
            abs(spoken[block.b + i][0].start - labels[block.a + i][1]) * 1000
            for block in match.get_matching_blocks()
            for i in range(block.size)
        ]
        if off:
            print(
                f"{result.clip.name:22} {len(off):3} of {len(labels):3} words: start off by ",
                end="",
            )
            print(f"{fmean(off):4.0f} ms in the mean, {median(off):4.0f} in the median")


def labeled(path: Path) -> list[tuple[str, float]]:
    """Read labeled words and their starts from beside a recording: JSON or a Praat TextGrid."""
    for ending in (".json", ".align.json", ".words.json"):
        if path.with_suffix(ending).is_file():
            loaded: Any = json.loads(path.with_suffix(ending).read_text(encoding="utf-8"))
            entries = cast(
                "list[dict[str, Any]]", loaded if isinstance(loaded, list) else loaded["words"]
            )
            return [
                (words(entry["word"])[0], entry["start"])
                for entry in entries
                if words(entry.get("word", ""))
            ]
    if path.with_suffix(".TextGrid").is_file():
        text = path.with_suffix(".TextGrid").read_text(encoding="utf-8", errors="replace")
        text = next((t for t in re.split(r"item \[\d+\]:", text) if 'name = "word' in t), "")
        rows = re.findall(r"xmin = ([\d.]+)\s+xmax = [\d.]+\s+text = \"([^\"]*)\"", text)
        return [(words(word)[0], float(start)) for start, word in rows if words(word)]
    return []


def write_smoke_corpus(folder: Path) -> None:
    """Write a manifest of two recordings of tests/audio."""
    audio = ROOT / "tests" / "audio"
    known = {entry["file"]: entry for entry in json.loads((audio / "manifest.json").read_text())}
    names = ("id", "path", "subset", "lang", "rate", "duration_s", "reference", "notes")
    with (folder / "manifest.tsv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(names)
        for name in SMOKE_CLIPS:
            entry = known[name]
            measured = (entry["sample_rate"], entry["seconds"], entry["text"])
            writer.writerow((name, audio / name, "en-core", "en-US", *measured, ""))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path, nargs="?", help="the folder with manifest.tsv")
    parser.add_argument("--quick", action="store_true", help="a smoke run on two short clips")
    parser.add_argument("--subset", action="append", help="default: en-core")
    parser.add_argument("--long", action="store_true", help="use the long recordings")
    parser.add_argument(
        "--partials", action="store_true", help="request partials, as live callers do"
    )
    parser.add_argument("--pause", type=float, help="segmentation_silence, in seconds")
    parser.add_argument(
        "--no-align", action="store_true", help="estimate word times instead of aligning them"
    )
    parser.add_argument("--workers", type=int)
    parser.add_argument("-v", "--verbose", type=int, default=0, help="print the N worst clips")
    asked = parser.parse_args()
    if asked.corpus is None and not asked.quick:
        parser.error("name the corpus, or pass --quick")
    return asked


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as folder:
        if asked.quick:
            print(SMOKE_NOTICE)
            asked.corpus = Path(folder)
            write_smoke_corpus(asked.corpus)
        measure(asked)


def measure(asked: argparse.Namespace) -> None:
    """Recognize the clips and print the tables."""
    subsets = asked.subset or (["long"] if asked.long else ["en-core"])
    options = RecognitionOptions(partials=asked.partials, segmentation_silence=asked.pause)
    backend = LocalBackend(workers=asked.workers, align=False if asked.no_align else None)
    loaded = load_seconds(backend)
    results = [recognize(backend, clip, options) for clip in clips(asked.corpus, subsets)]
    memory = peak_memory()
    for result in results:
        score(result)
    print(machine("moonshine-voice", "onnxruntime"))
    print(f"options  {options!r}, word times {backend.capabilities.word_times}")
    print_table(results)
    print(f"loading took {loaded:.2f} s; peak memory {memory:.0f} MB; ", end="")
    print(f"{sum(result.partials for result in results)} partials")
    print_word_times(results)
    for result in sorted(results, key=lambda r: -sum(r.errors))[: asked.verbose]:
        print(f"\n{sum(result.errors)} of {len(result.clip.reference)}  {result.clip.name}")
        print(f"  reference:  {' '.join(result.clip.reference)}")
        print(f"  recognized: {' '.join(result.text)}")


def load_seconds(backend: RecognizerBackend) -> float:
    """Load the model; return how long that took, in seconds."""
    began = time.perf_counter()
    session = backend.open(RecognitionOptions(), AudioFormat(), lambda _: None)
    session.start()
    session.close()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
