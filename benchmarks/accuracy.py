"""How well and at what cost the embedded recognizer hears: `python benchmarks/accuracy.py CORPUS`.

CORPUS is a folder with a manifest.tsv (columns id, path, subset, lang, rate, duration_s,
reference, notes). Every clip goes through azstt's own decoder and the real port; both are in the
times. Word error rates are of words in one spelling (`_wording.py`); the intervals are 95 %
bootstraps over the clips.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import SequenceMatcher
from pathlib import Path
from statistics import fmean, median

import jiwer
import numpy as np

from azstt import RecognitionOptions, Word
from azstt._audio import open_audio
from azstt._audio_format import AudioFormat
from azstt._events import Event, Failed, Final, Partial
from azstt.backends import RecognizerBackend
from azstt.backends.local import LocalBackend
from benchmarks.wording import words

if sys.platform != "win32":
    import resource

#: Below this rate, in hertz, half of what tells consonants apart is not there.
WIDEBAND = 16_000
#: Seconds; in a shorter clip little helps the model to guess.
SHORT = 3.0


@dataclass
class Clip:
    """A recording and what is known of it."""

    name: str
    path: Path
    kind: str
    reference: list[str]


@dataclass
class Heard:
    """What came out, and what it took."""

    clip: Clip
    text: list[str]
    words: list[Word]
    audio: float
    wall: float
    cpu: float
    partials: int = 0
    errors: tuple[int, int, int] = (0, 0, 0)  # substituted, deleted, inserted


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


def recognize(backend: RecognizerBackend, clip: Clip, options: RecognitionOptions) -> Heard:
    """Take a clip from its file to words."""
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
    heard = Heard(clip, [], [], AudioFormat().seconds(size), wall, cpu)
    for event in events:
        match event:
            case Final(segment=segment):
                heard.text += words(segment.text)
                heard.words += segment.words
            case Partial():
                heard.partials += 1
            case Failed(error=error):
                raise error
            case _:
                pass
    return heard


def score(heard: Heard) -> None:
    """Count the errors."""
    if heard.text and heard.clip.reference:
        found = jiwer.process_words(" ".join(heard.clip.reference), " ".join(heard.text))
        heard.errors = (found.substitutions, found.deletions, found.insertions)
    else:
        heard.errors = (0, len(heard.clip.reference), len(heard.text))


def rate(results: list[Heard]) -> float:
    """Give the word error rate in percent."""
    said = sum(len(result.clip.reference) for result in results)
    return 100 * sum(sum(result.errors) for result in results) / max(1, said)


def interval(results: list[Heard], times: int = 2000) -> tuple[float, float]:
    """Give the 95 % interval of the word error rate."""
    drawn = np.random.default_rng(1).integers(len(results), size=(times, len(results)))
    wrong = np.array([sum(result.errors) for result in results])[drawn].sum(axis=1)
    said = np.array([len(result.clip.reference) for result in results])[drawn].sum(axis=1)
    low, high = np.percentile(100 * wrong / np.maximum(1, said), (2.5, 97.5))
    return float(low), float(high)


def print_table(results: list[Heard]) -> None:
    print(
        f"{'':18} {'clips':>5} {'audio s':>8} {'words':>6} {'WER %':>6} {'95 % interval':>14} ",
        end="",
    )
    print(f"{'sub':>4} {'del':>4} {'ins':>4} {'cpuRTF':>7} {'RTF':>6}")
    kinds = sorted({result.clip.kind for result in results})
    for name in [*kinds, "all"] if len(kinds) > 1 else kinds:
        print_row(name, [result for result in results if name in (result.clip.kind, "all")])


def print_row(name: str, results: list[Heard]) -> None:
    audio = sum(result.audio for result in results)
    said = sum(len(result.clip.reference) for result in results)
    low, high = interval(results)
    subs, dels, adds = (sum(result.errors[i] for result in results) for i in range(3))
    cpu, wall = (sum(getattr(r, part) for r in results) / audio for part in ("cpu", "wall"))
    print(f"{name:18} {len(results):5} {audio:8.1f} {said:6} {rate(results):6.1f} ", end="")
    print(f"{f'{low:.1f} to {high:.1f}':>14} {subs:4} {dels:4} {adds:4} {cpu:7.3f} {wall:6.3f}")


def print_word_times(results: Iterable[Heard]) -> None:
    """Print how far word starts are off where the recording came with labeled words."""
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
    """Read the words and their starts that lie beside a recording: JSON, or a Praat TextGrid."""
    for ending in (".json", ".align.json"):
        if path.with_suffix(ending).is_file():
            rows = json.loads(path.with_suffix(ending).read_text(encoding="utf-8"))
            rows = rows.get("words", []) if isinstance(rows, dict) else rows
            return [(words(r["word"])[0], r["start"]) for r in rows if words(r.get("word", ""))]
    if path.with_suffix(".TextGrid").is_file():
        text = path.with_suffix(".TextGrid").read_text(encoding="utf-8", errors="replace")
        text = next((t for t in re.split(r"item \[\d+\]:", text) if 'name = "word' in t), "")
        rows = re.findall(r"xmin = ([\d.]+)\s+xmax = [\d.]+\s+text = \"([^\"]*)\"", text)
        return [(words(word)[0], float(start)) for start, word in rows if words(word)]
    return []


def peak_memory() -> str:
    """Give the most memory that the process ever had, in MB."""
    if sys.platform == "win32":
        return "?"
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit)


def print_machine() -> None:
    print(f"date     {datetime.now(UTC):%Y-%m-%d}")
    print(
        f"machine  {os.cpu_count()} processors, {platform.machine()}, {platform.system()}; ", end=""
    )
    print(f"Python {platform.python_version()}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("corpus", type=Path, help="the folder that holds manifest.tsv")
    parser.add_argument("--subset", action="append", help="default: en-core")
    parser.add_argument("--long", action="store_true", help="the long recordings")
    parser.add_argument("--partials", action="store_true", help="as a live caller would ask")
    parser.add_argument("--pause", type=float, help="segmentation_silence, in seconds")
    parser.add_argument("--no-align", action="store_true", help="spread the word times")
    parser.add_argument("--workers", type=int)
    parser.add_argument("-v", "--verbose", type=int, default=0, help="print the N worst clips")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    subsets = asked.subset or (["long"] if asked.long else ["en-core"])
    options = RecognitionOptions(partials=asked.partials, segmentation_silence=asked.pause)
    backend = LocalBackend(workers=asked.workers, align=False if asked.no_align else None)
    began = time.perf_counter()
    opened = backend.open(RecognitionOptions(), AudioFormat(), lambda _: None)
    opened.start()
    opened.close()
    loaded = time.perf_counter() - began
    results = [recognize(backend, clip, options) for clip in clips(asked.corpus, subsets)]
    memory = peak_memory()
    for result in results:
        score(result)
    print_machine()
    print(f"options  {options!r}, word times {backend.capabilities.word_times}")
    print_table(results)
    print(f"loading took {loaded:.2f} s; at most {memory} MB of memory; ", end="")
    print(f"{sum(result.partials for result in results)} partials")
    print_word_times(results)
    for result in sorted(results, key=lambda r: -sum(r.errors))[: asked.verbose]:
        print(f"\n{sum(result.errors)} of {len(result.clip.reference)}  {result.clip.name}")
        print(f"  said:  {' '.join(result.clip.reference)}\n  heard: {' '.join(result.text)}")


if __name__ == "__main__":
    main()
