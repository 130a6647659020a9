"""The rows of the corpus's manifest, and the folder that they describe."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from scripts.corpus.audio import WAV, Encoding, Samples, level, mono, probe, read_audio, write_audio
from scripts.corpus.sources import packages

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.corpus.fetch import Sources
    from scripts.corpus.sources import Item

HEADERLESS_RATE = 16000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A recording; the fields are the columns of the manifest."""

    id: str
    path: str = ""
    subset: str
    lang: str = "en-US"
    kind: str = "human"
    speaker: str
    duration_s: float = 0.0
    rate: int = 0
    channels: int = 0
    codec: str = ""
    source: str
    source_path: str = ""
    license: str
    redistributable: str = "yes"
    reference: str
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a composed recording with one speaker; times in seconds."""

    start: float
    end: float
    speaker: str
    text: str
    id: str | None = None
    channel: str | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the fields that are not None, for JSON."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(slots=True)
class Corpus:
    """The corpus while it is being built: a folder, and its rows so far."""

    folder: Path
    sources: Sources
    rows: list[Row] = field(default_factory=list[Row])

    def new(self, target: str) -> Path:
        """Create the parent folder of a target; return its path."""
        path = self.folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def copy(self, source: Path, target: str) -> Path:
        """Copy a file into the corpus."""
        return shutil.copyfile(source, self.new(target))

    def add(self, path: Path, row: Row) -> None:
        """Measure a recording and add its row."""
        info = probe(path)
        self.rows.append(
            replace(
                row,
                path=path.relative_to(self.folder).as_posix(),
                duration_s=info.seconds,
                rate=info.rate,
                channels=info.channels,
                codec=f"{info.container}/{info.codec}",
                reference=" ".join(row.reference.split()),
            )
        )

    def add_item(self, item: Item) -> None:
        """Add a recording from a Python package."""
        package = packages()[item.package]
        folder = self.sources.package(package)
        source = folder / item.path
        if item.headerless:
            path = self.new(item.target)
            samples = np.fromfile(source, "<i2").astype(np.float32) / 32768
            write_audio(path, mono(samples), HEADERLESS_RATE, WAV)
        else:
            path = self.copy(source, item.target)
        for inside, target in item.beside:
            if (folder / inside).exists():
                self.copy(folder / inside, target)
        row = Row(
            id=item.id,
            subset=item.subset,
            lang=item.lang,
            speaker=item.speaker,
            source=package.label,
            source_path=item.path,
            license=item.license,
            redistributable=item.redistributable,
            reference=item.reference or reference_text(folder, item),
            notes=item.notes,
        )
        self.add(path, row)

    def row(self, name: str) -> Row | None:
        """Find a row by its id."""
        return next((row for row in self.rows if row.id == name), None)

    def samples(self, row: Row, rate: int) -> Samples:
        """Decode a recording to one channel, at a normalized level."""
        return level(read_audio(self.folder / row.path, rate))

    def put_json(self, target: str, value: object) -> None:
        """Write a JSON file beside a recording."""
        text = json.dumps(value, indent=1, ensure_ascii=False)
        self.new(target).write_text(text + "\n", encoding="utf-8")

    def put_segments(self, target: str, segments: list[Segment]) -> None:
        """Write the list of segments beside a recording."""
        self.put_json(target, [segment.as_dict() for segment in segments])

    def put_audio(self, target: str, samples: Samples, rate: int, encoding: Encoding) -> Path:
        """Write a recording that was composed here."""
        path = self.new(target)
        write_audio(path, samples, rate, encoding)
        return path

    def write_manifest(self) -> None:
        """Write manifest.tsv."""
        names = [column.name for column in fields(Row)]
        path = self.folder / "manifest.tsv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names, delimiter="\t")
            writer.writeheader()
            writer.writerows(asdict(row) for row in self.rows)

    def summary(self) -> str:
        """Return the number and duration of recordings by subset, as text."""
        counts = Counter(row.subset for row in self.rows)
        seconds: defaultdict[str, float] = defaultdict(float)
        for row in self.rows:
            seconds[row.subset] += row.duration_s
        lines = [f"{name:14} {n:4} recordings {seconds[name]:8.1f} s" for name, n in counts.items()]
        return "\n".join([*lines, f"{'all':14} {len(self.rows):4} recordings"])


def reference_text(folder: Path, item: Item) -> str:
    """Read the reference text of a recording from the files beside it."""
    texts = [(folder / name).read_text(encoding="utf-8").strip() for name in item.texts]
    text = " ".join(texts)
    for pattern, words in item.replacements:
        text = re.sub(pattern, words, text)
    return text
