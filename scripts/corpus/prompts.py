"""Recordings from Debian's packages: telephone prompts in five languages, and ALSA's voices."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.corpus.builder import Row
from scripts.corpus.sources import ALSA, ALSA_VOICES, PROMPTS, PROMPTS_G722

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.corpus.builder import Corpus
    from scripts.corpus.fetch import Sources
    from scripts.corpus.sources import Prompts

SOUNDS = "usr/share/asterisk/sounds"
WORDS_MIN, WORDS_MAX = 7, 60
NOT_SPOKEN_AS_WRITTEN = re.compile(
    r"[\[(\N{REPLACEMENT CHARACTER}<>*]|asterisk|digium|\?\w", re.IGNORECASE
)
MENU = "basic-pbx-ivr-main"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: its name in the package, its text and its file."""

    name: str
    text: str
    path: Path


def texts(sources: Sources, lang: str) -> dict[str, str]:
    """Read the texts of a language's prompts, by name."""
    package = f"asterisk-core-sounds-{lang}"
    path = sources.debian_file(package, f"usr/share/doc/{package}/core-sounds-{lang}.txt.gz")
    listing = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
    return dict(re.findall(r"^([\w/\-]+):[^\S\n]*(\S.*)$", listing, re.MULTILINE))


def usable(sources: Sources, prompts: Prompts) -> list[Prompt]:
    """Return the prompts that are long enough and spoken as written."""
    package = f"asterisk-core-sounds-{prompts.lang}-wav"
    folder = sources.debian_file(package, f"{SOUNDS}/{prompts.folder}")
    found: list[Prompt] = []
    for name, text in sorted(texts(sources, prompts.lang).items()):
        path = folder / f"{name}.wav"
        long_enough = WORDS_MIN <= len(text.split()) <= WORDS_MAX
        if long_enough and not NOT_SPOKEN_AS_WRITTEN.search(text) and path.exists():
            found.append(Prompt(name, text, path))
    return found


def add_prompts(corpus: Corpus) -> None:
    """Add an evenly spaced selection of each language's prompts."""
    for prompts in PROMPTS:
        found = usable(corpus.sources, prompts)
        step = max(1, len(found) // prompts.count)
        for prompt in found[::step][: prompts.count]:
            name = f"ast_{prompts.lang}_{prompt.name.replace('/', '_')}"
            row = Row(
                id=name,
                subset="en-core" if prompts.lang == "en" else prompts.lang,
                lang=prompts.tag,
                speaker=prompts.speaker,
                source=corpus.sources.debian_label(f"asterisk-core-sounds-{prompts.lang}-wav"),
                source_path=prompt.path.relative_to(corpus.sources.debian).as_posix(),
                license=prompts.license,
                reference=prompt.text,
                notes="8 kHz 16-bit telephone prompt",
            )
            corpus.add(corpus.copy(prompt.path, f"{prompts.lang}/{name}.wav"), row)


def add_g722(corpus: Corpus) -> None:
    """Add one prompt as bare G.722."""
    english = PROMPTS[0]
    pattern = f"{SOUNDS}/{english.folder}/{MENU}.g722"
    source = corpus.sources.debian_file(PROMPTS_G722, pattern)
    row = Row(
        id="ast_en_ivr_g722",
        subset="formats",
        speaker=english.speaker,
        source=corpus.sources.debian_label(PROMPTS_G722),
        source_path=source.relative_to(corpus.sources.debian).as_posix(),
        license=english.license,
        reference=texts(corpus.sources, english.lang)[MENU],
        notes="raw G.722, 16 kHz",
    )
    corpus.add(corpus.copy(source, f"formats/ast_en_{MENU}.g722"), row)


def add_alsa(corpus: Corpus) -> None:
    """Add the voices of the speaker test."""
    for name in ALSA_VOICES:
        source = corpus.sources.debian_file(ALSA, f"usr/share/sounds/alsa/{name}.wav")
        row = Row(
            id=f"alsa_{name.lower()}",
            subset="en-core",
            speaker="alsa (f)",
            source=corpus.sources.debian_label(ALSA),
            source_path=source.relative_to(corpus.sources.debian).as_posix(),
            license="GPL-2 (package)",
            redistributable="no",
            reference=name.replace("_", " "),
            notes="48 kHz",
        )
        corpus.add(corpus.copy(source, f"en/alsa_{name}.wav"), row)
