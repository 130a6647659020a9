"""Recordings without a human voice: synthetic speech, silence and noise."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scripts.corpus.audio import WAV, Samples, read_audio, silence
from scripts.corpus.builder import Row
from scripts.corpus.fetch import require, run
from scripts.corpus.sources import packages

if TYPE_CHECKING:
    from scripts.corpus.builder import Corpus

RATE = 16000
SAMPLES = "pytest_audioeval/samples/audio"
SAMPLE_LANGUAGES = {
    "en": "en-US",
    "es": "es-ES",
    "fr": "fr-FR",
    "hi": "hi-IN",
    "it": "it-IT",
    "ja": "ja-JP",
    "pl": "pl-PL",
    "pt": "pt-BR",
    "zh": "zh-CN",
}
SENTENCE = "please call stella and ask her to bring six spoons of fresh snow peas from the store"
WORD_GAP = 0.08  # seconds between words
AUDIBLE = 0.01  # of full scale
EDGE = 160  # samples kept around what is audible
SENTENCES = (
    ("en-us", "en-US", "the quick brown fox jumps over the lazy dog"),
    ("es", "es-ES", "buenos días me llamo ana y vivo en madrid"),
    ("de", "de-DE", "guten morgen das ist ein kurzer test"),
)
EDGE_SECONDS = 5
NOISE_LEVEL = 0.05  # standard deviation, of full scale 1


def add_samples(corpus: Corpus) -> None:
    """Add the sentences that come with pytest-audioeval, in nine languages."""
    package = packages()["pytest-audioeval"]
    folder = corpus.sources.package(package)
    for source in sorted((folder / SAMPLES).glob("*/*.wav")):
        lang = source.parent.name
        row = Row(
            id=f"tts_{lang}_{source.stem}",
            subset="tts",
            lang=SAMPLE_LANGUAGES[lang],
            kind="tts",
            speaker="Kokoro-like TTS",
            source=package.label,
            source_path=source.relative_to(folder).as_posix(),
            license="MIT",
            reference=source.with_suffix(".txt").read_text(encoding="utf-8"),
        )
        corpus.add(corpus.copy(source, f"tts/{lang}_{source.stem}.wav"), row)


def say(program: str, word: str, target: Path) -> None:
    """Synthesize one word into a file."""
    if program == "espeak-ng":
        run("espeak-ng", "-v", "en-us", "-s", "150", "-w", str(target), word)
    else:
        run("flite", "-voice", "slt", "-t", word, "-o", str(target))


def spoken_alone(program: str, word: str) -> Samples:
    """Synthesize one word, without the silence around it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "word.wav"
        say(program, word, path)
        samples = read_audio(path, RATE)
    audible = np.flatnonzero(np.abs(samples[0]) > AUDIBLE)
    return samples[:, max(0, audible[0] - EDGE) : audible[-1] + EDGE]


def add_words(corpus: Corpus, program: str) -> None:
    """Add a sentence that is synthesized word by word, so that the word times are exact."""
    require(program)
    parts, now = [silence(0.5, RATE)], 0.5
    marks: list[dict[str, object]] = []
    for word in SENTENCE.split():
        samples = spoken_alone(program, word)
        end = now + samples.shape[1] / RATE
        marks.append({"word": word, "start": round(now, 4), "end": round(end, 4)})
        parts += [samples, silence(WORD_GAP, RATE)]
        now = end + WORD_GAP
    name = f"tts_words_{program.replace('-', '')}"
    corpus.put_json(f"tts/{name}.json", marks)
    row = Row(
        id=name,
        subset="tts-words",
        kind="tts",
        speaker=program,
        source=f"Debian {program}",
        license=f"output of {program}",
        reference=SENTENCE,
        notes="exact word times in .json (each word synthesized alone, 80 ms gaps)",
    )
    samples = np.concatenate(parts, axis=1)
    corpus.add(corpus.put_audio(f"tts/{name}.wav", samples, RATE, WAV), row)


def add_sentences(corpus: Corpus) -> None:
    """Add espeak-ng's sentences in three languages."""
    require("espeak-ng")
    for voice, lang, text in SENTENCES:
        path = corpus.new(f"tts/espeak_{voice}.wav")
        run("espeak-ng", "-v", voice, "-w", str(path), text)
        row = Row(
            id=f"tts_espeak_{voice}",
            subset="tts",
            lang=lang,
            kind="tts",
            speaker="espeak-ng",
            source="Debian espeak-ng",
            license="output of espeak-ng",
            reference=text,
        )
        corpus.add(path, row)


def add_edges(corpus: Corpus) -> None:
    """Add recordings without speech: silence and noise."""
    count = EDGE_SECONDS * RATE
    noise = np.random.default_rng(0).normal(0, NOISE_LEVEL, (1, count)).astype(np.float32)
    for name, samples in (("silence", silence(EDGE_SECONDS, RATE)), ("noise", noise)):
        row = Row(
            id=f"edge_{name}",
            subset="edge",
            lang="und",
            kind="none",
            speaker="",
            source="made",
            license="CC0",
            reference="",
        )
        corpus.add(corpus.put_audio(f"edge/{name}_5s.wav", samples, RATE, WAV), row)
